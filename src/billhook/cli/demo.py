"""``billhook demo``: everything running on this machine, with one VIEW to begin with."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from billhook.engine.command.preview import MaskedRequest
    from billhook.engine.http.trace import Attempt
    from billhook.server.demo.first_view import FirstView
    from billhook.server.demo.report import DemoFacts

USAGE_STATUS: Final = 2
_INDENT: Final = "  "
_NAME_WIDTH: Final = 12


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="The port of the portal (default: the first free one from 8000 on).",
)
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep the demo in this folder (default: a new demo each time).",
)
def demo(port: int | None, data_dir: Path | None) -> None:
    """Run an organisation's portal and a sample billing system, and show one VIEW.

    It listens on this machine only, sends no mail (codes are printed here) and takes no settings
    from the environment. Ctrl+C stops it.
    """
    from billhook.server.demo.start import run_demo
    from billhook.server.errors import CannotStart

    signal.signal(signal.SIGTERM, _end)  # until the server takes it over
    try:
        run_demo(port=port, data_dir=data_dir, teller=_Terminal())
    except CannotStart as error:
        click.echo(str(error), err=True)
        sys.exit(USAGE_STATUS)
    except KeyboardInterrupt:
        pass
    click.echo("\nThe demo has ended.")


def _end(*_: Any) -> None:
    raise KeyboardInterrupt


class _Terminal:
    """Reports progress on standard output; with colours on a terminal."""

    def tell_start(self, facts: DemoFacts, *, port_taken: bool) -> None:
        """Report the people and addresses."""
        _title("Billhook demo")
        if port_taken:
            _line("", "Port 8000 is taken, so the portal has another one.")
        _line("portal", facts.address)
        _line("sample", f"{facts.sample_address}, a billing system in a process of its own")
        _line("data", f"{facts.invoices} invoices of {facts.customers} customers")
        _line("folder", str(facts.data_dir))
        sys.stdout.flush()

    def tell_view(self, facts: DemoFacts, view: FirstView, *, is_same: bool) -> None:
        """Report the request and the response, and where to look next."""
        _title(f"One VIEW of {view.number}, by {facts.contact.name} of {facts.contact.what}")
        for request in view.requests:
            _tell_request(request)
        for attempt in view.attempts:
            _tell_attempt(attempt)
        _line("document", f"{view.size:,} bytes of {view.media_type}, after {_time(view)}")
        _line("", _compared(is_same=is_same))
        _line("run", view.run_id)
        _tell_where_to_look(facts)

    def tell_no_view(self, facts: DemoFacts, reason: str) -> None:
        """Report that it did not work, and where to find the reason."""
        _title("The first VIEW did not work")
        _line("", reason)
        _line("", "Sign in as a member: under Runs it says why.")
        _tell_where_to_look(facts)


def _tell_where_to_look(facts: DemoFacts) -> None:
    contact, member = facts.contact, facts.member
    width = max(len(contact.email), len(member.email)) + 2
    _title("Now look yourself")
    _line("open", click.style(facts.sign_in_address, fg="cyan", underline=True))
    for name, person in (("contact", contact), ("member", member)):
        _line(name, f"{person.email.ljust(width)}{person.name}, {person.what}")
    _line("password", f"{facts.password.ljust(width)}for everybody; mail is printed here")
    _line("sample key", f"{facts.sample_key.ljust(width)}to build the integration by hand")
    _line("on purpose", "slow INV0000190, failing INV0000187, not made INV0000184,")
    _line("", "a sign-in page instead of a PDF INV0000181")
    click.echo("\nCtrl+C stops it.\n")
    sys.stdout.flush()


def _tell_request(request: MaskedRequest) -> None:
    _line("sent", click.style(f"{request.method} {request.url.text}", bold=True))
    for name, value in request.headers:
        _line("", f"{name}: {value.text}")
    if request.body is not None:
        _line("", request.body.text)


def _tell_attempt(attempt: Attempt) -> None:
    _line("came back", f"status {attempt.status}, {attempt.received_bytes:,} bytes on the wire")
    timing = attempt.timing
    parts = {"connect": timing.connect, "wait": timing.wait, "receive": timing.receive}
    _line("", ", ".join(f"{name} {ms:.1f} ms" for name, ms in parts.items() if ms is not None))


def _time(view: FirstView) -> str:
    return f"{view.milliseconds:.1f} ms"


def _compared(*, is_same: bool) -> str:
    if is_same:
        return click.style("the very bytes that the sample system made", fg="green")
    return click.style("NOT the bytes that the sample system made", fg="red")


def _title(text: str) -> None:
    click.echo(f"\n{click.style(text, bold=True)}")


def _line(name: str, text: str) -> None:
    click.echo(f"{_INDENT}{click.style(name.ljust(_NAME_WIDTH), dim=True)}{text}")
