"""Compiles a list command: every problem, with its place and how to fix it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from billhook.engine.command.command import Command
from billhook.engine.command.compile import compile_command
from billhook.engine.command.compile_step import MAX_ANSWER
from billhook.engine.config import AuthenticationConfig, CommandConfig, StepConfig
from billhook.engine.errors import ConfigurationError, Problem
from billhook.engine.integration_file.lists import any_command_table
from billhook.engine.list_config import (
    LIST_COMMANDS,
    NEVER,
    LimitsConfig,
    ListCommandConfig,
    NudgeConfig,
    PagesConfig,
    PassConfig,
    SafeguardConfig,
)
from billhook.engine.listing.compile.request import (
    PAGE_TOKENS,
    RequestParts,
    compile_request,
)
from billhook.engine.listing.listing import (
    KIND_OF,
    Listing,
    ListLimits,
    ListPass,
    ListRequest,
    Safeguard,
)
from billhook.engine.listing.mapper import CONTACTS
from billhook.engine.listing.nudge import Nudge
from billhook.engine.listing.values.durations import read_duration, read_percent, read_rate
from billhook.engine.tokens.text import Scope
from billhook.engine.tokens.values import UnfitValue, take_value

CUSTOMER_ID: Final = "CustomerId"
CURRENCY: Final = "currency"
"""The variable of the integration with the currency of rows that have none."""
MAX_PASSES: Final = 10
MAX_BATCH: Final = 1_000
_LEAST_FULL_RUN: Final = timedelta(minutes=15)
_ONE_SECRET: Final = re.compile(r"\{\{([A-Za-z][A-Za-z0-9_]{0,63})\}\}", re.ASCII)
_HEADER: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@dataclass(slots=True, kw_only=True)
class _ListDraft:
    """A list command on its way: its problems so far."""

    config: ListCommandConfig
    where: str
    variables: Mapping[str, str]
    secrets: tuple[str, ...]
    authentication: AuthenticationConfig | None
    problems: list[Problem] = field(default_factory=list)

    def report(self, code: str, message: str, key: str, suggestion: str | None = None) -> None:
        """Add a problem of the key *key*."""
        where = f"{self.where}.{key}"
        self.problems.append(
            Problem(code=code, message=message, where=where, suggestion=suggestion)
        )


def compile_listing(
    config: ListCommandConfig,
    *,
    variables: Mapping[str, str] = MappingProxyType({}),
    secrets: Iterable[str] = (),
    authentication: AuthenticationConfig | None = None,
) -> Listing:
    """Compile *config*; raise ConfigurationError with every problem in it."""
    draft = _ListDraft(
        config=config,
        where=f"commands.{config.name}",
        variables=variables,
        secrets=tuple(secrets),
        authentication=authentication,
    )
    if config.name not in LIST_COMMANDS or not config.steps:
        draft.report("missing-key", "The command has no web request. Give it a URL.", "url")
        raise ConfigurationError(tuple(draft.problems))
    listing = _listing(draft)
    if draft.problems or listing is None:
        raise ConfigurationError(tuple(dict.fromkeys(draft.problems)))
    return listing


def _listing(draft: _ListDraft) -> Listing | None:
    config = draft.config
    parts = RequestParts.of_command(config, draft.where)
    own = _request(draft, parts, config.steps[-1])
    passes = [_pass(draft, parts, each, index) for index, each in enumerate(config.passes)]
    _check_passes(draft)
    _check_paged_step(draft)
    _check_for_each(draft, own)
    if config.conditional and any(each.kind != "none" for each in _all_pages(config)):
        message = "A list of several pages can't be asked whether it changed. Remove conditional."
        draft.report("misplaced-key", message, "conditional")
    if config.same_number not in {"remark", "replace"}:
        message = 'same_number is "remark" or "replace".'
        draft.report("unknown-choice", message, "same_number")
    limits, safeguard = _limits(draft, config.limits), _safeguard(draft, config.safeguard)
    full_run_every, nudge = _full_run_every(draft), _nudge(draft, config.nudge)
    if own is None or any(each is None for each in passes):
        return None
    mapped = {each.name for each in config.map.fields} if config.map else set()
    if config.map is not None and config.map.contacts is not None:
        mapped.add("contacts")
    if own.changes.has_times:
        mapped.add("changed")
    listing = Listing(
        name=config.name,
        kind=KIND_OF[config.name],
        own=own,
        passes=tuple(each for each in passes if each is not None),
        mapped=frozenset(mapped),
        full_run_every=full_run_every,
        limits=limits,
        safeguard=safeguard,
        same_number=config.same_number,
        conditional=config.conditional,
        nudge=nudge,
        for_each=config.for_each,
        batch=config.batch,
        fingerprint=_fingerprint(draft),
    )
    notes = [note for command in listing.commands for note in command.notes]
    return replace(listing, notes=tuple(dict.fromkeys(notes)))


def _all_pages(config: ListCommandConfig) -> Iterator[PagesConfig]:
    yield config.pages
    for each in config.passes:
        if each.pages is not None:
            yield each.pages


def _fingerprint(draft: _ListDraft) -> str:
    """Return what is another text after a change that makes a full run necessary."""
    table = any_command_table(
        replace(draft.config, limits=LimitsConfig(), safeguard=SafeguardConfig(), nudge=None)
    )
    text = json.dumps([table, dict(draft.variables)], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


# Requests


def _request(
    draft: _ListDraft, parts: RequestParts, step: StepConfig, renamed: str = ""
) -> ListRequest | None:
    """Compile one request. *renamed* is the place of a pass whose URL and body these are."""
    command = _command(draft, step, renamed)
    if command is None:
        _compile_rest(draft, parts)
        return None
    scope = _row_scope(draft)
    currency = draft.variables.get(CURRENCY, "")
    request, rows = compile_request(parts, command, KIND_OF[draft.config.name], scope, currency)
    draft.problems += rows.problems
    return request


def _compile_rest(draft: _ListDraft, parts: RequestParts) -> None:
    """Report the problems of the rest, too, with a request that stands for the broken one."""
    uses = set(re.findall(r"\{\{([A-Za-z]+)", f"{parts.step.url} {parts.step.body}"))
    uses |= {
        name for _, text in parts.step.headers for name in re.findall(r"\{\{([A-Za-z]+)", text)
    }
    known = {*PAGE_TOKENS, CUSTOMER_ID} & uses
    query = "&".join(f"{name}={{{{{name}}}}}" for name in sorted(known))
    url = f"https://example.com/?{query}"
    method = parts.step.method if parts.step.method in {"GET", "POST", "PUT", "PATCH"} else "GET"
    stand_in = CommandConfig(name=draft.config.name, steps=(StepConfig(url=url, method=method),))
    command = compile_command(stand_in)
    _, rows = compile_request(parts, command, KIND_OF[draft.config.name], _row_scope(draft), "")
    draft.problems += rows.problems


def _row_scope(draft: _ListDraft) -> Scope:
    given = {}
    for name, value in draft.variables.items():
        try:
            given[name] = take_value(value)
        except UnfitValue:
            continue  # reported with the request
    return Scope(variables=given, secrets=frozenset(), tokens=frozenset())


def _command(draft: _ListDraft, step: StepConfig, renamed: str) -> Command | None:
    config = draft.config
    plain = CommandConfig(
        name=config.name,
        steps=(*config.steps[:-1], step),
        timeout=config.timeout,
        max_bytes=MAX_ANSWER,
        retries=0,
        redirects=config.redirects,
        client_certificate=config.client_certificate,
        passphrase=config.passphrase,
    )
    try:
        return compile_command(
            plain,
            variables=draft.variables,
            secrets=draft.secrets,
            authentication=draft.authentication,
        )
    except ConfigurationError as error:
        draft.problems += [_at_pass(each, renamed) for each in error.problems]
        return None


def _at_pass(problem: Problem, where: str) -> Problem:
    """Return the problem of a URL or body at the pass that has it."""
    key = problem.where.rpartition(".")[2]
    return replace(problem, where=f"{where}.{key}") if where and key in {"url", "body"} else problem


def _pass(
    draft: _ListDraft, parts: RequestParts, config: PassConfig, index: int
) -> ListPass | None:
    where = f"{draft.where}.passes[{index}]"
    own = draft.config.steps[-1]
    step = replace(own, url=config.url or own.url, body=config.body or own.body)
    renamed = where if config.url or config.body else ""
    request = _request(draft, parts.of_pass(config, where, step), step, renamed)
    every = read_duration(config.every) if config.every else None
    if config.every and (every is None or every < timedelta(minutes=1)):
        message = 'every is a duration of a minute or more, such as "1 hour".'
        draft.report("invalid-value", message, f"passes[{index}].every")
    if not config.every and not config.full_run:
        message = 'Say how often the pass runs, every = "1 hour", or that it is for full runs.'
        draft.report("missing-key", message, f"passes[{index}].every")
    if request is None:
        return None
    return ListPass(name=config.name, every=every, full_run=config.full_run, request=request)


def _check_passes(draft: _ListDraft) -> None:
    passes = draft.config.passes
    names = [each.name for each in passes]
    if len(names) > MAX_PASSES:
        draft.report("too-many", f"A command may have at most {MAX_PASSES} passes.", "passes")
    for index, name in enumerate(names):
        if not name:
            draft.report("missing-key", "A pass needs a name.", f"passes[{index}].name")
        elif name in names[:index]:
            message = f'Two passes are called "{name}". Rename one.'
            draft.report("duplicate-name", message, f"passes[{index}].name")
    if sum(each.full_run for each in passes) > 1:
        message = "Only one pass can take the place of the command's request in full runs."
        draft.report("misplaced-key", message, "passes")


def _check_paged_step(draft: _ListDraft) -> None:
    """Report what a paged request can't have, and tokens of pages in an earlier one."""
    *earlier, last = draft.config.steps
    place = f"steps[{len(earlier)}]." if last.name or earlier else ""
    for key in ("extract", "answer", "on_not_found", "repeat_until"):
        if getattr(last, key):
            message = f"The paged request has no {key}: its rows are at rows. Remove it."
            draft.report("misplaced-key", message, f"{place}{key}")
    for index, step in enumerate(earlier):
        texts = [("url", step.url), ("body", step.body)]
        texts += [("headers", text) for _, text in step.headers]
        for key, text in texts:
            for name in PAGE_TOKENS:
                if f"{{{{{name}" in text:
                    message = f"{{{{{name}}}}} is known only in the last step, which is paged."
                    draft.report("forbidden-position", message, f"steps[{index}].{key}")


def _check_for_each(draft: _ListDraft, own: ListRequest | None) -> None:
    config = draft.config
    is_for_each = config.for_each == "customer"
    if config.for_each and not is_for_each:
        draft.report("unknown-choice", 'for_each can only be "customer".', "for_each", "customer")
    if is_for_each and KIND_OF[config.name] != CONTACTS:
        draft.report("misplaced-key", "for_each belongs to ListContacts.", "for_each")
    if not 1 <= config.batch <= MAX_BATCH:
        draft.report("invalid-value", f"batch is a number from 1 to {MAX_BATCH:,}.", "batch")
    if config.batch != 1 and not is_for_each:
        draft.report("misplaced-key", "batch goes with for_each.", "batch")
    names = {each.name for each in config.map.fields} if config.map else set()
    alone = is_for_each and config.batch == 1
    if KIND_OF[config.name] == CONTACTS and config.map and "customer" not in names and not alone:
        message = 'The map needs "customer": the id of the customer of each contact.'
        draft.report("missing-key", message, "map")
    if own is None:
        return
    uses = any(CUSTOMER_ID in step.uses for step in own.command.steps)
    if is_for_each and not uses and KIND_OF[config.name] == CONTACTS:
        message = f"The request doesn't say whose contacts: write {{{{{CUSTOMER_ID}}}}} in it."
        draft.report("missing-key", message, "for_each")
    if uses and not is_for_each:
        message = f'{{{{{CUSTOMER_ID}}}}} needs for_each = "customer".'
        draft.report("missing-key", message, "for_each")


# Settings


def _full_run_every(draft: _ListDraft) -> timedelta | None:
    text = draft.config.full_run_every
    if text == NEVER:
        return None
    every = read_duration(text)
    if every is None or every < _LEAST_FULL_RUN:
        message = 'full_run_every is a duration such as "1 day", of 15 minutes or more, or "never".'
        draft.report("invalid-value", message, "full_run_every")
    return every


def _limits(draft: _ListDraft, config: LimitsConfig) -> ListLimits:
    rate = read_rate(config.rate)
    if rate is None:
        message = 'rate is a number of requests in a time, such as "60/minute".'
        draft.report("invalid-value", message, "limits.rate")
    waits = {}
    for key in ("pause", "max_wait"):
        text = getattr(config, key)
        waits[key] = read_duration(text) if text else timedelta()
        if waits[key] is None:
            message = f'{key} is a duration such as "2 seconds".'
            draft.report("invalid-value", message, f"limits.{key}")
    if config.per_day is not None and config.per_day < 1:
        draft.report("invalid-value", "per_day is 1 or more.", "limits.per_day")
    remaining = config.remaining
    if remaining is not None and not _HEADER.fullmatch(remaining.header):
        draft.report("header-name", "This is the name of a header.", "limits.remaining.header")
    count, period = rate or (60, timedelta(minutes=1))
    return ListLimits(
        count=count,
        period=period,
        per_day=config.per_day,
        pause=waits["pause"] or timedelta(),
        remaining_header=remaining.header if remaining else "",
        reserve=remaining.reserve if remaining else 0,
        max_wait=waits["max_wait"] or timedelta(),
    )


def _safeguard(draft: _ListDraft, config: SafeguardConfig) -> Safeguard:
    parts = {}
    for key in ("hidden", "amounts"):
        parts[key] = read_percent(getattr(config, key))
        if parts[key] is None:
            message = f'{key} is a percentage such as "20%".'
            draft.report("invalid-value", message, f"safeguard.{key}")
    for key in ("min_rows", "moved"):
        if getattr(config, key) < 0:
            draft.report("invalid-value", f"{key} is 0 or more.", f"safeguard.{key}")
    default = Safeguard()
    return Safeguard(
        hidden=default.hidden if parts["hidden"] is None else parts["hidden"],
        min_rows=config.min_rows,
        moved=config.moved,
        amounts=default.amounts if parts["amounts"] is None else parts["amounts"],
    )


def _nudge(draft: _ListDraft, config: NudgeConfig | None) -> Nudge | None:
    if config is None:
        return None
    if not _HEADER.fullmatch(config.header):
        draft.report("header-name", "This is the name of a header.", "nudge.header")
    match = _ONE_SECRET.fullmatch(config.hmac)
    if match is None or match[1] not in draft.secrets:
        message = "hmac is the token of one secret of the integration, such as {{WebhookKey}}."
        draft.report("not-a-secret", message, "nudge.hmac")
        return None
    return Nudge(header=config.header, secret=match[1])
