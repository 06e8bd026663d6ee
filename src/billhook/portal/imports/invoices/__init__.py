"""Invoices in a file: read from its rows, compared with the known ones, and written."""
