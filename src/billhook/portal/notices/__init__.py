"""Notices: mail to contacts about their invoices."""
