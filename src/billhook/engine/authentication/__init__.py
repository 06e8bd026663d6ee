"""Authentication: the schemes, OAuth tokens, sessions and TLS that the requests of an integration use."""
