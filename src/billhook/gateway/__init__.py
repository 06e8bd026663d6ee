"""The gateway: an API key and tokens come in, a document goes out. Plain ASGI, no Django."""
