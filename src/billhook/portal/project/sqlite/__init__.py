"""Django's SQLite backend, told where the data folder is."""
