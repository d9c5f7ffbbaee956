"""Where pages come from: a corpus on this machine, the web itself, or what was recorded of it."""
