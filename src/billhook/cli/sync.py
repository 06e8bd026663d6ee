"""``billhook sync``: read what the list commands of a file give, and report it; store nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from billhook.cli.output import printable, tell_json, tell_notes
from billhook.cli.values import PreparedLists, fail, prepare_lists
from billhook.engine.authentication.file_token_store import FileTokenStore
from billhook.engine.egress.policy import EgressPolicy
from billhook.engine.egress.proxy import OutgoingProxy
from billhook.engine.listing.listing import Listing
from billhook.engine.listing.pace import ListPace
from billhook.engine.listing.plan import ListMemory, plan_list
from billhook.engine.listing.report import ListReport, PeopleReport, reason_lines
from billhook.engine.source import Source

_SHOWN: Final = 20
_FIELDS: Final = ("id", "number", "customer", "amount", "open_amount", "currency", "date", "status")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Read and report; store nothing. Required here.")
@click.option(
    "--pages",
    type=click.IntRange(min=1),
    metavar="N",
    help="Read at most N pages of each list.",
)
@click.option(
    "--secret",
    "secrets",
    multiple=True,
    metavar="NAME=env:VAR|file:PATH",
    help="Where a secret's value is read from.",
)
@click.option(
    "--variable",
    "variables",
    multiple=True,
    metavar="NAME=VALUE",
    help="Give one of the integration's variables another value.",
)
@click.option(
    "--allow",
    multiple=True,
    metavar="HOST:PORT",
    help="Let the lists reach this private system.",
)
@click.option(
    "--proxy",
    metavar="http://HOST:PORT",
    help="The outgoing proxy, by which everything that isn't allowed by --allow is reached.",
)
@click.option(
    "--tokens",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where OAuth 2 tokens are kept from one run to the next; the file is made if need be.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def sync(
    file: Path,
    *,
    dry_run: bool,
    pages: int | None,
    secrets: tuple[str, ...],
    variables: tuple[str, ...],
    allow: tuple[str, ...],
    proxy: str | None,
    tokens: Path | None,
    as_json: bool,
) -> None:
    """Read the lists of a file as the portal would, and report what they give.

    Nothing is stored: the portal syncs on its own. The report has rows, skipped rows with reasons,
    statuses and what they become, totals, dates, and twenty rows next to their source. The exit
    status is 2 for a problem in the arguments or the file, 4 if the source failed, and 5 if its
    address is not allowed.
    """
    if not dry_run:
        message = "This command only reads. Add --dry-run; the portal stores what it syncs."
        fail("usage", message, where="--dry-run")
    policy = EgressPolicy.from_texts(
        allow=allow, also_led=True, proxy=OutgoingProxy.parse(proxy) if proxy else None
    )
    prepared = prepare_lists(file=file, secrets=secrets, variables=variables)
    if not as_json:
        tell_notes(prepared.integration.notes)
    store = FileTokenStore(tokens) if tokens else None
    result = asyncio.run(_DryRun(prepared, pages).run(policy, store))
    if as_json:
        tell_json({"ok": True, **result})
        return
    for line in _lines(result):
        click.echo(printable(line))


@dataclass(slots=True)
class _DryRun:
    """One dry run of all lists of an integration, in the order of a sync."""

    prepared: PreparedLists
    pages: int | None

    async def run(self, policy: EgressPolicy, store: FileTokenStore | None) -> dict[str, Any]:
        """Read the lists, and return the report."""
        integration = self.prepared.integration
        people, began = PeopleReport(), time.monotonic()
        async with integration.open(
            secrets=self.prepared.secrets, policy=policy, token_store=store
        ) as source:
            reports = [
                await self._read(source, listing, people) for listing in integration.lists.values()
            ]
        seconds = round(time.monotonic() - began, 1)
        return {"lists": reports, "people": people.to_json(), "seconds": seconds}

    async def _read(self, source: Source, listing: Listing, people: PeopleReport) -> dict[str, Any]:
        report, left = ListReport(listing), self.pages
        pace = ListPace(listing.limits)
        for part in plan_list(listing, ListMemory(), now=datetime.now(UTC)):
            async for page in source.read_list(
                listing.name, part, customers=people.customers, pace=pace, tolerant=True
            ):
                report.add(page)
                people.add(page.rows)
                left = None if left is None else left - 1
                if left == 0:
                    return report.to_json()
        return report.to_json()


def _lines(result: Mapping[str, Any]) -> Iterable[str]:
    for report in result["lists"]:
        yield from _report_lines(report)
        yield ""
    people = result["people"]
    yield (
        f"{people['customers']:,} customers, {people['customers_without_contacts']:,} of them "
        f"without contacts; {people['contacts_at_several_customers']:,} e-mail addresses at "
        "several customers."
    )
    yield f"Nothing was stored. {result['seconds']:g} seconds."


def _report_lines(report: Mapping[str, Any]) -> Iterable[str]:
    end = "to the end" if report["complete"] else "not to the end"
    rows, pages, requests = (
        _count(report[f"{each}s"], each) for each in ("row", "page", "request")
    )
    yield f"{report['command']}: {rows} on {pages}, {end}, {requests}."
    if report["excluded"]:
        yield f"  {report['excluded']:,} rows left out by include_when."
    yield from (f"  {line}" for line in reason_lines(report))
    for each in report["statuses"]:
        yield f"  status {each['source'] or '(none)'} → {each['status']}: {each['count']:,}"
    for each in report["totals"]:
        yield (
            f"  {each['status']}: {each['count']:,} with {each['amount']} {each['currency']}, "
            f"{each['open']} open"
        )
    for name, (first, last) in report["dates"].items():
        yield f"  {name}: {first} to {last}"
    for each in report["sample"][:_SHOWN]:
        found = each["result"]
        facts = (f"{name} {found[name]}" for name in _FIELDS if found.get(name) not in {None, ""})
        yield f"  {each['row']:>4}  {', '.join(facts)}"


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"
