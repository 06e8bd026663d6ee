"""Organisations, their members and roles, and the set-up of the first one."""
