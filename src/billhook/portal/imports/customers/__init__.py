"""Customers and their contacts in a file: read, compared with the known ones, and written."""
