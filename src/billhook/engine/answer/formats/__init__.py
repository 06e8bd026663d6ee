"""Formats of what sources send, as pure functions of their bytes or text."""
