"""GetPaymentLink: an accepted link leads to a listed host, as every reader of URLs reads it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billhook.engine.delivery import LINK_TYPE
from billhook.engine.egress.page_hosts import PageHost, PageHosts
from billhook.engine.egress.policy import EgressPolicy
from billhook.engine.egress.url import MAX_LOCATION_LENGTH, Origin
from billhook.engine.errors import (
    BillhookError,
    DocumentNotFound,
    MissingValue,
    NoPaymentLink,
    PaymentLinkRefused,
)
from billhook.engine.http.transport import HttpTransport
from billhook.engine.run import run_command
from billhook.engine.testing import make_response
from engine.origins import answer, serving
from step_runs import as_json, compile_toml, problems_of, run_toml

HOSTS = ("pay.example", "*.pages.example", "pay.example:8443", "bücher.example", "[2001:db8::7]")
LISTED = PageHosts(hosts=tuple(PageHost.parse(each) for each in HOSTS))
ONE_READING = re.compile(
    r"https://(?P<host>pay\.example(?::8443)?|(?:[a-z0-9_-]+\.)+pages\.example"
    r"|xn--bcher-kva\.example|\[2001:db8::7\])/[!$-;=?-\[\]_a-z~]*(?:#[!#-;=?-\[\]_a-z~]*)?"
)
"""Links with one reading: printable ASCII without a backslash, and a listed host."""


def asking(more: str = "", *, hosts: str = '"pay.example", "{{Base}}"') -> str:
    return f"""
[commands.GetPaymentLink]
url = "{{{{Base}}}}/invoices/{{{{InvoiceNumber}}}}/payment"
payment_hosts = [{hosts}]
{more}
"""


@pytest.mark.parametrize(
    ("link", "sent"),
    [
        pytest.param("https://pay.example/i/1?x=%20#/a", None, id="whole"),
        pytest.param(" https://PAY.example:443/i ", "https://pay.example/i", id="one-spelling"),
        pytest.param("https://pay.example./i", "https://pay.example/i", id="trailing-dot"),
        pytest.param("https://pay.example:8443/", None, id="listed-port"),
        pytest.param("https://a.b.pages.example/", None, id="subdomain"),
        pytest.param("https://bücher.example/", "https://xn--bcher-kva.example/", id="idn"),
        pytest.param("https://[2001:DB8:0::7]/", "https://[2001:db8::7]/", id="ipv6"),
        pytest.param("https://pay.example/ä#\\", "https://pay.example/%C3%A4#%5C", id="encoded"),
    ],
)
def test_a_link_to_a_listed_host_is_accepted_in_one_spelling(link, sent):
    assert LISTED.judge(link.strip()) == (sent or link)


@pytest.mark.parametrize(
    ("link", "reason"),
    [
        pytest.param("https://evil.example/", "host-not-listed", id="other-host"),
        pytest.param("https://pay.example.evil.example/", "host-not-listed", id="as-a-beginning"),
        pytest.param("https://evilpay.example/", "host-not-listed", id="as-an-end"),
        pytest.param("https://pages.example/", "host-not-listed", id="parent-of-subdomains"),
        pytest.param("https://evilpages.example/", "host-not-listed", id="not-a-subdomain"),
        pytest.param("https://pay.example:444/", "host-not-listed", id="other-port"),
        pytest.param("https://1.2.3.4/", "host-not-listed", id="address"),
        pytest.param("http://pay.example:8443/", "not-https", id="plain"),
        pytest.param("https://pay.example@evil.example/", "userinfo", id="user-name"),
        pytest.param("https://pay.example:pay@evil.example/", "userinfo", id="password"),
        pytest.param("https://pay.example\\@evil.example/", "url-syntax", id="backslash"),
        pytest.param("https:\\\\pay.example/", "url-syntax", id="backslashes"),
        pytest.param("https:/evil.example/", "url-syntax", id="one-slash"),
        pytest.param("https:evil.example", "url-syntax", id="no-slash"),
        pytest.param("https:///pay.example/", "host-syntax", id="three-slashes"),
        pytest.param("//pay.example/", "scheme", id="no-scheme"),
        pytest.param("javascript://pay.example/%0aalert(1)", "scheme", id="script"),
        pytest.param("data:text/html,<p>https://pay.example/", "scheme", id="data"),
        pytest.param("https://pay.ex\tample/", "control-char", id="tab"),
        pytest.param("https://pay.example/\r\nSet-Cookie:a=b", "control-char", id="line-break"),
        pytest.param("https://pay.example/#\x00", "control-char", id="control-in-fragment"),
        pytest.param("https://pay.example/#\ud800", "url-syntax", id="half-a-character"),
        pytest.param("https://pay.example\u2028/", "control-char", id="line-separator"),
        pytest.param("https://pay.example%2f@evil.example/", "userinfo", id="encoded-slash"),
        pytest.param("https://pay。example/", "host-syntax", id="ideographic-dot"),
        pytest.param("https://ｐay.example/", "host-syntax", id="full-width"),
        pytest.param("https://pаy.example/", "host-not-listed", id="cyrillic"),
        pytest.param("https://pay.example:443x/", "port", id="broken-port"),
        pytest.param("https://pay.example/../x", "dot-segment", id="dots"),
        pytest.param("", "length", id="empty"),
        pytest.param("https://pay.example/" + "a" * MAX_LOCATION_LENGTH, "length", id="long"),
        pytest.param("https://pay.example/#" + "a" * MAX_LOCATION_LENGTH, "length", id="long-#"),
    ],
)
def test_any_other_link_is_refused_with_its_reason(link, reason):
    with pytest.raises(PaymentLinkRefused) as refused:
        LISTED.judge(link)
    assert refused.value.reason == reason
    assert refused.value.public_message
    assert "evil" not in refused.value.public_message


PIECES = st.sampled_from(
    [
        *("https", "http", ":", "/", "//", "\\", "@", "#", "?", "%", "%2f", "%40", ".", ".."),
        *("pay.example", "evil.example", "x.pages.example", "pages.example", "1.2.3.4"),
        *("xn--bcher-kva.example", "[2001:db8::7]", "[", "]", ":443", ":8443", ":80"),
        *(" ", "\t", "\n", "\x00", "。", "ß", "\ud800"),
    ]
)
LINKS = st.lists(PIECES | st.text(max_size=3), max_size=8).map("".join)


@given(st.sampled_from(["", "https://", "https://pay.example", "https://a.pages.example"]), LINKS)
def test_no_accepted_link_can_be_read_as_another_host(start, rest):
    try:
        accepted = LISTED.judge(start + rest)
    except PaymentLinkRefused:
        return
    assert ONE_READING.fullmatch(accepted)
    assert LISTED.judge(accepted) == accepted


@pytest.mark.parametrize(
    ("more", "reply"),
    [
        pytest.param("", as_json({"PaymentLink": "https://pay.example/7"}), id="by-default"),
        pytest.param(
            'answer = { link = "$.a[0].url" }',
            as_json({"a": [{"url": "https://pay.example/7"}]}),
            id="json",
        ),
        pytest.param(
            'answer = { link = { xpath = "//u" } }',
            make_response(b"<r><u> https://pay.example/7\n</u></r>"),
            id="xml",
        ),
        pytest.param(
            'answer = { link = { header = "X-Link" } }',
            as_json({}, X_Link="https://pay.example/7"),
            id="header",
        ),
        pytest.param(
            "answer = { link = true }", make_response(b"https://pay.example/7\n"), id="whole-body"
        ),
        pytest.param(
            'answer = { link = { regex = "pay=(\\\\S+)" } }',
            make_response(b"pay=https://pay.example/7"),
            id="text",
        ),
    ],
)
async def test_the_link_is_taken_from_its_configured_location(more, reply):
    run = run_toml(asking(more), reply)
    with await run.document() as document:
        assert document.body.read() == b"https://pay.example/7"
        assert document.media_type == LINK_TYPE
    assert run.sent == ["GetPaymentLink GET https://billing.example/invoices/INV-7/payment"]


async def test_a_relative_link_is_one_at_the_source_whose_variable_is_listed():
    run = run_toml(asking(), as_json({"PaymentLink": "/pay/7"}))
    with await run.document() as document:
        assert document.body.read() == b"https://billing.example/pay/7"


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        pytest.param(as_json({}), NoPaymentLink, id="nothing"),
        pytest.param(as_json({"PaymentLink": None}), NoPaymentLink, id="null"),
        pytest.param(as_json({"PaymentLink": " "}), NoPaymentLink, id="blank"),
        pytest.param(as_json({"PaymentLink": 7}), MissingValue, id="number"),
        pytest.param(as_json({}, status=404), DocumentNotFound, id="404"),
        pytest.param(
            as_json({"PaymentLink": "https://evil.example/"}), PaymentLinkRefused, id="other-host"
        ),
    ],
)
async def test_a_missing_or_refused_link_is_its_own_error(reply, error):
    failure = await run_toml(asking(), reply).failure(error)
    assert type(failure) is error


async def test_the_refused_host_is_in_no_message_but_known():
    failure: BillhookError = await run_toml(
        asking(), as_json({"PaymentLink": "https://evil.example:99/"})
    ).failure(PaymentLinkRefused)
    assert isinstance(failure, PaymentLinkRefused)
    assert failure.place is not None
    assert (failure.place.host, failure.place.port) == ("evil.example", 99)


async def test_plain_http_is_accepted_at_the_own_address_that_the_operator_allows_by_name():
    async with serving(_answering) as server:
        base = f"http://127.0.0.1:{server.port}"
        text = asking(hosts=f'"{base}", "127.0.0.1:1"').replace("{{Base}}", base)
        command = compile_toml(text)
        policy = EgressPolicy.from_texts(allow=[f"127.0.0.1:{server.port}", "127.0.0.1:1"])
        async with HttpTransport(policy) as transport:
            for number, link in (("7", f"{base}/pay"), ("8", "http://127.0.0.1:1/pay")):
                values = command.values({"InvoiceNumber": number})
                work = run_command(command, values, transport=transport)
                if number == "7":
                    with await work as document:
                        assert document.body.read().decode() == link
                else:
                    with pytest.raises(PaymentLinkRefused) as refused:
                        await work
                    assert refused.value.reason == "not-https"


async def _answering(peer):
    while True:
        request = await peer.request()
        host = request.partition(b"Host: ")[2].partition(b"\r\n")[0]
        there = host if b"/7/" in request else b"127.0.0.1:1"
        await peer.send(answer(b'{"PaymentLink": "http://%b/pay"}' % there))


def test_plain_http_is_refused_elsewhere_and_where_nobody_allows_it():
    plain = PageHosts(hosts=(PageHost.parse("http://billing.example"),))
    own = Origin(scheme="http", host="billing.example", port=80)
    assert plain.judge("http://billing.example/pay", plain=own) == "http://billing.example/pay"
    for other in (None, own._replace(port=8080), own._replace(host="x.example")):
        with pytest.raises(PaymentLinkRefused):
            plain.judge("http://billing.example/pay", plain=other)


async def test_a_response_of_a_source_that_nobody_allows_by_name_has_no_plain_link():
    text = asking(hosts='"{{Plain}}"').replace("{{Base}}/", "{{Plain}}/")
    origin = Origin(scheme="http", host="billing.example", port=80)
    reply = as_json({"PaymentLink": "/pay"})
    reply = replace(reply, origin=origin)
    await run_toml(text, reply).failure(PaymentLinkRefused)
    again = replace(as_json({"PaymentLink": "/pay"}), origin=origin, is_allowed_by_name=True)
    with await run_toml(text, again).document() as document:
        assert document.body.read() == b"http://billing.example/pay"


@pytest.mark.parametrize(
    ("text", "code", "where"),
    [
        pytest.param(asking(hosts=""), "missing-key", "payment_hosts", id="no-hosts"),
        pytest.param(asking(hosts='"*.com"'), "payment-host", "payment_hosts[0]", id="all-of-com"),
        pytest.param(asking(hosts='"*"'), "payment-host", "payment_hosts[0]", id="any"),
        pytest.param(
            asking(hosts='"*.1.2.3.4"'), "payment-host", "payment_hosts[0]", id="below-ip"
        ),
        pytest.param(asking(hosts='"a.*.b"'), "payment-host", "payment_hosts[0]", id="inside"),
        pytest.param(asking(hosts='"a b"'), "payment-host", "payment_hosts[0]", id="space"),
        pytest.param(asking(hosts='"a@b.example"'), "payment-host", "payment_hosts[0]", id="user"),
        pytest.param(asking(hosts='""'), "payment-host", "payment_hosts[0]", id="empty"),
        pytest.param(
            asking(hosts='"{{InvoiceNumber}}"'), "unknown-token", "payment_hosts[0]", id="token"
        ),
        pytest.param(
            asking(hosts='"{{ApiKey}}"'), "unknown-token", "payment_hosts[0]", id="secret"
        ),
        pytest.param(
            asking(hosts=", ".join(['"a.example"'] * 51)), "too-many", "payment_hosts", id="many"
        ),
        pytest.param(asking('answer = { url = "$.u" }'), "answer-place", "answer", id="document"),
        pytest.param(asking('accept = ["image/png"]'), "misplaced-key", "accept", id="kinds"),
    ],
)
def test_a_command_that_could_lead_anywhere_is_a_problem(text, code, where):
    problems = [(each.code, each.where) for each in problems_of(text)]
    assert (code, f"commands.GetPaymentLink.{where}") in problems


def test_only_this_command_has_hosts_of_payment_pages():
    text = asking().replace("GetPaymentLink", "GetInvoiceImage")
    (problem,) = problems_of(text)
    assert (problem.code, problem.where) == (
        "misplaced-key",
        "commands.GetInvoiceImage.payment_hosts",
    )
