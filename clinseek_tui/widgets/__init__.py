"""The debugger's widgets. Those that may be long paint the lines in view and hold nothing mounted."""
