"""The draft of an integration, and the check of all of it before anything is saved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from billhook.engine.config import AuthenticationConfig, CommandConfig, IntegrationConfig, TlsConfig
from billhook.engine.errors import ConfigurationError, Problem
from billhook.engine.integration import CompiledIntegration, try_to_compile
from billhook.engine.integration_file.file import (
    authentication_from_json,
    command_from_json,
    tls_from_json,
)
from billhook.engine.secret import Secret
from billhook.portal.fields.names import SENTENCE, has_unseen
from billhook.portal.integrations.models import Integration, Keeping, OnFailure, StoredSecret
from billhook.portal.integrations.secret_binding import (
    NOTHING,
    SecretBinding,
    bindings_of,
    problem_of,
)

NAME_LENGTH: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretEntry:
    """One secret as typed: ``value`` is None where the stored one is to stay.

    ``stored_id`` is the row that it was, so that a secret can get another name and keep its value.
    """

    name: str
    value: Secret | None = None
    stored_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An integration as typed, all of it.

    ``preset``, ``on_failure`` and ``keeping`` are the portal's own: no integration file has them.
    """

    name: str
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[SecretEntry, ...] = ()
    authentication: AuthenticationConfig | None = None
    tls: TlsConfig | None = None
    commands: tuple[CommandConfig, ...] = ()
    preset: str = ""
    on_failure: str = OnFailure.STOP
    keeping: str = Keeping.CHECKED

    def config(self) -> IntegrationConfig:
        """Return it as the integration file has it: of the secrets only the names."""
        return IntegrationConfig(
            name=self.name,
            variables=dict(self.variables),
            secrets=tuple(entry.name for entry in self.secrets),
            authentication=self.authentication,
            tls=self.tls,
            commands=self.commands,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedDraft:
    """A draft without problems, compiled."""

    draft: Draft
    compiled: CompiledIntegration

    @property
    def bindings(self) -> dict[str, SecretBinding]:
        """The binding that each secret needs."""
        return bindings_of(self.draft.config(), self.compiled)


def check_draft(
    draft: Draft, *, taken: Iterable[str], stored: Iterable[StoredSecret]
) -> CheckedDraft:
    """Return *draft*, compiled. *taken* are the names of other integrations.

    Raises:
        ConfigurationError: with every problem, the binding of secrets among them.
    """
    compilation = try_to_compile(draft.config())
    compiled = compilation.integration
    if not compilation.connects:
        compiled = replace(compiled, authentication=None, tls=None)
    found = (
        *_name_problems(draft, set(taken)),
        *compilation.problems,
        *_no_command(draft),
        *_choice_problems(draft),
        *_value_problems(draft, compiled, {row.id: row for row in stored}),
    )
    if found:
        raise ConfigurationError(found)
    return CheckedDraft(draft=draft, compiled=compiled)


def _no_command(draft: Draft) -> Iterator[Problem]:
    if not draft.commands:
        yield Problem(
            code="no-command",
            where="commands",
            message="An integration needs one command at least. Add one, such as GetInvoiceImage.",
        )


def _name_problems(draft: Draft, taken: set[str]) -> Iterator[Problem]:
    where = "integration.name"
    if not draft.name.strip():
        yield Problem(
            code="name-missing",
            where=where,
            message="Give the integration a name, such as Acme billing.",
        )
    elif len(draft.name) > NAME_LENGTH:
        yield Problem(
            code="name-too-long",
            where=where,
            message=f"The name has {len(draft.name)} characters. Use {NAME_LENGTH} at most.",
        )
    elif has_unseen(draft.name.strip()):
        yield Problem(code="name-unseen", where=where, message=SENTENCE)
    elif draft.name.strip() in taken:
        yield Problem(
            code="name-taken",
            where=where,
            message=f"There is an integration {draft.name.strip()} already. Choose another name.",
        )


def _choice_problems(draft: Draft) -> Iterator[Problem]:
    for key, value, known in (
        ("on_failure", draft.on_failure, OnFailure.values),
        ("keeping", draft.keeping, Keeping.values),
    ):
        if value not in known:
            yield Problem(
                code="unknown-choice",
                where=f"integration.{key}",
                message=f"{key} is one of {', '.join(known)}. Choose one of them.",
            )


def _value_problems(
    draft: Draft,
    compiled: CompiledIntegration,
    stored: Mapping[str, StoredSecret],
) -> Iterator[Problem]:
    bindings = bindings_of(draft.config(), compiled)
    for entry in draft.secrets:
        if entry.value is not None:
            continue
        row = stored.get(entry.stored_id)
        problem = (
            _missing(entry.name)
            if row is None or not row.ciphertext
            else problem_of(
                entry.name,
                wanted=bindings.get(entry.name, NOTHING),
                bound=SecretBinding.from_json(row.bound_to),
            )
        )
        if problem is not None:
            yield problem


def _missing(name: str) -> Problem:
    return Problem(
        code="secret-missing",
        where=f"secrets.{name}",
        message=f"Type the value of {name}. It is not stored yet.",
    )


def draft_of(row: Integration) -> Draft:
    """Return the stored integration *row* as if it had just been typed, with its secrets kept."""
    return Draft(
        name=row.name,
        variables=dict(row.variables),
        secrets=tuple(
            SecretEntry(name=secret.name, stored_id=secret.id)
            for secret in row.stored_secrets.all()
        ),
        authentication=authentication_from_json(row.authentication) if row.authentication else None,
        tls=tls_from_json(row.tls) if row.tls else None,
        commands=tuple(command_from_json(typed) for typed in row.commands),
        preset=row.preset,
        on_failure=row.on_failure,
        keeping=row.keeping,
    )


def draft_of_file(config: IntegrationConfig, *, preset: str = "") -> Draft:
    """Return what an integration file holds as if it had been typed; its secrets have no values.

    *preset* is the name of the preset, if it is one.
    """
    return Draft(
        name=config.name,
        variables=dict(config.variables),
        secrets=tuple(SecretEntry(name=name) for name in config.secrets),
        authentication=config.authentication,
        tls=config.tls,
        commands=config.commands,
        preset=preset,
    )
