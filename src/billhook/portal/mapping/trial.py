"""Tries a list command: takes a sample of its first page and, once it is mapped, maps it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any, Final

from django.db import connections

from billhook.engine.answer.rows.sample import ListSample, SampleReading
from billhook.engine.config import CommandConfig, IntegrationConfig
from billhook.engine.errors import BillhookError, ConfigurationError, Problem
from billhook.engine.http.trace import Attempt, Trace
from billhook.engine.integration import CompiledIntegration, compile_integration
from billhook.engine.list_config import ListCommandConfig
from billhook.engine.listing.pace import ListPace
from billhook.engine.listing.page import ListedPage
from billhook.engine.listing.plan import FULL, ListPart
from billhook.engine.listing.read import ListTerms, read_list, take_sample
from billhook.engine.secret import Secret
from billhook.portal.editor.form import EditorForm, source_config_of
from billhook.portal.integrations.policy import Wiring
from billhook.portal.integrations.store import get_store
from billhook.portal.integrations.token_store import token_store_of
from billhook.portal.mapping.sample_form import SAMPLE
from billhook.portal.runs.models import RunKind
from billhook.portal.runs.recorder import RunContext, recorded
from billhook.portal.sync.dry_run import effects_of, scope_of_draft
from billhook.portal.sync.effects import Tally
from billhook.portal.trying.trial import Trial, tried_config

ROWS: Final = 10
"""So many mapped rows are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSent:
    """The result of trying a list command.

    ``sample`` is that of its first page. ``page`` is the same page mapped, and ``tally`` what its
    rows would change, unless the map has ``problems`` or ``error`` came between.
    """

    trial: Trial
    run_id: str
    milliseconds: float
    sample: ListSample | None = None
    page: ListedPage | None = None
    tally: Tally | None = None
    side_by_side: Sequence[dict[str, Any]] = ()
    problems: tuple[Problem, ...] = ()
    error: BillhookError | None = None
    attempts: tuple[Attempt, ...] = ()
    hidden: tuple[Secret, ...] = ()
    """The secrets that must not be seen in a response that repeats them."""


async def send_list_trial(trial: Trial, form: EditorForm) -> ListSent:
    """Send the first page of *trial*, a list command that can be sent. One run is recorded."""
    sending = _ListSending(trial, form)
    began = perf_counter()
    error = None
    try:
        with recorded(sending.use) as trace:
            sending.trace = trace
            await sending.send()
    except BillhookError as failed:
        error = failed
    return ListSent(
        trial=trial,
        run_id=sending.use.run_id,
        milliseconds=(perf_counter() - began) * 1000,
        sample=sending.sample,
        page=sending.page,
        tally=sending.tally,
        side_by_side=sending.side_by_side,
        problems=sending.problems,
        error=error,
        attempts=sending.trace.attempts,
        hidden=(*trial.secrets.values(), *sending.credentials),
    )


@dataclass
class _ListSending:
    """A list command being tried, and what is known so far."""

    trial: Trial
    form: EditorForm
    trace: Trace = field(default_factory=Trace)
    sample: ListSample | None = None
    page: ListedPage | None = None
    tally: Tally | None = None
    side_by_side: Sequence[dict[str, Any]] = ()
    problems: tuple[Problem, ...] = ()
    credentials: tuple[Secret, ...] = ()

    def __post_init__(self) -> None:
        trial = self.trial
        self.use = RunContext(
            organisation_id=trial.member.organisation_id,
            integration_id=trial.integration.id if trial.integration else None,
            command=tried_config(self.form).name,
            kind=RunKind.TRY,
            user_id=trial.member.user_id,
        )

    async def send(self) -> None:
        """Take the sample, then read the same page by the map, if that has no problem."""
        assert self.trial.compiled is not None  # noqa: S101 - a trial that can be sent; for mypy
        (listing,) = self.trial.compiled.lists.values()
        wanted = self.form.tree.at(f"{SAMPLE}-wanted").text or _rows_path(self.form)
        reading = SampleReading(wanted=wanted, response=listing.own.reading.response)
        async with get_store().one_off_source(self._wiring(self.trial.compiled)) as source:
            terms = self._terms(source, listing.limits)
            self.sample = await take_sample(listing, _FIRST, terms, reading)
            self.credentials = source.credentials
            compiled = self._mapped()
            if compiled is None:
                return
            (listing,) = compiled.lists.values()
            async for page in read_list(listing, _FIRST, terms):
                self.page = page
                break
        await asyncio.to_thread(self._count, compiled)

    def _terms(self, source: Any, limits: Any) -> ListTerms:
        return ListTerms(
            transport=source,
            pace=ListPace(limits),
            secrets=self.trial.secrets,
            trace=self.trace,
            run_id=self.use.run_id,
            share=self.use.organisation_id,
            tolerant=True,
        )

    def _wiring(self, compiled: CompiledIntegration) -> Wiring:
        integration = self.trial.integration
        return Wiring(
            organisation_id=self.trial.member.organisation_id,
            integration=compiled,
            secrets=self.trial.secrets,
            token_store=token_store_of(integration, compiled) if integration else None,
        )

    def _mapped(self) -> CompiledIntegration | None:
        """Return the command with its own map, or note why that can't be used yet."""
        try:
            return compile_integration(config_to_try(self.form))
        except ConfigurationError as error:
            self.problems = error.problems
            return None

    def _count(self, compiled: CompiledIntegration) -> None:
        """Count what the rows would change; nothing is written."""
        if self.page is None:
            return
        organisation, integration = self.trial.member.organisation, self.trial.integration
        scope = scope_of_draft(
            organisation, compiled, integration_id=integration.id if integration else ""
        )
        self.tally = Tally()
        try:
            self.side_by_side = effects_of(scope, self.use.command, self.page.rows, self.tally)
        finally:
            connections.close_all()


def config_to_try(form: EditorForm) -> IntegrationConfig:
    """Return the integration in *form* with the command that is tried alone."""
    command: CommandConfig = tried_config(form)
    return replace(source_config_of(form), commands=(command,))


_FIRST: Final = ListPart(kind=FULL, is_fresh=True)


def _rows_path(form: EditorForm) -> str:
    config = tried_config(form)
    rows = config.rows if isinstance(config, ListCommandConfig) else None
    return rows.path.text if rows and rows.path else ""
