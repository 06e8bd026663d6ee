"""Guesses which field of a response is which, by its name and the texts in it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from billhook.engine.answer.rows.sample import SampleField

_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "id": ("id", "invoiceid", "uuid", "guid", "recordno", "name"),
    "number": (
        *("number", "invoicenumber", "invoiceno", "docnumber", "documentnumber", "invoicenum"),
        *("vouchernumber", "reference", "ref", "tranid", "recordid", "rechnungsnummer", "no"),
    ),
    "customer": (
        *("customerid", "clientid", "contactid", "accountid", "companyid", "partnerid", "socid"),
        *("userid", "customerno", "kundennummer", "customer"),
    ),
    "customer_number": ("customernumber", "clientnumber", "accountnumber", "idnumber"),
    "customer_name": ("customername", "clientname", "companyname", "organisationname"),
    "amount": (
        *("total", "amount", "totalamount", "totalamt", "amounttotal", "grandtotal", "totalttc"),
        *("sumgross", "gross", "totalincludingtax", "betrag"),
    ),
    "open_amount": (
        *("amountdue", "balance", "openamount", "outstanding", "outstandingamount", "dueamount"),
        *("amountresidual", "remaintopay", "amountremaining", "remainingamount", "open"),
    ),
    "currency": ("currency", "currencycode", "currencyid"),
    "date": (
        *("date", "invoicedate", "issuedat", "issuedate", "issuedon", "txndate", "postingdate"),
        *("voucherdate", "createdate", "createdat", "created", "datum"),
    ),
    "due_date": ("duedate", "dueat", "dueon", "due", "invoicedatedue", "faellig"),
    "status": ("status", "state", "paymentstatus", "paidstatus", "v3status"),
    "type": ("type", "movetype", "invoicetype", "documenttype"),
    "po_number": ("ponumber", "purchaseorder", "pono", "customerreference", "refclient"),
    "link": ("paymenturl", "paymentlink", "invoiceurl", "onlinepaymenturl", "hostedinvoiceurl"),
    "changed": (
        *("updatedat", "modifiedat", "changedat", "updated", "modified", "lastmodified"),
        *("writedate", "lastupdatedtime", "lastmodifiedtime", "updateddateutc", "updateddate"),
    ),
    "contact_email": ("email", "contactemail", "customeremail", "billemail"),
    "contact_name": ("contactname", "contactdisplay"),
    "email": ("email", "emailaddress", "mail"),
    "name": ("name", "displayname", "companyname", "fullname"),
    "first_name": ("firstname", "givenname", "vorname"),
    "last_name": ("lastname", "familyname", "surname", "nachname"),
    "active": ("active", "isactive", "enabled"),
    "locale": ("locale", "language", "lang"),
    "role": ("role", "position", "jobtitle"),
}
"""The names that each field has in the systems that we know, without signs, the likeliest first."""
_INDEX: Final = re.compile(r"\[\d+\]")
_FAR: Final = 1_000
_DEEPER: Final = 100
_OWN: Final = frozenset({"id", "name", "number", "status", "type", "date", "currency"})
"""Fields that other objects within a row have, too, so that a deeper one isn't guessed."""
_INSIDE: Final[Mapping[str, tuple[str, str]]] = {
    "customer": ("(customer|client|contact|account|company|partner)", "id"),
    "customer_number": ("(customer|client|account|company)", "(number|code)"),
    "customer_name": ("(customer|client|contact|account|company|partner)", "name"),
    "contact_email": ("(contact|customer|client|billemail)", "(emails?|address|emailaddress)"),
}
"""Fields whose name is in two parts: the object, and its field."""


def guess_fields(fields: Sequence[SampleField], wanted: Sequence[str]) -> dict[str, str]:
    """Return the likeliest of the fields *wanted* for paths of *fields*, each used once."""
    guessed: dict[str, str] = {}
    scores = sorted(
        (
            (_distance(field.path, name), place, name, field.path)
            for name in wanted
            for place, field in enumerate(fields)
        ),
        key=lambda each: each[:2],
    )
    for distance, _, name, path in scores:
        is_free = path not in guessed and name not in guessed.values()
        if distance < _FAR and is_free:
            guessed[path] = name
    return guessed


def _distance(path: str, name: str) -> int:
    """Return how far *path* is from the names of the field *name*: 0 is its own name."""
    parts = [_plain(part) for part in _INDEX.sub("", path).strip("$./").split(_sign(path))]
    inside = _INSIDE.get(name)
    if len(parts) > 1 and inside:
        pair = zip(inside, ("".join(parts[:-1]), parts[-1]), strict=True)
        if all(re.fullmatch(f".*{pattern}", text) for pattern, text in pair):
            return len(parts)
    known = (*_NAMES.get(name, ()), _plain(name))
    for deep, text in ((0, "".join(parts)), (len(parts) - 1, parts[-1])):
        if text in known and (deep == 0 or name not in _OWN):
            return known.index(text) + _DEEPER * deep
    return _FAR


def _sign(path: str) -> str:
    return "." if path.startswith("$") else "/"


def _plain(part: str) -> str:
    return re.sub(r"[^a-z0-9]", "", part.rpartition(":")[2].lower())
