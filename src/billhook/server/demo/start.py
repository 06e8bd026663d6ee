"""The story of the demo, from an empty folder to a server that is stopped cleanly."""

from __future__ import annotations

import contextlib
import shutil
import socket  # noqa: TID251 - for the type of the listening socket
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from billhook.portal.installation import environment
from billhook.portal.installation.data_folder import data_path
from billhook.server.connections.listener import address_of, listen, raise_file_limit
from billhook.server.demo.report import Teller
from billhook.server.demo.sample_process import SampleProcess
from billhook.server.demo.state import DemoState, keep_state, load_state
from billhook.server.django_setup import set_up_django
from billhook.server.errors import CannotStart
from billhook.server.jobs.child import JobProcesses

if TYPE_CHECKING:
    from billhook.server.demo.tour import Tour

_HOST: Final = "127.0.0.1"
_PORT: Final = 8000
_PORTS_TRIED: Final = 20
_PAYMENTS: Final = "sample-books.json"


def run_demo(*, port: int | None, data_dir: Path | None, teller: Teller) -> None:
    """Create the demo, show one VIEW, and serve until the process is stopped.

    Without *port* it is the first free one from 8000 on. Without *data_dir* it is a new folder
    that goes when the demo ends.

    Raises:
        CannotStart: with a sentence that explains why.
    """
    with contextlib.ExitStack() as stack:
        listening = stack.enter_context(_listen(port))
        folder = data_dir or stack.enter_context(_passing_folder())
        allowed = environment.given().get("BILLHOOK_ALLOW", "")
        _use_settings(folder, address_of(listening))
        state = load_state()
        sample = stack.enter_context(_start_sample(state))
        keep_state(replace(state, sample_port=sample.port))
        systems = f"{_HOST}:{sample.port},{allowed}"  # the sample, and what the operator allows
        environment.put("BILLHOOK_ALLOW", systems.rstrip(","))
        tour = _make_ready(sample, state, address_of(listening))
        teller.tell_start(tour.facts, port_taken=port is None and not _is_on(listening, _PORT))
        _serve(listening, tour, teller)


def _listen(port: int | None) -> socket.socket:
    if port is not None:
        return listen(_HOST, port)
    for candidate in range(_PORT, _PORT + _PORTS_TRIED):
        with contextlib.suppress(CannotStart):
            return listen(_HOST, candidate)
    return listen(_HOST, 0)


def _is_on(listening: socket.socket, port: int) -> bool:
    return bool(listening.getsockname()[1] == port)


@contextlib.contextmanager
def _passing_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="billhook-demo-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _use_settings(folder: Path, address: str) -> None:
    """Set what the demo needs. It takes nothing from the environment: no real database, no mail.

    The caller adds the systems of one's own that BILLHOOK_ALLOW names.
    """
    for setting in environment.SETTINGS:
        environment.put(setting.name, "")
    environment.put("BILLHOOK_DATA_DIR", str(folder))
    environment.put("BILLHOOK_PUBLIC_URL", address)
    environment.put("BILLHOOK_LOG_LEVEL", "warning")
    environment.put("BILLHOOK_SHOW_PRIVATE_ANSWERS", "true")  # the sample is the only one there


def _start_sample(state: DemoState) -> SampleProcess:
    try:
        return SampleProcess(
            key=state.sample_key,
            today=state.today,
            payments=data_path(_PAYMENTS),
            port=state.sample_port,
        )
    except CannotStart:
        if not state.sample_port:
            raise
        raise CannotStart(
            f"This demo's sample billing system needs port {state.sample_port} again, and can't "
            "have it. Stop what uses that port, or start a new demo without --data-dir."
        ) from None


def _make_ready(sample: SampleProcess, state: DemoState, address: str) -> Tour:
    set_up_django()
    from billhook.server.database import prepare_database
    from billhook.server.demo.seed import (
        SampleAccess,
        is_seeded,
        new_nudge,
        seed_demo,
    )
    from billhook.server.demo.tour import plan_tour

    prepare_database()
    if not is_seeded():
        access = SampleAccess(address=sample.address, key=state.sample_key)
        seed_demo(access, password=state.password)
    if nudge := new_nudge():
        sample.tell_changes_to(f"{address}{nudge}")
    return plan_tour(address=address, sample=sample, state=state)


def _serve(listening: socket.socket, tour: Tour, teller: Teller) -> None:
    from billhook.server.composition import create_app
    from billhook.server.demo.tour import go_on_tour
    from billhook.server.uvicorn_server import serve_in_this_process

    raise_file_limit()
    application = create_app(JobProcesses.of_settings())
    go_on_tour(tour, teller)
    serve_in_this_process(application, listening)
