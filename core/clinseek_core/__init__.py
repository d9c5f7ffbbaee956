"""The engine: from a case, through its snapshot and tools, to a journal of what an agent saw."""

from clinseek_core.version import __version__

__all__ = ["__version__"]
