"""Slots: how a value is encoded for the place where its token is."""
