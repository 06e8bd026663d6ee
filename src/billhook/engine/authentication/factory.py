"""Makes the authenticator of a plan from the values of its secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from billhook.engine.authentication.authenticator import Authenticator
from billhook.engine.authentication.scheme import (
    AuthenticationPlan,
    FilledPlan,
    UnfitField,
    problem_at,
)
from billhook.engine.errors import Problem, TokenError
from billhook.engine.secret import Secret
from billhook.engine.tokens.template import Template
from billhook.engine.tokens.values import Given, UnfitValue, Values, take_value

if TYPE_CHECKING:
    from billhook.engine.authentication.token_store import TokenStore


def make_authenticator(
    plan: AuthenticationPlan,
    secrets: Mapping[str, Secret],
    *,
    token_store: TokenStore | None = None,
) -> Authenticator:
    """Return the authenticator of *plan*, ready to sign.

    *token_store* stores tokens that the source issues; a scheme that needs one raises
    ConfigurationError without it. Raises TokenError with every secret that is missing or unfit.
    """
    filled = fill_plan(plan, secrets, token_store=token_store)
    try:
        return plan.scheme.make(filled)
    except UnfitField as unfit:
        raise unfit_problem(plan, unfit) from None


def unfit_problem(plan: AuthenticationPlan, unfit: UnfitField) -> TokenError:
    """Return the error for a field whose value can't be used to sign."""
    message = f"{plan.fields[unfit.key].info.label} {unfit.reason}"
    return TokenError((problem_at(unfit.key, "unfit-secret", message),))


def fill_plan(
    plan: AuthenticationPlan,
    secrets: Mapping[str, Secret],
    *,
    token_store: TokenStore | None = None,
) -> FilledPlan:
    """Return *plan* with the values of its secrets; raise TokenError with every problem."""
    given, problems = _take(plan, secrets)
    values = Values(given)
    if not problems:
        templates = _templates(plan)
        problems = [each for template in templates for each in template.problems(values)]
    if problems:
        raise TokenError(tuple(problems))
    return FilledPlan(
        plan=plan,
        texts={
            key: field.template.fill(values)
            for key, field in plan.fields.items()
            if field.info.kind != "request-text"
        },
        extra={name: template.fill(values) for name, template in plan.extra.items()},
        given=given,
        secrets=secrets,
        token_store=token_store,
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
            message = f"No value is stored for the secret {name}, which authentication needs."
            problems.append(_problem("missing-secret", message, name))
            continue
        try:
            given[name] = take_value(secrets[name])
        except UnfitValue as unfit:
            problems.append(_problem(unfit.code, f"The secret {name} {unfit.reason}", name))
    return given, problems


def _problem(code: str, message: str, secret: str) -> Problem:
    return Problem(code=code, message=message, where=f"tokens.{secret}")
