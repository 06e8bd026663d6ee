"""Try it: the request is shown as it would be sent, and the result is explained in words."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any
from urllib.parse import quote

import pytest
from django.http.response import HttpResponseBase
from django.urls import reverse

from billhook.engine.errors import (
    REDIRECT,
    RESPONSE,
    BillhookError,
    DeniedPlace,
    SourceTimeout,
    SourceUnreachable,
    denied,
)
from billhook.engine.secret import MASK
from billhook.engine.verdict import Verdict
from billhook.portal.documents.response import opened
from billhook.portal.installation import environment
from billhook.portal.integrations.models import Integration
from billhook.portal.integrations.policy import egress_policy
from billhook.portal.integrations.store import CommandStore, get_store, set_store
from billhook.portal.organisations.models import Member, Role
from billhook.portal.runs.models import Run
from billhook.portal.runs.recorder import RunRecorder, get_recorder, set_recorder
from portal.cast import Cast, signed_in
from portal.documents.hostile_documents import good_pdf
from portal.integration_cast import CANARY, PDF, Source, command, draft, integration


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture(autouse=True)
def wired(source: Source) -> Iterator[None]:
    """Give this process a store whose transport is *source*, and a recorder of its own."""
    before = get_store(), get_recorder()
    set_store(CommandStore(open_source=lambda _: source))
    set_recorder(RunRecorder())
    yield
    set_store(before[0])
    set_recorder(before[1])


Typed = dict[str, str]
STORED: Typed = {
    "name": "Acme billing",
    "version": "1",
    "variable-0-name": "BaseUrl",
    "variable-0-value": "https://billing.acme.example",
    "secret-0-name": "ApiKey",
    "secret-0-value": "",
    "command-0-name": "GetInvoiceImage",
    "command-0-steps-0-method": "GET",
    "command-0-steps-0-url": "{{BaseUrl}}/items/{{InvoiceNumber}}",
    "command-0-steps-0-headers-0-name": "X-Api-Key",
    "command-0-steps-0-headers-0-value": "{{ApiKey}}",
    "command-0-accept": "application/pdf",
    "command-0-timeout": "30",
    "command-0-max_bytes": "25000000",
    "command-0-redirects": "follow",
    "try-number": "INV-1",
    "do": "try",
}


class Bench:
    """Bob at the editor of a stored integration."""

    def __init__(self, cast: Cast, row: Integration) -> None:
        self.row = row
        self.client = signed_in(cast.bob)
        self.typed = {**STORED, "secret-0-stored": row.stored_secrets.get().id}

    def preview(self, **typed: str) -> str:
        response = self._post("backoffice:integration-preview", typed)
        assert response.status_code == 200
        return _text(response)

    def send(self, *, status: int = 200, part: bool = True, **typed: str) -> str:
        response = self._post("backoffice:integration-try", typed, "?part" if part else "")
        assert response.status_code == status
        get_recorder().flush()
        self.html = response.content.decode()  # type: ignore[attr-defined]
        return _text(response)

    def _post(self, route: str, typed: Typed, query: str = "") -> HttpResponseBase:
        changes = {name.replace("__", "-"): text for name, text in typed.items()}
        address = reverse(route, args=[self.row.organisation_id, self.row.id]) + query
        return opened(self.client.post(address, {**self.typed, **changes}))


def _text(response: Any) -> str:
    return unescape(re.sub(r"<[^>]*>", "", response.content.decode()))


@pytest.fixture
def bench(cast: Cast) -> Bench:
    return Bench(cast, integration(cast.harper))


def test_the_preview_shows_the_request_with_its_secrets_masked(
    bench: Bench, source: Source
) -> None:
    text = bench.preview()
    assert "GET https://billing.acme.example/items/INV-1" in text
    assert f"X-Api-Key: ApiKey {MASK}" in text
    assert "With the values of INV-1 of Acme." in text
    assert CANARY not in text
    assert source.requests == []


def test_the_preview_follows_the_typed_text(bench: Bench) -> None:
    text = bench.preview(
        command__0__steps__0__method="POST",
        command__0__steps__0__body='{"n": {{InvoiceNumber}}, "a": {{Amount}}, "d": {{DueDate}}}',
        command__0__steps__0__headers__1__name="Content-Type",
        command__0__steps__0__headers__1__value="application/json",
        try__number="INV-1",
    )
    assert '{"n": "INV-1", "a": 1240.00, "d": "20' in text


def test_a_typed_secret_is_masked_too(bench: Bench) -> None:
    assert "other-secret" not in bench.preview(secret__0__value="other-secret")


def test_a_number_without_an_invoice_uses_example_values(bench: Bench, source: Source) -> None:
    url = "{{BaseUrl}}/{{InvoiceNumber}}/{{CustomerName}}"
    text = bench.preview(try__number="NEW-9", command__0__steps__0__url=url)
    assert "/NEW-9/Miller%20%26%20Sons%20Ltd" in text
    assert "There is no invoice with this number here" in text
    bench.send(try__number="NEW-9", command__0__steps__0__url=url, secret__0__value="typed again")
    assert source.requests[0].url.endswith("/NEW-9/Miller%20%26%20Sons%20Ltd")
    assert Run.objects.get().invoice is None


def test_another_organisations_invoice_supplies_no_values(bench: Bench, cast: Cast) -> None:
    cast.of_cedar.number = "NW-77"
    cast.of_cedar.save()
    text = bench.preview(
        try__number="NW-77", command__0__steps__0__url="{{BaseUrl}}/{{CustomerName}}"
    )
    assert "Cedar" not in text


def test_typed_values_replace_those_of_the_invoice(bench: Bench) -> None:
    text = bench.preview(
        command__0__steps__0__method="POST",
        command__0__steps__0__body='{"n": {{Amount}}, "c": {{Currency}}, "p": {{Period}}}',
        command__0__steps__0__headers__1__name="Content-Type",
        command__0__steps__0__headers__1__value="application/json",
        command__0__tokens="Period",
        try__others="Amount:=7\nCurrency=USD\n\nPeriod:=null\n",
    )
    assert '{"n": 7, "c": "USD", "p": null}' in text


@pytest.mark.parametrize(
    ("others", "told"),
    [
        pytest.param("", "write Period=… under Other values", id="missing"),
        pytest.param("Period=1\nPerod=2", "Perod is not a token of this command", id="unknown"),
        pytest.param("Period", "write each line as Name=value", id="no equals sign"),
        pytest.param("Period:=[1]", "after Period:= write text in quotes", id="a list"),
        pytest.param("Period:={", "after Period:= write text in quotes", id="no json"),
    ],
)
def test_an_invalid_value_is_reported(bench: Bench, others: str, told: str) -> None:
    text = bench.preview(
        command__0__steps__0__url="{{BaseUrl}}/{{Period}}",
        command__0__tokens="Period",
        try__others=others,
    )
    assert told in text


def test_a_problem_is_reported_with_its_location_and_its_fix(bench: Bench) -> None:
    response = bench._post(
        "backoffice:integration-preview",
        {"command__0__steps__0__url": "https://a.example/{{invoicenumber}}"},
    )
    html = response.content.decode()  # type: ignore[attr-defined]
    assert 'href="#command-0-steps-0-url"' in html
    assert 'value="use:try:0"' in html
    assert "write {{InvoiceNumber}}" in _text(response)


def test_a_body_without_a_content_type_offers_one(bench: Bench) -> None:
    response = bench._post(
        "backoffice:integration-preview",
        {
            "command__0__steps__0__method": "POST",
            "command__0__steps__0__body": "key1=value1&key2={{InvoiceNumber}}",
        },
    )
    html = unescape(response.content.decode())  # type: ignore[attr-defined]
    assert 'value="content-type:command-0-steps-0:application/x-www-form-urlencoded"' in html


@pytest.mark.parametrize(
    ("base", "told"),
    [
        pytest.param("https://10.0.0.8", "private network", id="private address"),
        pytest.param("https://a.example:9999", "port is not open", id="port"),
        pytest.param("http://a.example", "over https only", id="secret over http"),
    ],
)
def test_a_denied_destination_is_reported_before_anything_is_sent(
    bench: Bench, base: str, told: str
) -> None:
    text = bench.preview(variable__0__value=base)
    assert "It would be stopped here" in text
    assert told in text


def test_a_try_uses_the_stored_secret_and_shows_the_verdict(
    bench: Bench, source: Source, cast: Cast
) -> None:
    source.answer = (200, good_pdf(pages=2))
    text = bench.send()
    assert "This is the document that your customers will see: 2 pages" in text
    assert source.requests[0].headers == (("X-Api-Key", CANARY),)
    assert bench.html.count("<img ") == 2
    assert source.closed == 1
    run = Run.objects.get()
    assert (run.kind, run.outcome, run.user, run.invoice, run.integration) == (
        "try",
        "ok",
        cast.bob.user,
        cast.open,
        bench.row,
    )


def test_the_pages_and_the_file_of_a_try_can_be_fetched(bench: Bench, source: Source) -> None:
    source.answer = (200, good_pdf(pages=1))
    bench.send()
    image = re.search(r'<img src="([^"]+)"', bench.html)
    download = re.search(r'href="([^"]+\?download)"', bench.html)
    assert image is not None
    assert download is not None
    drawn: Any = opened(bench.client.get(image[1]))
    assert drawn.content.startswith(b"\x89PNG")
    file: Any = opened(bench.client.get(download[1]))
    assert file.content == source.answer[1]
    assert file["Content-Disposition"] == 'attachment; filename="try-INV-1.pdf"'


def test_unsaved_edits_are_sent_and_nothing_is_saved(bench: Bench, source: Source) -> None:
    bench.send(
        command__0__steps__0__url="{{BaseUrl}}/v2/{{InvoiceNumber}}", secret__0__value="typed"
    )
    assert source.requests[0].url == "https://billing.acme.example/v2/INV-1"
    assert source.requests[0].headers == (("X-Api-Key", "typed"),)
    assert Integration.objects.get().version == 1


@pytest.mark.parametrize(
    "typed",
    [
        pytest.param({"variable__0__value": "https://evil.example"}, id="another host"),
        pytest.param({"variable__0__value": "http://billing.acme.example"}, id="another scheme"),
        pytest.param(
            {"variable__0__value": "https://billing.acme.example:8443"}, id="another port"
        ),
        pytest.param({"command__0__redirects": "deny"}, id="other redirects"),
    ],
)
def test_a_stored_secret_is_not_sent_elsewhere(bench: Bench, source: Source, typed: Typed) -> None:
    text = bench.send(status=422, **typed)
    assert "Nothing was sent." in text
    assert "Type ApiKey again" in text
    assert source.requests == []
    assert not Run.objects.exists()
    bench.send(secret__0__value="typed", **typed)
    assert source.requests[0].headers == (("X-Api-Key", "typed"),)


SEARCH = "{{BaseUrl}}/search?q={{ApiKey}}"
SECOND = {"command__0__steps__1__name": "Take", "command__0__steps__1__method": "GET"}


@pytest.mark.parametrize(
    "typed",
    [
        pytest.param(
            {
                **SECOND,
                "command__0__steps__0__name": "Find",
                "command__0__steps__0__url": SEARCH,
                "command__0__steps__0__extract__0__name": "Part",
                "command__0__steps__0__extract__0__how": "regex",
                "command__0__steps__0__extract__0__path": '"query": "(.{15})',
                "command__0__steps__1__url": "{{BaseUrl}}/doc/{{InvoiceNumber}}?x={{Find.Part}}",
            },
            id="a source that repeats it, in halves",
        ),
        pytest.param(
            {
                "command__0__steps__0__success_when__0__how": "body",
                "command__0__steps__0__success_when__0__value": "canary-5",
            },
            id="a condition as an oracle",
        ),
        pytest.param(
            {"command__0__steps__0__url": "{{BaseUrl}}/go?to=https%3A%2F%2Fb.example{{ApiKey}}"},
            id="an open redirect",
        ),
        pytest.param(
            {
                **SECOND,
                "command__0__steps__0__name": "Find",
                "command__0__steps__1__url": "https://b.example/loot",
            },
            id="a second request elsewhere",
        ),
        pytest.param({"command__0__accept": "application/json"}, id="a response as the document"),
    ],
)
def test_a_stored_secret_is_not_used_for_unsaved_requests(
    bench: Bench, source: Source, typed: Typed
) -> None:
    text = bench.send(status=422, **typed)
    assert "Type ApiKey again" in text
    assert source.requests == []
    assert not Run.objects.exists()


def test_a_stored_secret_of_another_integration_is_not_used(
    bench: Bench, source: Source, cast: Cast
) -> None:
    theirs = integration(cast.northwind).stored_secrets.get()
    text = bench.send(status=422, secret__0__stored=theirs.id)
    assert "Type the value of ApiKey. It is not stored yet." in text
    assert source.requests == []


def test_a_new_integration_is_tried_before_it_is_saved(cast: Cast, source: Source) -> None:
    client = signed_in(cast.bob)
    address = reverse("backoffice:integration-new-try", args=[cast.harper.id]) + "?part"
    response: Any = opened(client.post(address, {**STORED, "secret-0-value": "typed"}))
    assert response.status_code == 200
    assert source.requests[0].headers == (("X-Api-Key", "typed"),)
    assert not Integration.objects.exists()


def test_without_javascript_the_whole_page_is_returned_with_the_result(
    bench: Bench, source: Source
) -> None:
    text = bench.send(part=False, name="Typed name", secret__0__value="typed-secret")
    assert 'value="Typed name"' in bench.html
    assert "customers will get" in text
    assert "typed-secret" not in bench.html
    assert "Typed, not saved yet" in bench.html


FAILURES: list[Any] = [
    pytest.param((401, b""), "did not accept the credentials (status 401)", "Headers", id="401"),
    pytest.param((403, b""), "its user may not do this (status 403)", "Headers", id="403"),
    pytest.param((404, b""), "has no such document", "URL", id="404"),
    pytest.param((500, b""), "responded with status 500, which", "URL", id="500"),
    pytest.param((200, b"<html><title>Log in &amp; go</title>"), "“Log in & go”", "URL", id="page"),
    pytest.param((200, b""), "response is empty", "URL", id="empty"),
    pytest.param(SourceTimeout("wait"), "took too long", "Time limit", id="timeout"),
    pytest.param(SourceUnreachable(), "No connection", "URL", id="unreachable"),
    pytest.param(SourceUnreachable("name-unknown"), "host can't be found", "URL", id="name"),
    pytest.param(SourceUnreachable("refused"), "refuses connections", "URL", id="refused"),
]


@pytest.mark.parametrize(("answer", "sentence", "place"), FAILURES)
def test_a_failure_is_explained_in_words_with_a_next_step(
    bench: Bench, source: Source, answer: Any, sentence: str, place: str
) -> None:
    source.answer = answer
    text = bench.send()
    assert sentence in text
    assert place in text
    assert re.search(r'href="#(add-)?command-0-[a-z_0-9-]+"', bench.html)
    assert Run.objects.get().outcome != "ok"


def test_an_excerpt_of_a_failed_response_is_shown(bench: Bench, source: Source) -> None:
    source.answer = (500, b"ORA-00942: table <b>missing</b>" + b"." * 5000)
    source.headers = (("Server", "hidden-value"), ("X-Trace", "also-hidden"))
    text = bench.send()
    assert "ORA-00942: table <b>missing</b>" in text
    assert "." * 2001 not in text
    assert "Server, X-Trace" in text
    assert "hidden" not in text


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"\x00\x01binary", id="control characters"),
        pytest.param(b"\xff\xfe\xfa" * 20, id="not utf-8"),
    ],
)
def test_a_response_that_is_not_text_is_not_shown(
    bench: Bench, source: Source, body: bytes
) -> None:
    source.answer = (500, body)
    assert "The response is not text." in bench.send()


@pytest.fixture
def operator() -> Iterator[Callable[[str, str], None]]:
    """Return a function with which the operator changes a setting for this test."""
    changed = []

    def change(name: str, value: str) -> None:
        changed.append(name)
        environment.put(name, value)
        egress_policy.cache_clear()

    yield change
    for name in changed:
        environment.put(name, "")
    egress_policy.cache_clear()


def test_the_text_of_a_private_system_is_shown_only_if_the_operator_says_so(
    bench: Bench,
    source: Source,
    operator: Callable[[str, str], None],
) -> None:
    operator("BILLHOOK_ALLOW", "billing.acme.example:443")
    source.answer = (200, b"<html><title>Inner name</title> inner text")
    text = bench.send()
    assert "comes from a private system" in text
    assert "nner" not in text
    operator("BILLHOOK_SHOW_PRIVATE_ANSWERS", "yes")
    assert "inner text" in bench.send()


@pytest.mark.parametrize("role", [Role.OWNER, Role.EDITOR])
def test_members_read_the_denied_address_and_the_line_that_would_allow_it(
    bench: Bench, source: Source, role: Role
) -> None:
    Member.objects.filter(user__email="bob@harper.example").update(role=role)
    place = DeniedPlace(host="10.0.0.8", port=80)
    source.answer = denied(Verdict.DENIED_PRIVATE, place)
    text = bench.send()
    assert "It is 10.0.0.8:80; the address is in the URL." in text
    assert "BILLHOOK_ALLOW=10.0.0.8:80" in text


@pytest.mark.parametrize(
    ("came_from", "words"),
    [(REDIRECT, "a redirect leads there"), (RESPONSE, "the address is in the response")],
)
def test_a_denied_address_that_the_source_gave_is_named_without_a_setting(
    bench: Bench, source: Source, came_from: str, words: str
) -> None:
    place = DeniedPlace(host=f"{CANARY.lower()}.example", port=8443)
    source.answer = denied(Verdict.DENIED_PRIVATE, place, came_from=came_from)
    text = bench.send()
    assert f"It is {MASK}.example:8443; {words}." in text
    assert "BILLHOOK_ALLOW" not in text


def test_a_denied_address_that_a_private_system_gave_is_not_named(
    bench: Bench, source: Source, operator: Callable[[str, str], None]
) -> None:
    operator("BILLHOOK_ALLOW", "billing.acme.example:443")
    place = DeniedPlace(host="inner.example", port=8443)
    source.answer = denied(Verdict.DENIED_PORT, place, came_from=REDIRECT)
    text = bench.send()
    assert "A redirect leads there." in text
    assert "inner.example" not in text


def test_a_404_points_to_the_address_until_something_has_worked(
    bench: Bench, source: Source
) -> None:
    hint = "check the address in the URL first"
    source.answer = (404, b"")
    assert hint in bench.send()
    source.answer = (200, PDF)
    bench.send()
    source.answer = (404, b"")
    assert hint not in bench.send()


ECHOES: list[Any] = [
    pytest.param(CANARY, id="as it is"),
    pytest.param(CANARY.upper(), id="in capitals"),
    pytest.param(quote(CANARY, safe=""), id="percent-encoded"),
    pytest.param(json.dumps({"k": CANARY}), id="json"),
    pytest.param(base64.b64encode(CANARY.encode()).decode(), id="base 64"),
    pytest.param(base64.b64encode(f"u:{CANARY}".encode()).decode(), id="inside base 64"),
    pytest.param(base64.b64encode(f"us:{CANARY}:x".encode()).decode(), id="inside, shifted"),
    pytest.param(base64.b64encode(f"usr:{CANARY}".encode()).decode(), id="inside, shifted twice"),
    pytest.param(CANARY.encode().hex(), id="hexadecimal"),
]


@pytest.mark.parametrize("echo", ECHOES)
def test_a_source_that_echoes_a_secret_does_not_show_it(
    bench: Bench, source: Source, echo: str
) -> None:
    source.answer = (500, f"You sent: {echo}".encode())
    text = bench.send()
    assert "You sent:" in text
    assert MASK in text
    core = base64.b64encode(CANARY.encode()).decode()[4:20]
    for secret in (CANARY, CANARY.upper(), core, CANARY.encode().hex()):
        assert secret not in bench.html


def test_a_secret_at_the_end_of_the_excerpt_is_not_cut_in_two(bench: Bench, source: Source) -> None:
    source.answer = (500, b"x" * 1990 + CANARY.encode())
    bench.send()
    assert CANARY[:8] not in bench.html


def test_a_secret_in_a_headers_name_is_masked(bench: Bench, source: Source) -> None:
    source.answer = (500, b"no")
    source.headers = ((CANARY, "x"),)
    bench.send()
    assert CANARY not in bench.html


@pytest.mark.parametrize("answer", [pytest.param((200, PDF), id="ok"), *(
    pytest.param(case.values[0], id=str(case.id)) for case in FAILURES
)])  # fmt: skip
def test_the_page_contains_no_secret_whatever_the_response_is(
    bench: Bench, source: Source, answer: BillhookError | tuple[int, bytes]
) -> None:
    source.answer = answer
    bench.send()
    assert CANARY not in bench.html
    bench.send(part=False)
    assert CANARY not in bench.html


def test_the_number_tried_is_remembered(bench: Bench, cast: Cast) -> None:
    bench.preview(try__number="REMEMBERED-1")
    page = bench.client.get(reverse("backoffice:integration", args=[cast.harper.id, bench.row.id]))
    assert 'value="REMEMBERED-1"' in page.content.decode()


def test_the_command_that_is_tried_can_be_chosen(cast: Cast, source: Source) -> None:
    other = command(name="Other", url="https://o.example/x", headers=())
    bench = Bench(cast, integration(cast.harper, draft(command(), other)))
    bench.send(
        command__1__name="Other",
        command__1__steps__0__url="https://o.example/x",
        command__1__steps__0__method="GET",
        command__1__accept="application/pdf",
        command__1__timeout="30",
        command__1__max_bytes="1000000",
        command__1__redirects="follow",
        try__command="1",
    )
    assert source.requests[0].url == "https://o.example/x"
    assert Run.objects.get().command == "Other"


PAYMENT: Typed = {
    "command__0__name": "GetPaymentLink",
    "command__0__payment_hosts": "pay.example",
    "command__0__steps__0__headers__0__name": "",
    "command__0__steps__0__headers__0__value": "",
}


@pytest.mark.parametrize(
    ("link", "words"),
    [
        pytest.param("https://pay.example/i/7", "Pay leads to https://pay.example/i/7.", id="good"),
        pytest.param("https://evil.example/", "The link leads to evil.example:443.", id="host"),
        pytest.param("", "has no payment link for this invoice", id="none"),
    ],
)
def test_a_payment_link_is_shown_with_its_host(
    bench: Bench, source: Source, link: str, words: str
) -> None:
    source.answer = (200, json.dumps({"PaymentLink": link}).encode())
    assert words in bench.send(**PAYMENT)
    assert Run.objects.get().kind == "try"


def test_only_the_command_of_payment_links_has_the_field_of_hosts(bench: Bench) -> None:
    bench.send(part=False, **PAYMENT)
    assert 'name="command-0-payment_hosts"' in bench.html
    bench.send(part=False)
    assert 'name="command-0-payment_hosts"' not in bench.html


STATEMENT: Typed = {
    "command__0__name": "GetStatement",
    "command__0__steps__0__url": "{{BaseUrl}}/of/{{CustomerNumber}}/{{CustomerName}}"
    "?from={{StatementStart}}&to={{StatementEnd|date:dd.MM.yyyy}}",
    "command__0__steps__0__headers__0__name": "",
    "command__0__steps__0__headers__0__value": "",
    "try-customer": "C-2",
    "try-start": "2026-03-01",
    "try-end": "2026-03-31",
}


def test_a_statement_is_tried_with_a_customer_and_a_period(
    bench: Bench, cast: Cast, source: Source
) -> None:
    source.answer = (200, good_pdf(pages=2))
    text = bench.preview(**STATEMENT)
    assert "/of/C-2/Bolt?from=2026-03-01&to=31.03.2026" in text
    assert "With the values of Bolt, 1 Mar 2026 until 31 Mar 2026." in text
    text = bench.send(**STATEMENT)
    assert "This is the document that your customers will see: 2 pages" in text
    assert "Create the invoice" not in text
    assert source.requests[0].url.endswith("/of/C-2/Bolt?from=2026-03-01&to=31.03.2026")
    run = Run.objects.get()
    assert (run.kind, run.command, run.outcome) == ("try", "GetStatement", "ok")
    assert (run.customer_id, run.invoice_id) == (cast.bolt.id, None)


def test_a_statements_fields_replace_the_invoices_and_have_values_at_first(
    bench: Bench, cast: Cast
) -> None:
    bench.send(part=False, **{**STATEMENT, "try-customer": "", "try-start": "", "try-end": ""})
    shown = re.findall(r'<div class="field"( hidden)?>\s*<label for="(try-\w+)"', bench.html)
    hidden = [name for is_hidden, name in shown if is_hidden]
    assert hidden == ["try-number"]
    assert {"try-customer", "try-start", "try-end"} <= {name for _, name in shown}
    assert re.search(r'id="try-customer"[^>]*value="C-\d"', bench.html)
    assert re.search(r'id="try-start"[^>]*value="\d{4}-\d\d-01"', bench.html)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        pytest.param({"try-start": "1.3.2026"}, "Type the days of the statement", id="no-date"),
        pytest.param({"try-end": "2026-02-01"}, "before the first", id="order"),
        pytest.param(
            {"try-customer": "X-9"}, "There is no customer with this number here", id="unknown"
        ),
    ],
)
def test_wrong_days_or_an_unknown_customer_are_explained(
    bench: Bench, typed: Typed, words: str
) -> None:
    assert words in bench.preview(**{**STATEMENT, **typed})


def test_another_organisations_customer_supplies_no_values(bench: Bench, cast: Cast) -> None:
    cast.cedar.number = "N-7"
    cast.cedar.save()
    assert "/of/N-7/Miller" in bench.preview(**{**STATEMENT, "try-customer": "N-7"})
