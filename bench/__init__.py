"""Comparison of Billhook with nginx and with hand-written code: ``make bench``."""
