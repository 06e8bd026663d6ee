"""``python -m billhook`` is the same as ``billhook``."""

from billhook.cli import main

if __name__ == "__main__":
    main()
