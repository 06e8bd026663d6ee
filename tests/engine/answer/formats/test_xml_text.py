"""XML that isn't well-formed in the ways in which systems often write it."""

from __future__ import annotations

import pytest

from billhook.engine.answer.content import Content, Unreadable
from billhook.engine.body import Body


@pytest.mark.parametrize(
    ("written", "read"),
    [
        pytest.param(b"<r>A&nbsp;B</r>", "A\xa0B", id="a-name-of-html"),
        pytest.param(b"<r>A & B &co; C</r>", "A & B &co; C", id="ampersands-alone"),
        pytest.param(b"<r>A\x01&#1;&#x0;B</r>", "AB", id="forbidden-characters"),
        pytest.param(b"<r>AB</r>\0\0", "AB", id="nuls-behind-it"),
        pytest.param(
            b"<r>&LT;b> & &amp;</r>", "&LT;b> & &amp;".replace("&amp;", "&"), id="no-markup"
        ),
        pytest.param(b"<r><![CDATA[a & b]]> & \x02</r>", "a & b & ", id="character-data"),
    ],
)
def test_common_faults_are_corrected(written: bytes, read: str) -> None:
    assert Content(200, (), Body(written)).xml().text == read


@pytest.mark.parametrize(
    "written", [b"<r>", b"<r>a & <b></r>", b"<!DOCTY\x01PE r [<!ENT\x01ITY x '1'>]><r/>"]
)
def test_anything_else_stays_no_xml(written: bytes) -> None:
    with pytest.raises(Unreadable):
        Content(200, (), Body(written)).xml()
