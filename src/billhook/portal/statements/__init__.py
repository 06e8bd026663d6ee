"""Statements of a customer for a period: on a page, as a PDF, as a CSV file, and printed."""
