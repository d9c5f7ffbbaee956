"""Recordings: read any, step through them, and know what an agent saw."""
