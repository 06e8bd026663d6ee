"""A plan with the values of its secrets: the scheme that signs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from billhook.engine.authentication import signing
from billhook.engine.authentication.plan import WHERE, AuthenticationPlan, origin_of
from billhook.engine.authentication.scheme import FixedScheme, Scheme
from billhook.engine.errors import ConfigurationError, Problem, TokenError
from billhook.engine.secret import Secret
from billhook.engine.tokens.template import Template
from billhook.engine.tokens.values import Given, UnfitValue, Values, take_value

if TYPE_CHECKING:
    from billhook.engine.authentication.oauth2 import Client
    from billhook.engine.authentication.token_store import TokenKeeper


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class _Bound:
    """A plan with everything filled in."""

    plan: AuthenticationPlan
    fields: Mapping[str, str]
    extra: Mapping[str, str]
    given: Mapping[str, Given]
    secrets: Mapping[str, Secret]
    keeper: TokenKeeper | None

    def secret(self, name: str) -> Secret | None:
        """Return an optional secret field."""
        return Secret(self.fields[name]) if self.fields[name] else None


def bind(
    plan: AuthenticationPlan, secrets: Mapping[str, Secret], *, keeper: TokenKeeper | None = None
) -> Scheme:
    """Return the scheme of *plan*, as :meth:`AuthenticationPlan.bind` promises."""
    bound = _fill(plan, secrets, keeper)
    try:
        return _BUILDERS[plan.scheme](bound)
    except signing.UnfitField as unfit:
        raise TokenError((_unfit_problem(plan, unfit),)) from None


def bind_client(plan: AuthenticationPlan, secrets: Mapping[str, Secret]) -> Client:
    """Return the OAuth 2 client of *plan*, as :meth:`AuthenticationPlan.client` promises."""
    if "token_url" not in plan.fields:
        raise ValueError("this scheme is not OAuth 2")
    return _client(_fill(plan, secrets, None))


def _fill(
    plan: AuthenticationPlan, secrets: Mapping[str, Secret], keeper: TokenKeeper | None
) -> _Bound:
    given, problems = _take(plan, secrets)
    values = Values(given)
    if not problems:
        templates = _templates(plan)
        problems = [each for template in templates for each in template.problems(values)]
    if problems:
        raise TokenError(tuple(problems))
    return _Bound(
        plan=plan,
        fields={
            name: field.template.fill(values)
            for name, field in plan.fields.items()
            if field.info.kind != "request-text"
        },
        extra={name: template.fill(values) for name, template in plan.extra.items()},
        given=given,
        secrets=secrets,
        keeper=keeper,
    )


def _templates(plan: AuthenticationPlan) -> list[Template]:
    fields = [each.template for each in plan.fields.values() if each.info.kind != "request-text"]
    return [*fields, *plan.extra.values()]


def _take(
    plan: AuthenticationPlan, secrets: Mapping[str, Secret]
) -> tuple[dict[str, Given], list[Problem]]:
    given: dict[str, Given] = {}
    problems = []
    for name in sorted(plan.secrets):
        if name not in secrets:
            message = f"No value is stored for the secret {name}, which signing in needs."
            problems.append(_problem("missing-secret", message, name))
            continue
        try:
            given[name] = take_value(secrets[name])
        except UnfitValue as unfit:
            problems.append(_problem(unfit.code, f"The secret {name} {unfit.reason}", name))
    return given, problems


def _problem(code: str, message: str, secret: str) -> Problem:
    return Problem(code=code, message=message, where=f"tokens.{secret}")


def _unfit_problem(plan: AuthenticationPlan, unfit: signing.UnfitField) -> Problem:
    label = plan.fields[unfit.field].info.label
    message = f"{label} {unfit.reason}"
    return Problem(code="unfit-secret", message=message, where=f"{WHERE}.{unfit.field}")


def _fixed(sign: Callable[[signing.Fields], signing.Signer]) -> Callable[[_Bound], Scheme]:
    return lambda bound: FixedScheme(sign(bound.fields))


def _hmac(bound: _Bound) -> Scheme:
    template = bound.plan.fields["template"].template
    return FixedScheme(signing.sign_hmac(bound.fields, template, bound.given))


def _client(bound: _Bound) -> Client:
    from billhook.engine.authentication.oauth2 import Client

    fields = bound.fields
    origin = origin_of(bound.plan.fields["token_url"])
    target = fields["token_url"][len(str(origin)) :]
    return Client(
        token_origin=origin,
        token_target=target if target.startswith("/") else f"/{target}",
        client_id=fields["client_id"],
        client_secret=bound.secret("client_secret"),
        scope=fields["scope"],
        in_header=fields["client_auth"] == "header",
        extra=bound.extra,
        authorize_url=fields.get("authorize_url", ""),
        pkce=bool(fields.get("pkce", "yes")),
    )


def _oauth2(bound: _Bound) -> Scheme:
    from billhook.engine.authentication.oauth2 import TokenScheme
    from billhook.engine.authentication.token_store import MemoryKeeper

    if bound.plan.info.keeps and bound.keeper is None:
        raise ConfigurationError((_no_keeper(),))
    keeps = bound.plan.info.keeps and bound.keeper is not None
    return TokenScheme(
        _client(bound),
        keeper=bound.keeper if keeps and bound.keeper is not None else MemoryKeeper(),
        prefix=bound.fields["prefix"],
        first=bound.secret("refresh_token") if "refresh_token" in bound.fields else None,
        own=not bound.plan.info.keeps,
    )


def _no_keeper() -> Problem:
    return Problem(
        code="no-token-store",
        message="This sign-in gets new tokens that have to be kept from one run to the next, and "
        "there is no place for them. On the command line, name a file: --tokens FILE.",
        where=f"{WHERE}.scheme",
    )


def _session(bound: _Bound) -> Scheme:
    from billhook.engine.authentication.session import SessionScheme

    session = bound.plan.session
    assert session is not None  # noqa: S101 - a plan of this scheme has one; for mypy
    kept = bound.fields["kept"]
    return SessionScheme(
        session,
        secrets=bound.secrets,
        given=bound.given,
        kept=float(kept) if kept else None,
    )


_BUILDERS: Final[dict[str, Callable[[_Bound], Scheme]]] = {
    "basic": _fixed(signing.sign_basic),
    "bearer": _fixed(signing.sign_bearer),
    "header": _fixed(signing.sign_with_header),
    "query": _fixed(signing.sign_with_query),
    "oauth2-client-credentials": _oauth2,
    "oauth2-refresh-token": _oauth2,
    "oauth2-authorization-code": _oauth2,
    "session": _session,
    "hmac": _hmac,
    "standard-webhooks": _fixed(signing.sign_standard_webhooks),
    "aws-sigv4": _fixed(signing.sign_aws),
    "oauth1": _fixed(signing.sign_oauth1),
}
