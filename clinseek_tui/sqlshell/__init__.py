"""SQL on one patient's snapshot, typed by a person: statements, commands beside them, layouts of rows."""

from clinseek_tui.sqlshell.layouts import LAYOUTS
from clinseek_tui.sqlshell.shell import DOT_COMMANDS, Shell, Told, rows_named

__all__ = ["DOT_COMMANDS", "LAYOUTS", "Shell", "Told", "rows_named"]
