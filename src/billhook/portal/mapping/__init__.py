"""Trying a list command: a sample of its rows, fields chosen by a click, and what would change."""
