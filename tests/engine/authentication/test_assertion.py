"""Clients of OAuth 2 that authenticate with a JWT, signed with a private key or with a secret."""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import parse_qsl

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from billhook.engine.authentication.compile import compile_authentication
from billhook.engine.authentication.factory import make_authenticator
from billhook.engine.authentication.keys.assertion import LIFETIME, TYPE
from billhook.engine.authentication.oauth2_client import OAuthClient, make_client
from billhook.engine.config import AuthenticationConfig
from billhook.engine.errors import ConfigurationError, TokenError
from billhook.engine.secret import Secret
from engine.certificates import Authority

TOKEN_URL = "https://auth.example/token"
RSA = rsa.generate_private_key(65537, 2048)
P256, P384 = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1())
EDWARDS = ed25519.Ed25519PrivateKey.generate()
SECRET = "a client secret of at least 32 bytes, as HS256 wants"


def pem(key: PrivateKeyTypes, passphrase: str = "") -> str:
    encryption = (
        serialization.BestAvailableEncryption(passphrase.encode())
        if passphrase
        else serialization.NoEncryption()
    )
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    ).decode()


def config(**fields: object) -> AuthenticationConfig:
    base = {"token_url": TOKEN_URL, "client_id": "billhook", "client_auth": "private_key_jwt"}
    return AuthenticationConfig(
        scheme="oauth2-client-credentials",
        fields={name: value for name, value in (base | fields).items() if value is not None},  # type: ignore[misc]
    )


def client(secrets: dict[str, str], **fields: object) -> OAuthClient:
    plan = compile_authentication(config(**fields), variables={}, secrets=secrets)
    return make_client(plan, {name: Secret(value) for name, value in secrets.items()})


def form(body: str) -> dict[str, str]:
    return dict(parse_qsl(body, strict_parsing=True))


@pytest.mark.parametrize(
    ("key", "algorithm", "expected"),
    [
        pytest.param(RSA, None, "RS256", id="RSA"),
        pytest.param(RSA, "PS256", "PS256", id="RSA-PSS, as NetSuite wants"),
        pytest.param(P256, None, "ES256", id="P-256"),
        pytest.param(P384, None, "ES384", id="P-384"),
        pytest.param(EDWARDS, None, "EdDSA", id="Ed25519"),
    ],
)
def test_an_assertion_is_signed_with_the_private_key(key, algorithm, expected):
    secrets = {"Key": pem(key)}
    fields = {"private_key": "{{Key}}", "algorithm": algorithm, "key_id": "k-1", "scope": "a b"}
    given = form(client(secrets, **fields).own_body())
    assert given.pop("grant_type") == "client_credentials"
    assert given.pop("client_assertion_type") == TYPE
    token = given.pop("client_assertion")
    assert given == {"client_id": "billhook", "scope": "a b"}
    assert jwt.get_unverified_header(token) == {"alg": expected, "kid": "k-1", "typ": "JWT"}
    claims = jwt.decode(token, key.public_key(), algorithms=[expected], audience=TOKEN_URL)
    assert (claims["iss"], claims["sub"], claims["scope"]) == ("billhook", "billhook", ["a", "b"])
    assert claims["exp"] - claims["iat"] == LIFETIME


def test_each_request_has_an_assertion_of_its_own():
    made = client({"Key": pem(RSA)}, private_key="{{Key}}")
    tokens = [form(made.own_body())["client_assertion"] for _ in range(2)]
    options = {"verify_signature": False}
    first, second = (jwt.decode(each, options=options) for each in tokens)
    assert first["jti"] != second["jti"]


def test_refresh_tokens_and_codes_are_exchanged_with_an_assertion_too():
    made = client({"Key": pem(RSA)}, private_key="{{Key}}")
    bodies = [
        made.refresh_body(Secret("r")),
        made.code_body("c", redirect_uri="https://x.example", verifier=None),
    ]
    assert all(form(body)["client_assertion_type"] == TYPE for body in bodies)
    headers = dict(made.request(bodies[0], repeatable=False).headers)
    assert "Authorization" not in headers


def test_the_audience_can_be_another_one():
    made = client({"Key": pem(RSA)}, private_key="{{Key}}", audience="https://auth.example")
    token = form(made.own_body())["client_assertion"]
    jwt.decode(token, RSA.public_key(), algorithms=["RS256"], audience="https://auth.example")


def test_an_assertion_is_signed_with_the_client_secret():
    fields = {"client_auth": "client_secret_jwt", "client_secret": "{{Secret}}"}
    given = form(client({"Secret": SECRET}, **fields).own_body())
    claims = jwt.decode(given["client_assertion"], SECRET, algorithms=["HS256"], audience=TOKEN_URL)
    assert claims["iss"] == "billhook"
    assert "client_secret" not in given


@pytest.mark.parametrize("is_pkcs12", [False, True], ids=["PEM", "PKCS#12"])
def test_the_thumbprint_of_the_certificate_is_sent_if_it_is_there(is_pkcs12):
    authority = Authority()
    certificate, key = authority.client_pem(b"pass")
    text = authority.client_pkcs12("pass") if is_pkcs12 else certificate + key
    secrets = {"Key": text, "Passphrase": "pass"}
    made = client(secrets, private_key="{{Key}}", passphrase="{{Passphrase}}")
    header = jwt.get_unverified_header(form(made.own_body())["client_assertion"])
    assert header["alg"] == "ES256"
    assert {"x5t", "x5t#S256"} < header.keys()
    if not is_pkcs12:
        encoded = x509.load_pem_x509_certificate(certificate.encode()).public_bytes(
            serialization.Encoding.DER
        )
        digest = hashlib.sha256(encoded).digest()
        assert header["x5t#S256"] == base64.urlsafe_b64encode(digest).decode().rstrip("=")


@pytest.mark.parametrize(
    ("secrets", "fields", "says"),
    [
        pytest.param({"Key": "CANARY"}, {}, "neither PEM", id="no key"),
        pytest.param({"Key": pem(RSA, "pass")}, {}, "has a passphrase", id="no passphrase"),
        pytest.param(
            {"Key": pem(RSA, "pass"), "P": "CANARY"},
            {"passphrase": "{{P}}"},
            "doesn't open",
            id="a wrong passphrase",
        ),
        pytest.param(
            {"Key": pem(P256)}, {"algorithm": "RS256"}, "RS256 can't sign", id="other kind"
        ),
    ],
)
def test_a_key_that_cannot_sign_is_reported(secrets, fields, says):
    plan = compile_authentication(
        config(private_key="{{Key}}", **fields), variables={}, secrets=secrets
    )
    values = {name: Secret(value) for name, value in secrets.items()}
    for make in (make_client, make_authenticator):
        with pytest.raises(TokenError, match=says) as caught:
            make(plan, values)
        assert caught.value.problems[0].where == "authentication.private_key"
        assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        pytest.param({}, "private_key", id="no private key"),
        pytest.param({"client_auth": "client_secret_jwt"}, "client_secret", id="no secret"),
        pytest.param(
            {"client_auth": "body", "private_key": "{{Key}}"}, "client_auth", id="a key in vain"
        ),
        pytest.param(
            {"private_key": "{{Key}}", "algorithm": "HS256"}, "algorithm", id="HS256 with a key"
        ),
        pytest.param(
            {
                "client_auth": "client_secret_jwt",
                "client_secret": "{{Key}}",
                "algorithm": "RS256",
            },
            "algorithm",
            id="RS256 with a secret",
        ),
    ],
)
def test_fields_that_contradict_each_other_are_reported(fields, where):
    with pytest.raises(ConfigurationError) as caught:
        compile_authentication(config(**fields), variables={}, secrets=["Key"])
    assert [each.where for each in caught.value.problems] == [f"authentication.{where}"]
