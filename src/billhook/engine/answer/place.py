"""The compiled location of the document and its name in the last response."""

from __future__ import annotations

from dataclasses import dataclass
from email.message import Message
from email.utils import collapse_rfc2231_value
from typing import Final

from billhook.engine.answer.content import Content, Unreadable
from billhook.engine.answer.paths import HeaderPath, Path, looks_inside
from billhook.engine.tokens.template import Template
from billhook.engine.tokens.values import UnfitValue, Values

BODY: Final = "body"
BASE64: Final = "base64"
URL: Final = "url"
ZIP: Final = "zip"
LINK: Final = "link"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """The document's name or type: at a path of the response, or a template. One of the two."""

    path: Path | None = None
    template: Template | None = None

    @property
    def is_header(self) -> bool:
        """Whether it is in a header: then in one of the response that has the document."""
        return isinstance(self.path, HeaderPath)

    @property
    def looks_inside(self) -> bool:
        """Whether the body has to be read for it."""
        return looks_inside(self.path)

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
            return _of_header(self.path.name, texts[0])
        return texts[0] if texts else None


def _of_header(name: str, value: str) -> str | None:
    """Return what a header says: of Content-Disposition the file's name (RFC 6266)."""
    if name.lower() != "content-disposition":
        return value
    message = Message()
    message[name] = value.replace("\r", "").replace("\n", "")
    parameters = message.get_params(failobj=[], header=name)
    names = [text for key, text in parameters if key.lower() == "filename"]
    names.sort(key=lambda text: isinstance(text, str))  # the extended form, if any, counts
    return collapse_rfc2231_value(names[0]) if names else None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerPlace:
    """The location of the document: ``kind`` is body, base64, url, zip or link.

    ``path`` None means the whole body. ``authenticate`` sends the credentials along to a URL, if
    it is at one of the command's own origins.
    """

    kind: str
    path: Path | None = None
    pattern: str = ""
    authenticate: bool = False
    name: Fact | None = None
    type: Fact | None = None
