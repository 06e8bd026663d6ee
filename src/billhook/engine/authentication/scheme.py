"""Authentication schemes and plans: a scheme with its fields, and an integration's choice of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from billhook.engine.authentication.fields import CompiledField
from billhook.engine.config import AuthenticationConfig
from billhook.engine.egress.url import Origin
from billhook.engine.errors import Problem
from billhook.engine.field import FieldInfo
from billhook.engine.secret import Secret
from billhook.engine.tokens.template import Shown, Template
from billhook.engine.tokens.values import Given

if TYPE_CHECKING:
    from billhook.engine.authentication.authenticator import Authenticator
    from billhook.engine.authentication.session_plan import SessionPlan
    from billhook.engine.authentication.token_store import TokenStore

WHERE: Final = "authentication"
"""The table of an integration file that problems point to."""
ShownPairs = tuple[tuple[str, Shown], ...]
"""Headers or parameters for people: secrets, tokens and signatures are masked."""


def _nothing(*_: object) -> tuple[()]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """One way to authenticate requests. A module of its own in ``schemes`` defines each.

    Data for people, files and forms:
        ``fields`` are in the order of the form. ``parts`` are the tables that the scheme takes in
        addition: extra, headers, requests, derive or refused_when. ``reserved`` are the parameters
        that ``extra`` must not hold, since they are sent anyway. ``sensitive`` is the field whose
        text usually gives access. ``unsent`` are the fields (and extra) that no request to a source
        carries: what they hold signs it, or goes to the token URL alone. ``sends_issued`` means
        that requests to a source carry what was issued for the secrets alone: an access token, or
        the values of a session. ``keeps_tokens`` means that the source issues tokens that must be
        stored from one run to the next.

    Functions:
        ``make`` returns the authenticator for a plan with its values. ``headers`` and
        ``parameters`` return what it adds to a request, masked. ``check`` returns the problems of
        fields that are right one by one. ``notes`` returns hints that prevent nothing.
    """

    name: str
    title: str
    help: str
    fields: tuple[FieldInfo, ...]
    parts: tuple[str, ...] = ()
    reserved: frozenset[str] = frozenset()
    sensitive: str = ""
    unsent: frozenset[str] = frozenset()
    sends_issued: bool = False
    keeps_tokens: bool = False
    make: Callable[[FilledPlan], Authenticator]
    headers: Callable[[AuthenticationPlan], ShownPairs] = _nothing
    parameters: Callable[[AuthenticationPlan], ShownPairs] = _nothing
    check: Callable[[AuthenticationConfig, Mapping[str, CompiledField]], Iterable[Problem]] = (
        _nothing
    )
    notes: Callable[[AuthenticationPlan], Iterable[Problem]] = _nothing

    def field(self, key: str) -> FieldInfo | None:
        """Return the field with *key*."""
        return next((field for field in self.fields if field.key == key), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticationPlan:
    """The compiled authentication of an integration, without the values of its secrets.

    ``notes`` are hints that prevent nothing.
    """

    scheme: Scheme
    fields: Mapping[str, CompiledField]
    extra: Mapping[str, Template]
    session: SessionPlan | None
    known_secrets: frozenset[str]
    notes: tuple[Problem, ...] = ()

    @property
    def secrets(self) -> frozenset[str]:
        """The names of the secrets that it uses."""
        return frozenset(self.secret_origins(frozenset()))

    @property
    def origins(self) -> frozenset[Origin]:
        """Origins of its own requests: to token and authorisation URL, or for a session."""
        urls = [field.origin for field in self.fields.values() if field.url is not None]
        return frozenset(urls) | (self.session.origins if self.session else frozenset())

    @property
    def redirects(self) -> str:
        """Whether redirects of its own requests are followed: ``follow`` or ``deny``."""
        return self.session.command.redirects if self.session else "deny"

    def secret_origins(self, sources: frozenset[Origin]) -> dict[str, frozenset[Origin]]:
        """Return where each secret goes, or where a credential derived from it goes.

        *sources* are the origins of the commands. A client secret goes to its token URL, but the
        access token obtained with it goes to the sources, so a new source needs the secret again.
        """
        own = self.origins
        found = dict.fromkeys(self._field_secrets(), own | sources)
        if self.session is not None:
            found |= dict.fromkeys(self.session.secrets, own | sources)
        return found

    @property
    def sent_secrets(self) -> frozenset[str]:
        """The names of the secrets that an authenticated request to a source carries.

        Those for which the credential in the request was issued count, too.
        """
        if self.scheme.sends_issued:
            return self.secrets
        unsent = self.scheme.unsent
        fields = [each.template for key, each in self.fields.items() if key not in unsent]
        extra = [] if "extra" in unsent else self.extra.values()
        return self._secrets_in([*fields, *extra])

    def _field_secrets(self) -> frozenset[str]:
        fields = [each.template for each in self.fields.values()]
        return self._secrets_in([*fields, *self.extra.values()])

    def _secrets_in(self, templates: Iterable[Template]) -> frozenset[str]:
        used = {name for template in templates for _, _, name in template.pieces}
        return self.known_secrets & used


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class FilledPlan:
    """A plan with the values of its secrets: ``texts`` are its fields, by key.

    ``given`` are the values of its tokens, for a text that is filled for each request.
    """

    plan: AuthenticationPlan
    texts: Mapping[str, str]
    extra: Mapping[str, str]
    given: Mapping[str, Given]
    secrets: Mapping[str, Secret]
    token_store: TokenStore | None

    def __getitem__(self, key: str) -> str:
        return self.texts[key]

    def __contains__(self, key: str) -> bool:
        return key in self.texts

    def secret(self, key: str) -> Secret | None:
        """Return the text of the field with *key* as a secret, or None if it is empty."""
        return Secret(self.texts[key]) if self.texts.get(key) else None


class UnfitField(Exception):
    """A field whose value can't be used to sign. *reason* completes a sentence about its label."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(key)
        self.key = key
        self.reason = reason


def problem_at(key: str, code: str, message: str, suggestion: str | None = None) -> Problem:
    """Return a problem, or a hint, of the field or part with *key*."""
    return Problem(code=code, message=message, where=f"{WHERE}.{key}", suggestion=suggestion)
