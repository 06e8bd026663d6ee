"""The Django project: settings, URLs, middleware, error pages, logs and the data folder."""
