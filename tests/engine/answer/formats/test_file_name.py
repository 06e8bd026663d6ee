"""The name of a file is read from a Content-Disposition in all the ways that servers write it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billhook.engine.answer.formats.file_name import file_name_in


@pytest.mark.parametrize(
    ("header", "name"),
    [
        pytest.param('attachment; filename="INV 7.pdf"', "INV 7.pdf", id="quoted"),
        pytest.param("attachment; filename=INV-7.pdf", "INV-7.pdf", id="bare"),
        pytest.param("attachment filename=INV-7.pdf", "INV-7.pdf", id="without-a-semicolon"),
        pytest.param('attachment, filename="INV 7.pdf"', "INV 7.pdf", id="after-a-comma"),
        pytest.param("filename*=UTF-8''M%C3%BCller.pdf", "Müller.pdf", id="nothing-before-it"),
        pytest.param("attachment; filename='INV-7.pdf'", "INV-7.pdf", id="single-quotes"),
        pytest.param("inline;FileName = INV 7.pdf ; size=7", "INV 7.pdf", id="bare-with-spaces"),
        pytest.param('attachment; filename="a;b=c.pdf"', "a;b=c.pdf", id="signs-in-quotes"),
        pytest.param('attachment; filename="a\\"b.pdf"', 'a"b.pdf', id="escaped-quote"),
        pytest.param('attachment; filename="C:\\tmp\\a.pdf"', "C:\\tmp\\a.pdf", id="backslashes"),
        pytest.param("attachment; filename*=UTF-8''M%C3%BCller.pdf", "Müller.pdf", id="extended"),
        pytest.param(
            "attachment; filename=x.pdf; filename*=utf-8'de'M%C3%BCller.pdf",
            "Müller.pdf",
            id="both",
        ),
        pytest.param("attachment; filename*=iso-8859-1''M%FCller.pdf", "Müller.pdf", id="latin-1"),
        pytest.param("attachment; filename*=\"UTF-8''a%20b.pdf\"", "a b.pdf", id="in-quotes"),
        pytest.param("attachment; filename*=a%20b.pdf", "a b.pdf", id="extended-without-charset"),
        pytest.param("attachment; filename*=idna''abc.pdf", "abc.pdf", id="idna"),
        pytest.param("attachment; filename*=undefined''abc.pdf", "abc.pdf", id="undefined"),
        pytest.param("attachment; filename*=no-such''abc.pdf", "abc.pdf", id="no-such-charset"),
        pytest.param("attachment; filename*" + "9" * 5000 + "=abc.pdf", None, id="huge-number"),
        pytest.param('attachment; filename*0="a"; filename*1="b.pdf"', "ab.pdf", id="pieces"),
        pytest.param(
            "attachment; filename*1*=r.pdf; filename*0*=UTF-8''M%C3%BClle", "Müller.pdf", id="mixed"
        ),
        pytest.param('attachment; filename="=?UTF-8?B?TcO8bGxlci5wZGY=?="', "Müller.pdf", id="b"),
        pytest.param(
            'attachment; filename="=?utf-8?q?M=C3=BCller_7.pdf?="', "Müller 7.pdf", id="q"
        ),
        pytest.param(
            'attachment; filename="=?iso-8859-1?Q?M=FC?= =?iso-8859-1*de?Q?ller.pdf?="',
            "Müller.pdf",
            id="two-words",
        ),
        pytest.param('attachment; filename="=?idna?B?YQ==?=.pdf"', "a.pdf", id="word-in-idna"),
        pytest.param('attachment; filename="M%C3%BCller%207.pdf"', "Müller 7.pdf", id="percent"),
        pytest.param('attachment; filename="100%25.pdf"', "100%.pdf", id="percent-sign"),
        pytest.param('attachment; filename="10%FF.pdf"', "10%FF.pdf", id="no-utf-8-in-percent"),
        pytest.param('attachment; filename="M\udcfcller.pdf"', "Müller.pdf", id="latin-1-bytes"),
        pytest.param('attachment; filename="Müller.pdf"', "Müller.pdf", id="utf-8-bytes"),
        pytest.param("attachment; filename=", None, id="empty"),
        pytest.param("attachment", None, id="none"),
        pytest.param('attachment; filename="', None, id="open-quote"),
    ],
)
def test_the_name_is_read(header, name):
    assert file_name_in(header) == name


@given(st.text(max_size=200))
@pytest.mark.parametrize("key", ["filename=", "filename*=", 'filename="', "filename*0*=", ""])
def test_for_any_header_there_is_a_name_or_none(key, text):
    name = file_name_in(f"attachment; {key}{text}")
    assert name is None or name
