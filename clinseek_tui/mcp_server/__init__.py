"""The tools of a case over the Model Context Protocol: one run and one journal for each connection."""
