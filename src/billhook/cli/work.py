"""``billhook work``: the processes for jobs, without pages."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from billhook.server.errors import CANNOT_START


@click.command
@click.option("--data-dir", type=click.Path(path_type=Path), help="As BILLHOOK_DATA_DIR.")
@click.option(
    "--processes",
    type=click.IntRange(1, 32),
    help="How many jobs to work on at the same time (default: BILLHOOK_JOB_PROCESSES).",
)
@click.option(
    "--metrics",
    metavar="HOST:PORT",
    help="Answer /metrics, /healthz and /readyz there; as of the server, /metrics asks callers "
    "from other machines for BILLHOOK_METRICS_TOKEN.",
)
def work(data_dir: Path | None, processes: int | None, metrics: str | None) -> None:
    """Work on jobs until Ctrl+C or SIGTERM, and serve no pages.

    `billhook serve` does this, too, unless BILLHOOK_JOB_PROCESSES is 0. On more nodes it needs
    the same settings, and PostgreSQL. The database is brought up to date first.
    """
    from billhook.engine.errors import ConfigurationError
    from billhook.portal.installation import environment
    from billhook.server.errors import CannotStart
    from billhook.server.jobs.start import start_work

    if data_dir is not None:
        environment.put("BILLHOOK_DATA_DIR", str(data_dir))
    if processes is not None:
        environment.put("BILLHOOK_JOB_PROCESSES", str(processes))
    try:
        start_work(metrics=metrics, say=_say)
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
