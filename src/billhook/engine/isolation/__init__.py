"""Isolation of costly work: a process that can do nothing else, and a fair share of places."""
