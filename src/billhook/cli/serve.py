"""``billhook serve``: the portal and the gateway on one port."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from billhook.server.errors import CANNOT_START


class _WithSettings(click.Command):
    """A command whose help ends with the table of settings."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the settings: name, default, meaning."""
        from billhook.portal.installation.environment import SETTINGS

        del ctx
        with formatter.section("Settings, as environment variables"):
            formatter.write_dl(
                [(s.name, f"{s.meaning} [default: {s.default or 'empty'}]") for s in SETTINGS]
            )


@click.command(cls=_WithSettings)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    default=8000,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="The port; 0 takes a free one.",
)
@click.option("--data-dir", type=click.Path(path_type=Path), help="As BILLHOOK_DATA_DIR.")
@click.option("--workers", type=int, help="As BILLHOOK_WORKERS.")
def serve(host: str, port: int, data_dir: Path | None, workers: int | None) -> None:
    """Serve the portal and the gateway until Ctrl+C or SIGTERM.

    The database is made, or brought up to date, first.
    """
    from billhook.engine.errors import ConfigurationError
    from billhook.portal.installation import environment
    from billhook.server.errors import CannotStart
    from billhook.server.start import start

    if data_dir is not None:
        environment.put("BILLHOOK_DATA_DIR", str(data_dir))
    if workers is not None:
        environment.put("BILLHOOK_WORKERS", str(workers))
    try:
        start(host=host, port=port, say=_say)
    except ConfigurationError as error:
        _stop_with(*(problem.message for problem in error.problems))
    except CannotStart as error:
        _stop_with(str(error))


def _say(line: str) -> None:
    click.echo(line)
    sys.stdout.flush()


def _stop_with(*lines: str) -> None:
    for line in lines:
        click.echo(line, err=True)
    sys.exit(CANNOT_START)
