"""Rows from the values taken out of a page: each is mapped, skipped with a reason, or stops."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from billhook.engine.answer.rows.page import REMOVED as MARKED_REMOVED
from billhook.engine.answer.rows.page import TakenRow
from billhook.engine.answer.rows.row_path import Taken
from billhook.engine.listing.field_map import (
    LONGEST_ID,
    LONGEST_LINK,
    FieldMap,
    RowLeftOut,
    text_of,
)
from billhook.engine.listing.rows import (
    CREDIT_NOTE,
    HIDDEN,
    INVOICE,
    NOT_SHOWN,
    OPEN,
    PAID,
    PART_PAID,
    REMOVED,
    ListedContact,
    ListedCustomer,
    ListedInvoice,
    ListedRemoval,
    ListedRow,
    RowProblem,
    SourceTexts,
)
from billhook.engine.listing.values.money import from_minor_units, read_currency, with_digits_of
from billhook.engine.tokens.values import Values, take_value

INVOICES: Final = "invoices"
CREDIT_NOTES: Final = "credit-notes"
CUSTOMERS: Final = "customers"
CONTACTS: Final = "contacts"
REMOVALS: Final = "removed"
_TRUE: Final = frozenset({"true", "1", "yes", "y", "active"})
_FALSE: Final = frozenset({"false", "0", "no", "n", "inactive", ""})
_LONGEST_SHOWN: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldMaps:
    """The fields of one kind of row, by name."""

    fields: Mapping[str, FieldMap]

    def get(self, name: str) -> FieldMap | None:
        """Return the field called *name*, if the map has it."""
        return self.fields.get(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedRow:
    """The row, or the reason why there is none; and remarks on it."""

    row: ListedRow | None
    problem: RowProblem | None = None
    stops: bool = False
    remarks: tuple[RowProblem, ...] = ()


class RowMapper:
    """Maps the rows of one list. *kind* is one of those above.

    *inner* are the fields of contacts within a customer's row. *change* is the row's own time, if
    it isn't one of the map's fields. *currency* is for rows without one.
    """

    def __init__(
        self,
        kind: str,
        maps: FieldMaps,
        *,
        inner: FieldMaps | None = None,
        change: FieldMap | None = None,
        currency: str = "",
    ) -> None:
        self.kind = kind
        self._maps = maps
        self._inner = inner
        self._change = change
        self._currency = currency

    def map(self, taken: TakenRow, number: int, *, customer: str = "") -> MappedRow:
        """Map the row *number*. *customer* is the one that was asked for, if it was one."""
        reading = _RowReading(self._maps, taken[3], taken[4], number)
        make = _MAKERS[self.kind]
        is_removed = taken[0] == MARKED_REMOVED
        try:
            row = make(self, reading, is_removed=is_removed, customer=customer, inner=taken[5])
        except RowLeftOut as out:
            problem = RowProblem(
                row=number, id=reading.id, code=out.code, message=out.message, field=out.field_name
            )
            return MappedRow(row=None, problem=problem, stops=out.stops)
        if row.changed is None and self._change is not None:
            row = replace(row, changed=self.time_of(taken))
        return MappedRow(row=row, remarks=tuple(reading.remarks))

    def time_of(self, taken: TakenRow) -> datetime | None:
        """Return the row's own time of change, also of a row that is left out."""
        field, values = self._change, [taken[2]]
        if field is None:
            field, values = self._maps.get("changed"), taken[3]
        try:
            return None if field is None else field.moment(values)
        except RowLeftOut:
            return None

    def id_of(self, taken: TakenRow) -> str:
        """Return the id by which pages are compared: that for the next page, or the row's own."""
        field = self._maps.get("id")
        value = taken[1]
        if value is None and field is not None:
            value = field.raw(taken[3])
        try:
            return text_of(value, "id")
        except RowLeftOut:
            return ""

    def cursor_of(self, taken: TakenRow) -> Any:
        """Return the same id as the source has it, a number or a text."""
        field = self._maps.get("id")
        return field.raw(taken[3]) if taken[1] is None and field is not None else taken[1]

    def make_invoice(
        self, reading: _RowReading, *, is_removed: bool, customer: str, inner: Any
    ) -> ListedInvoice:
        """Return the invoice of a row."""
        del customer, inner
        usual = CREDIT_NOTE if self.kind == CREDIT_NOTES else INVOICE
        if is_removed:
            return _removed_invoice(reading, usual)
        number = reading.required_text("number")
        currency = reading.currency(self._currency)
        amount = reading.required_amount(currency)
        open_amount = reading.amount("open_amount", currency)
        type_ = reading.type(usual)
        is_credit = type_ == CREDIT_NOTE or (amount < 0 and reading.negative_is_credit())
        if is_credit and type_ == INVOICE:
            type_ = CREDIT_NOTE
        if is_credit:
            amount, open_amount = abs(amount), None if open_amount is None else abs(open_amount)
        elif amount < 0:
            reading.remark("negative-amount", "The amount is below 0.", "amount")
        status = reading.status(amount, open_amount)
        return ListedInvoice(
            row=reading.number,
            id=reading.required_id(),
            number=number,
            customer=reading.text("customer", longest=LONGEST_ID),
            amount=amount,
            currency=currency,
            open_amount=open_amount,
            date=reading.day("date"),
            due_date=reading.day("due_date"),
            status=status,
            type=type_,
            po_number=reading.text("po_number"),
            link=reading.link(),
            changed=reading.moment("changed"),
            customer_number=reading.text("customer_number"),
            customer_name=reading.text("customer_name"),
            contact_email=reading.emails("contact_email"),
            contact_name=reading.text("contact_name"),
            is_removed=status == REMOVED,
            source=reading.source(),
        )

    def make_customer(
        self, reading: _RowReading, *, is_removed: bool, customer: str, inner: Any
    ) -> ListedCustomer:
        """Return the customer of a row, with the contacts within it."""
        del customer
        own = reading.required_id()
        return ListedCustomer(
            row=reading.number,
            id=own,
            number=reading.text("number"),
            name=reading.text("name"),
            email=reading.emails("email"),
            locale=reading.text("locale"),
            active=reading.active() and not is_removed,
            changed=reading.moment("changed"),
            contacts=None if self._inner is None else self._contacts(inner, reading, own),
            is_removed=is_removed,
            source=reading.source(),
        )

    def _contacts(
        self, inner: Sequence[tuple[list[Taken], list[bool]]], outer: _RowReading, customer: str
    ) -> tuple[ListedContact, ...]:
        assert self._inner is not None  # noqa: S101 - asked before; for mypy
        contacts = []
        for taken, cases in inner:
            reading = _RowReading(self._inner, taken, cases, outer.number)
            try:
                contacts.append(
                    self.make_contact(reading, is_removed=False, customer=customer, inner=())
                )
            except RowLeftOut as out:
                if out.stops:
                    raise
                outer.remark(
                    f"contact-{out.code}", f"A contact is left out: {out.message}", "contacts"
                )
        return tuple(contacts)

    def make_contact(
        self, reading: _RowReading, *, is_removed: bool, customer: str, inner: Any
    ) -> ListedContact:
        """Return the contact of a row."""
        del inner
        own = reading.text("id", longest=LONGEST_ID)
        email = reading.emails("email")
        if not own and not email:
            message = "The contact has neither an id nor an e-mail address."
            raise RowLeftOut("no-id", message, "email")
        first, last = reading.text("first_name"), reading.text("last_name")
        return ListedContact(
            row=reading.number,
            id=own,
            customer=reading.text("customer", longest=LONGEST_ID) or customer,
            name=reading.text("name") or " ".join(filter(None, (first, last))),
            email=email,
            active=reading.active() and not is_removed,
            role=reading.text("role"),
            changed=reading.moment("changed"),
            is_removed=is_removed,
            source=reading.source(),
        )

    def make_removed(
        self, reading: _RowReading, *, is_removed: bool, customer: str, inner: Any
    ) -> ListedRemoval:
        """Return the id of a removed invoice."""
        del is_removed, customer, inner
        return ListedRemoval(
            row=reading.number,
            id=reading.required_id(),
            changed=reading.moment("changed"),
            source=reading.source(),
        )


_MAKERS: Final[dict[str, Callable[..., ListedRow]]] = {
    INVOICES: RowMapper.make_invoice,
    CREDIT_NOTES: RowMapper.make_invoice,
    CUSTOMERS: RowMapper.make_customer,
    CONTACTS: RowMapper.make_contact,
    REMOVALS: RowMapper.make_removed,
}


def _removed_invoice(reading: _RowReading, usual: str) -> ListedInvoice:
    """Return an invoice of which only id and type count; it is of the *usual* type if it has none.

    An invoice and a credit note may have the same id.
    """
    try:
        type_ = reading.type(usual)
    except RowLeftOut:
        type_ = usual
    return ListedInvoice(
        row=reading.number,
        id=reading.required_id(),
        number="",
        customer="",
        amount=Decimal(0),
        currency="",
        status=REMOVED,
        type=type_,
        changed=reading.moment("changed"),
        is_removed=True,
        source=reading.source(),
    )


class _RowReading:
    """One row being read. ``number`` is its own in the list, ``remarks`` are made on the way."""

    def __init__(self, maps: FieldMaps, taken: list[Taken], cases: list[bool], number: int) -> None:
        self._maps = maps
        self._taken = taken
        self._cases = cases
        self.number = number
        self.remarks: list[RowProblem] = []

    @property
    def id(self) -> str:
        """The id, as far as it can be read."""
        try:
            return self.text("id", longest=LONGEST_ID)
        except RowLeftOut:
            return ""

    def remark(self, code: str, message: str, field: str) -> None:
        """Add a remark that leaves nothing out."""
        self.remarks.append(
            RowProblem(row=self.number, id=self.id, code=code, message=message, field=field)
        )

    def text(self, name: str, **more: Any) -> str:
        """Return the text of the field *name*; empty if the map or the row has none."""
        field = self._maps.get(name)
        if field is None:
            return ""
        if field.template is not None:
            text = self._filled(field)
        else:
            text = field.text(self._taken, **more)
        return text or self._nothing(field, "")

    def _filled(self, field: FieldMap) -> str:
        """Return the field made from others; empty where one of those is."""
        assert field.template is not None  # noqa: S101 - asked before; for mypy
        names = {name for _, _, name in field.template.pieces}
        given = {name: take_value(self.text(name)) for name in names}
        if not all(each.text for each in given.values()):
            return ""
        return field.template.fill(Values(given))

    def _nothing(self, field: FieldMap, empty: Any) -> Any:
        """Return *empty*, or leave the row out where the map wants a value."""
        if field.none == "empty":
            return empty
        message = f"The row has no {field.name}."
        raise RowLeftOut(
            f"no-{field.name.replace('_', '-')}",
            message,
            field.name,
            stops=field.none == "failed",
        )

    def required_id(self) -> str:
        """Return the id; a row without one is left out."""
        return self._required("id", self.text("id", longest=LONGEST_ID))

    def required_text(self, name: str) -> str:
        """Return the text of the field *name*; a row without one is left out."""
        return self._required(name, self.text(name))

    def _required(self, name: str, text: str) -> str:
        if not text:
            raise RowLeftOut(f"no-{name.replace('_', '-')}", f"The row has no {name}.", name)
        return text

    def currency(self, default: str) -> str:
        """Return the currency, or the integration's; a row without one is left out."""
        field = self._maps.get("currency")
        text = self.text("currency")
        if field is not None and field.values is not None and text:
            raw = text_of(field.raw(self._taken), "currency")
            text = str(field.values.get(raw, ""))
            if not text:
                message = f'The currency "{raw[:20]}" isn\'t listed in map.currency.values.'
                raise RowLeftOut("unknown-currency", message, "currency")
        if not text:
            if default:
                return default
            message = "The row has no currency, and the integration has no variable currency."
            raise RowLeftOut("no-currency", message, "currency")
        code = read_currency(text)
        if not code:
            message = f'"{text[:20]}" isn\'t a currency of three letters.'
            raise RowLeftOut("unknown-currency", message, "currency")
        return code

    def required_amount(self, currency: str) -> Decimal:
        """Return the amount; a row without one is left out."""
        amount = self.amount("amount", currency)
        if amount is None:
            raise RowLeftOut("no-amount", "The row has no amount.", "amount")
        return amount

    def amount(self, name: str, currency: str) -> Decimal | None:
        """Return the amount of the field *name* in whole units; remark on digits too many."""
        field = self._maps.get(name)
        if field is None:
            return None
        amount = field.amount(self._taken)
        if amount is None:
            return self._nothing(field, None)  # type: ignore[no-any-return]
        try:
            amount, fits = with_digits_of(
                from_minor_units(amount, field.minor_units, currency), currency
            )
        except InvalidOperation:
            raise RowLeftOut(
                f"unreadable-{name}", f"The {name} has too many digits.", name
            ) from None
        if not fits:
            message = f"The {name} {amount} has more digits than {currency} has."
            self.remark("amount-digits", message, name)
        return amount

    def negative_is_credit(self) -> bool:
        """Say whether a negative amount makes the row a credit note."""
        field = self._maps.get("amount")
        return field is not None and field.negative_is_credit

    def day(self, name: str) -> Any:
        """Return the day of the field *name*."""
        field = self._maps.get(name)
        if field is None:
            return None
        found = field.day(self._taken)
        return self._nothing(field, None) if found is None else found

    def moment(self, name: str) -> datetime | None:
        """Return the time of the field *name*."""
        field = self._maps.get(name)
        if field is None:
            return None
        found = field.moment(self._taken)
        return self._nothing(field, None) if found is None else found

    def emails(self, name: str) -> tuple[str, ...]:
        """Return the addresses of the field *name*."""
        field = self._maps.get(name)
        if field is None:
            return ()
        return field.emails(self._taken) or self._nothing(field, ())

    def active(self) -> bool:
        """Say whether the row is active: unless the map says so, it is."""
        field = self._maps.get("active")
        if field is None:
            return True
        text = text_of(field.raw(self._taken), "active")
        if field.values is not None:
            if text not in field.values:
                self.remark("unknown-active", "The value of active isn't listed.", "active")
            return field.values.get(text, False) is True
        if text.lower() not in _TRUE | _FALSE:
            self.remark("unknown-active", "The value of active is neither yes nor no.", "active")
        return text.lower() in _TRUE

    def link(self) -> str:
        """Return the link if it is https, and remark on another."""
        field = self._maps.get("link")
        if field is None:
            return ""
        link = self.text("link", longest=LONGEST_LINK)
        if link and not link.lower().startswith("https://"):
            self.remark("link-not-https", "The link isn't https, so it isn't shown.", "link")
            return ""
        return link

    def type(self, default: str) -> str:
        """Return invoice, credit-note or hidden; a row of an unlisted type is left out."""
        field = self._maps.get("type")
        if field is None:
            return default
        text = text_of(field.raw(self._taken), "type")
        if not text:
            return str(self._nothing(field, default))
        found = str((field.values or {}).get(text, "" if field.values is not None else text))
        if found not in {INVOICE, CREDIT_NOTE, HIDDEN}:
            message = f'The type "{text[:50]}" isn\'t listed in map.type.values.'
            raise RowLeftOut("unknown-type", message, "type")
        return found

    def status(self, amount: Decimal, open_amount: Decimal | None) -> str:
        """Return the status; an open invoice of which part is paid is part-paid."""
        field = self._maps.get("status")
        if field is None or field.from_amounts:
            return _status_of(amount, open_amount)
        status = self._mapped_status(field)
        if open_amount is None or status in NOT_SHOWN:
            return status
        if status == OPEN and 0 < open_amount < amount:
            return PART_PAID
        if status == PAID and open_amount > 0:
            message = f"The invoice is paid, and {open_amount} is open."
            self.remark("paid-but-open", message, "status")
        return status

    def _mapped_status(self, field: FieldMap) -> str:
        for value, number in field.cases:
            if self._cases[number]:
                return value
        text = text_of(field.raw(self._taken), "status") if not field.cases else ""
        values = field.values or {}
        if text in values:
            return str(values[text])
        if field.unknown == "stop":
            said = f'The status "{text[:50]}"' if text else "The row's status"
            where = "cases" if field.cases else "values"
            message = f"{said} isn't listed in map.status.{where}. Say what it means."
            raise RowLeftOut("unknown-status", message, "status", stops=True)
        return field.unknown

    def source(self) -> SourceTexts:
        """Return each mapped field as the source has it, for people."""
        texts = []
        for name, field in self._maps.fields.items():
            values = field.all_raw(self._taken) if field.template is None else []
            shown = ", ".join(_shown(value) for value in values)
            texts.append((name, shown[:_LONGEST_SHOWN]))
        return tuple(texts)


def _status_of(amount: Decimal, open_amount: Decimal | None) -> str:
    if open_amount is None:
        return OPEN
    if open_amount <= 0:
        return PAID
    return PART_PAID if open_amount < amount else OPEN


def _shown(value: Any) -> str:
    try:
        return text_of(value, "")
    except RowLeftOut:
        return "{…}"
