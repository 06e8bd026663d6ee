"""Invoices: the rows, their lists, the CSV import and export, and the summary as a PDF."""
