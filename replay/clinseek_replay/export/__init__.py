"""Export: recordings in the formats of others, and as pages to hand on."""

from clinseek_replay.export.atif import atif_document
from clinseek_replay.export.atif_shape import atif_problems
from clinseek_replay.export.files import new_file
from clinseek_replay.export.openai import openai_line, openai_record
from clinseek_replay.export.run_page import run_page
from clinseek_replay.export.triage_page import triage_page
from clinseek_replay.export.writing import FORMATS, Exported, export

__all__ = [
    "FORMATS",
    "Exported",
    "atif_document",
    "atif_problems",
    "export",
    "new_file",
    "openai_line",
    "openai_record",
    "run_page",
    "triage_page",
]
