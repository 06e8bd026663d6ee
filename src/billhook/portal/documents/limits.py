"""Limits for drawing a document, and a sentence for each reason why one can't be shown."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

MAX_DOCUMENT: Final = 64 * 1024 * 1024
"""Bytes of a document that is drawn; a larger one is only downloaded."""
MAX_PAGES: Final = 500
"""The most pages whose sizes are reported."""
MAX_PIXELS: Final = 12_000_000
"""Pixels of one drawn page: A4 at 1,400 pixels width has 2.8 million."""
MAX_SOURCE_PIXELS: Final = 80_000_000
"""Pixels of a PNG or JPEG that is scaled down."""
MAX_IMAGE: Final = 64 * 1024 * 1024
"""Bytes of one drawn page: ``MAX_PIXELS`` that can't be compressed, and a little more."""
MAX_E_INVOICE: Final = 8 * 1024 * 1024
"""Bytes of an e-invoice inside a PDF that is given out."""
MAX_ATTACHMENTS: Final = 100
"""Files inside a PDF that are looked at."""
MAX_CHARACTERS: Final = 200_000
"""Characters of a document's text that are laid over the images of its pages."""
MAX_TEXT: Final = 16 * 1024 * 1024
"""Bytes of that text with its places: each character of it may be a line."""
TEXT_SCALE: Final = 10_000
"""Width and height of a page in which the places of its text are given."""
E_INVOICE_NAMES: Final = (
    "factur-x.xml",  # Factur-X, and ZUGFeRD since 2.1
    "zugferd-invoice.xml",  # ZUGFeRD 2.0
    "ZUGFeRD-invoice.xml",  # ZUGFeRD 1.0
    "xrechnung.xml",  # ZUGFeRD's reference profile XRECHNUNG
)
"""The names under which a PDF carries its invoice as XML, by the standards."""
MAX_ADDRESS_SPACE: Final = 1024 * 1024 * 1024
MAX_CPU_SECONDS: Final = 10
EXIT_TOO_SLOW: Final = 3
EXIT_BROKEN: Final = 4


class Reason(StrEnum):
    """The reasons why a document can't be shown as images of its pages."""

    PROTECTED = "protected"
    DAMAGED = "damaged"
    TOO_LARGE = "too-large"
    TOO_SLOW = "too-slow"
    OTHER_KIND = "other-kind"
    E_INVOICE = "e-invoice"
    LINK = "link"
    NO_E_INVOICE = "no-e-invoice"
    NO_SUCH_PAGE = "no-such-page"
    BUSY = "busy"

    @property
    def message(self) -> str:
        """A sentence for the person who wanted to see the document, and what to do instead."""
        return _MESSAGES[self]


_MESSAGES: Final = {
    Reason.PROTECTED: (
        "This document is protected by a password, so its pages can't be shown here. "
        "Download it and open it with the password."
    ),
    Reason.DAMAGED: (
        "This document is damaged, so its pages can't be shown. "
        "Download it to see what can still be read."
    ),
    Reason.TOO_LARGE: "This document is too large to show here. Download it instead.",
    Reason.TOO_SLOW: "This document takes too long to draw. Download it instead.",
    Reason.OTHER_KIND: "Documents of this kind can't be shown here. Download it instead.",
    Reason.E_INVOICE: (
        "This is an electronic invoice (XML) for accounting programs; it has no pages. "
        "Download it and open it in yours."
    ),
    Reason.LINK: (
        "The source returned a link instead of a document. On VIEW, contacts get a button that "
        "opens it."
    ),
    Reason.NO_E_INVOICE: "This document contains no electronic invoice (XML).",
    Reason.NO_SUCH_PAGE: "The document doesn't have this page.",
    Reason.BUSY: (
        "The server is busy showing other documents. Try again in a moment, or download it."
    ),
}
