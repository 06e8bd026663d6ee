"""Backups of an installation: one file with every row, the keys and the settings.

docs/backup.md describes the file. It is the same for SQLite and PostgreSQL.
"""
