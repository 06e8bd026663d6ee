"""Visits to a document: what a person may ask for on a page, and the responses."""
