"""Runs: the recorder, the rows and their outcomes, and how long they are kept."""
