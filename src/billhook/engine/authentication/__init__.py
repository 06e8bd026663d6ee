"""Authentication of requests: the schemes, OAuth tokens, sessions and TLS."""
