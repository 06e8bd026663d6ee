"""The data plane: API key, command, document. Knows no Django."""
