"""The Django project: settings, URLs, middleware, error pages and the SQLite backend."""
