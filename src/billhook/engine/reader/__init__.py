"""Reader processes: responses are looked into there, within limits, and killed beyond them."""
