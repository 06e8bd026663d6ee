"""The one place that combines gateway and portal into one ASGI application, and serves it."""
