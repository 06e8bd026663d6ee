"""The start of ``billhook work``: the same checks as for the server, then the job processes."""

from __future__ import annotations

import asyncio
import socket  # noqa: TID251 - for the type of the listening socket
from collections.abc import Callable
from typing import Final

from billhook.portal.installation import environment
from billhook.server.connections.listener import address_of, listen
from billhook.server.data_folder import require_writable_folder
from billhook.server.django_setup import set_up_django
from billhook.server.errors import CannotStart
from billhook.server.service_manager import ServiceManager

_HIGHEST_PORT: Final = 65535


def start_work(*, metrics: str | None, say: Callable[[str], None]) -> None:
    """Prepare the database, then work on jobs until the process is stopped.

    *metrics* is the address at which the counters are shown, as ``HOST:PORT``.

    Raises:
        ConfigurationError: with every problem in the settings.
        CannotStart: with a sentence that explains why.
    """
    settings = environment.current()
    require_writable_folder()  # Django's apps read the signing key, which may have to be made
    set_up_django()
    from billhook.server.database import prepare_database
    from billhook.server.keys import check_keys, join_nodes, refuse_unfit_keys

    ServiceManager.of_this_process().status("Bringing the database up to date")
    prepare_database()
    check_keys()
    refuse_unfit_keys()
    join_nodes()
    for problem in environment.unknown_names():
        say(f"Warning: {problem.message}")
    count = max(1, settings.job_processes)
    processes = "1 process" if count == 1 else f"{count} processes"
    say(f"Billhook works on jobs with {processes}, data in {settings.data_dir}")
    say("Ctrl+C stops it.")
    from billhook.server.jobs.working import keep_working

    listening = _listen(metrics, say) if metrics else None
    asyncio.run(keep_working(listening=listening))


def _listen(metrics: str, say: Callable[[str], None]) -> socket.socket:
    host, _, port = metrics.rpartition(":")
    if not host or not port.isdecimal() or int(port) > _HIGHEST_PORT:
        raise CannotStart(f"--metrics expects HOST:PORT, such as 127.0.0.1:9100, got {metrics}.")
    listening = listen(host.strip("[]"), int(port))
    say(f"Metrics at {address_of(listening)}/metrics")
    return listening
