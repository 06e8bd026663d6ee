"""A small independent billing system, which makes a real PDF for each invoice of a made-up company.

The demo and the tests run it as a separate process (``python -m billhook.sample``). It stands for
the operator's own system, so it imports nothing of Billhook, and nothing of Billhook imports it.
"""
