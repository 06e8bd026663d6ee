"""The table of sign-in schemes and their fields: it makes checks, the form and a docs page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldInfo:
    """One field of a scheme. ``secret`` fields have to be filled by a secret's token alone.

    ``choices`` are all that it may be; an empty tuple means any text.
    """

    name: str
    label: str
    meaning: str
    required: bool = True
    secret: bool = False
    default: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemeInfo:
    """One scheme, for people, with its fields in the order of the form."""

    name: str
    title: str
    meaning: str
    fields: tuple[FieldInfo, ...]

    def field(self, name: str) -> FieldInfo | None:
        """Return the field called *name*."""
        return next((field for field in self.fields if field.name == name), None)


def _secret(name: str, label: str, meaning: str, *, required: bool = True) -> FieldInfo:
    return FieldInfo(name=name, label=label, meaning=meaning, required=required, secret=True)


_PREFIX: Final = FieldInfo(
    name="prefix",
    label="Word before the token",
    meaning="Bearer unless the system wants another, such as Zoho-oauthtoken; empty for none.",
    required=False,
    default="Bearer",
)
_CLIENT: Final = (
    FieldInfo(name="token_url", label="Token URL", meaning="Where access tokens are given out."),
    FieldInfo(name="client_id", label="Client ID", meaning="The id of the registered application."),
    _secret("client_secret", "Client secret", "The application's secret.", required=False),
    FieldInfo(
        name="scope", label="Scope", meaning="What is asked for, with spaces.", required=False
    ),
    FieldInfo(
        name="client_auth",
        label="Client's credentials go",
        meaning="In a Basic header (RFC 6749, 2.3.1) or in the body.",
        required=False,
        default="header",
        choices=("header", "body"),
    ),
    _PREFIX,
)

SCHEMES: Final = (
    SchemeInfo(
        name="basic",
        title="User name and password (Basic)",
        meaning="An Authorization header with both in base 64 (RFC 7617).",
        fields=(
            FieldInfo(
                name="username", label="User name", meaning="May be a secret.", required=False
            ),
            FieldInfo(
                name="password",
                label="Password",
                meaning="May be a secret, or empty.",
                required=False,
            ),
        ),
    ),
    SchemeInfo(
        name="bearer",
        title="Token (Bearer and the like)",
        meaning="An Authorization header with a fixed token (RFC 6750).",
        fields=(_secret("token", "Token", "The token that the system gave you."), _PREFIX),
    ),
    SchemeInfo(
        name="header",
        title="Key in a header",
        meaning="A header of the system's own.",
        fields=(
            FieldInfo(name="name", label="Header", meaning="Such as X-Api-Key."),
            FieldInfo(
                name="value", label="Value", meaning="The key, with what else belongs to it."
            ),
        ),
    ),
    SchemeInfo(
        name="query",
        title="Key in the URL",
        meaning="A parameter added to each request's URL.",
        fields=(
            FieldInfo(name="name", label="Parameter", meaning="Such as api_key."),
            FieldInfo(name="value", label="Value", meaning="The key."),
        ),
    ),
    SchemeInfo(
        name="oauth2-client-credentials",
        title="OAuth 2, as the application itself",
        meaning="An access token for the application (RFC 6749, 4.4), kept until it expires.",
        fields=_CLIENT,
    ),
    SchemeInfo(
        name="oauth2-refresh-token",
        title="OAuth 2, with a refresh token that you have",
        meaning="Access tokens for a refresh token (RFC 6749, 6); a new one is stored before use.",
        fields=(*_CLIENT, _secret("refresh_token", "Refresh token", "The first refresh token.")),
    ),
    SchemeInfo(
        name="oauth2-authorization-code",
        title="OAuth 2, by signing in there once",
        meaning="You are sent to the system, agree, and come back (RFC 6749, 4.1; PKCE, RFC 7636).",
        fields=(
            FieldInfo(
                name="authorize_url",
                label="Authorisation URL",
                meaning="The page at which you agree.",
            ),
            *_CLIENT,
        ),
    ),
    SchemeInfo(
        name="session",
        title="A session that is opened first",
        meaning="A sign-in request whose answer gives a session, kept until it is refused.",
        fields=(),
    ),
    SchemeInfo(
        name="hmac",
        title="A signature over the request (HMAC)",
        meaning="A header with an HMAC (RFC 2104) over a text that you describe.",
        fields=(
            FieldInfo(name="header", label="Header", meaning="Such as X-Signature."),
            _secret("key", "Key", "The shared key."),
            FieldInfo(
                name="template",
                label="What is signed",
                meaning="May hold {{Request.Method}}, {{Request.Target}}, {{Request.Body}}, "
                "{{Request.Origin}} and {{Timestamp}}.",
                required=False,
                default="{{Request.Body}}",
            ),
            FieldInfo(
                name="digest",
                label="Digest",
                meaning="The hash function.",
                required=False,
                default="sha256",
                choices=("sha256", "sha512", "sha1"),
            ),
            FieldInfo(
                name="encoding",
                label="Written in",
                meaning="How the signature is written.",
                required=False,
                default="hex",
                choices=("hex", "base64"),
            ),
            FieldInfo(
                name="prefix",
                label="Text before the signature",
                meaning="Such as sha256=.",
                required=False,
            ),
            FieldInfo(
                name="timestamp_header",
                label="Header for the moment",
                meaning="Carries {{Timestamp}}, if the system wants it.",
                required=False,
            ),
        ),
    ),
    SchemeInfo(
        name="standard-webhooks",
        title="Standard Webhooks signature",
        meaning="The headers webhook-id, webhook-timestamp and webhook-signature.",
        fields=(_secret("key", "Key", "The shared key, which begins with whsec_."),),
    ),
    SchemeInfo(
        name="aws-sigv4",
        title="AWS Signature 4",
        meaning="For Amazon's interfaces, and for stores that speak S3.",
        fields=(
            FieldInfo(name="access_key", label="Access key id", meaning="Such as AKIA…"),
            _secret("secret_key", "Secret access key", "The key that signs."),
            _secret("session_token", "Session token", "For temporary keys.", required=False),
            FieldInfo(name="region", label="Region", meaning="Such as eu-central-1."),
            FieldInfo(name="service", label="Service", meaning="Such as s3 or invoicing."),
        ),
    ),
    SchemeInfo(
        name="oauth1",
        title="OAuth 1.0a signature",
        meaning="Each request is signed (RFC 5849); NetSuite calls it token-based.",
        fields=(
            FieldInfo(name="consumer_key", label="Consumer key", meaning="Names the application."),
            _secret("consumer_secret", "Consumer secret", "Signs for the application."),
            FieldInfo(name="token", label="Token", meaning="Names the person.", required=False),
            _secret("token_secret", "Token secret", "Signs for the person.", required=False),
            FieldInfo(
                name="realm", label="Realm", meaning="NetSuite: the account id.", required=False
            ),
            FieldInfo(
                name="digest",
                label="Signature method",
                meaning="How it is signed.",
                required=False,
                default="HMAC-SHA256",
                choices=("HMAC-SHA256", "HMAC-SHA1"),
            ),
        ),
    ),
)

SCHEME_NAMES: Final = tuple(scheme.name for scheme in SCHEMES)


def find_scheme(name: str) -> SchemeInfo | None:
    """Return the scheme called *name*."""
    return next((scheme for scheme in SCHEMES if scheme.name == name), None)
