"""The parts of the store's memory: bounded, and each with one job."""
