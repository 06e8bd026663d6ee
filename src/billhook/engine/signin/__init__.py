"""How the requests of an integration are signed in: schemes, kept apart from the requests."""
