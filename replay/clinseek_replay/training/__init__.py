"""Recorded runs as data for supervised fine-tuning: chosen, cleaned in sight, rendered as `run` serves."""

from clinseek_replay.training.dataset import TrainingExport, export_training
from clinseek_replay.training.example import Wish
from clinseek_replay.training.selection import REASONS, Selection
from clinseek_replay.training.tokens import token_count

__all__ = ["REASONS", "Selection", "TrainingExport", "Wish", "export_training", "token_count"]
