"""The response of a source: its content, the document in it, and the values taken from it."""
