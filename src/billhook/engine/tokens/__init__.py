"""Tokens: their catalogue, their values, functions, and the texts that contain them."""
