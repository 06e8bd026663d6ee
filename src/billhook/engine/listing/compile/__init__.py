"""Compiles a list command: what was typed becomes what can be read, or problems."""
