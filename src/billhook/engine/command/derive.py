"""Values made from others before a request is sent: a template, and perhaps a function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from billhook.engine.errors import Problem, TokenError
from billhook.engine.tokens.functions import Function, UnfitForFunction
from billhook.engine.tokens.template import Template, unfit_message
from billhook.engine.tokens.values import Given, UnfitValue, Values, checked_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Derive:
    """A token derived from others: a template, perhaps a function. ``token`` is ``Step.Name``."""

    token: str
    template: Template
    function: Function | None

    @property
    def uses(self) -> frozenset[str]:
        """The names of the tokens from which it is derived."""
        return frozenset(name for _, _, name in self.template.pieces)

    def make(self, values: Values) -> Given:
        """Return the value; it is secret if one of its parts is. Raises UnfitValue."""
        text = self.template.fill(values)
        if self.function is not None:
            try:
                text = self.function(text)
            except UnfitForFunction as unfit:
                raise UnfitValue("unfit-for-function", unfit.reason) from None
        is_secret = any(values.given[name].secret for name in self.uses)
        return Given(text=checked_text(text), quoted=True, secret=is_secret)


def with_derived(values: Values, derives: Sequence[Derive]) -> Values:
    """Return *values* and those that *derives* make; raise TokenError with every invalid one.

    Tokens derived from values that aren't known yet are left out.
    """
    if not derives:
        return values
    given = dict(values.given)
    problems = []
    for derive in derives:
        if not derive.uses <= given.keys():
            continue
        try:
            given[derive.token] = derive.make(Values(given))
        except UnfitValue as unfit:
            message = unfit_message(derive.token, unfit.reason)
            where = derive.template.where
            problems.append(Problem(code=unfit.code, message=message, where=where))
    if problems:
        raise TokenError(tuple(problems))
    return values.with_more(given)
