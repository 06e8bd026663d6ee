"""Columns: the fields that a file can fill, their names in six languages, and guesses."""
