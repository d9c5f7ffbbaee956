"""How good an answer is: set F1 with names in their normal form, and as the reference scores it."""

from clinseek_core.scoring.names import folded
from clinseek_core.scoring.set_f1 import Score, score

__all__ = ["Score", "folded", "score"]
