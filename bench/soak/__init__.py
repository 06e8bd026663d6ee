"""A soak test: mixed load with failing sources for a set time, and what the server grows by."""
