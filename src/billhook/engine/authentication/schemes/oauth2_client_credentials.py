"""OAuth 2 for the application itself (RFC 6749, 4.4)."""

from billhook.engine.authentication.schemes.oauth2 import CLIENT_FIELDS, oauth2_scheme

SCHEME = oauth2_scheme(
    "oauth2-client-credentials",
    "OAuth 2, as the application itself",
    "An access token for the application (RFC 6749, 4.4), used until shortly before it expires.",
    *CLIENT_FIELDS,
)
