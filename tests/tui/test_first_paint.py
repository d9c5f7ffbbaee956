"""What the first paint must not wait for."""

from __future__ import annotations

import subprocess
import sys

HEAVY = [
    "duckdb",
    "numpy",
    "openai",
    "pandas",
    "PIL",
    "pydicom",
    "pygments",
    "sqlparse",
    "term_image",
    "torch",
]
SCRIPT = f"""
import sys
import clinseek_tui.app, clinseek_replay.source
print([name for name in {HEAVY} if name in sys.modules], "textual" in sys.modules)
"""


def test_the_app_and_its_sources_load_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[] True"
