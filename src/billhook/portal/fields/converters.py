"""The format of ids in URLs."""

from __future__ import annotations

from billhook.portal.fields.ids import LENGTH


class IdConverter:
    """An id in a URL. Text that can't be an id isn't looked up."""

    regex = f"[0-9a-hjkmnp-tv-z]{{{LENGTH}}}"

    def to_python(self, value: str) -> str:
        """Return the id, which is a text."""
        return value

    def to_url(self, value: str) -> str:
        """Return the id as it appears in a URL."""
        return value
