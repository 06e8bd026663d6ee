"""From what was typed about signing in to a plan: every mistake is found here, with its remedy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from billhook.engine.authentication.fields import Field, compile_field, compile_line
from billhook.engine.authentication.schemes import SCHEME_NAMES, SchemeInfo, find_scheme
from billhook.engine.config import AuthenticationConfig
from billhook.engine.errors import ConfigurationError, Problem
from billhook.engine.http.request import Origin
from billhook.engine.secret import Secret
from billhook.engine.tokens.catalogue import nearest
from billhook.engine.tokens.template import Shown, Template
from billhook.engine.tokens.text import Scope, read_text
from billhook.engine.tokens.values import Given, UnfitValue, take_value

if TYPE_CHECKING:
    from billhook.engine.authentication.oauth2 import Client
    from billhook.engine.authentication.scheme import Scheme
    from billhook.engine.authentication.session_plan import SessionPlan
    from billhook.engine.authentication.token_store import TokenKeeper

WHERE: Final = "authentication"
_OWN_PARAMETERS: Final = frozenset(
    {
        "client_assertion",
        "client_id",
        "client_secret",
        "code",
        "code_challenge",
        "code_challenge_method",
        "code_verifier",
        "grant_type",
        "redirect_uri",
        "refresh_token",
        "response_type",
        "scope",
        "state",
    }
)
"""What a token request holds anyway, so that ``extra`` can't."""
_SHOULD_BE_SECRET: Final = {"basic": "password", "header": "value", "query": "value"}


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticationPlan:
    """A compiled sign-in, without the values of its secrets. ``notes`` hinder nothing."""

    info: SchemeInfo
    fields: Mapping[str, Field]
    extra: Mapping[str, Template]
    session: SessionPlan | None
    known_secrets: frozenset[str]
    notes: tuple[Problem, ...] = ()

    @property
    def scheme(self) -> str:
        """The scheme's name."""
        return self.info.name

    @property
    def secrets(self) -> frozenset[str]:
        """The names of the secrets that it uses."""
        return frozenset(self.secret_origins(frozenset()))

    @property
    def origins(self) -> frozenset[Origin]:
        """Where it sends requests of its own: to token and authorisation URL, or for a session."""
        urls = [origin_of(field) for field in self.fields.values() if field.url is not None]
        return frozenset(urls) | (self.session.origins if self.session else frozenset())

    def secret_origins(self, sources: frozenset[Origin]) -> dict[str, frozenset[Origin]]:
        """Return where each secret goes, or what it signs or is exchanged for.

        *sources* are the origins of the commands. A client's secret goes to its token URL, but the
        access token that comes of it goes to the sources, so a new source needs the secret again.
        """
        own = self.origins
        found = dict.fromkeys(self._field_secrets(), own | sources)
        if self.session is not None:
            found |= dict.fromkeys(self.session.secrets, own | sources)
        return found

    def _field_secrets(self) -> frozenset[str]:
        templates = [*(each.template for each in self.fields.values()), *self.extra.values()]
        used = {name for template in templates for _, _, name in template.pieces}
        return self.known_secrets & used

    def shown_headers(self) -> tuple[tuple[str, Shown], ...]:
        """Return the headers that it adds to a request, for people: secrets are masked."""
        from billhook.engine.authentication.showing import shown_headers

        return shown_headers(self)

    def shown_parameters(self) -> tuple[tuple[str, Shown], ...]:
        """Return the parameters that it adds to a URL, for people: secrets are masked."""
        from billhook.engine.authentication.showing import shown_parameters

        return shown_parameters(self)

    def bind(self, secrets: Mapping[str, Secret], *, keeper: TokenKeeper | None = None) -> Scheme:
        """Return the scheme with the values of its secrets, ready to sign.

        *keeper* is where tokens that the source gives out are kept; schemes that need one raise
        ConfigurationError without it. Raises TokenError with every secret that is missing or unfit.
        """
        from billhook.engine.authentication.binding import bind

        return bind(self, secrets, keeper=keeper)

    def client(self, secrets: Mapping[str, Secret]) -> Client:
        """Return the OAuth 2 client that this is, for whoever takes a person through the flow.

        Raises TokenError as :meth:`bind` does, and ValueError for another scheme.
        """
        from billhook.engine.authentication.binding import bind_client

        return bind_client(self, secrets)


def origin_of(field: Field) -> Origin:
    """Return the origin of a field that is a URL."""
    if field.url is None:
        raise ValueError("this field is no URL")
    return Origin(scheme=field.url.scheme, host=field.url.host, port=field.url.port)


def compile_authentication(
    config: AuthenticationConfig, *, variables: Mapping[str, str], secrets: Iterable[str]
) -> AuthenticationPlan:
    """Compile *config*; raise ConfigurationError with every mistake in it.

    *variables* are filled in now. *secrets* are the names that the integration has. What is wrong
    with the variables themselves is told by the commands that are compiled with them.
    """
    info = find_scheme(config.scheme)
    if info is None:
        raise ConfigurationError((_unknown_scheme(config.scheme),))
    names = frozenset(secrets)
    draft = _Draft(info=info, config=config, scope=_make_scope(variables, names))
    draft.refuse_strangers()
    draft.take_fields()
    draft.take_extra()
    if info.name == "session":
        draft.take_session(variables, names)
    if draft.problems:
        raise ConfigurationError(tuple(draft.problems))
    return draft.build()


def _unknown_scheme(name: str) -> Problem:
    near = nearest(name, SCHEME_NAMES)
    advice = f"Did you mean {near}?" if near else f"There are {', '.join(SCHEME_NAMES)}."
    return Problem(
        code="unknown-scheme",
        message=f'There is no sign-in scheme "{name}". {advice}',
        where=f"{WHERE}.scheme",
        suggestion=near,
    )


def _make_scope(variables: Mapping[str, str], secrets: frozenset[str]) -> Scope:
    given: dict[str, Given] = {}
    for name, value in variables.items():
        try:
            given[name] = take_value(value)
        except UnfitValue:
            given[name] = Given(text="x", quoted=True)
    return Scope(variables=given, secrets=secrets, tokens=frozenset())


@dataclass(slots=True, kw_only=True)
class _Draft:
    """A plan on its way, with its problems."""

    info: SchemeInfo
    config: AuthenticationConfig
    scope: Scope
    fields: dict[str, Field] = field(default_factory=dict)
    extra: dict[str, Template] = field(default_factory=dict)
    session: SessionPlan | None = None
    problems: list[Problem] = field(default_factory=list)

    def _complain(self, code: str, message: str, at: str, near: str | None = None) -> None:
        self.problems.append(
            Problem(code=code, message=message, where=f"{WHERE}.{at}", suggestion=near)
        )

    def refuse_strangers(self) -> None:
        """Refuse fields and parts that the scheme hasn't."""
        known = [each.key for each in self.info.fields]
        for name in self.config.fields:
            if name not in known:
                near = nearest(name, known)
                known_text = ", ".join(known) or "no fields"
                advice = f"Did you mean {near}?" if near else f"It has {known_text}."
                message = f'The scheme {self.info.name} has no field "{name}". {advice}'
                self._complain("unknown-key", message, name, near)
        for part in ("extra", "headers", "request", "refused_when"):
            if getattr(self.config, part) and part not in self.info.parts:
                message = f"The scheme {self.info.name} doesn't use {part}. Remove it."
                self._complain("misplaced-key", message, part)

    def take_fields(self) -> None:
        for info in self.info.fields:
            typed = self.config.fields.get(info.key)
            where = f"{WHERE}.{info.key}"
            compiled, problems = compile_field(info, typed, where, self.scope)
            self.problems += problems
            if compiled is not None:
                self.fields[info.key] = compiled
        if self.info.name == "basic" and not any(
            map(self.config.fields.get, ("username", "password"))
        ):
            message = "There is neither a user name nor a password. Type one at least."
            self._complain("missing-key", message, "username")
        username = self.fields.get("username")
        if username is not None and ":" in _literal(username.template):
            message = "A user name can't hold a colon: the password would begin there (RFC 7617)."
            self._complain("colon", message, "username")

    def take_extra(self) -> None:
        if "extra" not in self.info.parts:
            return
        for name, value in self.config.extra.items():
            if not name or name.lower() in _OWN_PARAMETERS:
                message = f'"{name}" can\'t stand in extra: it is sent by itself. Remove it.'
                self._complain("misplaced-key", message, f"extra.{name}")
                continue
            text = read_text(value, f"{WHERE}.extra.{name}", self.scope)
            template, problems = compile_line(text, self.scope)
            self.problems += problems
            if template is not None:
                self.extra[name] = template

    def take_session(self, variables: Mapping[str, str], secrets: frozenset[str]) -> None:
        from billhook.engine.authentication.session_plan import compile_session

        self.session, problems = compile_session(
            self.config, variables=variables, secrets=secrets, scope=self.scope
        )
        self.problems += problems

    def build(self) -> AuthenticationPlan:
        plan = AuthenticationPlan(
            info=self.info,
            fields=self.fields,
            extra=self.extra,
            session=self.session,
            known_secrets=self.scope.secrets,
        )
        return replace(plan, notes=tuple(self._notes(plan)))

    def _notes(self, plan: AuthenticationPlan) -> Iterable[Problem]:
        if self.session is not None:
            for note in self.session.command.notes:
                where = note.where.replace("commands.Session", f"{WHERE}.request", 1)
                yield replace(note, where=where)
        token_url = self.fields.get("token_url")
        if token_url is not None and token_url.url and token_url.url.scheme != "https":
            yield _note(
                "secret-over-http",
                "A secret travels over https only, unless the operator has allowed this host and "
                "port. Write https:// if the source offers it.",
                "token_url",
            )
        open_to_all = _SHOULD_BE_SECRET.get(self.info.name)
        if open_to_all and self.config.fields.get(open_to_all) and not plan.secrets:
            yield _note(
                "not-a-secret",
                "Whoever sees the integration can read this. If it gives access, make it a secret "
                "and put its token here.",
                open_to_all,
            )


def _note(code: str, message: str, at: str) -> Problem:
    return Problem(code=code, message=message, where=f"{WHERE}.{at}")


def _literal(template: Template) -> str:
    """Return what is known of a field before its secrets are."""
    return "".join(part.text for part in template.parts if part.encode is None)
