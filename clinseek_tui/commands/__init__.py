"""One module a command, with `add_arguments(parser)` and `main(args)`, which returns the exit code."""
