"""A compiled step: the request that it makes, what it derives before, how its response is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from billhook.engine.command.derive import Derive, with_derived
from billhook.engine.command.preview import MaskedRequest
from billhook.engine.egress.url import MAX_LOCATION_LENGTH, Origin, parse_url
from billhook.engine.errors import RESPONSE, MissingValue, Problem, TokenError, denied
from billhook.engine.http.request import WebRequest
from billhook.engine.tokens.template import Template
from billhook.engine.tokens.values import Given, UnfitValue, Values
from billhook.engine.verdict import Verdict

if TYPE_CHECKING:
    from billhook.engine.answer.place import AnswerPlace
    from billhook.engine.answer.reading import Reading, Repeat


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One compiled request, and how its response is read.

    ``tokens`` are the names that the request itself uses, ``uses`` all names that the step uses in
    any way; ``secrets`` are those of the secrets that the request carries, also through derived
    tokens. ``body`` is None where the method takes no body.

    ``origin`` is None where the URL comes out of an earlier response, as the token ``link``; then
    credentials go along only to one of ``trusted`` origins. ``session`` are the tokens that are
    only known with the session, and ``late`` makes those of them that are derived from its values.
    Without any part that concerns the response, ``reading`` is None.
    ``max_bytes`` is the limit of the response, if it isn't the command's.
    """

    name: str
    method: str
    origin: Origin | None
    site: str
    url: Template
    headers: tuple[tuple[str, Template], ...]
    body: Template | None
    tokens: tuple[str, ...]
    uses: tuple[str, ...]
    secrets: frozenset[str]
    max_bytes: int | None = None
    link: str = ""
    trusted: frozenset[Origin] = frozenset()
    session: frozenset[str] = frozenset()
    late: tuple[Derive, ...] = ()
    authenticate: bool = True
    repeatable: bool = False
    compressed: bool = False
    derives: tuple[Derive, ...] = ()
    reading: Reading | None = None
    repeat: Repeat | None = None
    on_not_found: tuple[Step, ...] = ()
    answer: AnswerPlace | None = None

    @property
    def with_inner(self) -> Iterator[Step]:
        """The step itself, and those that are sent when it finds nothing."""
        yield self
        for step in self.on_not_found:
            yield from step.with_inner

    def derived(self, values: Values) -> Values:
        """Return *values* and those that the step derives; raise TokenError with every invalid one.

        Tokens derived from values that aren't known yet are left out.
        """
        return with_derived(values, self.derives)

    def begin(self, values: Values) -> Values:
        """Return :meth:`derived` values when the step's turn in a run has come.

        Raises MissingValue where a value from an earlier response doesn't fit.
        """
        if not self.derives:
            return values
        try:
            return self.derived(values)
        except TokenError as error:
            raise self._error_of(error.problems) from None

    def fill(self, values: Values) -> WebRequest:
        """Return the request with *values* in it; raise TokenError with every invalid value.

        Raises MissingValue if the invalid value is from an earlier response, and EgressDenied where
        a URL from a response is none. If the session's values are needed, the request is completed
        later, when it is signed.
        """
        if self.session:
            return self._awaiting_session(values)
        try:
            return self._fill(values)
        except UnfitValue:
            raise self._error_of(self._problems(values)) from None

    def _fill(self, values: Values) -> WebRequest:
        origin = self.origin
        if origin is None:
            return self._fill_link(values)
        url = self.url.fill(values)
        target = url[len(self.site) :]
        return WebRequest(
            step=self.name,
            method=self.method,
            url=url,
            origin=origin,
            target=target if target.startswith("/") else f"/{target}",
            headers=tuple([(name, value.fill(values)) for name, value in self.headers]),
            body=None if self.body is None else self.body.fill(values).encode(),
            carries_secret=bool(self.secrets)
            or (values.holds_secret_tokens and self._holds_secret(values)),
            authenticate=self.authenticate,
            repeatable=self.repeatable,
            compressed=self.compressed,
        )

    def _holds_secret(self, values: Values) -> bool:
        return any(values.given[name].secret for name in self.tokens)

    def _fill_link(self, values: Values) -> WebRequest:
        origin, url, target = self._link_parts(values)
        if any(values.given[name].secret for name in self.tokens if name != self.link):
            self._keep_secret_from(origin)
        return WebRequest(
            step=self.name,
            method=self.method,
            url=url,
            origin=origin,
            target=target,
            headers=tuple((name, value.fill(values)) for name, value in self.headers),
            body=None if self.body is None else self.body.fill(values).encode(),
            carries_secret=self._holds_secret(values),
            authenticate=self.authenticate and origin in self.trusted,
            repeatable=self.repeatable,
            compressed=self.compressed,
            led_from=values.given[self.link].given_by,
        )

    def _keep_secret_from(self, origin: Origin) -> None:
        """Refuse to take a session or a token to wherever a response says (CWE-522)."""
        if origin not in self.trusted:
            raise MissingValue(
                self.link,
                "It leads away from the command's own addresses, and the request holds a secret.",
            )

    def _link_parts(self, values: Values) -> tuple[Origin, str, str]:
        return read_link(values.given[self.link].text or "", self.trusted)

    def _awaiting_session(self, values: Values) -> WebRequest:
        """Return the request without what the session gives: only its way out is known."""
        origin, url, target = (self.origin, f"{self.origin}/", "/")
        if origin is None:
            origin, url, target = self._link_parts(values)
            self._keep_secret_from(origin)
        return WebRequest(
            step=self.name,
            method=self.method,
            url=url,
            origin=origin,
            target=target,
            headers=(),
            body=None,
            carries_secret=True,
            authenticate=self.authenticate and (self.origin is not None or origin in self.trusted),
            repeatable=self.repeatable,
            compressed=self.compressed,
            led_from=values.given[self.link].given_by if self.link else None,
            complete=lambda session: self._complete(values, session),
        )

    def _complete(self, values: Values, session: Mapping[str, Given]) -> WebRequest:
        whole = with_derived(values.with_more({**values.given, **session}), self.late)
        try:
            return self._fill(whole)
        except UnfitValue:
            raise TokenError(tuple(self._problems(whole))) from None

    @property
    def templates(self) -> tuple[Template, ...]:
        """The templates of URL, headers and body."""
        body = () if self.body is None else (self.body,)
        return (self.url, *(value for _, value in self.headers), *body)

    def _problems(self, values: Values) -> list[Problem]:
        return [problem for template in self.templates for problem in template.problems(values)]

    def _error_of(self, problems: Sequence[Problem]) -> TokenError | MissingValue:
        """Return the error for invalid values: the caller's, or those of an earlier response."""
        for problem in problems:
            token = self._step_token_of(problem)
            if token is not None:
                return MissingValue(token, problem.message)
        return TokenError(tuple(problems))

    def _step_token_of(self, problem: Problem) -> str | None:
        """Return the token of an earlier step whose value *problem* is about, if it is one."""
        for derive in self.derives:
            if derive.template.where == problem.where:
                return next((name for name in derive.uses if "." in name), None)
        for template in self.templates:
            for part in template.parts:
                if template.where == problem.where and part.start == problem.start and part.encode:
                    return part.token if "." in (part.token or "") else None
        return None

    def preview(self, values: Values) -> MaskedRequest:
        """Return the filled request for people; raise TokenError as :meth:`fill` does.

        ``‹Find.Id›`` replaces a value that is only known when an earlier step has its response.
        """
        problems = self._problems(values)
        if problems:
            raise TokenError(tuple(problems))
        return MaskedRequest(
            step=self.name,
            method=self.method,
            url=self.url.shown(values),
            headers=tuple((name, value.shown(values)) for name, value in self.headers),
            body=None if self.body is None else self.body.shown(values),
            authenticate=self.authenticate and self.origin is not None,
        )


def read_link(text: str, trusted: frozenset[Origin]) -> tuple[Origin, str, str]:
    """Return origin, URL and target of an address that came out of a response.

    *trusted* are the origins of the command's own URLs. Raises EgressDenied where it is no URL, and
    SourceRedirected where it would leave https.
    """
    url = parse_url(text.strip(), limit=MAX_LOCATION_LENGTH)
    if isinstance(url, Verdict):
        raise denied(url, came_from=RESPONSE)
    if url.scheme != "https" and all(origin.scheme == "https" for origin in trusted):
        raise denied(Verdict.DENIED_DOWNGRADE)
    return url.origin, url.text, url.target
