"""The catalogue is complete and consistent, and a wrong name leads to the right one."""

from __future__ import annotations

import pytest

from billhook.engine.list_config import LIST_COMMANDS
from billhook.engine.tokens.catalogue import COMMANDS, NAME, SYSTEM_TOKENS, nearest, tokens_of

ALL = [token for command in COMMANDS.values() for token in command.tokens] + list(SYSTEM_TOKENS)


def test_the_original_commands_are_known():
    known = {"GetInvoiceImage", "GetPaymentLink", "GetStatement", "LoginWithToken", *LIST_COMMANDS}
    assert set(COMMANDS) == known
    assert tokens_of("GetInvoiceImage") >= {
        "InvoiceNumber",
        "InvoiceId",
        "InvoiceDate",
        "DueDate",
        "Amount",
        "OpenAmount",
        "Currency",
        "InvoiceStatus",
        "CustomerNumber",
        "CustomerName",
        "ContactEmail",
        "ContactName",
        "Locale",
        "OrganisationName",
    }


def test_a_statement_is_about_a_customer_and_a_period_and_no_invoice():
    names = {"CustomerNumber", "CustomerId", "CustomerName", "StatementStart", "StatementEnd"}
    person = {"ContactEmail", "ContactName", "Locale", "OrganisationName"}
    assert tokens_of("GetStatement") == names | person


def test_a_custom_command_has_no_tokens_in_the_catalogue():
    assert tokens_of("FetchStatement") == frozenset()


@pytest.mark.parametrize("token", ALL, ids=lambda token: token.name)
def test_each_token_has_a_description(token):
    assert NAME.fullmatch(token.name)
    assert token.meaning.endswith(".")
    assert token.example
    assert token.kind in {"text", "number", "date", "boolean"}


def test_a_token_means_the_same_in_every_command():
    assert len({token.name for token in ALL}) == len(set(ALL))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("invoicenumber", "InvoiceNumber", id="case"),
        pytest.param("InvoiceNumbr", "InvoiceNumber", id="letter-missing"),
        pytest.param("InvoiceNo", "InvoiceDate", id="nearest-of-several"),
        pytest.param("Xyzzy", None, id="nothing-near"),
        pytest.param("", None, id="empty"),
    ],
)
def test_the_nearest_name_is_found(name, expected):
    near = nearest(name, tokens_of("GetInvoiceImage"))
    if name == "InvoiceNo":
        assert near is not None
        assert near.startswith("Invoice")
    else:
        assert near == expected
