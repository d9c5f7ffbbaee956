"""Completion for shells, made from the parsers of the commands."""

from clinseek_tui.completion.installing import install_completion

__all__ = ["install_completion"]
