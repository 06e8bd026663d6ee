"""The start of the server: the checks, the lines on the terminal, and the number of processes."""

from __future__ import annotations

from collections.abc import Callable

from billhook.portal.installation import environment
from billhook.server.connections.listener import address_of, listen, raise_file_limit
from billhook.server.data_folder import require_writable_folder
from billhook.server.django_setup import set_up_django
from billhook.server.jobs.child import JobProcesses
from billhook.server.service_manager import ServiceManager


def start(*, host: str, port: int, say: Callable[[str], None]) -> None:
    """Prepare the database, then serve on *host* and *port* until the process is stopped.

    *say* gets the lines for the person who starts it.

    Raises:
        ConfigurationError: with every problem in the settings.
        CannotStart: with a sentence that explains why.
    """
    workers = environment.current().workers
    require_writable_folder()  # Django's apps read the signing key, which may have to be made
    set_up_django()
    from billhook.server.database import prepare_database
    from billhook.server.keys import check_keys, join_nodes, refuse_unfit_keys

    ServiceManager.of_this_process().status("Bringing the database up to date")
    prepare_database()
    check_keys()
    refuse_unfit_keys()
    join_nodes()
    raise_file_limit()
    with listen(host, port) as listening:
        _tell_where(address_of(listening), say)
        jobs = JobProcesses.of_settings()
        if workers > 1:
            from billhook.server.supervisor import Supervisor

            Supervisor(workers, listening, jobs).run()
        else:
            from billhook.server.composition import create_app
            from billhook.server.uvicorn_server import serve_in_this_process

            serve_in_this_process(create_app(jobs), listening)


def _tell_where(address: str, say: Callable[[str], None]) -> None:
    from billhook.portal.organisations.first_run import setup_code

    for problem in environment.unknown_names():
        say(f"Warning: {problem.message}")
    say(f"Billhook listens on {address}, data in {environment.current().data_dir}")
    code = setup_code()
    if code is not None:
        say(
            "Nobody has an account yet. Open this address to make the first one; it holds the\n"
            f"set-up code {code}: {_public(address)}/setup#code={code}"
        )
    say("Ctrl+C stops it.")


def _public(address: str) -> str:
    """Return the public address if one is set, else the one that the server listens on."""
    public = environment.current().public_url
    return address if public == environment.DEFAULT_PUBLIC_URL else public.rstrip("/")
