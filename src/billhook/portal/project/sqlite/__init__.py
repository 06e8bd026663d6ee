"""Django's SQLite backend, which creates its file in the data folder."""
