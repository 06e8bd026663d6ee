"""The editor's page in a browser without JavaScript."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

from django.test import Client
from django.urls import reverse

from billhook.portal.integrations.models import Integration
from portal.cast import Cast, signed_in


class Fields(HTMLParser):
    """The editor's form as a browser would post it, and its buttons."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self.buttons: list[str] = []
        self.names: set[str] = set()
        self._inside = False
        self._textarea: str | None = None
        self._select: str | None = None
        self._chosen = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        at = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = at.get("id") == "editor"
        if not self._inside:
            return
        if tag in {"input", "select", "textarea"}:
            self.names.add(at.get("name", ""))
        is_unticked = at.get("type") == "checkbox" and "checked" not in at
        if tag == "input" and "name" in at and not is_unticked:
            self.values[at["name"]] = at.get("value", "")
        elif tag == "textarea":
            self._textarea = at["name"]
            self.values[at["name"]] = ""
        elif tag == "select":
            self._select = at["name"]
            self._chosen = False
        elif tag == "option" and self._select and (not self._chosen):
            if "selected" in at or self._select not in self.values:
                self.values[self._select] = at.get("value", "\0text")
                self._chosen = "selected" in at
        elif tag == "button" and at.get("name") == "do":
            self.buttons.append(at["value"])

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self.values[self._textarea] += data
        if self._select and self.values.get(self._select) == "\0text":
            self.values[self._select] = data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._textarea:
            self.values[self._textarea] = self.values[self._textarea].removeprefix("\n")
            self._textarea = None
        elif tag == "select":
            self._select = None
        elif tag == "form":
            self._inside = False


class Page:
    """The editor's page in a browser without JavaScript."""

    def __init__(self, client: Client, address: str) -> None:
        self.client = client
        self.address = address
        self._take(client.get(address))

    def _take(self, response: Any) -> None:
        self.response = response
        self.html = response.content.decode() if response.status_code != 302 else ""
        fields = Fields()
        fields.feed(self.html)
        self.fields, self.buttons, self.names = fields.values, fields.buttons, fields.names

    def press(self, do: str, **typed: str) -> Any:
        """Type into fields (``__`` stands for ``-``) and press a button."""
        values = {name.replace("__", "-"): text for name, text in typed.items()}
        unknown = set(values) - self.names
        assert not unknown, f"there is no field {unknown}"
        self._take(self.client.post(self.address, {**self.fields, **values, "do": do}))
        return self.response

    @property
    def text(self) -> str:
        return unescape(re.sub(r"<[^>]*>", "", self.html))


def new_page(cast: Cast, who: Any = None) -> Page:
    address = reverse("backoffice:integration-new", args=[cast.harper.id])
    return Page(signed_in(who or cast.bob), address)


def edit_page(row: Integration, who: Any) -> Page:
    address = reverse("backoffice:integration", args=[row.organisation_id, row.id])
    return Page(signed_in(who), address)
