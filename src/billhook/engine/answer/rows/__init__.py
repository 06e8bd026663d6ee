"""Rows of a list in a response: found, and the values taken out of each, in a reader process."""
