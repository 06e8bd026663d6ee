"""The link in the response to GetPaymentLink: where it is by default, and where it may lead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from billhook.engine.command.step import Step
from billhook.engine.config import AnswerConfig, CommandConfig, PathConfig
from billhook.engine.egress.page_hosts import BadPageHost, PageHost, PageHosts
from billhook.engine.errors import Problem
from billhook.engine.slots.form import compile_text
from billhook.engine.tokens.catalogue import PAYMENT_COMMAND
from billhook.engine.tokens.text import Scope, read_text
from billhook.engine.tokens.values import Given, Values

MAX_HOSTS: Final = 50
_KEY: Final = "payment_hosts"
_DEFAULT: Final = AnswerConfig(kind="link", path=PathConfig(kind="json", text="$.PaymentLink"))
_NO_VALUES: Final = Values({})


def asking_for_link(config: CommandConfig) -> CommandConfig:
    """Return GetPaymentLink with the default location of its link; any other command as it is."""
    if config.name != PAYMENT_COMMAND or not config.steps or config.steps[-1].answer is not None:
        return config
    return replace(config, steps=(*config.steps[:-1], replace(config.steps[-1], answer=_DEFAULT)))


@dataclass(slots=True, kw_only=True)
class PaymentDraft:
    """The hosts of payment pages, being compiled."""

    hosts: list[PageHost] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def finish(self, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        """Return *steps*, the last of which accepts links to these hosts alone."""
        *others, last = steps
        if last.answer is None:
            return steps
        place = replace(last.answer, hosts=PageHosts(hosts=tuple(self.hosts)))
        return (*others, replace(last, answer=place))


def compile_payment(
    config: CommandConfig, where: str, variables: Mapping[str, Given]
) -> PaymentDraft | None:
    """Compile what only GetPaymentLink has; of another command, only problems are found."""
    draft = PaymentDraft(problems=list(_problems(config, where)))
    if config.name != PAYMENT_COMMAND:
        return draft if draft.problems else None
    for index, text in enumerate(config.payment_hosts[:MAX_HOSTS]):
        _take_host(draft, text, f"{where}.{_KEY}[{index}]", variables)
    return draft


def _problems(config: CommandConfig, where: str) -> Iterator[Problem]:
    hosts = config.payment_hosts
    if config.name != PAYMENT_COMMAND:
        if hosts:
            message = f"Only {PAYMENT_COMMAND} leads to a payment page. Remove {_KEY}."
            yield Problem(code="misplaced-key", message=message, where=f"{where}.{_KEY}")
        return
    if not hosts:
        message = (
            "Name the hosts of the payment pages, such as pay.example.com or *.example.com: "
            "contacts are sent nowhere else."
        )
        yield Problem(code="missing-key", message=message, where=f"{where}.{_KEY}")
    if len(hosts) > MAX_HOSTS:
        message = f"There may be at most {MAX_HOSTS} hosts of payment pages."
        yield Problem(code="too-many", message=message, where=f"{where}.{_KEY}")
    answer = config.steps[-1].answer if config.steps else None
    if answer is not None and answer.kind != "link":
        message = (
            f"{PAYMENT_COMMAND} gives a link and no document. Choose the kind link, with the path "
            "to it."
        )
        yield Problem(code="answer-place", message=message, where=f"{where}.answer")


def _take_host(draft: PaymentDraft, text: str, where: str, variables: Mapping[str, Given]) -> None:
    """Take the entry *text*, with the integration's variables in it and no other token."""
    scope = Scope(variables=variables, secrets=frozenset(), tokens=frozenset())
    read = read_text(text, where, scope)
    template, problems = (None, []) if read.problems else compile_text(read, scope)
    draft.problems += [*read.problems, *problems]
    if template is None:
        return
    try:
        draft.hosts.append(PageHost.parse(template.fill(_NO_VALUES).strip()))
    except BadPageHost as bad:
        message = f"This is no host of a payment page. {bad.advice}"
        draft.problems.append(Problem(code="payment-host", message=message, where=where))
