"""The built-in policy `seeker`: fixed rules that seek evidence with the tools, without a language model."""

from clinseek_core.seeker.model import Seeker

__all__ = ["Seeker"]
