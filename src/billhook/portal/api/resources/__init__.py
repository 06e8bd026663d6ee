"""The resources of the API: their fields, and what each operation does."""
