"""The fields of invoices in requests and responses."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, Field

from billhook.portal.api.fields import (
    Amount,
    ApiFields,
    Currency,
    Day,
    IdText,
    ShownAmount,
    ShownFields,
    ShownMoment,
    TextOf,
    example,
)
from billhook.portal.customers.models import Customer
from billhook.portal.fields.currencies import plain_amount
from billhook.portal.invoices.models import Invoice

MOST_ROWS: Final = 1_000
StatusName = Literal["draft", "open", "part_paid", "paid", "credited", "void", "written_off"]
TypeName = Literal["invoice", "credit_note"]
_FACTS: Final = {
    "number": "INV-1001",
    "source_id": "80231",
    "type": "invoice",
    "issued_on": "2026-03-31",
    "due_on": "2026-04-30",
    "amount": "1240.00",
    "open_amount": "1240.00",
    "currency": "EUR",
    "status": "open",
    "po_number": "",
    "link": "",
}
_ROW: Final = {**_FACTS, "customer_number": "C-100", "customer_name": "Acme Corp."}
_SHOWN: Final = {
    "id": "7x2k9d4mq1zt",
    "customer_id": "2m2k9d4xq1zt",
    "customer_number": "C-100",
    **_FACTS,
    "integration_id": None,
    "hidden": None,
    "created_at": "2026-03-31T09:30:00Z",
    "changed_at": "2026-03-31T09:30:00Z",
}


class InvoiceShown(ShownFields):
    """The record of an invoice. Its document comes from its integration, by a run."""

    model_config = example(_SHOWN)

    id: str
    customer_id: str
    customer_number: str
    number: str
    source_id: Annotated[str, Field(description="The id in your system.")]
    type: TypeName
    issued_on: Day
    due_on: Day | None
    amount: ShownAmount
    open_amount: ShownAmount
    currency: str
    status: StatusName
    po_number: str
    link: str
    integration_id: Annotated[
        str | None, Field(description="The integration that it comes from, and is changed in.")
    ]
    hidden: Annotated[
        str | None, Field(description="The reason why no list shows it; null if lists do.")
    ]
    created_at: ShownMoment
    changed_at: ShownMoment

    @classmethod
    def of(cls, row: Invoice) -> InvoiceShown:
        """Return the fields of *row*."""
        same = ("id", "number", "source_id", "type", "currency", "status", "po_number", "link")
        return cls.model_construct(
            **{name: getattr(row, name) for name in same},
            customer_id=row.customer_id,
            customer_number=row.customer.number,
            issued_on=row.issued_on,
            due_on=row.due_on,
            amount=plain_amount(row.amount, row.currency),
            open_amount=plain_amount(row.open_amount, row.currency),
            integration_id=row.integration_id,
            hidden=row.hidden_because or None,
            created_at=row.created_at,
            changed_at=row.changed_at,
        )


class InvoiceFields(ApiFields):
    """The facts of an invoice. One that is missing, or null, stays as it is.

    A new invoice needs ``number`` (or the id in your system), a customer, a date, an amount and a
    currency. Its customer must exist, unless ``customer_name`` is there, too: then it is created.
    """

    model_config = example({k: v for k, v in _ROW.items() if k != "source_id"}, is_request=True)

    number: Annotated[str, TextOf(Invoice, "number")] | None = None
    customer_number: Annotated[str, TextOf(Customer, "number")] | None = None
    customer_name: Annotated[str, TextOf(Customer, "name")] | None = None
    type: TypeName | None = None
    issued_on: Day | None = None
    due_on: Day | None = None
    amount: Amount | None = None
    open_amount: Annotated[
        Amount | None,
        Field(description="Without it, all of the amount, or nothing once it is paid."),
    ] = None
    currency: Currency | None = None
    status: StatusName | None = None
    po_number: Annotated[str, TextOf(Invoice, "po_number", least=0)] | None = None
    link: Annotated[str, TextOf(Invoice, "link", least=0)] | None = None


class SentInvoice(InvoiceFields):
    """The facts of an invoice, with the id that it has in your system."""

    model_config = example(_ROW, is_request=True)

    source_id: Annotated[
        Annotated[str, TextOf(Invoice, "source_id")] | None,
        Field(description="The id in your system, if it isn't the number. Fills {{InvoiceId}}."),
    ] = None


class InvoiceChange(ApiFields):
    """Changed facts of an invoice. Those that are missing stay as they are."""

    model_config = example({"status": "paid"}, is_request=True)

    number: Annotated[str, TextOf(Invoice, "number")] | None = None
    source_id: Annotated[str, TextOf(Invoice, "source_id", least=0)] | None = None
    customer_id: IdText | None = None
    type: TypeName | None = None
    issued_on: Day | None = None
    due_on: Annotated[Day | None, Field(description="null: it has none.")] = None
    amount: Amount | None = None
    open_amount: Amount | None = None
    currency: Currency | None = None
    status: StatusName | None = None
    po_number: Annotated[str, TextOf(Invoice, "po_number", least=0)] | None = None
    link: Annotated[str, TextOf(Invoice, "link", least=0)] | None = None


class SentInvoices(ApiFields):
    """Many invoices. Each has its own result: one that is refused keeps none from being saved."""

    model_config = example({"rows": [_ROW]}, is_request=True)

    rows: Annotated[
        list[dict[str, Any]],
        Field(
            min_length=1,
            max_length=MOST_ROWS,
            description="Each has the fields of SentInvoice.",
        ),
    ]


class RefusedBecause(BaseModel):
    """A reason why a row was refused."""

    code: str
    where: Annotated[str, Field(description="The field, such as `amount`; empty for the row.")]
    message: str


class RowResult(BaseModel):
    """The result of one row."""

    row: Annotated[int, Field(description="Its place in the request, from 0.")]
    result: Literal["created", "changed", "unchanged", "refused"]
    id: str | None = None
    problems: list[RefusedBecause] = []


class RowResults(BaseModel):
    """The results of all rows, in the order of the request."""

    model_config = example(
        {
            "counts": {"created": 1, "changed": 0, "unchanged": 0, "refused": 0},
            "results": [{"row": 0, "result": "created", "id": "7x2k9d4mq1zt", "problems": []}],
        }
    )

    counts: dict[str, int]
    results: list[RowResult]
