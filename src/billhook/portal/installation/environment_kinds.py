"""Functions that convert the text of a setting into its value.

Each raises :class:`ValueError` with a sentence: what was expected, what was given, what to do.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import parseaddr
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

from billhook.engine.egress.policy import Allowance
from billhook.engine.egress.proxy import OutgoingProxy
from billhook.engine.errors import ConfigurationError

IMAP_PORTS: Final = {"imaps": 993, "imap": 143, "imap+plain": 143}
_KEY_LENGTH: Final = 50
_BOUNCE_NAME_LENGTH: Final = 32
_ID: Final = re.compile(r"[0-9a-z]+", re.ASCII)
_NODE_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,100}", re.ASCII)
_HIGHEST_PORT: Final = 65535


def parts(text: str) -> tuple[str, ...]:
    """Return the texts between the commas of *text*."""
    return tuple(part for part in (piece.strip() for piece in text.split(",")) if part)


def path(text: str) -> Path:
    """Return *text* as an absolute path."""
    return Path(text).expanduser().absolute()


def database_url(text: str) -> str:
    """Return the URL of a PostgreSQL database, or an empty text for SQLite."""
    if not text:
        return ""
    split = _split(text)
    if split is None or split.scheme not in {"postgresql", "postgres"} or not split.path.strip("/"):
        # the value may hold a password, so it isn't repeated
        raise ValueError("expected an address such as postgresql://name:password@host/database.")
    return text


def public_url(text: str) -> str:
    """Return scheme, host and port of *text*, without a slash at the end."""
    split = _split(text)
    if (
        split is None
        or split.scheme not in {"http", "https"}
        or not split.hostname
        or split.path.strip("/")
        or split.query
        or split.fragment
        or split.username is not None
    ):
        raise ValueError(
            f"expected an address without a path, such as https://invoices.example.com, got {text}."
        )
    return f"{split.scheme}://{split.netloc}".lower()


def _split(text: str) -> SplitResult | None:
    try:
        split = urlsplit(text)
        _ = split.port
    except ValueError:
        return None
    return split


@dataclass(frozen=True, slots=True)
class AllowedSystem:
    """A private system that the operator allows, for one organisation or (no id) for all of them.

    ``text`` is as :class:`billhook.engine.egress.policy.Allowance` reads it.
    """

    text: str
    organisation_id: str = ""

    def __str__(self) -> str:
        return f"{self.text}@{self.organisation_id}" if self.organisation_id else self.text


def allowances(text: str) -> tuple[AllowedSystem, ...]:
    """Return each ``host:port``, ``host:port=network`` or ``…@organisation`` of *text*."""
    return tuple(_allowance(part) for part in parts(text))


def _allowance(part: str) -> AllowedSystem:
    system, at, organisation_id = part.partition("@")
    if at and not _ID.fullmatch(organisation_id):
        raise ValueError(
            f"expected the id of an organisation after the @, as `billhook organisations list` "
            f"shows it, got {part}."
        )
    try:
        Allowance.parse(system)
    except ConfigurationError as error:
        raise ValueError(str(error)) from None
    return AllowedSystem(system, organisation_id)


@dataclass(frozen=True, slots=True)
class ProxyChoice:
    """The address of an outgoing proxy, for one organisation or (no id) for all; empty: none."""

    url: str = field(repr=False)
    organisation_id: str = ""


def proxies(text: str) -> tuple[ProxyChoice, ...]:
    """Return each ``http://host:port``, ``direct`` or ``…@organisation`` of *text*."""
    choices = tuple(_proxy(part) for part in parts(text))
    if len({each.organisation_id for each in choices}) < len(choices):
        raise ValueError("expected at most one proxy for all, and one for each organisation.")
    return choices


def _proxy(part: str) -> ProxyChoice:
    url, at, organisation_id = part.rpartition("@")
    if not at or not _ID.fullmatch(organisation_id):
        url, organisation_id = part, ""
    if url == "direct":
        return ProxyChoice("", organisation_id)
    try:
        OutgoingProxy.parse(url)
    except ConfigurationError as error:  # it doesn't repeat the password
        raise ValueError(str(error)) from None
    return ProxyChoice(url, organisation_id)


def proxy_exceptions(text: str) -> tuple[str, ...]:
    """Return hosts, or domains with a dot before them, that are reached without the proxy."""
    hosts = parts(text)
    try:
        OutgoingProxy.parse("http://localhost:3128", exceptions=hosts)
    except ConfigurationError as error:
        raise ValueError(str(error)) from None
    return hosts


def ports(text: str) -> frozenset[int]:
    """Return the port numbers of *text*."""
    numbers = parts(text)
    if not all(number.isdecimal() and 0 < int(number) <= _HIGHEST_PORT for number in numbers):
        raise ValueError(f"expected port numbers from 1 to 65535, such as 443,8443, got {text}.")
    return frozenset(int(number) for number in numbers)


def networks(text: str) -> tuple[str, ...]:
    """Return the addresses and networks of *text*, as they are written canonically."""
    return tuple(_network(part) for part in parts(text))


def _network(part: str) -> str:
    try:
        network = ipaddress.ip_network(part)
    except ValueError:
        raise ValueError(
            f"expected an address or a network, such as 10.1.0.0/16 or 2001:db8::/32 (no bits set "
            f"right of the prefix), got {part}."
        ) from None
    return str(network if network.num_addresses > 1 else network.network_address)


def email_url(text: str) -> str:
    """Return the address of the mail server."""
    if text == "console:":
        return text
    split = _split(text)
    if split is None or split.scheme not in {"smtp", "smtps", "smtp+plain"} or not split.hostname:
        # the value may hold a password, so it isn't repeated
        raise ValueError("expected smtp://name:password@host:587, smtps://… or console:.")
    return text


def email_sender(text: str) -> str:
    """Return an e-mail address, with or without a name before it."""
    _, address = parseaddr(text)
    if address.count("@") != 1 or address.startswith("@") or address.endswith("@"):
        raise ValueError(
            f"expected an e-mail address, such as Acme invoices <invoices@acme.example>, "
            f"got {text}."
        )
    return text


def bounce_address(text: str) -> str:
    """Return an address with at most one ``*`` in its name, for a mark, or an empty text."""
    if not text:
        return text
    name, _, host = text.partition("@")
    is_address = bool(name and host) and parseaddr(text)[1] == text and "*" not in host
    if not is_address or name.count("*") > 1:
        raise ValueError(
            f"expected an address, such as bounces@acme.example or bounces+*@acme.example, "
            f"got {text}."
        )
    if "*" in name and len(name) > _BOUNCE_NAME_LENGTH:
        raise ValueError(
            f"expected at most {_BOUNCE_NAME_LENGTH} characters before the @, since the * takes up "
            f"33 of 64, got {text}."
        )
    return text


def imap_url(text: str) -> str:
    """Return the address of a mailbox, or an empty text."""
    if not text:
        return text
    split = _split(text)
    if split is None or split.scheme not in IMAP_PORTS or not (split.hostname and split.username):
        # the value may hold a password, so it isn't repeated
        raise ValueError("expected imaps://name:password@host:993/INBOX, or imap://….")
    if not split.path.isascii():
        raise ValueError("expected a folder in ASCII, as IMAP writes it in modified UTF-7.")
    return text


def long_key(text: str) -> str:
    """Return a key that is long enough to sign with, or an empty text."""
    if text and len(text) < _KEY_LENGTH:
        raise ValueError(f"expected {_KEY_LENGTH} characters or more, got {len(text)}.")
    return text


def truth(text: str) -> bool:
    """Return whether *text* says yes."""
    answers = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
    if text.lower() not in answers:
        raise ValueError(f"expected yes or no, got {text}.")
    return answers[text.lower()]


def whole(*, least: int, most: int) -> Callable[[str], int]:
    """Return a reader of whole numbers from *least* to *most*."""

    def read(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise ValueError(f"expected a whole number from {least} to {most}, got {text}.")
        return int(text)

    return read


def one_of(*words: str) -> Callable[[str], str]:
    """Return a reader that takes one of *words*."""

    def read(text: str) -> str:
        if text.lower() not in words:
            raise ValueError(f"expected one of {', '.join(words)}, got {text}.")
        return text.lower()

    return read


def node_name(text: str) -> str:
    """Return a name of letters, digits, dots, hyphens and underscores, or an empty text."""
    if text and not _NODE_NAME.fullmatch(text):
        raise ValueError(f"expected at most 100 letters, digits, dots, - and _, got {text}.")
    return text
