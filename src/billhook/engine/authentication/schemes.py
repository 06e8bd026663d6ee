"""The table of sign-in schemes and their fields: it makes checks, the form and a docs page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from billhook.engine.field import FieldInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemeInfo:
    """One scheme, for people, with its fields in the order of the form.

    ``parts`` are what it takes beside fields: extra, headers, request or refused_when. ``keeps``
    says that tokens which the source gives out have to be kept from one run to the next.
    """

    name: str
    title: str
    meaning: str
    fields: tuple[FieldInfo, ...]
    parts: tuple[str, ...] = ()
    keeps: bool = False

    def field(self, key: str) -> FieldInfo | None:
        """Return the field with *key*."""
        return next((field for field in self.fields if field.key == key), None)


def _text(key: str, label: str, help_: str, *, kind: str = "text") -> FieldInfo:
    return FieldInfo(key=key, label=label, help=help_, kind=kind, required=True)


def _optional(key: str, label: str, help_: str, *, kind: str = "text") -> FieldInfo:
    return FieldInfo(key=key, label=label, help=help_, kind=kind)


def _choice(key: str, label: str, help_: str, *choices: str) -> FieldInfo:
    """Return a field that is one of *choices*; the first is the default."""
    return FieldInfo(
        key=key, label=label, help=help_, kind="choice", default=choices[0], choices=choices
    )


_PREFIX: Final = FieldInfo(
    key="prefix",
    label="Word before the token",
    help="Bearer, unless the system wants another, such as Zoho-oauthtoken. Empty: the bare "
    "token. A space follows it, unless it ends with = as in Token token=.",
    kind="header-text",
    default="Bearer",
)
_CLIENT: Final = (
    _text("token_url", "Token URL", "Where access tokens are given out.", kind="url"),
    _text("client_id", "Client ID", "The id of the registered application."),
    _optional("client_secret", "Client secret", "The application's secret.", kind="secret"),
    _optional("scope", "Scope", "What is asked for; several with spaces between them."),
    _choice(
        "client_auth",
        "Client ID and secret go",
        "In a Basic header (RFC 6749, 2.3.1) or in the body of the token request.",
        "header",
        "body",
    ),
    _PREFIX,
)

SCHEMES: Final = (
    SchemeInfo(
        name="basic",
        title="User name and password (Basic)",
        meaning="An Authorization header with both in base 64 (RFC 7617).",
        fields=(
            _optional("username", "User name", "May be a secret, such as a key used as a name."),
            _optional("password", "Password", "May be a secret, or empty."),
        ),
    ),
    SchemeInfo(
        name="bearer",
        title="Token (Bearer and the like)",
        meaning="An Authorization header with a fixed token (RFC 6750).",
        fields=(_text("token", "Token", "The system's own token.", kind="secret"), _PREFIX),
    ),
    SchemeInfo(
        name="header",
        title="Key in a header",
        meaning="A header of the system's own.",
        fields=(
            _text("name", "Header", "Such as X-Api-Key.", kind="header-name"),
            _text("value", "Value", "The key, with what belongs to it.", kind="header-text"),
        ),
    ),
    SchemeInfo(
        name="query",
        title="Key in the URL",
        meaning="A parameter at the end of each request's URL.",
        fields=(_text("name", "Parameter", "Such as api_key."), _text("value", "Value", "Key.")),
    ),
    SchemeInfo(
        name="oauth2-client-credentials",
        title="OAuth 2, as the application itself",
        meaning="An access token for the application (RFC 6749, 4.4), used until shortly before "
        "it expires.",
        fields=_CLIENT,
        parts=("extra",),
    ),
    SchemeInfo(
        name="oauth2-refresh-token",
        title="OAuth 2, with a refresh token that you have",
        meaning="Access tokens for a refresh token (RFC 6749, 6). When the source gives a new "
        "refresh token, it is stored before anything else is done.",
        fields=(
            *_CLIENT,
            _text("refresh_token", "Refresh token", "The first one.", kind="secret"),
        ),
        parts=("extra",),
        keeps=True,
    ),
    SchemeInfo(
        name="oauth2-authorization-code",
        title="OAuth 2, by signing in there once",
        meaning="You are sent to the system, agree there, and come back (RFC 6749, 4.1). From "
        "then on it works as with a refresh token.",
        fields=(
            _text("authorize_url", "Authorisation URL", "Where you agree.", kind="url"),
            *_CLIENT,
            FieldInfo(
                key="pkce",
                label="PKCE",
                help="Protects the way back (RFC 7636). Turn it off only for a system that "
                "can't have it.",
                kind="boolean",
                default=True,
            ),
        ),
        parts=("extra",),
        keeps=True,
    ),
    SchemeInfo(
        name="session",
        title="A session that is opened first",
        meaning="A sign-in request whose answer gives a session, used until it is refused.",
        fields=(
            _optional("kept", "Kept for", "How long a session is used at most.", kind="seconds"),
        ),
        parts=("request", "headers", "refused_when"),
    ),
    SchemeInfo(
        name="hmac",
        title="A signature over the request (HMAC)",
        meaning="A header with an HMAC (RFC 2104) over a text that you describe.",
        fields=(
            _text("header", "Header", "Such as X-Signature.", kind="header-name"),
            _text("key", "Key", "The shared key.", kind="secret"),
            FieldInfo(
                key="template",
                label="What is signed",
                help="May hold {{Request.Method}}, {{Request.Target}}, {{Request.Body}}, "
                "{{Request.Origin}}, {{Timestamp}} and variables.",
                kind="request-text",
                default="{{Request.Body}}",
            ),
            _choice("digest", "Digest", "The hash function.", "sha256", "sha512", "sha1"),
            _choice("encoding", "Written in", "How the signature is written.", "hex", "base64"),
            _optional(
                "prefix", "Text before the signature", "Such as sha256=.", kind="header-text"
            ),
            _choice(
                "key_encoding", "The key is", "How the key is to be read.", "text", "base64", "hex"
            ),
            _optional(
                "timestamp_header",
                "Header for the moment",
                "Carries {{Timestamp}}, if the system wants it.",
                kind="header-name",
            ),
            _choice(
                "timestamp",
                "{{Timestamp}} is",
                "As 2026-03-31T09:30:00Z, or as seconds or milliseconds since 1970.",
                "iso",
                "seconds",
                "milliseconds",
            ),
        ),
    ),
    SchemeInfo(
        name="standard-webhooks",
        title="Standard Webhooks signature",
        meaning="The headers webhook-id, webhook-timestamp and webhook-signature.",
        fields=(_text("key", "Key", "The shared key, which begins with whsec_.", kind="secret"),),
    ),
    SchemeInfo(
        name="aws-sigv4",
        title="AWS Signature 4",
        meaning="For Amazon's interfaces, and for stores that speak S3.",
        fields=(
            _text("access_key", "Access key id", "Such as AKIA….", kind="header-text"),
            _text("secret_key", "Secret access key", "The key that signs.", kind="secret"),
            _optional("session_token", "Session token", "For temporary keys.", kind="secret"),
            _text("region", "Region", "Such as eu-central-1.", kind="header-text"),
            _text("service", "Service", "Such as s3 or invoicing.", kind="header-text"),
        ),
    ),
    SchemeInfo(
        name="oauth1",
        title="OAuth 1.0a signature",
        meaning="Each request is signed (RFC 5849); NetSuite calls it token-based.",
        fields=(
            _text("consumer_key", "Consumer key", "Names the application."),
            _text("consumer_secret", "Consumer secret", "The application's.", kind="secret"),
            _optional("token", "Token", "Names the person."),
            _optional("token_secret", "Token secret", "The person's.", kind="secret"),
            _optional("realm", "Realm", "NetSuite: the account id.", kind="header-text"),
            _choice("digest", "Signature method", "How it is signed.", "HMAC-SHA256", "HMAC-SHA1"),
        ),
    ),
)

SCHEME_NAMES: Final = tuple(scheme.name for scheme in SCHEMES)


def find_scheme(name: str) -> SchemeInfo | None:
    """Return the scheme called *name*."""
    return next((scheme for scheme in SCHEMES if scheme.name == name), None)
