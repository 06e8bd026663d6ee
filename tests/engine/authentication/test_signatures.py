"""Schemes that sign each request: each is checked by hand or by a different library."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
from datetime import UTC, datetime
from types import SimpleNamespace
from urllib.parse import quote, unquote

import pytest
from authlib.oauth1.rfc5849 import signature as authlib_signature
from authlib.oauth1.rfc5849.wrapper import OAuth1Request
from hypothesis import given, settings
from hypothesis import strategies as st
from requests import Request
from requests_aws4auth import AWS4Auth

from billhook.engine.authentication.authenticator import Channel
from billhook.engine.authentication.compile import compile_authentication
from billhook.engine.authentication.factory import make_authenticator
from billhook.engine.config import AuthenticationConfig
from billhook.engine.egress.url import Origin
from billhook.engine.errors import AuthenticationFailed, TokenError
from billhook.engine.http.request import Limits, WebRequest
from billhook.engine.http.terms import RunTerms
from billhook.engine.http.trace import Trace
from billhook.engine.http.transport import HttpTransport
from billhook.engine.secret import Secret
from billhook.engine.testing import FakeTransport
from engine.origins import answer, serving

ORIGIN = Origin(scheme="https", host="billing.example", port=443)
NUMBERS = ["INV-1", "INV/2024/0001", "A&B=C", 'O\'Brien "7"', "Ñ-100%", "a+b c", "~._-"]


def request(
    target: str = "/items/1",
    *,
    method: str = "GET",
    headers: tuple[tuple[str, str], ...] = (),
    body: bytes | None = None,
    origin: Origin = ORIGIN,
) -> WebRequest:
    return WebRequest(
        step="Get",
        method=method,
        url=f"{origin}{target}",
        origin=origin,
        target=target,
        headers=headers,
        body=body,
        carries_secret=False,
    )


async def signed(
    to_sign: WebRequest, scheme: str, secrets: dict[str, str] | None = None, **fields: object
) -> WebRequest:
    """Compile and sign. A secret in small letters is used in the field of the same name."""
    secrets = secrets or {}
    given = fields | {name: f"{{{{{name}}}}}" for name in secrets if name.islower()}
    config = AuthenticationConfig(scheme=scheme, fields=given)  # type: ignore[arg-type]
    plan = compile_authentication(config, variables={"Tenant": "acme"}, secrets=secrets)
    bound = make_authenticator(plan, {name: Secret(value) for name, value in secrets.items()})
    channel = Channel(transport=FakeTransport(), deadline=0.0, trace=Trace())
    return (await bound.sign(to_sign, channel)).request


def header(from_request: WebRequest, name: str) -> str:
    [value] = [value for given, value in from_request.headers if given.lower() == name.lower()]
    return value


# Basic, bearer, header, query


@pytest.mark.parametrize(
    ("username", "password", "expected"),
    [
        pytest.param(
            "Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", id="RFC 7617, 2"
        ),
        pytest.param("test", "123\u00a3", "Basic dGVzdDoxMjPCow==", id="RFC 7617, 2.1, UTF-8"),
        pytest.param("sk_test_1", "", "Basic c2tfdGVzdF8xOg==", id="a key as the name"),
        pytest.param("", "key", "Basic OmtleQ==", id="a key as the password"),
    ],
)
async def test_basic_matches_its_rfc(username, password, expected):
    made = await signed(request(), "basic", username=username, password=password)
    assert header(made, "Authorization") == expected
    assert made.carries_secret


async def test_a_secret_user_name_with_a_colon_is_refused():
    with pytest.raises(TokenError) as caught:
        await signed(request(), "basic", {"User": "a:b"}, username="{{User}}", password="x")
    assert caught.value.problems[0].where == "authentication.username"
    assert "a:b" not in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({}, "Bearer t0k", id="bearer by default"),
        pytest.param({"prefix": "Zoho-oauthtoken"}, "Zoho-oauthtoken t0k", id="another word"),
        pytest.param({"prefix": "Token token="}, "Token token=t0k", id="a word that ends with ="),
        pytest.param({"prefix": ""}, "t0k", id="the bare token"),
    ],
)
async def test_a_token_follows_its_word(fields, expected):
    made = await signed(request(), "bearer", {"token": "t0k"}, **fields)
    assert header(made, "Authorization") == expected


async def test_the_authentication_header_replaces_one_of_the_request():
    own = request(headers=(("authorization", "Basic old"), ("Accept", "application/pdf")))
    made = await signed(own, "bearer", {"token": "t0k"})
    assert made.headers == (("Accept", "application/pdf"), ("Authorization", "Bearer t0k"))


async def test_a_key_in_a_header_may_have_words_around_it():
    made = await signed(
        request(), "header", {"Key": "k3y"}, name="Authorization", value='Token token="{{Key}}"'
    )
    assert header(made, "Authorization") == 'Token token="k3y"'


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        pytest.param("/a", "/a?api_key=a%26b%20%C3%B1%2F", id="no query yet"),
        pytest.param("/a?b=c", "/a?b=c&api_key=a%26b%20%C3%B1%2F", id="after others"),
        pytest.param("/a%2Fb?", "/a%2Fb?&api_key=a%26b%20%C3%B1%2F", id="an empty query"),
    ],
)
async def test_a_key_in_the_url_is_encoded_and_changes_nothing_else(target, expected):
    made = await signed(
        request(target), "query", {"Key": "a&b ñ/"}, name="api_key", value="{{Key}}"
    )
    assert made.target == expected
    assert made.url == f"https://billing.example{expected}"
    assert made.carries_secret


# HMAC


@pytest.mark.parametrize("digest", ["sha256", "sha512", "sha1"])
@pytest.mark.parametrize("encoding", ["hex", "base64"])
async def test_an_hmac_equals_the_one_that_python_computes(digest, encoding):
    made = await signed(
        request("/a%2Fb?c=%C3%B1", method="POST", body='{"n": "ñ"}\r\n'.encode()),
        "hmac",
        {"key": "s3cret ñ"},
        header="X-Signature",
        prefix=f"{digest}=",
        digest=digest,
        encoding=encoding,
        template="{{Tenant}}\n{{Request.Method}}\n{{Request.Origin}}{{Request.Target}}\n{{Request.Body}}",
    )
    text = 'acme\nPOST\nhttps://billing.example/a%2Fb?c=%C3%B1\n{"n": "ñ"}\r\n'
    expected = hmac.digest("s3cret ñ".encode(), text.encode(), digest)
    written = expected.hex() if encoding == "hex" else base64.b64encode(expected).decode()
    assert header(made, "X-Signature") == f"{digest}={written}"


@pytest.mark.parametrize(
    ("form", "read"),
    [
        pytest.param(
            "iso", lambda text: datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z"), id="ISO 8601"
        ),
        pytest.param("seconds", lambda text: datetime.fromtimestamp(int(text), UTC), id="seconds"),
        pytest.param(
            "milliseconds",
            lambda text: datetime.fromtimestamp(int(text) / 1000, UTC),
            id="milliseconds",
        ),
    ],
)
async def test_the_timestamp_in_the_header_is_the_signed_one(form, read):
    made = await signed(
        request(),
        "hmac",
        {"key": "k"},
        header="X-Signature",
        timestamp=form,
        timestamp_header="X-Time",
        template="{{Timestamp}}",
    )
    moment = header(made, "X-Time")
    read(moment)
    assert header(made, "X-Signature") == hmac.digest(b"k", moment.encode(), "sha256").hex()


@pytest.mark.parametrize(
    ("encoding", "key", "raw"),
    [
        pytest.param("base64", "AAEC/w==", b"\0\1\2\xff", id="base64"),
        pytest.param("hex", "000102ff", b"\0\1\2\xff", id="hex"),
        pytest.param("text", "000102ff", b"000102ff", id="text"),
    ],
)
async def test_a_key_is_read_as_configured(encoding, key, raw):
    made = await signed(
        request(method="POST", body=b"x"),
        "hmac",
        {"key": key},
        header="X-Signature",
        key_encoding=encoding,
    )
    assert header(made, "X-Signature") == hmac.digest(raw, b"x", "sha256").hex()


@pytest.mark.parametrize("encoding", ["base64", "hex"])
async def test_a_key_of_another_encoding_is_refused_and_not_shown(encoding):
    with pytest.raises(TokenError) as caught:
        await signed(
            request(), "hmac", {"key": "zz-not!"}, header="X-Signature", key_encoding=encoding
        )
    assert caught.value.problems[0].where == "authentication.key"
    assert "zz-not!" not in str(caught.value)


async def test_a_body_longer_than_any_value_is_signed_completely():
    body = b"x" * 150_000
    made = await signed(
        request(method="POST", body=body), "hmac", {"key": "k"}, header="X-Signature"
    )
    assert header(made, "X-Signature") == hmac.digest(b"k", body, "sha256").hex()


# Standard Webhooks


@pytest.mark.parametrize("body", [None, b"", '{"a": "ñ"}'.encode()], ids=["none", "empty", "JSON"])
async def test_a_standard_webhooks_signature_equals_one_made_by_hand(body):
    raw = bytes(range(24))
    key = f"whsec_{base64.b64encode(raw).decode()}"
    made = await signed(request(method="POST", body=body), "standard-webhooks", {"key": key})
    message, moment = header(made, "webhook-id"), header(made, "webhook-timestamp")
    text = f"{message}.{moment}.".encode() + (body or b"")
    expected = base64.b64encode(hmac.digest(raw, text, "sha256")).decode()
    assert header(made, "webhook-signature") == f"v1,{expected}"


@pytest.mark.parametrize("key", ["whsec_a", "whsec_"], ids=["not base 64", "nothing in it"])
async def test_an_invalid_webhooks_key_is_refused(key):
    with pytest.raises(TokenError) as caught:
        await signed(request(), "standard-webhooks", {"key": key})
    assert caught.value.problems[0].where == "authentication.key"


# AWS Signature 4: our own canonical form follows Amazon's text, and its examples prove it


def canonical(method: str, target: str, headers: dict[str, str], payload: str, *, s3: bool) -> str:
    """Return the canonical request as a server makes it of what came on the wire."""
    path, _, query = target.partition("?")
    if s3:
        path = quote(unquote(path), safe="/-_.~")
    else:
        path = "/".join(quote(segment, safe="-_.~") for segment in path.split("/"))
    pairs = [pair.partition("=") for pair in query.split("&")] if query else []
    written = sorted(
        (quote(unquote(name), safe="-_.~"), quote(unquote(value), safe="-_.~"))
        for name, _, value in pairs
    )
    lines = [f"{name}:{' '.join(value.split())}\n" for name, value in sorted(headers.items())]
    return "\n".join(
        [
            method,
            path,
            "&".join(f"{name}={value}" for name, value in written),
            "".join(lines),
            ";".join(sorted(headers)),
            payload,
        ]
    )


def aws_signature(text: str, *, secret: str, moment: str, region: str, service: str) -> str:
    scope = f"{moment[:8]}/{region}/{service}/aws4_request"
    digest = hashlib.sha256(text.encode()).hexdigest()
    to_sign = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{digest}"
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, to_sign.encode(), "sha256").hex()


EMPTY = hashlib.sha256(b"").hexdigest()


@pytest.mark.parametrize(
    ("target", "headers", "expected"),
    [
        pytest.param(
            "/test.txt",
            {"range": "bytes=0-9"},
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
            id="GET object",
        ),
        pytest.param(
            "/?lifecycle",
            {},
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
            id="GET bucket lifecycle",
        ),
        pytest.param(
            "/?max-keys=2&prefix=J",
            {},
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
            id="list objects",
        ),
    ],
)
def test_our_canonical_form_gives_the_signatures_of_amazons_examples(target, headers, expected):
    """The examples of "Signature calculations: transferring payload in a single chunk"."""
    whole = headers | {
        "host": "examplebucket.s3.amazonaws.com",
        "x-amz-content-sha256": EMPTY,
        "x-amz-date": "20130524T000000Z",
    }
    made = aws_signature(
        canonical("GET", target, whole, EMPTY, s3=True),
        secret="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        moment="20130524T000000Z",
        region="us-east-1",
        service="s3",
    )
    assert made == expected


AWS = {"access_key": "AKIDEXAMPLE", "region": "eu-central-1"}
AWS_SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


def signature_in(made: WebRequest) -> tuple[str, list[str]]:
    """Return the signature and the names of the headers that it covers."""
    value = header(made, "Authorization")
    assert value.startswith(f"AWS4-HMAC-SHA256 Credential={AWS['access_key']}/")
    parts = dict(part.partition("=")[::2] for part in value.split(" ", 1)[1].split(", "))
    return parts["Signature"], parts["SignedHeaders"].split(";")


def expected_signature(made: WebRequest, service: str) -> str:
    """Return the signature that a server makes of what came on the wire."""
    _, names = signature_in(made)
    sent = {name.lower(): value for name, value in made.headers}
    sent["host"] = str(made.origin).partition("://")[2]
    payload = hashlib.sha256(made.body or b"").hexdigest()
    covered = {name: sent[name] for name in names}
    return aws_signature(
        canonical(made.method, made.target, covered, payload, s3=service == "s3"),
        secret=AWS_SECRET,
        moment=header(made, "X-Amz-Date"),
        region=AWS["region"],
        service=service,
    )


TARGETS = [
    *(pytest.param(f"/b/{quote(number, safe='')}.pdf", id=number) for number in NUMBERS),
    pytest.param("/b/a,b;c:d@e!$'()*.pdf", id="signs that need no encoding"),
    pytest.param("/b/?list-type=2&prefix=a%2Fb&x", id="a query out of order, one without ="),
    pytest.param("/b/?b=2&a=x:y,z&a=1&a+b=c%20d", id="a query not encoded throughout"),
]


@pytest.mark.parametrize("service", ["s3", "invoicing"])
@pytest.mark.parametrize("target", TARGETS)
async def test_an_aws_signature_equals_the_one_that_a_server_computes(service, target):
    made = await signed(
        request(target, headers=(("X-Two", "a   b"), ("Accept", "*/*"))),
        "aws-sigv4",
        {"secret_key": AWS_SECRET},
        service=service,
        **AWS,
    )
    assert signature_in(made)[0] == expected_signature(made, service)
    assert {"host", "x-amz-date", "x-two", "accept"} <= set(signature_in(made)[1])


@given(
    text=st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1),
    service=st.sampled_from(["s3", "invoicing"]),
)
@settings(max_examples=60, deadline=None)
async def test_any_value_in_path_and_query_is_signed_as_it_is_sent(text, service):
    encoded = quote(text, safe="")
    made = await signed(
        request(f"/b/{encoded}x?{encoded}=1&q={encoded}"),
        "aws-sigv4",
        {"secret_key": AWS_SECRET},
        service=service,
        **AWS,
    )
    assert signature_in(made)[0] == expected_signature(made, service)
    path, _, query = made.target.partition("?")
    assert unquote(path) == f"/b/{text}x"
    assert unquote(query.rpartition("q=")[2]) == text


async def test_an_aws_body_and_a_session_token_are_signed_too():
    body = json.dumps({"InvoiceId": "Ñ"}).encode()
    made = await signed(
        request(
            "/",
            method="POST",
            headers=(
                ("Content-Type", "application/x-amz-json-1.0"),
                ("X-Amz-Target", "Invoicing.GetInvoicePDF"),
            ),
            body=body,
            origin=Origin(scheme="https", host="invoicing.us-east-1.api.aws", port=8443),
        ),
        "aws-sigv4",
        {"secret_key": AWS_SECRET, "session_token": "FwoGZXIvYXdzEBY+/="},
        service="invoicing",
        **AWS,
    )
    signature, names = signature_in(made)
    assert signature == expected_signature(made, "invoicing")
    assert {"x-amz-security-token", "x-amz-target", "content-type"} <= set(names)
    assert made.body == body


async def test_an_s3_key_is_sent_as_it_is_signed_with_its_slashes():
    made = await signed(
        request("/bucket/INV%2F2024%2F0001%20%C3%91.pdf"),
        "aws-sigv4",
        {"secret_key": AWS_SECRET},
        service="s3",
        **AWS,
    )
    assert made.target == "/bucket/INV/2024/0001%20%C3%91.pdf"
    assert made.url == f"{ORIGIN}{made.target}"


async def test_requests_aws4auth_computes_the_same_signature():
    made = await signed(
        request("/bucket/INV%2F2024%2F0001.pdf?versionId=a%2Fb"),
        "aws-sigv4",
        {"secret_key": AWS_SECRET},
        service="s3",
        **AWS,
    )
    moment = datetime.strptime(header(made, "X-Amz-Date"), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    other = AWS4Auth(AWS["access_key"], AWS_SECRET, AWS["region"], "s3", date=moment)
    prepared = Request("GET", made.url, headers={"X-Amz-Date": header(made, "X-Amz-Date")})
    theirs = other(prepared.prepare()).headers["Authorization"]
    assert theirs.rpartition("Signature=")[2] == signature_in(made)[0]


async def test_several_headers_of_one_name_are_all_sent_and_signed():
    made = await signed(
        request(headers=(("X-Tag", "b"), ("X-Tag", "a"))),
        "aws-sigv4",
        {"secret_key": AWS_SECRET},
        service="s3",
        **AWS,
    )
    assert [value for name, value in made.headers if name == "X-Tag"] == ["b", "a"]
    covered = {name.lower(): value for name, value in made.headers} | {"x-tag": "b,a"}
    covered["host"] = "billing.example"
    names = signature_in(made)[1]
    text = canonical("GET", made.target, {name: covered[name] for name in names}, EMPTY, s3=True)
    assert signature_in(made)[0] == aws_signature(
        text,
        secret=AWS_SECRET,
        moment=header(made, "X-Amz-Date"),
        region=AWS["region"],
        service="s3",
    )


# OAuth 1.0a: authlib, as a server, verifies what oauthlib signed

OAUTH1 = {"consumer_key": "ck+1", "token": "t/2"}
OAUTH1_SECRETS = {"consumer_secret": "c&s ñ", "token_secret": "t%s"}


def authlib_accepts(made: WebRequest, digest: str) -> bool:
    body = made.body.decode() if made.body else None
    headers = dict(made.headers)
    if headers.get("Content-Type") != "application/x-www-form-urlencoded":
        body = None
    seen = OAuth1Request(made.method, made.url, body=body, headers=headers)
    seen.client = SimpleNamespace(get_client_secret=lambda: OAUTH1_SECRETS["consumer_secret"])
    seen.credential = SimpleNamespace(get_oauth_token_secret=lambda: OAUTH1_SECRETS["token_secret"])
    assert seen.client_id == OAUTH1["consumer_key"]
    assert seen.signature_method == digest
    if digest == "HMAC-SHA1":
        return bool(authlib_signature.verify_hmac_sha1(seen))
    base = authlib_signature.generate_signature_base_string(seen)
    key = "&".join(quote(secret, safe="~") for secret in OAUTH1_SECRETS.values())
    expected = base64.b64encode(hmac.digest(key.encode(), base.encode(), "sha256")).decode()
    return hmac.compare_digest(expected, seen.signature)


@pytest.mark.parametrize("digest", ["HMAC-SHA256", "HMAC-SHA1"])
@pytest.mark.parametrize(
    "target",
    [
        *(
            pytest.param(f"/r/{quote(number, safe='')}?n={quote(number, safe='')}", id=number)
            for number in NUMBERS
        ),
        pytest.param("/restlet.nl?script=1&deploy=1&id=x:y,z", id="a query not encoded throughout"),
    ],
)
async def test_an_oauth1_signature_is_accepted_by_another_library(digest, target):
    made = await signed(request(target), "oauth1", OAUTH1_SECRETS, digest=digest, **OAUTH1)
    assert authlib_accepts(made, digest)


async def test_an_oauth1_signature_covers_a_form_but_no_other_body():
    form = request(
        method="POST",
        headers=(("Content-Type", "application/x-www-form-urlencoded"),),
        body=b"a=1&b=%C3%B1+x",
    )
    made = await signed(form, "oauth1", OAUTH1_SECRETS, digest="HMAC-SHA1", **OAUTH1)
    assert authlib_accepts(made, "HMAC-SHA1")
    assert made.body == form.body
    other = request(method="POST", headers=(("Content-Type", "application/json"),), body=b"{}")
    made = await signed(other, "oauth1", OAUTH1_SECRETS, digest="HMAC-SHA1", **OAUTH1)
    assert authlib_accepts(made, "HMAC-SHA1")
    assert "oauth_body_hash" not in header(made, "Authorization")


async def test_a_form_with_one_byte_changed_fails_verification():
    form = request(
        method="POST",
        headers=(("Content-Type", "application/x-www-form-urlencoded"),),
        body=b"a=1",
    )
    made = await signed(form, "oauth1", OAUTH1_SECRETS, digest="HMAC-SHA1", **OAUTH1)
    changed = request(method="POST", headers=made.headers, body=b"a=2")
    assert not authlib_accepts(changed, "HMAC-SHA1")


async def test_an_invalid_form_is_reported():
    form = request(
        method="POST",
        headers=(("Content-Type", "application/x-www-form-urlencoded"),),
        body=b'{"a": 1}',
    )
    with pytest.raises(AuthenticationFailed, match="percent-encoded"):
        await signed(form, "oauth1", OAUTH1_SECRETS, **OAUTH1)


async def test_the_realm_comes_first_and_each_signature_has_its_own_nonce():
    made = [
        await signed(request(), "oauth1", OAUTH1_SECRETS, realm="1234567_SB1", **OAUTH1)
        for _ in range(2)
    ]
    assert header(made[0], "Authorization").startswith('OAuth realm="1234567_SB1", ')
    assert header(made[0], "Authorization") != header(made[1], "Authorization")


# What they all share


async def test_exactly_the_signed_bytes_are_sent():
    async def script(peer):
        await peer.request()
        await peer.send(answer(b"ok"))

    async with serving(script) as source:
        origin = Origin(scheme="http", host="127.0.0.1", port=source.port)
        made = await signed(
            request("/b/INV%2F1%20%C3%91.pdf?a=%2F&b", headers=(("X-A", "b"),), origin=origin),
            "aws-sigv4",
            {"secret_key": AWS_SECRET},
            service="s3",
            **AWS,
        )
        async with HttpTransport(source.policy()) as transport:
            response = await transport.exchange(
                made,
                RunTerms(
                    limits=Limits(timeout=10.0, max_bytes=1000),
                    redirects="deny",
                    deadline=10.0**12,
                    trace=Trace(),
                ),
            )
            response.body.close()
    line, *lines = source.requests[0].decode().split("\r\n")
    assert line == f"GET {made.target} HTTP/1.1"
    assert f"Host: 127.0.0.1:{source.port}" in lines
    for name, value in made.headers:
        assert f"{name}: {value}" in lines
    assert signature_in(made)[0] == expected_signature(made, "s3")


@pytest.mark.parametrize(
    ("scheme", "secrets", "fields"),
    [
        pytest.param(
            "aws-sigv4",
            {"secret_key": "CANARY1", "session_token": "CANARY2"},
            {"service": "s3", **AWS},
            id="AWS",
        ),
        pytest.param(
            "oauth1", {"consumer_secret": "CANARY1", "token_secret": "CANARY2"}, OAUTH1, id="OAuth1"
        ),
    ],
)
async def test_the_libraries_do_not_log_the_text_that_they_sign(caplog, scheme, secrets, fields):
    caplog.set_level(logging.DEBUG)
    form = request(
        "/?a=CANARY3",
        method="POST",
        headers=(("Content-Type", "application/x-www-form-urlencoded"),),
        body=b"b=CANARY4",
    )
    await signed(form, scheme, secrets, **fields)
    assert "CANARY" not in caplog.text
