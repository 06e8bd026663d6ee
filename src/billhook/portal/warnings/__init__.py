"""Warnings on Home: each says what is wrong and what to do, and links to where it is done."""
