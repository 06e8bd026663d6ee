"""The tokens that a step's texts may use: those known when it is sent, and no later ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from billhook.engine.command.derive import Derive
from billhook.engine.config import AuthenticationConfig, StepConfig
from billhook.engine.tokens.text import Scope

SESSION: Final = "Session"
"""The name of a session, with which its tokens begin: ``{{Session.Id}}``."""
_SESSION_HERE: Final = (
    "A value of a session is allowed only in a request, not where its response is read."
)
_NO_CREDENTIAL: Final = "A secret is allowed only in a request, not where its response is read."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Declared:
    """A token that a step gives: by whom, and whether only when another step finds nothing."""

    step: str
    is_taken: bool
    is_conditional: bool


@dataclass(slots=True, kw_only=True)
class StepScopes:
    """Grows from step to step. ``base`` is what every text may use.

    ``known`` are the steps' tokens so far; of them ``links`` may be a whole URL, ``masked`` are
    taken as secret, and ``taints`` says of which stored secrets a derived token is made. ``late``
    are those derived from values of the ``session``, which are known when a request is signed.
    """

    base: Scope
    session: frozenset[str]
    declared: dict[str, _Declared] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    links: set[str] = field(default_factory=set)
    taints: dict[str, frozenset[str]] = field(default_factory=dict)
    masked: set[str] = field(default_factory=set)
    late: dict[str, Derive] = field(default_factory=dict)

    def declare(self, steps: tuple[StepConfig, ...], command: str) -> None:
        """Note all tokens that *steps* give; one without a name bears the command's."""
        for step, is_conditional in _walk(steps):
            name = step.name or command
            named = [(each.name, False) for each in step.derive]
            named += [(each.name, True) for each in step.extract]
            for own, is_taken in named:
                self.declared[f"{name}.{own}"] = _Declared(
                    step=name, is_taken=is_taken, is_conditional=is_conditional
                )

    def request(self, step: str) -> Scope:
        """Return the scope of the URL, headers and body of *step*."""
        absent = self._absent(step)
        tokens = self.base.tokens | self.known | self.session
        return replace(self.base, tokens=tokens, absent=MappingProxyType(absent))

    def derive(self, step: str) -> Scope:
        """Return the scope of what *step* derives before it is sent."""
        return self.request(step)

    def answer(self, step: str) -> Scope:
        """Return the scope of paths in the response, and of a document's name: it has no secret."""
        scope = self.derive(step)
        hidden = self.base.secrets | self.masked | self.taints.keys() | self.session
        absent = {
            **scope.absent,
            **dict.fromkeys(hidden, _NO_CREDENTIAL),
            **dict.fromkeys(self.session, _SESSION_HERE),
        }
        return replace(
            scope,
            secrets=frozenset(),
            tokens=scope.tokens - hidden,
            absent=MappingProxyType(absent),
        )

    def _absent(self, step: str) -> dict[str, str]:
        return {
            name: _why_absent(name, declared, step)
            for name, declared in self.declared.items()
            if name not in self.known
        }

    def of_session(self, names: frozenset[str]) -> frozenset[str]:
        """Return those of the tokens *names* that are only known with the session."""
        return names & (self.session | self.late.keys())

    def taint(self, names: frozenset[str]) -> frozenset[str]:
        """Return the stored secrets that the tokens *names* are or are derived from."""
        found = self.base.secrets & names
        for name in names:
            found |= self.taints.get(name, frozenset())
        return found


def _walk(
    steps: tuple[StepConfig, ...], *, is_conditional: bool = False
) -> Iterator[tuple[StepConfig, bool]]:
    for step in steps:
        yield step, is_conditional
        yield from _walk(step.on_not_found, is_conditional=True)


def all_steps(steps: tuple[StepConfig, ...]) -> list[StepConfig]:
    """Return *steps* and those inside them, in the order of the file."""
    return [step for step, _ in _walk(steps)]


def _why_absent(name: str, declared: _Declared, step: str) -> str:
    if declared.step == step and declared.is_taken:
        return f"{{{{{name}}}}} is taken out of this step's own response, so it isn't known before."
    if declared.step == step:
        return f"{{{{{name}}}}} is derived further down in this step. Derive it first."
    if declared.is_conditional:
        return (
            f"{{{{{name}}}}} comes from {declared.step}, which is sent only when another step "
            "finds nothing. Take it out of a step that is always sent."
        )
    return f"{{{{{name}}}}} comes from a later step: move the step {declared.step} before this one."


def session_token_names(config: AuthenticationConfig | None) -> frozenset[str]:
    """Return the tokens that the session of *config*, if it is one, gives to every text."""
    if config is None or config.scheme != "session":
        return frozenset()
    names = [extract.name for request in config.requests for extract in request.extract]
    names += [derive.name for derive in config.derive]
    return frozenset(f"{SESSION}.{name}" for name in names)
