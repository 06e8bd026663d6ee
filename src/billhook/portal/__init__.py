"""The Django project: who, what, may they; pages, API and storage."""
