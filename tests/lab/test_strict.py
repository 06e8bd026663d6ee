"""The laboratory is as strict as the real thing: what signs rightly passes, a byte off doesn't."""

from __future__ import annotations

import base64
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from multidict import CIMultiDict
from oauthlib.oauth1 import Client

from lab.standin import API, Call, Refused, decode
from lab.strict import Links, OAuthServer, check_basic, check_bearer, check_oauth1, check_sigv4

HOST = "store.example:9000"
AWS = {
    "host": HOST,
    "access_key": "AKIALAB",
    "secret_key": "s3cret/key+",
    "region": "eu-central-1",
}


def make_call(target="/", *, method="GET", headers=(), body=b"") -> Call:
    path, _, query = target.partition("?")
    return Call(
        site=API,
        method=method,
        raw_path=path,
        raw_query=query,
        headers=CIMultiDict(headers),
        body=body,
    )


def form_call(headers=(), **fields) -> Call:
    kind = ("Content-Type", "application/x-www-form-urlencoded")
    body = urlencode(fields).encode()
    return make_call("/token", method="POST", headers=[kind, *headers], body=body)


def signed_by_botocore(target: str, *, service: str, method="GET", body=b"") -> Call:
    request = AWSRequest(method=method, url=f"https://{HOST}{target}", data=body)
    credentials = Credentials(AWS["access_key"], AWS["secret_key"])
    kind = S3SigV4Auth if service == "s3" else SigV4Auth
    kind(credentials, service, AWS["region"]).add_auth(request)
    headers = [("Host", HOST), *request.headers.items()]
    return make_call(target, method=method, headers=headers, body=body)


@pytest.mark.parametrize(
    ("target", "service", "method", "body"),
    [
        pytest.param("/bucket/%C3%91-100%25.pdf", "s3", "GET", b"", id="s3-key"),
        pytest.param("/bucket/x%20y?versionId=7&a=", "s3", "GET", b"", id="s3-query"),
        pytest.param("/", "invoicing", "POST", b'{"InvoiceId":"a+b"}', id="json"),
    ],
)
def test_a_signature_of_amazons_own_library_passes(target, service, method, body):
    call = signed_by_botocore(target, service=service, method=method, body=body)
    check_sigv4(call, service=service, **AWS)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"raw_path": "/bucket/b.pdf"}, id="path"),
        pytest.param({"raw_query": "a=2"}, id="query"),
        pytest.param({"method": "POST"}, id="method"),
        pytest.param({"body": b"x"}, id="body"),
    ],
)
def test_a_request_that_was_changed_after_it_was_signed_is_refused(change):
    call = signed_by_botocore("/bucket/a.pdf?a=1", service="s3")
    check_sigv4(call, service="s3", **AWS)
    with pytest.raises(Refused):
        check_sigv4(replace(call, **change), service="s3", **AWS)


@pytest.mark.parametrize("name", ["host", "access_key", "secret_key", "region"])
def test_a_signature_with_another_key_or_scope_is_refused(name):
    call = signed_by_botocore("/bucket/a.pdf", service="s3")
    with pytest.raises(Refused):
        check_sigv4(call, service="s3", **{**AWS, name: "another"})


def signed_by_oauthlib(target, *, method="GET", digest="HMAC-SHA256", **more) -> Call:
    client = Client(
        "ck",
        client_secret="cs/+",
        resource_owner_key="tk",
        resource_owner_secret="ts",
        realm="1234_SB1",
        signature_method=digest,
    )
    _, headers, _ = client.sign(f"http://127.0.0.1:8000{target}", method, **more)
    return make_call(target, method=method, headers=headers.items())


OAUTH1 = {"origin": "http://127.0.0.1:8000", "consumer": ("ck", "cs/+"), "token": ("tk", "ts")}


@pytest.mark.parametrize("digest", ["HMAC-SHA256", "HMAC-SHA1"])
def test_an_oauth1_signature_of_another_library_passes(digest):
    call = signed_by_oauthlib("/restlet?script=1&n=O%27Brien%20%227%22%26a%2Bb", digest=digest)
    check_oauth1(call, realm="1234_SB1", method=digest, **OAUTH1)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"raw_path": "/other"}, id="path"),
        pytest.param({"raw_query": "script=1&n=b"}, id="query"),
        pytest.param({"method": "POST"}, id="method"),
    ],
)
def test_an_oauth1_signature_of_another_request_is_refused(change):
    call = signed_by_oauthlib("/restlet?script=1&n=a")
    check_oauth1(call, **OAUTH1)
    with pytest.raises(Refused):
        check_oauth1(replace(call, **change), **OAUTH1)


def test_a_nonce_is_good_for_one_request():
    call, seen = signed_by_oauthlib("/restlet"), set()
    check_oauth1(call, seen=seen, **OAUTH1)
    with pytest.raises(Refused, match="nonce"):
        check_oauth1(call, seen=seen, **OAUTH1)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("bearer at", id="word"),
        pytest.param("Bearer  at", id="two-spaces"),
        pytest.param("Bearer at2", id="token"),
        pytest.param("at", id="bare"),
    ],
)
def test_a_bearer_token_is_compared_exactly(value):
    check_bearer(make_call(headers=[("Authorization", "Bearer at")]), "at")
    with pytest.raises(Refused):
        check_bearer(make_call(headers=[("Authorization", value)]), "at")


@pytest.mark.parametrize("pair", ["key:x", "key", "Key:", ":key"])
def test_basic_credentials_are_compared_exactly(pair):
    def call(text):
        value = f"Basic {base64.b64encode(text.encode()).decode()}"
        return make_call(headers=[("Authorization", value)])

    check_basic(call("key:"), "key", "")
    with pytest.raises(Refused):
        check_basic(call(pair), "key", "")


def test_a_link_works_once_and_only_exactly_as_issued():
    links = Links()
    url = links.make("http://127.0.0.1:8000", b"document")
    call = make_call(url.removeprefix("http://127.0.0.1:8000"))
    with pytest.raises(Refused):
        links.take(replace(call, raw_query=call.raw_query.replace("Expires", "expires")))
    assert links.take(call) == b"document"
    with pytest.raises(Refused, match="used before"):
        links.take(call)


def make_server(**more) -> OAuthServer:
    return OAuthServer(client_id="id", client_secret="sec ret", client_auth="body", **more)


CLIENT = {"client_id": "id", "client_secret": "sec ret"}


def refresh(server, token):
    call = form_call(grant_type="refresh_token", refresh_token=token, **CLIENT)
    return server.token(call, "refresh_token")


def test_a_refresh_token_that_is_used_twice_ends_everything():
    server = make_server()
    first = server.first_refresh_token()
    refresh(server, first)
    assert len(server.refresh) == len(server.access) == 1
    with pytest.raises(Refused, match="used before"):
        refresh(server, first)
    assert not server.refresh
    assert not server.access


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"client_secret": "other"}, id="secret"),
        pytest.param({"client_id": "other"}, id="id"),
        pytest.param({"grant_type": "password"}, id="grant"),
        pytest.param({"resource": "other"}, id="extra"),
        pytest.param({"unknown": "x"}, id="unknown-parameter"),
    ],
)
def test_a_token_request_that_differs_is_refused(fields):
    server = make_server(extra={"resource": "r"})
    right = {"grant_type": "client_credentials", "resource": "r", **CLIENT}
    server.token(form_call(**right), "client_credentials")
    with pytest.raises(Refused):
        server.token(form_call(**{**right, **fields}), "client_credentials")


def test_a_client_that_authenticates_the_other_way_is_refused():
    server = make_server()
    pair = base64.b64encode(b"id:sec+ret").decode()
    header = [("Authorization", f"Basic {pair}")]
    with pytest.raises(Refused, match="the body"):
        server.token(form_call(header, grant_type="client_credentials"), "client_credentials")
    server.client_auth = "header"
    server.token(form_call(header, grant_type="client_credentials"), "client_credentials")
    with pytest.raises(Refused, match="the header"):
        server.token(form_call(grant_type="client_credentials", **CLIENT), "client_credentials")


@pytest.mark.parametrize(
    ("query", "why"),
    [
        pytest.param("", "missing", id="missing"),
        pytest.param("a=1&b=2", "unknown", id="unknown"),
        pytest.param("a=1&a=2", "twice", id="twice"),
        pytest.param("a", "no list", id="no-pair"),
        pytest.param("a=%FF", "no list", id="not-utf-8"),
    ],
)
def test_a_query_that_differs_is_refused(query, why):
    with pytest.raises(Refused, match=why):
        make_call(f"/?{query}").query("a")


def test_a_plus_in_a_query_is_a_space_as_in_real_systems():
    assert make_call("/?a=x+y").query("a") == {"a": "x y"}
    assert make_call("/?a=x%2By").query("a") == {"a": "x+y"}


@pytest.mark.parametrize("raw", ["100%", "%zz", "%FF"])
def test_a_path_that_is_not_well_encoded_is_refused(raw):
    with pytest.raises(Refused):
        decode(raw)
