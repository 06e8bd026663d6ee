"""The commands for operators. Each works on an installation that exists, and never makes one."""
