"""The one place that puts gateway and portal into one ASGI application, and serves it."""
