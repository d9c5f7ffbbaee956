"""The modules that tests here share."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType


def _shared(name: str) -> ModuleType:
    """A module beside this file, for tests to import: they are no package."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


planting, plants = map(_shared, ("planting", "plants"))
