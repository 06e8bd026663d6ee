"""Try it: a member runs a command that isn't saved yet, and sees every step."""
