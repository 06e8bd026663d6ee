"""OAuth 2 with a refresh token that the operator has already (RFC 6749, 6)."""

from billhook.engine.authentication.schemes.oauth2 import CLIENT_FIELDS, oauth2_scheme
from billhook.engine.field import FieldInfo

SCHEME = oauth2_scheme(
    "oauth2-refresh-token",
    "OAuth 2, with a refresh token that you have",
    "Access tokens in exchange for a refresh token (RFC 6749, 6). When the source issues a new "
    "refresh token, Billhook stores it before it does anything else.",
    *CLIENT_FIELDS,
    FieldInfo(
        key="refresh_token",
        label="Refresh token",
        help="The first one.",
        kind="secret",
        required=True,
    ),
    keeps_tokens=True,
)
