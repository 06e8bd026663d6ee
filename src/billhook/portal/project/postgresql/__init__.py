"""Our own database backend for PostgreSQL."""
