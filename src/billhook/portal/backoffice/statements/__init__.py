"""The statement of a customer, as members see it."""
