"""Rows of the source's lists, and their effects on the portal's own rows."""
