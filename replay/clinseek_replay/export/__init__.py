"""Export: recordings in the formats of others, and as pages to hand on."""

from clinseek_replay.export.writing import FORMATS, Exported, export

__all__ = ["FORMATS", "Exported", "export"]
