"""Connections of callers: the listening socket, and the limits on each connection."""
