"""`billhook doctor`: checks of everything that an installation needs, each with what to do."""
