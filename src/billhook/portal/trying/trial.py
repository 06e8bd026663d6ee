"""Try it: the request is shown before it is sent, and uses edits that aren't saved yet."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from time import perf_counter
from typing import Final, TypeVar

from billhook.engine.answer.document import Document
from billhook.engine.authentication.preview import with_authentication
from billhook.engine.command.command import Command
from billhook.engine.command.person import NamedPerson, person_in
from billhook.engine.command.preview import MaskedRequest
from billhook.engine.command.step import Step
from billhook.engine.config import CommandConfig, IntegrationConfig
from billhook.engine.egress.guard import judge_url, secret_may_travel
from billhook.engine.egress.policy import EgressPolicy
from billhook.engine.egress.url import Origin, Url, parse_url
from billhook.engine.errors import BillhookError, ConfigurationError, Problem, TokenError
from billhook.engine.http.trace import Attempt, Trace
from billhook.engine.integration import CompiledIntegration, compile_integration
from billhook.engine.list_config import ListCommandConfig
from billhook.engine.listing.paging.params import first_page_tokens, with_first_page
from billhook.engine.listing.without_map import without_map
from billhook.engine.run import run_command, run_for_values
from billhook.engine.secret import Secret
from billhook.engine.tokens.catalogue import (
    LOGIN_COMMAND,
    PAYMENT_COMMAND,
    STATEMENT_COMMAND,
    Value,
)
from billhook.engine.tokens.values import Values
from billhook.portal.editor.form import EditorForm, config_of, source_config_of
from billhook.portal.integrations.crypto import SecretUnreadableError
from billhook.portal.integrations.drafts import draft_of
from billhook.portal.integrations.models import Integration, StoredSecret
from billhook.portal.integrations.policy import Wiring, egress_policy
from billhook.portal.integrations.secret_binding import (
    SecretBinding,
    bindings_of,
    problem_of,
)
from billhook.portal.integrations.services import may_carry_tokens
from billhook.portal.integrations.store import get_store
from billhook.portal.integrations.token_store import token_store_of
from billhook.portal.integrations.vault import decrypt_secret, key_ring
from billhook.portal.organisations.models import Member
from billhook.portal.payments.payment_link import PaymentPage, take_page
from billhook.portal.runs.access import has_ever_worked
from billhook.portal.runs.models import RunKind
from billhook.portal.runs.recorder import FoundDocument, RunContext, recorded, run_recorded
from billhook.portal.trying.observation import Observed, ObservingTransport
from billhook.portal.trying.subject import TokenUsed, TrySubject, subject_of
from billhook.portal.trying.tokens import tokens_used

_STAND_IN: Final = Secret("secret")
"""Replaces a secret in a request that is only shown: there it is masked."""


_Result = TypeVar("_Result")
_Runs = Callable[..., Awaitable[_Result]]
"""A way to run a command: for its document, or for the values in its responses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One command, about to be tried, as far as what was typed allows.

    ``problems`` are those of the form; ``hindrances`` explain why the operator's policy refuses it.
    """

    member: Member
    integration: Integration | None
    subject: TrySubject
    command_id: str = ""
    """The id of the command in the form."""
    command: Command | None = None
    used: tuple[TokenUsed, ...] = ()
    requests: tuple[MaskedRequest, ...] = ()
    problems: tuple[Problem, ...] = ()
    hindrances: tuple[str, ...] = ()
    compiled: CompiledIntegration | None = None
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    has_worked: bool = False
    """Whether the integration has ever given a document."""

    @property
    def is_statement(self) -> bool:
        """Whether it is about a customer and a period, and no invoice."""
        return self.subject.period is not None

    @property
    def is_list(self) -> bool:
        """Whether the command is a list command."""
        return self.compiled is not None and bool(self.compiled.lists)

    @property
    def can_be_sent(self) -> bool:
        """Whether there is a request to send."""
        return self.command is not None and not self.problems


def prepare_trial(
    *, member: Member, integration: Integration | None, form: EditorForm, sending: bool
) -> Trial:
    """Return what would be sent for the form as typed. Nothing is sent here.

    With *sending* the secrets are there, too: those typed, and the stored ones if they would go
    only where they were typed for.
    """
    trial = Trial(
        member=member,
        integration=integration,
        subject=TrySubject(user=member.user, number=form.number),
        command_id=f"command-{_tried(form)}",
        has_worked=sending and integration is not None and has_ever_worked(integration),
    )
    try:
        trial = replace(trial, subject=_subject(form, member, integration))
        config, command, compiled = _compiled(form)
        used = _of_first_page(tokens_used(command, form, trial.subject), compiled)
        wanted = bindings_of(config, compiled)
        if sending:
            _refuse_unsaved(compiled, form, integration)
        secrets = _secrets(wanted, form, integration) if sending else _stand_ins(wanted, form)
        if sending:
            _refuse_tokens_of_others(config, compiled, integration, member)
        values = command.values(
            {each.name: each.value for each in used}, secrets=_own(command, secrets)
        )
        requests = with_signs(_first_page(command.preview(values), compiled), compiled)
    except (ConfigurationError, TokenError) as error:
        return replace(trial, problems=error.problems)
    return replace(
        trial,
        command=command,
        used=used,
        requests=requests,
        hindrances=tuple(_hindrances(command, egress_policy(member.organisation_id))),
        compiled=compiled,
        secrets=secrets,
    )


def _subject(form: EditorForm, member: Member, integration: Integration | None) -> TrySubject:
    command = tried_config(form).name if form.commands else ""
    id_ = integration.id if integration else None
    return subject_of(form, command, member=member, integration_id=id_)


def _of_first_page(
    used: tuple[TokenUsed, ...], compiled: CompiledIntegration
) -> tuple[TokenUsed, ...]:
    """Return the tokens with the values of a list's first page, where they were only examples."""
    first: dict[str, Value] = {}
    for listing in compiled.lists.values():  # the one that is tried, or none
        first = first_page_tokens(listing.own, now=datetime.now(UTC))
    return tuple(
        replace(each, value=first[each.name])
        if each.origin == "example" and each.name in first
        else each
        for each in used
    )


def _first_page(
    requests: tuple[MaskedRequest, ...], compiled: CompiledIntegration
) -> tuple[MaskedRequest, ...]:
    """Return *requests* with what a list adds to its last one for the first page."""
    for listing in compiled.lists.values():  # the one that is tried, or none
        requests = with_first_page(requests, listing.own)
    return requests


def with_signs(
    requests: Iterable[MaskedRequest], compiled: CompiledIntegration | None
) -> tuple[MaskedRequest, ...]:
    """Return *requests* with the headers and parameters of the authentication, masked."""
    authentication = compiled.authentication if compiled else None
    if authentication is None:
        return tuple(requests)
    return tuple(with_authentication(request, authentication) for request in requests)


def tried_config(form: EditorForm) -> CommandConfig:
    """Return the command to test; raise ConfigurationError if there is none."""
    if not form.commands:
        message = "There is no command yet. Add one, such as GetInvoiceImage."
        raise ConfigurationError((Problem(code="no-command", where="commands", message=message),))
    return config_of(form.commands[_tried(form)])


def is_sign_in(form: EditorForm) -> bool:
    """Return whether the command to test is LoginWithToken: what is typed for it is a token."""
    return bool(form.commands) and tried_config(form).name == LOGIN_COMMAND


def is_statement(form: EditorForm) -> bool:
    """Return whether the command to test is GetStatement: it has a customer and a period."""
    return bool(form.commands) and tried_config(form).name == STATEMENT_COMMAND


def _tried(form: EditorForm) -> int:
    return max(0, min(form.tried, len(form.commands) - 1))


def _compiled(form: EditorForm) -> tuple[IntegrationConfig, Command, CompiledIntegration]:
    """Compile the integration with the command that is tried alone: others may have problems.

    A list command is compiled before it is mapped: its request can be sent without that.
    """
    typed = tried_config(form)
    config = replace(source_config_of(form), commands=(typed,))
    if isinstance(typed, ListCommandConfig):
        compiled = compile_integration(replace(config, commands=(without_map(typed),)))
        (listing,) = compiled.lists.values()
        return config, listing.own.command, compiled
    compiled = compile_integration(config)
    (command,) = compiled.commands.values()
    return config, command, compiled


def _refuse_unsaved(
    compiled: CompiledIntegration, form: EditorForm, integration: Integration | None
) -> None:
    """Refuse a scheme that would obtain, and use up, tokens for settings that aren't saved."""
    if compiled.authentication is None or not compiled.authentication.scheme.keeps_tokens:
        return
    typed = {row.name for row in form.secrets if row.value is not None}
    saved = draft_of(integration).config() if integration else None
    asked = source_config_of(form)
    if saved is None or typed or replace(asked, commands=saved.commands) != saved:
        message = "Save the integration first: this scheme obtains tokens that must be stored."
        raise ConfigurationError(
            (Problem(code="save-first", where="authentication", message=message),)
        )


def _refuse_tokens_of_others(
    config: IntegrationConfig,
    compiled: CompiledIntegration,
    integration: Integration | None,
    member: Member,
) -> None:
    """Refuse a changed command that would carry the tokens of the person who connected."""
    if integration is None or may_carry_tokens(integration, config, compiled, user=member.user):
        return
    message = (
        "Save this change and connect the integration again: somebody else connected it, and "
        "its tokens are used only for the commands as they were."
    )
    raise ConfigurationError(
        (Problem(code="tokens-of-another", where="authentication", message=message),)
    )


def _own(command: Command, secrets: Mapping[str, Secret]) -> dict[str, Secret]:
    return {name: value for name, value in secrets.items() if name in command.secrets}


def _stand_ins(names: Iterable[str], form: EditorForm) -> dict[str, Secret]:
    typed = {row.name: row.value for row in form.secrets}
    return {name: typed.get(name) or _STAND_IN for name in names}


def _secrets(
    wanted: Mapping[str, SecretBinding], form: EditorForm, integration: Integration | None
) -> dict[str, Secret]:
    stored = {}
    if integration is not None:
        rows = StoredSecret.objects.filter(integration=integration).select_related("integration")
        stored = {row.id: row for row in rows}
    values: dict[str, Secret] = {}
    problems: list[Problem] = []
    for row in form.secrets:
        if row.name not in wanted:
            continue
        value = row.value or _stored_value(row.name, stored.get(row.stored_id), wanted[row.name])
        if isinstance(value, Problem):
            problems.append(value)
        else:
            values[row.name] = value
    if problems:
        raise ConfigurationError(tuple(problems))
    return values


def _stored_value(name: str, row: StoredSecret | None, wanted: SecretBinding) -> Secret | Problem:
    if row is None or not row.ciphertext:
        message = f"Type the value of {name}. It is not stored yet."
        return Problem(code="secret-missing", where=f"secrets.{name}", message=message)
    moved = problem_of(name, wanted=wanted, bound=SecretBinding.from_json(row.bound_to))
    if moved is not None:
        return moved
    try:
        return decrypt_secret(row, ring=key_ring())
    except SecretUnreadableError:
        message = f"The stored value of {name} can no longer be read. Type it again."
        return Problem(code="secret-unreadable", where=f"secrets.{name}", message=message)


def _hindrances(command: Command, policy: EgressPolicy) -> Iterator[str]:
    for step in command.all_steps:
        if step.origin is None:
            continue  # the address comes out of an answer, and is judged then
        url = parse_url(f"{step.origin}/")
        verdict = judge_url(f"{step.origin}/", policy)
        if verdict and step.secrets and isinstance(url, Url):
            verdict = secret_may_travel(url, policy)
        if not verdict:
            yield verdict.message


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The result of a test: the document or the error, and the facts about it."""

    trial: Trial
    run_id: str
    milliseconds: float
    document: Document | None = None
    person: NamedPerson | None = None
    """The person whom the source named, for LoginWithToken."""
    payment_page: PaymentPage | None = None
    """The page to which the source's link leads, for GetPaymentLink."""
    error: BillhookError | None = None
    attempts: tuple[Attempt, ...] = ()
    observed: Observed | None = None
    hidden: tuple[Secret, ...] = ()
    """The secrets that must not be seen in a response that repeats them."""
    values: Values | None = None
    """All values at the end: given, derived and extracted."""
    origins: Mapping[str, Collection[Origin]] = field(default_factory=dict)
    """The origins of each step's responses."""
    shows_text: bool = True
    """Whether the last response's text may be shown: not once a step extracts a secret."""


async def send_trial(trial: Trial) -> Sent:
    """Send *trial*, which can be sent, and return what came of it. One run is recorded."""
    command, compiled = trial.command, trial.compiled
    if command is None or compiled is None:
        raise ValueError("this trial can't be sent")
    began = perf_counter()
    sending = _Sending(trial, command, _wiring(trial, compiled))
    document, person, payment_page, error = None, None, None, None
    try:
        if command.name == LOGIN_COMMAND:
            person = await sending.person()
        else:
            given = (await run_recorded(sending.use, sending.run)).document
            if command.name == PAYMENT_COMMAND:
                payment_page = take_page(given)
            else:
                document = given
    except BillhookError as failed:
        error = failed
    return Sent(
        trial=trial,
        run_id=sending.use.run_id,
        milliseconds=(perf_counter() - began) * 1000,
        document=document,
        person=person,
        payment_page=payment_page,
        error=error,
        attempts=sending.trace.attempts,
        observed=sending.observed,
        hidden=(
            *trial.secrets.values(),
            *sending.credentials,
            *_made_of_secrets(command, sending.values),
        ),
        values=sending.values,
        origins=sending.origins,
        shows_text=not any(_takes_secret(step) for step in _sent_steps(command, sending.trace)),
    )


def _sent_steps(command: Command, trace: Trace) -> Iterator[Step]:
    names = {attempt.step for attempt in trace.attempts}
    return (step for step in command.all_steps if step.name in names)


def _made_of_secrets(command: Command, values: Values | None) -> tuple[Secret, ...]:
    """Return what the steps derive of secrets: a source may repeat that, too."""
    if values is None:
        return ()
    for step in command.all_steps:
        with suppress(TokenError):
            values = step.derived(values)
    given = values.given.values()
    return tuple(Secret(each.text) for each in given if each.secret and each.text)


def _takes_secret(step: Step) -> bool:
    return step.reading is not None and any(each.secret for each in step.reading.extracts)


def _wiring(trial: Trial, compiled: CompiledIntegration) -> Wiring:
    token_store = token_store_of(trial.integration, compiled) if trial.integration else None
    return Wiring(
        organisation_id=trial.member.organisation_id,
        integration=compiled,
        secrets=trial.secrets,
        token_store=token_store,
    )


class _Sending:
    """A test in progress, and the facts seen so far."""

    def __init__(self, trial: Trial, command: Command, wiring: Wiring) -> None:
        self._trial = trial
        self._command = command
        self._wiring = wiring
        self.use = _use_of(trial, command)
        self.trace = Trace()
        self.observed: Observed | None = None
        self.credentials: tuple[Secret, ...] = ()
        self.values: Values | None = None
        self.origins: Mapping[str, Collection[Origin]] = {}

    async def run(self, trace: Trace) -> FoundDocument:
        """Return the document in the response."""
        return FoundDocument(document=await self._sent(run_command, trace))

    async def person(self) -> NamedPerson:
        """Return the person in the response to LoginWithToken. Nobody is signed in."""
        with recorded(self.use) as trace:
            return person_in(await self._sent(run_for_values, trace))

    async def _sent(self, run: _Runs[_Result], trace: Trace) -> _Result:
        """Send the command by *run*, and note what is seen of it."""
        self.trace = trace
        command = self._command
        tokens = {each.name: each.value for each in self._trial.used}
        secrets = _own(command, self._trial.secrets)
        values = command.values(tokens, secrets=secrets, run_id=self.use.run_id)
        self.values = values
        async with get_store().one_off_source(self._wiring) as source:
            transport = ObservingTransport(source)
            try:
                return await run(
                    command,
                    values,
                    transport=transport,
                    trace=trace,
                    learn=self._learn,
                    share=self.use.organisation_id,
                )
            finally:
                self.observed = transport.observed
                self.origins = transport.origins
                self.credentials = source.credentials

    def _learn(self, values: Values) -> None:
        """Note *values*, in addition to those that only the steps know among themselves."""
        before = self.values.given if self.values else {}
        self.values = values.with_more({**before, **values.given})


def _use_of(trial: Trial, command: Command) -> RunContext:
    return RunContext(
        organisation_id=trial.member.organisation_id,
        integration_id=trial.integration.id if trial.integration else None,
        command=command.name,
        kind=RunKind.TRY,
        user_id=trial.member.user_id,
        invoice_id=trial.subject.invoice.id if trial.subject.invoice else None,
        customer_id=trial.subject.customer.id if trial.subject.customer else None,
    )
