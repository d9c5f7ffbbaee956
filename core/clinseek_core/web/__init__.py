"""The web as an agent reads it: pages and their lines, a stack of them, and where they come from."""
