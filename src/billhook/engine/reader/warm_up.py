"""Everything that reading a response may need, loaded at the start: later no file can be opened."""

from __future__ import annotations

import codecs
import io
import pkgutil
import zipfile
from importlib import import_module

import billhook.engine.answer
import billhook.engine.egress.url
from billhook.engine.answer.content import Content
from billhook.engine.answer.formats.charset import CHARSETS
from billhook.engine.answer.json_query import compile_json, compile_regex, find_all
from billhook.engine.body import Body


def load_everything() -> None:
    """Import all of :mod:`billhook.engine.answer`, and use each parser once."""
    name = billhook.engine.answer.__name__
    for module in pkgutil.walk_packages(billhook.engine.answer.__path__, f"{name}."):
        import_module(module.name)
    for name in (*CHARSETS, "cp437", "utf-8-sig"):  # zipfile's, and that of a mark
        codecs.lookup(name)
    response = Content(200, (), Body(b"<a>1</a>"))
    response.xml().xpath("//a[.='1']")
    list(find_all(compile_json("$[?search(@, 'a')]"), ["a"]))
    compile_regex("a").search("a")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", b"a")
    with zipfile.ZipFile(packed) as archive:
        archive.read("a")
