"""How a value is written in each place that a token may stand in: the slots."""
