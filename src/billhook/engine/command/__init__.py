"""A command: its steps, and the way from what was typed to what can run."""
