"""Notices to members: a source fails, or works again."""
