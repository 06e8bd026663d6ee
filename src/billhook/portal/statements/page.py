"""The page of a statement, for both sites: the caller says whose invoices they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Final

from django.db.models import QuerySet
from django.http import QueryDict

from billhook.portal.customers.models import Customer
from billhook.portal.fields.periods import NamedPeriod
from billhook.portal.invoices.models import Invoice
from billhook.portal.statements.account import CurrencyAccount, CustomerAccount, StatementLine
from billhook.portal.statements.choice import StatementChoice, StatementForm
from billhook.portal.statements.sources import statement_sources
from billhook.portal.statements.words import (
    MOST_IN_PDF,
    origin_in_words,
    sums_in_words,
    too_long_in_words,
)

MOST_ON_PAGE: Final = 200
"""Lines that the page shows. The sums count all of them, and the files have all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencySection:
    """The part of the page with one currency."""

    account: CurrencyAccount
    sums: list[tuple[str, Decimal]]
    lines: list[StatementLine]


class StatementPage:
    """The statement that *query* asks for: of *customer*, or of one of *customers*.

    These are the ones that the reader may choose from; *invoices* returns those invoices of one of
    them that the reader may see. Without *may_ask*, no source is asked for its own statement.
    """

    def __init__(
        self,
        query: QueryDict,
        *,
        customer: Customer | None = None,
        customers: QuerySet[Customer] | None = None,
        invoices: Callable[[Customer], QuerySet[Invoice]],
        today: date,
        may_ask: bool = True,
    ) -> None:
        first = list(customers[:2]) if customers is not None else []
        offered = customers if len(first) > 1 else None
        self.form = StatementForm(query.dict(), customers=offered, today=today)
        self.named_periods = list(NamedPeriod)
        self.today = today
        self._only = first[0] if len(first) == 1 else customer
        self._invoices = invoices
        self._may_ask = may_ask

    @cached_property
    def choice(self) -> StatementChoice | None:
        """The customer and the period, or None if either is missing or wrong."""
        customer, period = self.customer, self.form.period
        if customer is None or period is None:
            return None
        return StatementChoice(customer=customer, period=period)

    @cached_property
    def has_source(self) -> bool:
        """Whether the reader may ask a source for its own statement, and one makes them."""
        if self.choice is None or not self._may_ask:
            return False
        return bool(statement_sources(self.choice.customer))

    @property
    def customer(self) -> Customer | None:
        """The chosen customer, whatever the period."""
        return self._only or self.form.customer

    @cached_property
    def account(self) -> CustomerAccount | None:
        """The account of that customer in that period."""
        if self.choice is None:
            return None
        invoices = self._invoices(self.choice.customer)
        return CustomerAccount(invoices, period=self.choice.period, today=self.today)

    @cached_property
    def sections(self) -> list[CurrencySection]:
        """The parts of the page, one for each currency."""
        if self.account is None or self.choice is None:
            return []
        shown = self.account.first_lines(MOST_ON_PAGE)
        return [
            CurrencySection(
                account=each,
                sums=list(sums_in_words(each, self.choice.period)),
                lines=[line for line in shown if line.invoice.currency == each.currency],
            )
            for each in self.account.currencies
        ]

    @property
    def line_count(self) -> int:
        """The number of all lines."""
        return self.account.line_count if self.account else 0

    @property
    def has_customers(self) -> bool:
        """Whether there is a customer to choose."""
        return self._only is not None or "customer" in self.form.fields

    @property
    def most_on_page(self) -> int:
        """The number of lines that the page shows."""
        return MOST_ON_PAGE

    @property
    def is_cut(self) -> bool:
        """Whether the page doesn't show all lines."""
        return self.line_count > MOST_ON_PAGE

    @property
    def too_long(self) -> str:
        """The sentence for a period with more lines than a PDF may have; empty if it hasn't."""
        return too_long_in_words(self.line_count) if self.line_count > MOST_IN_PDF else ""

    @property
    def origin(self) -> str:
        """The sentence about the origin of the facts, and their day."""
        return origin_in_words(self.today)
