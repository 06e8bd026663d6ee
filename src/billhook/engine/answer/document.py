"""Reads a document from a response: the status decides if it exists, the bytes decide its kind."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from billhook.engine.answer.kinds import (
    HEAD_WINDOW,
    KINDS,
    SYNONYMS,
    XML,
    Kind,
    describe,
    is_web_page,
    kind_of,
)
from billhook.engine.answer.status import judge_status
from billhook.engine.body import Body
from billhook.engine.errors import (
    EmptyAnswer,
    NotADocument,
    SourceCutShort,
    WebPageInstead,
)


class JudgedResponse(Protocol):
    """The parts of a response that are judged: a transport's Response has them."""

    @property
    def status(self) -> int:
        """The status of HTTP."""
        ...

    @property
    def body(self) -> Body:
        """All the bytes."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A checked document. Close it when done; it is a context manager, too.

    ``media_type`` and ``extension`` (without a dot) come from the bytes, never from the source.
    ``name`` is the source's own, made safe, if the command says where it is. A link for a person
    to follow is a document, too: of the media type ``text/uri-list``, its body is the URL.
    """

    media_type: str
    extension: str
    body: Body
    name: str | None = None

    @property
    def size(self) -> int:
        """The number of bytes."""
        return self.body.size

    @property
    def sha256(self) -> str:
        """The SHA-256 of the bytes in hexadecimal, computed when it is first asked for."""
        return self.body.sha256()

    def close(self) -> None:
        """Let go of the bytes."""
        self.body.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def interpret(response: JudgedResponse, accept: Iterable[str]) -> Document:
    """Return the document that *response* is, of one of the media types in *accept*.

    Raises DocumentNotFound for 404 and 410, SourceRefused for 401 and 403, SourceStatus for any
    other status without a document, and what :func:`recognise` raises. Closes nothing.
    """
    judge_status(response.status)
    return recognise(response.body, accept)


def recognise(body: Body, accept: Iterable[str]) -> Document:
    """Return the document that *body* is, of one of the media types in *accept*.

    Raises EmptyAnswer, WebPageInstead or NotADocument if the bytes are something else, and
    SourceCutShort if their end is missing. Closes nothing.
    """
    if body.size == 0:
        raise EmptyAnswer
    accepted = [KINDS[SYNONYMS.get(media_type, media_type)] for media_type in accept]
    kind = _recognise(body.head(HEAD_WINDOW), accepted)
    if not kind.is_whole(body):
        raise SourceCutShort(
            f"The source sent {kind.name} whose end is missing, so it was probably cut short. "
            "Try again."
        )
    return Document(media_type=kind.media_type, extension=kind.extension, body=body)


def _recognise(head: bytes, accepted: list[Kind]) -> Kind:
    kind = kind_of(head)
    if kind is not None and kind in accepted:
        return kind
    if is_web_page(head):
        raise WebPageInstead
    expected = " or ".join(candidate.name for candidate in accepted)
    if kind in {None, XML} and b"%PDF-" in head[:1024]:
        raise NotADocument(
            "The source sent a PDF with something else before its beginning (%PDF-), "
            f"where {expected} was expected. The administrator of the source can fix that."
        )
    raise NotADocument(
        f"The source sent {describe(head)} where {expected} was expected. "
        "Compare the command's URL, method and headers with the source's documentation."
    )
