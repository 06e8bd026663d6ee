"""The main process for jobs as a child of ``billhook serve``."""

from __future__ import annotations

import os
import signal
import sys
import threading

from billhook.server.django_setup import set_up_django


def main(arguments: list[str]) -> int:
    """Work on jobs until SIGTERM, or until the end of the process that started this one."""
    threading.Thread(target=_end_with_server, args=(int(arguments[0]),), daemon=True).start()
    work_on_jobs()
    return 0


def work_on_jobs() -> None:
    """Work on jobs until SIGTERM or SIGINT."""
    set_up_django()
    from billhook.portal.project.postgresql.limits import STATEMENT_SECONDS, TimeLimits
    from billhook.server.jobs.cluster import JobCluster

    TimeLimits.statement = STATEMENT_SECONDS
    JobCluster().run()


def _end_with_server(alive: int) -> None:
    os.read(alive, 1)  # nobody ever writes: this returns when the other end is closed
    signal.raise_signal(signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
