"""How fast Billhook is, beside nginx and beside what people write by hand: ``make bench``."""
