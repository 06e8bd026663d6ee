"""The start of the server: the checks, the lines on the terminal, and the number of processes."""

from __future__ import annotations

from collections.abc import Callable

from billhook.portal.installation import environment
from billhook.server.django_setup import set_up_django
from billhook.server.listener import address_of, listen, raise_file_limit
from billhook.server.service_manager import ServiceManager


def start(*, host: str, port: int, say: Callable[[str], None]) -> None:
    """Prepare the database, then serve on *host* and *port* until the process is stopped.

    *say* gets the lines for the person who starts it.

    Raises:
        ConfigurationError: with every problem in the settings.
        CannotStart: with a sentence that explains why.
    """
    workers = environment.current().workers
    set_up_django()
    from billhook.server.database import prepare_database
    from billhook.server.keys import check_keys

    ServiceManager.of_this_process().status("Bringing the database up to date")
    prepare_database()
    check_keys()
    raise_file_limit()
    with listen(host, port) as listening:
        _tell_where(address_of(listening), say)
        if workers > 1:
            from billhook.server.supervisor import Supervisor

            Supervisor(workers, listening).run()
        else:
            from billhook.server.composition import create_app
            from billhook.server.uvicorn_server import serve_in_this_process

            serve_in_this_process(create_app(), listening)


def _tell_where(address: str, say: Callable[[str], None]) -> None:
    from billhook.portal.organisations.first_run import setup_code

    for problem in environment.unknown_names():
        say(f"Warning: {problem.message}")
    say(f"Billhook listens on {address}, data in {environment.current().data_dir}")
    code = setup_code()
    if code is not None:
        say(
            f"Nobody has an account yet. Open {_public(address)}/setup to make the first one;\n"
            f"the page asks for this code: {code}"
        )
    say("Ctrl+C stops it.")


def _public(address: str) -> str:
    """Return the public address if one is set, else the one that the server listens on."""
    public = environment.current().public_url
    return address if public == environment.DEFAULT_PUBLIC_URL else public.rstrip("/")
