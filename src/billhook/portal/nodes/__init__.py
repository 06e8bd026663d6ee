"""Nodes of one installation: their keys, whether they are alive, and the limits that they share."""
