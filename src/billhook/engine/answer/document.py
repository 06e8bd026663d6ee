"""Reads a document from a response: the status decides if it exists, the bytes decide its kind."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from billhook.engine.answer.content import Content
from billhook.engine.answer.formats.pdf import HEADER_WINDOW, is_xfa_shell
from billhook.engine.answer.kinds import (
    HEAD_WINDOW,
    JSON,
    KINDS,
    PDF,
    TIFF,
    XML,
    Bytes,
    Kind,
    describe,
    is_web_page,
    kind_of,
    kinds_of,
)
from billhook.engine.body import MEMORY_LIMIT, Body
from billhook.engine.errors import (
    EmptyAnswer,
    NotADocument,
    SourceCutShort,
    WebPageInstead,
)
from billhook.engine.tokens.values import Values

SMALL: Final = 16 * 1024
"""Bytes of a document that is read whole at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A checked document. Close it when done; it is a context manager, too.

    ``media_type`` and ``extension`` (without a dot) come from the bytes, never from the source.
    ``name`` is the source's own, made safe, if the command says where it is. A link for a person
    to follow is a document, too: of the media type ``text/uri-list``, its body is the URL.
    ``attachments`` are XML files next to it in a zip, such as the e-invoice of a PDF.
    """

    media_type: str
    extension: str
    body: Body
    name: str | None = None
    attachments: tuple[Document, ...] = ()

    @property
    def size(self) -> int:
        """The number of bytes."""
        return self.body.size

    @property
    def sha256(self) -> str:
        """The SHA-256 of the bytes in hexadecimal, computed when it is first asked for."""
        return self.body.sha256()

    def close(self) -> None:
        """Let go of the bytes, also of those of the attachments."""
        self.body.close()
        for attachment in self.attachments:
            attachment.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def has_to_be_read(body: Body) -> bool:
    """Say whether recognising *body* takes more than a look at both ends, and it isn't small."""
    return body.size > SMALL and kind_of(body.head(HEAD_WINDOW)) in {JSON, TIFF}


def media_type_of(content: Content, values: Values, accept: tuple[str, ...]) -> str:  # noqa: ARG001 - as all reading
    """Return the media type of the document that *content* is; raise what recognise raises."""
    return _recognise(content.body, accept).media_type


def as_document(body: Body, media_type: str) -> Document:
    """Return *body*, which is of *media_type*, as a document."""
    kind = KINDS[media_type]
    return Document(media_type=kind.media_type, extension=kind.extension, body=body)


def recognise(body: Body, accept: tuple[str, ...]) -> Document:
    """Return the document that *body* is, of one of the media types in *accept*.

    Raises EmptyAnswer, WebPageInstead or NotADocument if the bytes are something else, and
    SourceCutShort if their end is missing. Closes nothing.
    """
    return as_document(body, _recognise(body, accept).media_type)


def _recognise(body: Bytes, accept: tuple[str, ...]) -> Kind:
    if body.size == 0:
        raise EmptyAnswer
    head = body.head(HEAD_WINDOW)
    kind = _kind_at_head(head, kinds_of(accept))
    if kind is PDF and _REPLACED in head:
        raise NotADocument(_READ_AS_TEXT)
    if not kind.is_whole(body):
        raise SourceCutShort(
            f"The source sent {kind.name} whose end is missing, so it was probably cut short. "
            "Try again."
        )
    if kind is PDF and body.size <= MEMORY_LIMIT and is_xfa_shell(body.read()):
        raise NotADocument(_XFA)
    return kind


_REPLACED: Final = "\N{REPLACEMENT CHARACTER}".encode() * 2
"""The signs of a UTF-8 decoder for bytes that are no text; a PDF's second line has four of them."""
_READ_AS_TEXT: Final = (
    "The source sent a PDF that was read as text on the way: bytes are lost, and its pages are "
    "blank or broken. Have the source send the bytes unchanged, or in base 64."
)
_XFA: Final = (
    "The source sent a PDF that is only a form of Adobe's XFA: other programs than Adobe Reader "
    'show "Please wait…" instead of the invoice. Have the source make a plain PDF (flatten it).'
)


def _kind_at_head(head: bytes, accepted: tuple[Kind, ...]) -> Kind:
    kind = kind_of(head)
    if kind is not None and kind in accepted:
        return kind
    if is_web_page(head):
        raise WebPageInstead
    expected = " or ".join(candidate.name for candidate in accepted)
    if kind in {None, XML} and b"%PDF-" in head[:HEADER_WINDOW]:
        raise NotADocument(
            "The source sent a PDF with something else before its beginning (%PDF-), and it isn't "
            f"whole, where {expected} was expected. The administrator of the source can fix that."
        )
    raise NotADocument(
        f"The source sent {describe(head)} where {expected} was expected. "
        "Compare the command's URL, method and headers with the source's documentation."
    )
