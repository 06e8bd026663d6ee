"""A few kilobytes from a source never take long: nothing backtracks, and nothing is read twice."""

from __future__ import annotations

import contextlib
import struct
import time
from collections.abc import Callable

import pytest

from billhook.engine.answer.formats.charset import charset_of, decode_xml
from billhook.engine.answer.formats.header_value import parameters
from billhook.engine.answer.formats.json_text import read_json
from billhook.engine.answer.formats.tiff import is_whole_tiff
from billhook.engine.answer.kinds import HEAD_WINDOW, describe, is_web_page, kind_of
from billhook.engine.answer.place import Fact
from billhook.engine.cookie import set_cookies
from billhook.engine.reasons.challenge import read_challenges
from billhook.engine.testing import make_response

PROLOGUES = [
    "<!--",
    "<?",
    "<!doctype a[",
    "<!doctype a [ ] ",
    " ",
    "<? ?>",
    "<!-- -->",
    "<!doctype html",
    "<!doctype  ",
    "<",
]


@pytest.mark.parametrize("piece", PROLOGUES)
@pytest.mark.parametrize("look", [kind_of, is_web_page, describe], ids=lambda each: each.__name__)
def test_a_look_at_the_beginning(piece: str, look: Callable[[bytes], object]) -> None:
    head = ("<a" * (piece == " ") + piece * HEAD_WINDOW)[:HEAD_WINDOW].encode()
    assert _seconds(lambda: look(head)) < 0.05


@pytest.mark.parametrize(
    "piece", [";", "; ", ';a="', ";a", ";charset ", ';a="\\', "; charset=", ",", "a="]
)
@pytest.mark.parametrize(
    "read",
    [
        parameters,
        charset_of,
        lambda value: read_challenges([("WWW-Authenticate", value)]),
        lambda value: set_cookies([("Set-Cookie", value)]),
    ],
    ids=["parameters", "charset", "challenges", "cookies"],
)
def test_a_header(piece: str, read: Callable[[str], object]) -> None:
    assert _seconds(lambda: read((piece * 8_190)[:8_190])) < 0.1


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "<b>Warning</b>:",
            "<b>Warning</b>: a\n",
            "Notice: <b>Notice</b>:",
            "<br />\n",
            "<br /> ",
        ),
        *("<!--", "<!-- --> ", "/*", "/**/", "a(", "a()", "a( ", ") ", "{}<!--", "{} "),
    ],
)
def test_what_is_around_json(piece: str) -> None:
    def read() -> None:
        with contextlib.suppress(ValueError):
            read_json(piece * 4_000)

    assert _seconds(read) < 0.1


@pytest.mark.parametrize("piece", [";", "; ", ';a="', ";filename*0", ";filename*1*=x"])
def test_the_name_of_a_file_in_a_header(piece: str) -> None:
    from billhook.engine.answer.content import Content
    from billhook.engine.answer.paths import HeaderPath
    from billhook.engine.tokens.values import Values

    response = make_response(b"", headers=[("Content-Disposition", (piece * 8_190)[:8_190])])
    content = Content(200, response.headers, response.body)
    fact = Fact(path=HeaderPath(name="Content-Disposition"))
    assert _seconds(lambda: fact.find(content, Values({}))) < 0.1


@pytest.mark.parametrize("piece", [b"<?xml ", b"<?xml encoding", b" ", b"<?xml encoding='"])
def test_the_declaration_of_xml(piece: bytes) -> None:
    assert _seconds(lambda: decode_xml(piece * 10_000)) < 0.1


def test_directories_of_a_tiff_that_overlap() -> None:
    directory = struct.pack("<H", 5_000) + struct.pack("<HHI4s", 273, 4, 1, b"") * 5_000
    data = b"II*\0" + struct.pack("<I", 8) + directory * 5
    assert _seconds(lambda: is_whole_tiff(data)) < 0.2
    chained = b"".join(
        struct.pack("<H", 1) + b"\1" * 12 + struct.pack("<I", 8 + n) for n in range(4_000)
    )
    assert _seconds(lambda: is_whole_tiff(b"II*\0" + struct.pack("<I", 8) + chained)) < 0.2


def test_a_tiff_whose_entries_all_name_the_same_numbers() -> None:
    entry = struct.pack("<HHII", 273, 4, 60_000, 100)
    data = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", 5_000) + entry * 25_000
    assert not is_whole_tiff(data)
    assert _seconds(lambda: is_whole_tiff(data)) < 0.2


def _seconds(work: Callable[[], object]) -> float:
    began = time.thread_time()
    work()
    return time.thread_time() - began
