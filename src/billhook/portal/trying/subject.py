"""The subject of a test: an invoice, or a customer and a period, and the values that it gives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.utils import timezone

from billhook.engine.errors import Problem, TokenError
from billhook.engine.tokens.catalogue import LOGIN_TOKENS, STATEMENT_COMMAND, Value
from billhook.portal.accounts.models import User
from billhook.portal.customers.access import customer_numbered
from billhook.portal.customers.models import Customer
from billhook.portal.documents.statement_click import (
    StatementClick,
    given_by_statement,
    statement_tokens,
)
from billhook.portal.documents.token_values import Click, given_by_invoice, invoice_tokens
from billhook.portal.editor.form import EditorForm
from billhook.portal.fields.periods import USUAL, StatementPeriod, named_period
from billhook.portal.invoices.access import invoices_for_member
from billhook.portal.invoices.models import Invoice
from billhook.portal.organisations.models import Member

_OF_INVOICE: Final = frozenset({"InvoiceNumber", "InvoiceId", *LOGIN_TOKENS})
_OF_CUSTOMER: Final = frozenset({"CustomerNumber", "CustomerId"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenUsed:
    """A token's value in a try, and where it comes from."""

    name: str
    value: Value
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrySubject:
    """The invoice of a test, or the customer and the period; each is None if there is none.

    *number* was typed for it: that of the invoice or customer, or a token to sign in with.
    """

    user: User
    number: str
    invoice: Invoice | None = None
    customer: Customer | None = None
    period: StatementPeriod | None = None

    @property
    def called(self) -> str:
        """The name of the subject in that of a file."""
        if self.period is not None:
            return f"statement-{self.customer.number}" if self.customer else "statement"
        return self.invoice.number if self.invoice else "document"

    def known(self) -> dict[str, Value]:
        """Return the value of each token that its row gives, used by the command or not."""
        if self.invoice is not None:
            return invoice_tokens(Click(invoice=self.invoice, user=self.user), given_by_invoice())
        if self.customer is not None and self.period is not None:
            click = StatementClick(customer=self.customer, period=self.period, user=self.user)
            return statement_tokens(click, given_by_statement())
        return {}

    def tokens(self, names: Iterable[str]) -> Iterator[TokenUsed]:
        """Give a value for those of *names* that it has one for."""
        days = self._days()
        of_row, row = self.known(), "invoice" if self.invoice else "customer"
        typed = _OF_INVOICE if self.period is None else _OF_CUSTOMER
        for name in names:
            if name in days:
                yield TokenUsed(name=name, value=days[name], origin="period")
            elif name in of_row:
                yield TokenUsed(name=name, value=of_row[name], origin=row)
            elif name in typed and self.number:
                yield TokenUsed(name=name, value=self.number, origin="typed")

    def _days(self) -> dict[str, Value]:
        if self.period is None:
            return {}
        return {"StatementStart": self.period.start, "StatementEnd": self.period.end}


def subject_of(
    form: EditorForm, command: str, *, member: Member, integration_id: str | None
) -> TrySubject:
    """Return what *command* is tried with, as typed in *form*, as far as *member* may see it.

    Raises:
        TokenError: if the days of a statement can't be used.
    """
    if command != STATEMENT_COMMAND:
        invoice = invoices_for_member(member).filter(number=form.number).first()
        return TrySubject(user=member.user, number=form.number, invoice=invoice)
    return TrySubject(
        user=member.user,
        number=form.customer,
        customer=customer_numbered(member, form.customer, integration_id=integration_id),
        period=_period_of(form),
    )


def usual_period() -> StatementPeriod:
    """Return the period that is tried unless another is typed."""
    return named_period(USUAL, today=timezone.localdate())


def _period_of(form: EditorForm) -> StatementPeriod:
    usual = usual_period()
    start, end = _day(form.start, usual.start), _day(form.end, usual.end)
    if end < start:
        message = "The last day of the statement can't be before the first."
        raise TokenError((Problem(code="statement-days", where="tokens", message=message),))
    return StatementPeriod(start=start, end=end)


def _day(text: str, usual: date) -> date:
    try:
        return date.fromisoformat(text.strip()) if text.strip() else usual
    except ValueError:
        message = "Type the days of the statement as in 2026-05-03."
        problem = Problem(code="statement-days", where="tokens", message=message)
        raise TokenError((problem,)) from None
