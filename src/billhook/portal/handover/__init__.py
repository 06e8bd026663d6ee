"""People handed over by an organisation's own site: sign-in with a token, and embedding."""
