"""Authentication schemes: each module has the fields of one, how it signs, and its preview."""
