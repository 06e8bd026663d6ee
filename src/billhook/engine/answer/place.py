"""The compiled location of the document and its name in the last response."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from billhook.engine.answer.content import Content, Unreadable
from billhook.engine.answer.effort import TEXT, UNBOUNDED, weight_of
from billhook.engine.answer.formats.file_name import file_name_in
from billhook.engine.answer.paths import CookiePath, HeaderPath, Path
from billhook.engine.egress.page_hosts import PageHosts
from billhook.engine.tokens.template import Template
from billhook.engine.tokens.values import UnfitValue, Values

BODY: Final = "body"
BASE64: Final = "base64"
URL: Final = "url"
ZIP: Final = "zip"
LINK: Final = "link"
PART: Final = "part"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """The document's name or type: at a path of the response, or a template. One of the two."""

    path: Path | None = None
    template: Template | None = None

    @property
    def is_header(self) -> bool:
        """Whether it is in a header: then in one of the response that has the document."""
        return isinstance(self.path, HeaderPath | CookiePath)

    @property
    def weight(self) -> float:
        """The effort of finding it; see :mod:`billhook.engine.answer.effort`."""
        return weight_of(self.path)

    @property
    def tokens(self) -> tuple[str, ...]:
        """The names of the tokens that it uses."""
        if self.template is not None:
            return tuple(name for _, _, name in self.template.pieces)
        return self.path.tokens if self.path else ()

    def find(self, content: Content, values: Values) -> str | None:
        """Return the text, or None if it isn't there: without a name there is still a document."""
        try:
            if self.template is not None:
                return self.template.fill(values)
            found = self.path.find(content, values) if self.path else []
        except (Unreadable, UnfitValue):
            return None
        texts = [text for text in found if isinstance(text, str) and text.strip()]
        if texts and isinstance(self.path, HeaderPath):
            is_disposition = self.path.name.lower() == "content-disposition"
            return file_name_in(texts[0]) if is_disposition else texts[0]
        return texts[0] if texts else None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerPlace:
    """The location of the document: ``kind`` is body, base64, url, zip, part or link.

    ``path`` None means the whole body. ``authenticate`` sends the credentials along to a URL, if
    it is at one of the command's own origins. ``hosts`` are the only ones that a link may lead to;
    None lets it lead to any public place.
    """

    kind: str
    path: Path | None = None
    pattern: str = ""
    authenticate: bool = False
    name: Fact | None = None
    type: Fact | None = None
    hosts: PageHosts | None = None

    @property
    def weight(self) -> float:
        """The effort of taking it; see :mod:`billhook.engine.answer.effort`."""
        return UNBOUNDED if self.kind in {ZIP, PART} else TEXT + weight_of(self.path)

    @property
    def tokens(self) -> tuple[str, ...]:
        """The names of the tokens that its path uses."""
        return self.path.tokens if self.path else ()
