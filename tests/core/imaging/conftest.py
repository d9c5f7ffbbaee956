"""The module that tests here share."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

_spec = importlib.util.spec_from_file_location("made_films", Path(__file__).with_name("made_films.py"))
assert _spec is not None
assert _spec.loader is not None
sys.modules["made_films"] = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(sys.modules["made_films"])
