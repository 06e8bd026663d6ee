"""OAuth 2 by signing in at the source once (RFC 6749, 4.1)."""

from billhook.engine.authentication.schemes.oauth2 import CLIENT_FIELDS, oauth2_scheme
from billhook.engine.field import FieldInfo

SCHEME = oauth2_scheme(
    "oauth2-authorization-code",
    "OAuth 2, by signing in there once",
    "You are sent to the system, agree there, and come back (RFC 6749, 4.1). From then on it works "
    "like a refresh token.",
    FieldInfo(
        key="authorize_url",
        label="Authorisation URL",
        help="Where you agree.",
        kind="url",
        required=True,
    ),
    *CLIENT_FIELDS,
    FieldInfo(
        key="pkce",
        label="PKCE",
        help="Protects the way back (RFC 7636). Turn it off only for a system that doesn't support "
        "it.",
        kind="boolean",
        default=True,
    ),
    keeps_tokens=True,
    needs_consent=True,
)
