"""``billhook`` and ``python -m billhook``: the command line, which Ctrl+C ends at any time."""

from __future__ import annotations

import signal
from typing import NoReturn


def main() -> NoReturn:
    """Load the command line and run it. While it loads, Ctrl+C ends the process silently."""
    usual = signal.getsignal(signal.SIGINT)
    if usual is signal.default_int_handler:  # not where the caller ignores it, as nohup may
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from billhook.cli import main as run

    signal.signal(signal.SIGINT, usual)
    run()


if __name__ == "__main__":
    main()
