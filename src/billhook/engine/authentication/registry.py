"""The authentication schemes, in the order in which the form offers them."""

from __future__ import annotations

from typing import Final

from billhook.engine.authentication.scheme import Scheme
from billhook.engine.authentication.schemes import (
    aws_sigv4,
    basic,
    bearer,
    digest,
    header_key,
    hmac_signature,
    oauth1,
    oauth2_authorization_code,
    oauth2_client_credentials,
    oauth2_refresh_token,
    query_key,
    session,
    standard_webhooks,
)

_MODULES: Final = (
    basic,
    digest,
    bearer,
    header_key,
    query_key,
    oauth2_client_credentials,
    oauth2_refresh_token,
    oauth2_authorization_code,
    session,
    hmac_signature,
    standard_webhooks,
    aws_sigv4,
    oauth1,
)
SCHEMES: Final[dict[str, Scheme]] = {module.SCHEME.name: module.SCHEME for module in _MODULES}
"""Each scheme by its name. The file, the form and the docs know no other list."""
