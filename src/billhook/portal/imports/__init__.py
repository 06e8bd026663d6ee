"""Imports of files: read, mapped, previewed, applied in chunks, and undone."""
