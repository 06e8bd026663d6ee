"""The Django project: who may see and do what, the pages, and the storage."""
