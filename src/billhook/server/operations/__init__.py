"""The work behind the commands for operators, apart from `serve`."""
