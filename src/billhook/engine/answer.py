"""From an answer to a document: the status says whether there is one, the bytes say what it is."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Final, Protocol, Self

from billhook.engine.body import Body
from billhook.engine.errors import (
    DocumentNotFound,
    EmptyAnswer,
    NotADocument,
    SourceCutShort,
    SourceRedirected,
    SourceRefused,
    SourceStatus,
    WebPageInstead,
)
from billhook.engine.kinds import (
    HEAD_WINDOW,
    KINDS,
    SYNONYMS,
    XML,
    Kind,
    describe,
    is_web_page,
    kind_of,
)

if TYPE_CHECKING:
    from billhook.engine.command import Command

_NOT_FOUND: Final = frozenset({404, 410})
_REFUSED: Final = frozenset({401, 403})
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_SUCCESS: Final = range(200, 300)
_PART: Final = 206  # nobody asked for a part: it can't be the whole document


class Answered(Protocol):
    """What is asked of an answer: a transport's Response has it."""

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
    """

    media_type: str
    extension: str
    body: Body

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


def interpret(response: Answered, command: Command) -> Document:
    """Return the document that *response* is, of a kind that *command* accepts.

    Raises DocumentNotFound for 404 and 410, SourceRefused for 401 and 403, SourceStatus for any
    other status without a document, EmptyAnswer, WebPageInstead or NotADocument if the bytes are
    something else, and SourceCutShort if their end is missing. Closes nothing.
    """
    judge_status(response.status)
    body = response.body
    if body.size == 0:
        raise EmptyAnswer
    accepted = [KINDS[SYNONYMS.get(media_type, media_type)] for media_type in command.accept]
    kind = _recognise(body.head(HEAD_WINDOW), accepted)
    if not kind.is_whole(body):
        raise SourceCutShort(
            f"The source sent {kind.name} whose end is missing, so it was probably cut short. "
            "Try again."
        )
    return Document(media_type=kind.media_type, extension=kind.extension, body=body)


def judge_status(status: int) -> None:
    """Raise the error that *status* means, unless it is a success."""
    if status in _NOT_FOUND:
        raise DocumentNotFound
    if status in _REFUSED:
        raise SourceRefused(status)
    if status in _REDIRECTS:
        raise SourceRedirected(
            "The source sent us somewhere else, but this command doesn't follow. "
            "Use the address of the document itself, or let the command follow redirects."
        )
    if status not in _SUCCESS or status == _PART:
        raise SourceStatus(status)


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
            f"where {expected} was expected. Whoever runs the source can mend that."
        )
    raise NotADocument(
        f"The source sent {describe(head)} where {expected} was expected. "
        "Compare the command's URL, method and headers with the source's documentation."
    )
