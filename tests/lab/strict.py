"""Strict checks of real systems, once for all stand-ins: keys, tokens, links, signatures."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlencode

from authlib.oauth1.rfc5849.signature import construct_base_string
from authlib.oauth1.rfc5849.util import escape

from lab.standin import Call, Refused, json_answer, moved


def check_bearer(call: Call, token: str, *, word: str = "Bearer", status: int = 401) -> None:
    """Refuse all but ``Authorization: Bearer TOKEN``, exactly so; with ``""`` the bare token."""
    call.needs("Authorization", f"{word} {token}" if word else token, status=status)


def check_basic(call: Call, username: str, password: str, *, status: int = 401) -> None:
    """Refuse all but Basic with this name and password (RFC 7617)."""
    given = call.header("Authorization", status=status)
    if not given.startswith("Basic "):
        raise Refused(status, "the scheme isn't Basic")
    try:
        pair = base64.b64decode(given.removeprefix("Basic "), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise Refused(status, "what follows Basic isn't base 64") from None
    if pair != f"{username}:{password}":
        raise Refused(status, "name or password is another")


class Links:
    """Links that are good for one read, or some, for a while, and carry their own signature."""

    def __init__(self, *, reads: int = 1) -> None:
        self._reads = reads
        self._left: dict[str, int] = {}
        self._documents: dict[str, bytes] = {}

    def make(self, base: str, document: bytes, *, path: str = "/file/") -> str:
        """Return a fresh URL below *base*. It has a query such as real ones have."""
        token = secrets.token_hex(16)
        self._left[token], self._documents[token] = self._reads, document
        signature = quote(base64.b64encode(hashlib.sha256(token.encode()).digest()), safe="")
        return f"{base}{path}{token}.pdf?Expires={int(time.time()) + 300}&Signature={signature}"

    def take(self, call: Call) -> bytes:
        """Return the document of a link, or refuse what isn't exactly one that was given out."""
        token = call.raw_path.rpartition("/")[2].removesuffix(".pdf")
        query = call.query("Expires", "Signature", status=403)
        wanted = base64.b64encode(hashlib.sha256(token.encode()).digest()).decode()
        if token not in self._left or query["Signature"] != wanted:
            raise Refused(403, "the link's signature doesn't match", content_type="application/xml")
        if self._left[token] == 0:
            raise Refused(403, "the link was used before", content_type="application/xml")
        self._left[token] -= 1
        return self._documents[token]


# OAuth 2


@dataclass(kw_only=True)
class OAuthServer:
    """An authorization server: codes with PKCE, refresh tokens that rotate, tokens that expire.

    A refresh token that is used a second time ends the whole family (RFC 9700, 4.14.2).
    ``client_auth`` is header or body; the other way is refused.
    """

    client_id: str
    client_secret: str
    client_auth: str = "header"
    scope: str | None = None
    rotates: bool = True
    needs_pkce: bool = True
    lifetime: int = 3600
    extra: Mapping[str, str] = field(default_factory=dict)
    """Parameters that the token request must have in addition to those of the grant."""
    ignored: tuple[str, ...] = ()
    """Parameters of the token request that the system doesn't read, as RFC 6749, 3.2 wants."""
    access: set[str] = field(default_factory=set)
    refresh: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    given_out: int = 0

    def authorize(self, call: Call, *parameters: str) -> Any:
        """Answer the browser: as if the person had agreed, go back with a code."""
        names = ("response_type", "client_id", "redirect_uri", "state", *parameters)
        pkce = ("code_challenge", "code_challenge_method")
        query = call.query(*names, *(pkce if self.needs_pkce else ()), optional=("scope", *pkce))
        if query["response_type"] != "code" or query["client_id"] != self.client_id:
            raise Refused(400, "unknown client, or another response type")
        if self.scope is not None and query.get("scope") != self.scope:
            raise Refused(400, "another scope is asked for")
        if self.needs_pkce and query["code_challenge_method"] != "S256":
            raise Refused(400, "PKCE isn't S256")
        code = secrets.token_urlsafe(24)
        self.codes[code] = query
        back = urlencode({"code": code, "state": query["state"]})
        return moved(f"{query['redirect_uri']}?{back}")

    def token(self, call: Call, *grants: str) -> Any:
        """Answer the token endpoint for the *grants* that the system knows."""
        call.no_query()
        form = dict(call.form("grant_type", optional=(*_FORM_NAMES, *self.extra, *self.ignored)))
        self._check_client(call, form)
        for name, value in self.extra.items():
            if form.get(name) != value:
                raise _oauth_error("invalid_request", f"{name} is missing or another")
        if form["grant_type"] not in grants:
            raise _oauth_error("unsupported_grant_type", f"the grant is {form['grant_type']}")
        getattr(self, f"_grant_{form['grant_type']}")(form)
        return json_answer(self._give_out(form["grant_type"]))

    def check(self, call: Call, *, word: str = "Bearer") -> None:
        """Refuse a request without an access token that is good now."""
        given = call.header("Authorization", status=401)
        if not given.startswith(f"{word} ") or given.removeprefix(f"{word} ") not in self.access:
            raise Refused(401, "the access token is missing, wrong or expired")

    def expire(self) -> None:
        """Let all access tokens expire now."""
        self.access.clear()

    def first_refresh_token(self) -> str:
        """Return a refresh token as if a person had agreed before."""
        token = f"rt-{secrets.token_urlsafe(24)}"
        self.refresh.add(token)
        return token

    def _check_client(self, call: Call, form: dict[str, str]) -> None:
        in_header = "Authorization" in call.headers
        if in_header != (self.client_auth == "header"):
            raise _oauth_error("invalid_client", f"the client isn't in the {self.client_auth}", 401)
        if in_header:
            if "client_secret" in form:
                raise _oauth_error("invalid_request", "the client's secret appears twice")
            check_basic(call, quote_plus(self.client_id), quote_plus(self.client_secret))
        elif (form.get("client_id"), form.get("client_secret")) != (
            self.client_id,
            self.client_secret,
        ):
            raise _oauth_error("invalid_client", "the client's id or secret is another", 401)

    def _grant_client_credentials(self, form: dict[str, str]) -> None:
        if self.scope is not None and form.get("scope") != self.scope:
            raise _oauth_error("invalid_scope", "another scope is asked for")

    def _grant_refresh_token(self, form: dict[str, str]) -> None:
        token = form.get("refresh_token", "")
        if token in self.used:  # stolen or sent twice: nobody may go on with this family
            self.refresh.clear()
            self.access.clear()
            raise _oauth_error("invalid_grant", "the refresh token was used before")
        if token not in self.refresh:
            raise _oauth_error("invalid_grant", "there is no such refresh token")
        if self.rotates:
            self.refresh.discard(token)
            self.used.add(token)

    def _grant_authorization_code(self, form: dict[str, str]) -> None:
        asked = self.codes.pop(form.get("code", ""), None)
        if asked is None or asked["redirect_uri"] != form.get("redirect_uri"):
            raise _oauth_error("invalid_grant", "no such code, or another redirect_uri")
        if self.needs_pkce:
            digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
            if challenge != asked["code_challenge"]:
                raise _oauth_error("invalid_grant", "the verifier isn't the challenge's")

    def _give_out(self, grant: str) -> dict[str, Any]:
        self.given_out += 1
        access = f"at-{secrets.token_urlsafe(24)}"
        self.access.add(access)
        response = {"access_token": access, "token_type": "Bearer", "expires_in": self.lifetime}
        if grant == "authorization_code" or (grant == "refresh_token" and self.rotates):
            response["refresh_token"] = self.first_refresh_token()
        return response


_FORM_NAMES: Final = (
    "client_id",
    "client_secret",
    "scope",
    "refresh_token",
    "code",
    "redirect_uri",
    "code_verifier",
)


def _oauth_error(code: str, why: str, status: int = 400) -> Refused:
    return Refused(status, why, data={"error": code})


# AWS Signature Version 4, written from Amazon's description, apart from the library that signs


def check_sigv4(
    call: Call, *, host: str, access_key: str, secret_key: str, region: str, service: str
) -> None:
    """Refuse a request whose signature isn't the one that Amazon's rules give for its bytes."""
    authorization = call.header("Authorization", status=403)
    match = _SIGV4.fullmatch(authorization)
    if match is None:
        raise Refused(403, "Authorization isn't AWS4-HMAC-SHA256")
    moment = call.header("X-Amz-Date", status=403)
    scope = f"{moment[:8]}/{region}/{service}/aws4_request"
    if match["credential"] != f"{access_key}/{scope}":
        raise Refused(403, "the credential's key, day, region or service is another")
    signed = match["headers"].split(";")
    if signed != sorted(signed) or not {"host", "x-amz-date"} <= set(signed):
        raise Refused(403, "host and x-amz-date aren't signed")
    payload = hashlib.sha256(call.body).hexdigest()
    if service == "s3":
        call.needs("X-Amz-Content-SHA256", payload, status=403)
    canonical = "\n".join(
        [
            call.method,
            call.raw_path if service == "s3" else quote(call.raw_path, safe="/-_.~"),
            _canonical_query(call.raw_query),
            *(f"{name}:{_canonical_header(call, name, host)}" for name in signed),
            "",
            ";".join(signed),
            payload,
        ]
    )
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = f"AWS4{secret_key}".encode()
    for part in (*scope.split("/"), f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{digest}"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    if not hmac.compare_digest(key.hex(), match["signature"]):
        raise Refused(403, "SignatureDoesNotMatch")


_SIGV4: Final = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<credential>[^,]+), ?"
    r"SignedHeaders=(?P<headers>[^,]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)


def _canonical_header(call: Call, name: str, host: str) -> str:
    if name == "host":
        call.needs("Host", host, status=403)
    return ",".join(" ".join(value.split()) for value in call.headers.getall(name, []))


def _canonical_query(raw: str) -> str:
    pairs = []
    for pair in filter(None, raw.split("&")):
        name, _, value = pair.partition("=")
        pairs.append((quote(unquote(name), safe="-_.~"), quote(unquote(value), safe="-_.~")))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


# OAuth 1.0a, checked with authlib; oauthlib signs


def check_oauth1(
    call: Call,
    *,
    origin: str,
    consumer: tuple[str, str],
    token: tuple[str, str],
    realm: str | None = None,
    method: str = "HMAC-SHA256",
    seen: set[str] | None = None,
) -> None:
    """Refuse a request without a right OAuth 1.0a signature, or with a nonce that was *seen*."""
    header = call.header("Authorization", status=401)
    scheme, _, rest = header.partition(" ")
    if scheme != "OAuth":
        raise Refused(401, "the scheme isn't OAuth")
    given = {
        unquote(name): unquote(value) for name, value in re.findall(r'([\w%.-]+)="([^"]*)"', rest)
    }
    wanted = {
        "oauth_consumer_key": consumer[0],
        "oauth_token": token[0],
        "oauth_signature_method": method,
        "oauth_version": "1.0",
    }
    if any(given.get(name) != value for name, value in wanted.items()):
        raise Refused(401, "consumer key, token, method or version is another")
    if realm is not None and given.get("realm") != realm:
        raise Refused(401, "the realm is another")
    if abs(time.time() - int(given.get("oauth_timestamp", "0"))) > _CLOCK_SKEW:
        raise Refused(401, "the timestamp is too old")
    if seen is not None:
        if given["oauth_nonce"] in seen:
            raise Refused(401, "the nonce was used before")
        seen.add(given["oauth_nonce"])
    expected = _oauth1_signature(call, origin, given, (consumer[1], token[1]))
    if not hmac.compare_digest(given.get("oauth_signature", ""), expected):
        raise Refused(401, "the signature doesn't match")


_CLOCK_SKEW: Final = 300


def _oauth1_signature(call: Call, origin: str, given: dict[str, str], keys: tuple[str, str]) -> str:
    parameters = [
        (name, value) for name, value in given.items() if name not in {"realm", "oauth_signature"}
    ]
    parameters += parse_qsl(call.raw_query, keep_blank_values=True)
    if "x-www-form-urlencoded" in call.headers.get("Content-Type", ""):
        parameters += parse_qsl(call.body.decode(), keep_blank_values=True)
    digest_name = _OAUTH1_HASHES[given["oauth_signature_method"]]
    base_string = construct_base_string(call.method, f"{origin}{call.raw_path}", parameters)
    key = "&".join(escape(each) for each in keys)
    digest = hmac.new(key.encode(), base_string.encode(), digest_name).digest()
    return base64.b64encode(digest).decode()


_OAUTH1_HASHES: Final = {"HMAC-SHA256": "sha256", "HMAC-SHA1": "sha1"}
