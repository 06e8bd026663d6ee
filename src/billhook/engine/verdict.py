"""A decision of the guard: a verdict with its reason, and a sentence for members."""

from __future__ import annotations

from enum import Enum
from typing import Final

_PRIVATE_ADVICE: Final = "Use its public address, or ask the operator to allow this host and port."


class Verdict(Enum):
    """One decision of the guard. It is true only when it allows.

    ``reason`` is the word in errors, logs, metrics and tests; several members may
    share one, where they differ only in what a member has to do. ``message`` is for members: it
    says what was expected, and what to do, and holds nothing of the address itself.
    """

    ALLOWED = ("allowed", "The address is allowed.")

    # The text of a URL
    DENIED_EMPTY = ("length", "The URL is empty. Write one that starts with https://.")
    DENIED_TOO_LONG = ("length", "The URL is too long. Shorten it, or move values into the body.")
    DENIED_CONTROL_CHARACTER = (
        "control-char",
        (
            "The URL holds a space, a line break or another control character. "
            "Remove it, or write it percent-encoded (a space is %20)."
        ),
    )
    DENIED_BACKSLASH = ("url-syntax", "The URL holds a backslash. Write / instead.")
    DENIED_SLASHES = ("url-syntax", "Two slashes must follow the scheme, as in https://.")
    DENIED_FRAGMENT = (
        "url-syntax",
        "The URL holds a #. What follows it is never sent: remove it, or write %23.",
    )
    DENIED_PERCENT = (
        "url-syntax",
        (
            "A % in the URL must be followed by two hexadecimal digits. "
            "A percent sign itself is written %25."
        ),
    )
    DENIED_UNICODE = ("url-syntax", "The URL holds a broken character. Type the URL again.")
    DENIED_SCHEME = ("scheme", "The URL must start with https:// or http://.")
    DENIED_USERINFO = (
        "userinfo",
        (
            "The URL holds a user name or password before an @. "
            "Remove them, and send them in an Authorization header."
        ),
    )
    DENIED_HOST_SYNTAX = (
        "host-syntax",
        (
            "The host is not a valid name or address. "
            "Write a name such as billing.example.com, without any special character."
        ),
    )
    DENIED_HOST_NUMBER = (
        "host-syntax",
        "The host looks like a number. An address is written as four plain decimal numbers.",
    )
    DENIED_HOST_BRACKETS = (
        "host-syntax",
        "Square brackets are allowed only around an IPv6 address without a zone.",
    )
    DENIED_HOST_UNICODE = (
        "host-syntax",
        (
            "The host has a character that isn't allowed in a name on the internet. "
            "Write it in small letters, or in its xn-- form."
        ),
    )
    DENIED_PORT_SYNTAX = ("port", "The port must be a plain number from 1 to 65535.")
    DENIED_DOT_SEGMENT = (
        "dot-segment",
        "The path has a part that is . or .. (perhaps encoded). Write the path without it.",
    )

    # Ports and names
    DENIED_PORT = (
        "port",
        (
            "This port is not open for integrations. "
            "Use 443, or ask the operator to allow this host and port."
        ),
    )
    DENIED_SINGLE_LABEL = (
        "host-name",
        "The host is a name without a dot, which only a private network knows. " + _PRIVATE_ADVICE,
    )
    DENIED_INTERNAL_NAME = (
        "host-name",
        "The host has an ending that only private networks use. " + _PRIVATE_ADVICE,
    )
    DENIED_METADATA_NAME = ("host-name", "The host is a cloud's metadata service. It stays closed.")

    # Addresses
    DENIED_LOOPBACK = ("address", "The address is this server itself. " + _PRIVATE_ADVICE)
    DENIED_PRIVATE = ("address", "The address is in a private network. " + _PRIVATE_ADVICE)
    DENIED_LINK_LOCAL = ("address", "The address is link-local. Such addresses stay closed.")
    DENIED_METADATA = ("address", "The address is a cloud's metadata service. It stays closed.")
    DENIED_UNSPECIFIED = ("address", "The address is zero, which names no system.")
    DENIED_MULTICAST = ("address", "The address is for multicast. Use the address of one system.")
    DENIED_TUNNEL = (
        "address",
        "The address is IPv6 that carries an IPv4 address inside. Use the plain address.",
    )
    DENIED_RESERVED = (
        "address",
        (
            "The address is reserved and belongs to no system on the internet. "
            "Check the host's entry in the DNS."
        ),
    )
    DENIED_BY_OPERATOR = (
        "address",
        "The operator of this installation has closed this network. Ask them about it.",
    )
    DENIED_NOT_AN_ADDRESS = (
        "not-an-ip",
        (
            "The DNS gave something that is not an address for this host. "
            "Check the host's entry in the DNS."
        ),
    )
    DENIED_ZONE_ID = (
        "zone-id",
        "The address has a zone (a % and a name), so it belongs to one network link only.",
    )

    # Headers and secrets
    DENIED_HEADER_NAME = (
        "header-name",
        (
            "A header's name may hold letters, digits and hyphens, and no space. "
            "Write one such as X-Api-Key."
        ),
    )
    DENIED_HEADER_CONTROL = (
        "control-char",
        "The header holds a line break or another control character. Remove it.",
    )
    DENIED_HEADER = (
        "header-denied",
        (
            "This header can't be configured: Billhook sets it automatically, or it would mislead "
            "the systems on the way. Remove it."
        ),
    )
    DENIED_SECRET_OVER_HTTP = (
        "secret-over-http",
        (
            "A secret may travel over https only. "
            "Use https://, or ask the operator to allow this host and port."
        ),
    )

    # Redirects and links
    DENIED_SECRET_LED = (
        "secret-led-away",
        (
            "A redirect or a link in a response holds a secret, and leads to another system. "
            "Nothing was sent there."
        ),
    )
    DENIED_LED = (
        "led-to-private",
        (
            "A redirect or a link in a response led to a private system. "
            "Only an integration whose own URL names that system may reach it."
        ),
    )
    DENIED_DOWNGRADE = (
        "downgrade",
        "The source sent us from https to http, which anybody on the way could read.",
    )
    DENIED_LOCATION = (
        "redirect-invalid",
        "The source sent us somewhere else, but did not say where in one clear way.",
    )
    DENIED_REDIRECT_LOOP = (
        "redirect-invalid",
        "The source redirects in a circle. It may require authentication: check the credentials.",
    )
    DENIED_REDIRECT_LIMIT = (
        "redirect-limit",
        "The source sent us somewhere else too many times. Use the address of the document itself.",
    )

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        self.message = message

    @property
    def allowed(self) -> bool:
        """Whether the thing judged may be done."""
        return self is Verdict.ALLOWED

    def __bool__(self) -> bool:
        return self is Verdict.ALLOWED

    def __repr__(self) -> str:
        return f"Verdict.{self.name}"
