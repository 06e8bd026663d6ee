"""Permissions for the statement that a source makes: the customer's contacts, and editors."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from billhook.portal.fields.periods import StatementPeriod
from billhook.portal.storage.shelf import Holder
from portal.who_may import CONTACTS, EDITORS, Row, Target, held_by

MARCH = StatementPeriod(start=date(2026, 3, 1), end=date(2026, 3, 31))
Given = Callable[[Target], dict[str, object]]


def _statement(target: Target) -> dict[str, object]:
    return {"customer_id": target.customer.id, "period": MARCH}


def _as_contact(target: Target) -> dict[str, object]:
    return {**_statement(target), "contact_id": target.contact.id}


def _at_entrance(target: Target) -> dict[str, object]:
    entrance = {"entrance_kind": "from", "organisation_id": target.organisation.id}
    return {**_statement(target), **entrance}


def _of_member(target: Target) -> dict[str, object]:
    return {**_statement(target), "organisation_id": target.organisation.id}


def _token(target: Target, user_id: str, shared_by: str) -> str:
    subject = f"statement:{target.customer.id}:2026-03-01:2026-03-31:{shared_by}"
    holder = Holder(user_id=user_id, subject=subject, organisation_id=target.organisation.id)
    return held_by(holder)


def _of_contact_token(target: Target) -> str:
    return _token(target, target.contact.user_id, "")


def _as_contact_token(target: Target) -> str:
    return _token(target, "", f"as:{target.contact.id}")


def _of_members_token(target: Target) -> str:
    return _token(target, "", "members")


def _rows(space: str, row: Callable[[Given], Row], given: Given, token: Callable[[Target], str]):
    def held(target: Target) -> dict[str, object]:
        return {**given(target), "token": token(target)}

    def held_page(target: Target) -> dict[str, object]:
        return {**held(target), "number": 1}

    return {
        f"{space}source-statement": row(given),
        f"{space}source-statement-document": row(given),
        f"{space}source-statement-pages": row(given),
        f"{space}held-statement-document": row(held),
        f"{space}held-statement-text": row(held),
        f"{space}held-statement-page": row(held_page),
    }


ROWS = {
    **_rows("", lambda given: Row(get=CONTACTS, given=given), _statement, _of_contact_token),
    **_rows("as:", lambda given: Row(get=EDITORS, given=given), _as_contact, _as_contact_token),
    **_rows(
        "entrance:",
        lambda given: Row(is_at_entrance=True, given=given),
        _at_entrance,
        _of_contact_token,
    ),
    **_rows(
        "backoffice:", lambda given: Row(get=EDITORS, given=given), _of_member, _of_members_token
    ),
}
