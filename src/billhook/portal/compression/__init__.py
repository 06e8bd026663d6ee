"""Compression of pages and static files: fewer bytes on the wire, and no secret leaks by length."""
