"""Integrations: rows, secrets, tokens and API keys, and the store of commands ready to run."""
