"""Reads mail that mail systems send back: failures, delays and automatic replies.

Failures and delays are reported as RFC 3464 says, with exceptions: qmail writes text alone (its
QSBMF), Exim a header, and OpenSMTPD another word for a failure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from email.utils import getaddresses, parseaddr
from enum import IntEnum
from typing import Any, Final

from billhook.portal.mail.failure import MailFailure

MOST_BYTES: Final = 256 * 1024
"""The beginning of a message that is read. Reports come before the mail that they return."""
_STATUS: Final = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
"""An enhanced status code (RFC 3463)."""
_QMAIL: Final = "hi. this is the"
_SYSTEMS: Final = frozenset({"mailer-daemon", "postmaster"})
_ENCODED: Final = frozenset({"base64", "quoted-printable"})


class ReturnedKind(IntEnum):
    """The kinds of returned mail; of several in one report, the first counts."""

    FAILED = 1
    DELAYED = 2
    AUTOMATIC_REPLY = 3
    OTHER = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnedMail:
    """The kind of a returned mail, and its status code, which may be empty."""

    kind: ReturnedKind
    status: str = ""

    @property
    def failure(self) -> MailFailure:
        """The reason of a failure, without the other system's own text."""
        sentence = next(text for code, text in _SENTENCES.items() if re.match(code, self.status))
        status = f" ({self.status})" if self.status else ""
        return MailFailure(code="mail-bounced", message=f"The mail came back{status}: {sentence}")


_SENTENCES: Final = {  # the first whose pattern fits the status code
    r"[45]\.2\.2$": "the mailbox is full. Send it again when the contact has made room.",
    r"5\.2\.3$|5\.3\.4$": "it is too large for the contact's mail server. Send notices without the "
    "document, or the operator sets a lower BILLHOOK_NOTICE_ATTACHMENT_BYTES.",
    r"5\.1\.|5\.2\.1$|5\.4\.1$": "the address doesn't exist, or takes no mail any more. Ask the "
    "contact for another one.",
    r"5\.7\.": "the contact's mail server refused it as unwanted. The operator checks SPF, DKIM "
    "and DMARC of the sender's domain; the contact can have the sender allowed.",
    r"4\.|5\.4\.": "the contact's mail server couldn't be reached for too long. Check the part of "
    "the address after the @, or send it again later.",
    r"": "the contact's mail server refused it. Check the address, or ask the contact.",
}


def parse(content: bytes) -> Message:
    """Return the message in *content*, of which the rest may be missing."""
    return message_from_bytes(content[:MOST_BYTES])


def decoded_parts(message: Message) -> Iterator[bytes]:
    """Yield the parts of *message* that are encoded, decoded."""
    for part in message.walk():
        if str(part.get("Content-Transfer-Encoding", "")).strip().lower() in _ENCODED:
            decoded: Any = part.get_payload(decode=True)
            yield decoded or b""


def read_returned(message: Message, *, sent_to: str) -> ReturnedMail:
    """Return what *message* says about the mail that was sent to the address *sent_to*."""
    return (
        _report(message)
        or _automatic_reply(message)
        or _header_of_exim(message, sent_to)
        or _text_of_qmail(message, sent_to)
        or ReturnedMail(kind=ReturnedKind.OTHER)
    )


def _report(message: Message) -> ReturnedMail | None:
    """Return the result of a delivery status notification (RFC 3464), if *message* has one."""
    for part in message.walk():
        if part.get_content_type() == "message/delivery-status" and part.is_multipart():
            blocks: Any = part.get_payload()
            return min(map(_of_recipient, blocks), key=lambda each: each.kind)
    return None


def _of_recipient(block: Message) -> ReturnedMail:
    """Return the result for one recipient. The mail has one, but an alias may have made several.

    What was given up is a failure, also with a status that is temporary (RFC 3464, 2.3.4).
    """
    action = str(block.get("Action", "")).strip().lower()
    status = _status_of(block)
    if action.startswith(("fail", "error")) or (not action and status.startswith("5")):
        return ReturnedMail(kind=ReturnedKind.FAILED, status=status)
    if action.startswith("delayed") or (not action and status.startswith("4")):
        return ReturnedMail(kind=ReturnedKind.DELAYED, status=status)
    return ReturnedMail(kind=ReturnedKind.OTHER, status=status)


def _status_of(block: Message) -> str:
    """Return the status code, from the server's reply where the report's own says nothing."""
    reported = _status_in(str(block.get("Status", "")))
    if reported and not reported.endswith(".0.0"):
        return reported
    return _status_in(str(block.get("Diagnostic-Code", ""))) or reported


def _status_in(text: str) -> str:
    found = _STATUS.search(text)
    return found[1] if found else ""


def _automatic_reply(message: Message) -> ReturnedMail | None:
    """Return that *message* is a reply by a program for a person, as for a holiday (RFC 3834)."""
    submitted = str(message.get("Auto-Submitted", "no")).strip().lower()
    name, _, _ = parseaddr(str(message.get("From", "")))[1].lower().partition("@")
    if submitted.startswith("no") or name in _SYSTEMS or "X-Failed-Recipients" in message:
        return None
    return ReturnedMail(kind=ReturnedKind.AUTOMATIC_REPLY)


def _header_of_exim(message: Message, sent_to: str) -> ReturnedMail | None:
    failed = getaddresses(map(str, message.get_all("X-Failed-Recipients", [])))
    if sent_to.lower() not in {address.lower() for _, address in failed}:
        return None
    return ReturnedMail(kind=ReturnedKind.FAILED, status=_status_in(_text_of(message)))


def _text_of_qmail(message: Message, sent_to: str) -> ReturnedMail | None:
    """Return the result of a QSBMF report: an introduction, then a paragraph for each recipient."""
    introduction, *paragraphs = _text_of(message).strip().split("\n\n")
    if not introduction.lower().startswith(_QMAIL):
        return None
    for paragraph in paragraphs:
        if paragraph.startswith("-"):
            break
        if paragraph.lower().startswith(f"<{sent_to.lower()}>:"):
            return ReturnedMail(kind=ReturnedKind.FAILED, status=_status_in(paragraph))
    return None


def _text_of(message: Message) -> str:
    """Return the first plain text of *message*."""
    for part in message.walk():
        if part.get_content_type() == "text/plain" and not part.is_multipart():
            content: Any = part.get_payload(decode=True)
            return str(content, "ascii", "replace").replace("\r\n", "\n")
    return ""
