"""Try it: a member runs a command that is not saved yet, and sees every step."""
