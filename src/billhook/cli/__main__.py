"""``python -m billhook.cli`` is the same as ``billhook``."""

from billhook.cli import main

main()
