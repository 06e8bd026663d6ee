"""Fills a form in a page of ours with what was typed into it before."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from html.parser import HTMLParser
from typing import Final

_LEFT_ALONE: Final = frozenset({"hidden", "password", "file", "submit", "button", "image"})
_TICKED: Final = frozenset({"checkbox", "radio"})
_VALUE: Final = re.compile(r"""\svalue="[^"]*\"""")
_CHECKED: Final = re.compile(r"\schecked(?=[\s>])")
_SELECTED: Final = re.compile(r"\sselected(?=[\s>])")

Typed = Mapping[str, Sequence[str]]


def refilled(page: str, typed: Typed, *, action: str, address: str) -> str:
    """Return *page*, of that *address*, with *typed* in the fields of its form for *action*.

    Passwords, files and hidden fields stay as the page has them.
    """
    filler = _Filler(page, typed, action=action, address=address)
    filler.feed(page)
    filler.close()
    return filler.result()


class _Filler(HTMLParser):
    """Collects the pieces of a page that change; the rest stays as it is, to the byte."""

    def __init__(self, page: str, typed: Typed, *, action: str, address: str) -> None:
        super().__init__(convert_charrefs=False)
        self._page = page
        self._typed = typed
        self._action = action
        self._address = address
        self._lines = [0, *(found.end() for found in re.finditer("\n", page))]
        self._is_in_form = False
        self._select = ""
        self._textarea: tuple[str, int] | None = None
        self._changes: list[tuple[int, int, str]] = []

    def result(self) -> str:
        page = self._page
        for start, end, text in reversed(self._changes):
            page = page[:start] + text + page[end:]
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            is_sent = given.get("method", "").lower() == "post"
            self._is_in_form = is_sent and (given.get("action") or self._address) == self._action
        elif not self._is_in_form:
            return
        elif tag == "input":
            self._fill_input(given)
        elif tag == "select":
            self._select = given.get("name", "")
        elif tag == "option" and self._select in self._typed:
            is_chosen = given.get("value", "") in self._typed[self._select]
            self._change_tag(_with_flag(self._tag(), "selected", _SELECTED, is_on=is_chosen))
        elif tag == "textarea" and given.get("name") in self._typed:
            self._textarea = given["name"], self._offset() + len(self._tag())

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._is_in_form = False
        elif tag == "select":
            self._select = ""
        elif tag == "textarea" and self._textarea is not None:
            name, start = self._textarea
            self._changes.append((start, self._offset(), "\n" + escape(self._typed[name][-1])))
            self._textarea = None

    def _fill_input(self, given: Mapping[str, str]) -> None:
        name, kind = given.get("name", ""), given.get("type", "text").lower()
        if not name or kind in _LEFT_ALONE:
            return
        if kind in _TICKED:
            is_ticked = given.get("value", "on") in self._typed.get(name, ())
            self._change_tag(_with_flag(self._tag(), "checked", _CHECKED, is_on=is_ticked))
        elif name in self._typed:
            tag = _VALUE.sub("", self._tag())
            self._change_tag(_with_text(tag, f'value="{escape(self._typed[name][-1])}"'))

    def _tag(self) -> str:
        return self.get_starttag_text() or ""

    def _change_tag(self, text: str) -> None:
        start = self._offset()
        self._changes.append((start, start + len(self._tag()), text))

    def _offset(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column


def _with_flag(tag: str, flag: str, known: re.Pattern[str], *, is_on: bool) -> str:
    bare = known.sub("", tag)
    return _with_text(bare, flag) if is_on else bare


def _with_text(tag: str, text: str) -> str:
    """Return a start tag with one more attribute."""
    end = "/>" if tag.endswith("/>") else ">"
    return f"{tag.removesuffix(end).rstrip()} {text}{end}"
