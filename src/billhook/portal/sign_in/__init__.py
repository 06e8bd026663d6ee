"""The pages on which people sign in and out, and change their own settings."""
