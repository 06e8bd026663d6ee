"""The time that each page takes with a million invoices, on SQLite and PostgreSQL."""
