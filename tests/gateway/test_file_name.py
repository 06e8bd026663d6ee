"""The name under which a caller's program saves a document."""

import pytest

from billhook.engine.document_headers import content_disposition
from billhook.gateway.file_name import file_name, wanted_name


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        pytest.param("INV0000001", "INV0000001.pdf", id="plain"),
        pytest.param("2024-0017_a.b", "2024-0017_a.b.pdf", id="signs that may stay"),
        pytest.param("RE 2024/17", "RE-2024-17.pdf", id="space and slash"),
        pytest.param("../../etc/passwd", "etc-passwd.pdf", id="climbing"),
        pytest.param("..\\..\\x", "x.pdf", id="climbing in Windows"),
        pytest.param('a"; x="b', "a-x-b.pdf", id="quotes"),
        pytest.param("a\r\nSet-Cookie: x", "a-Set-Cookie-x.pdf", id="line ends"),
        pytest.param("a\x00b", "a-b.pdf", id="a control character"),
        pytest.param("a\u202egnp.exe", "a-gnp.exe.pdf", id="a direction mark"),
        pytest.param("Müller-1", "Müller-1.pdf", id="letters beyond ASCII"),
        pytest.param("Mu\u0308ller", "Müller.pdf", id="composed"),
        pytest.param("...", "RUN.pdf", id="only dots"),
        pytest.param("", "RUN.pdf", id="empty"),
        pytest.param("CON", "RUN.pdf", id="a device of Windows"),
        pytest.param("com1.x", "RUN.pdf", id="a device with an extension"),
        pytest.param(None, "RUN.pdf", id="null"),
        pytest.param(17, "RUN.pdf", id="a number"),
        pytest.param("9" * 500, "9" * 80 + ".pdf", id="long"),
    ],
)
def test_a_file_name_is_derived_from_the_number_and_is_safe(wanted, name):
    assert file_name(wanted, fallback="RUN", extension="pdf") == name


DAYS = {"StatementStart": "2026-03-01", "StatementEnd": "2026-03-31"}


@pytest.mark.parametrize(
    ("command", "tokens", "name"),
    [
        pytest.param("GetInvoiceImage", {"InvoiceNumber": "INV1"}, "INV1", id="invoice"),
        pytest.param("Own", {"InvoiceNumber": "7", **DAYS}, "7", id="a command of one's own"),
        pytest.param(
            "GetStatement",
            {"CustomerNumber": "C-1", "CustomerId": "9", **DAYS},
            "statement-C-1-2026-03-01-2026-03-31",
            id="statement",
        ),
        pytest.param("GetStatement", {"CustomerId": 9}, "statement-9", id="an id that is a number"),
        pytest.param("GetStatement", DAYS, None, id="no customer"),
    ],
)
def test_the_wanted_name_is_what_the_document_is_about(command, tokens, name):
    assert wanted_name(command, tokens) == name


def test_the_disposition_of_a_plain_name_is_plain():
    assert content_disposition("INV1.pdf", download=True) == 'attachment; filename="INV1.pdf"'


def test_the_disposition_of_another_name_is_given_twice():
    expected = "attachment; filename=\"M_ller.pdf\"; filename*=UTF-8''M%C3%BCller.pdf"
    assert content_disposition("Müller.pdf", download=True) == expected
