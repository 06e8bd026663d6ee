"""The first steps of a new organisation: its own first document, or the built-in sample."""
