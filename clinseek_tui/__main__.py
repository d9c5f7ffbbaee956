"""`python -m clinseek_tui` is `clinseek-tui`."""

from __future__ import annotations

import sys

from clinseek_tui.cli import main

if __name__ == "__main__":
    sys.exit(main())
