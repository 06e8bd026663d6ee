"""The results of the laboratory for each preset, as the page docs/sources.md.

Run ``python -m lab.table`` in the folder tests to write the page again.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from billhook.engine.config import IntegrationConfig, StepConfig
from lab.catalogue import ROWS, facts_of, load_stand_ins
from lab.invoices import DRAFT, NUMBERS, UNKNOWN
from lab.standin import StandIn
from lab.world import Preset, get_command, open_world, read_preset

PAGE: Final = Path(__file__).parents[2] / "docs" / "sources.md"
NOT_VERIFIED: Final = "Not verified"
_ANSWERS: Final = {
    "body": "the body",
    "base64": "base64 in the response",
    "url": "behind a link in the response",
    "zip": "a file in a ZIP",
    "link": "a link for the contact",
}


@dataclass(frozen=True, kw_only=True)
class Shown:
    """The outcome of each case: codes, as runs record them."""

    right: int
    unknown: str
    draft: str
    wrong_secrets: tuple[str, ...]
    broken: str


async def show(kind: type[StandIn]) -> Shown:
    """Run every case against a fresh stand-in, and return the outcomes."""
    async with open_world(kind) as world:
        right = 0
        for number in (each for each in NUMBERS if each not in kind.impossible):
            invoice = world.stand_in.find(number=number)
            right += await world.fetch(number) == world.stand_in.expected(invoice)
        unknown, draft = await world.outcome(UNKNOWN), await world.outcome(DRAFT)
    wrong = {await _outcome_with_wrong(kind, name) for name in kind.secrets}
    async with open_world(kind) as world:
        world.stand_in.is_failing = True
        broken = await world.outcome(NUMBERS[0])
    return Shown(
        right=right,
        unknown=unknown,
        draft=draft,
        wrong_secrets=tuple(sorted(wrong)),
        broken=broken,
    )


async def _outcome_with_wrong(kind: type[StandIn], name: str) -> str:
    async with open_world(kind, secrets={name: kind.wrong(name)}) as world:
        return await world.outcome(NUMBERS[0])


def write_row(kind: type[StandIn], shown: Shown) -> str:
    """Return the preset's row of the table."""
    preset = read_preset(kind.preset)
    cells = (
        f"[{preset.about['title']}](#{kind.preset})",
        str(len(get_command(preset.config).steps)),
        _authentication(preset.config),
        kind.quoting,
        _answer(preset.config),
        "real" if run_against(kind) else "stand-in",
        f"{shown.right} of {len(NUMBERS)}",
        f"`{shown.unknown}`",
        f"`{shown.draft}`",
        ", ".join(f"`{code}`" for code in shown.wrong_secrets) or "no secret",
        f"`{shown.broken}`",
    )
    return f"| {' | '.join(cells)} |"


def write_section(kind: type[StandIn]) -> str:
    """Return further facts about the preset, and those that aren't verified."""
    preset = read_preset(kind.preset)
    lines = [f'<a id="{kind.preset}"></a>', "", f"### {preset.about['title']}", ""]
    lines += [f"Preset `{kind.preset}`. {_steps(preset)} {_run_against(run_against(kind))}", ""]
    lines += [f"- {sentence}" for sentence in sorted(each for each, _ in facts_of(kind))]
    lines += [
        f"- It can't hold the number `{number}`, which ends in `{code}`."
        for number, code in kind.impossible.items()
    ]
    lines += [f"- {note}" for note in preset.about["notes"] if note.startswith(NOT_VERIFIED)]
    return "\n".join(lines).rstrip() + "\n"


def write_page(rows: list[str], sections: list[str]) -> str:
    """Put the page together."""
    return "\n".join([_HEAD, *rows, "", *sections])


def in_order() -> list[type[StandIn]]:
    """Return the stand-ins in the order of the list of sources."""
    return sorted(load_stand_ins(), key=lambda kind: (ROWS.index(kind.row), kind.preset))


_HEAD: Final = """\
# Sources

Billhook has a preset for each of these systems: a file with everything except the secrets.
`billhook presets list` lists them, and the backoffice offers them when you add an integration.

The tests make this page. For each system there is a stand-in in `tests/lab/systems`: a server
that is as strict as the real one is known to be, and refuses a wrong header, quoting, content type,
signature or token. Each preset was run against its stand-in with ten invoices, whose numbers were
`INV0000001`, `INV/2024/0001`, `A&B=C`, `O'Brien "7"`, `Ñ-100%`, `#7`, `a+b`, `00123`, `x y` and
`{{InvoiceNumber}}`; with a number that doesn't exist, a draft, each secret wrong in turn, and a
system that responds with 500. The table shows the results.

Where real software can run in the tests, Billhook is tested against it as well (`tests/lab/real`):
S3 stores (rclone, moto), Tryton, WebDAV servers (WsgiDAV, Apache with Digest), a login form
(Django), OAuth 2 servers (Authlib, oidc-provider) and SOAP servers (soapbar, gSOAP).

A stand-in is not the vendor's system. *Real* in the column *run against* means that the preset was
run against the real system, too; its section below lists the versions. *Not verified* marks an
assumption that a running system may prove wrong. Then correct your copy of the preset in the form.

| source | requests | authentication | the number is | the document is | run against | right | \
unknown | draft | wrong secret | fails |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"""


def _authentication(config: IntegrationConfig) -> str:
    if config.authentication is not None:
        return config.authentication.scheme
    return "in the requests themselves" if config.secrets else "none"


def _answer(config: IntegrationConfig) -> str:
    steps = get_command(config).steps
    response = steps[-1].answer
    kind = response.kind if response else "body"
    return _ANSWERS["url" if kind == "body" and _is_followed(steps[-1], steps) else kind]


def _is_followed(last: StepConfig, steps: tuple[StepConfig, ...]) -> bool:
    given = {f"{{{{{step.name}.{each.name}}}}}" for step in steps for each in step.extract}
    return last.url in given


def run_against(kind: type[StandIn]) -> tuple[str, ...]:
    """Return the versions of the real system that the preset was run against."""
    return tuple(read_preset(kind.preset).about.get("run_against", ()))


def _run_against(versions: tuple[str, ...]) -> str:
    if not versions:
        return "Only run against its stand-in."
    return f"Run against the real system: {'; '.join(versions)}."


def _steps(preset: Preset) -> str:
    steps = get_command(preset.config).steps
    if len(steps) == 1:
        return f"One request, {steps[0].method}."
    return f"Requests in order: {', '.join(f'{step.name} ({step.method})' for step in steps)}."


async def _make_page() -> str:
    kinds = in_order()
    rows = [write_row(kind, await show(kind)) for kind in kinds]
    return write_page(rows, [write_section(kind) for kind in kinds])


if __name__ == "__main__":
    PAGE.write_text(asyncio.run(_make_page()), encoding="utf-8")
