"""The gateway: takes an API key and tokens, returns a document. Plain ASGI, without Django."""
