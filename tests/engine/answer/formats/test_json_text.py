"""JSON as systems write it."""

from __future__ import annotations

import pytest

from billhook.engine.answer.formats.json_text import read_json

PHP = "<br />\n<b>Warning</b>:  Undefined variable $x in <b>/a.php</b> on line <b>3</b><br />\n"
PLAIN_PHP = "PHP Notice: Undefined index: x in /a.php on line 3\n"


@pytest.mark.parametrize(
    "written",
    [
        pytest.param('{"a": "x\r\ny"}', id="a-line-break-in-a-text"),
        pytest.param(')]}\',\n{"a": "x\\r\\ny"}', id="a-guard-of-angular"),
        pytest.param('for (;;);{"a": "x\\r\\ny"}', id="an-endless-loop-before-it"),
        pytest.param('while(1); {"a": "x\\r\\ny"}\0', id="another-loop"),
        pytest.param(f'{PHP}{PHP}{{"a": "x\\r\\ny"}}', id="messages-of-php-before-it"),
        pytest.param(f'{{"a": "x\\r\\ny"}}\n{PHP}', id="a-message-of-php-behind-it"),
        pytest.param(f'\n{PLAIN_PHP}{{"a": "x\\r\\ny"}}', id="a-plain-message-of-php"),
        pytest.param('{"a": "x\\r\\ny"}\n<!-- made in 0.03 s -->', id="a-comment-behind-it"),
        pytest.param('/* 7 */ {"a": "x\\r\\ny"}', id="a-comment-before-it"),
        pytest.param('show({"a": "x\\r\\ny"});', id="a-call"),
        pytest.param('/**/ acme.show_2({"a": "x\\r\\ny"})', id="a-call-with-a-guard"),
    ],
)
def test_it_is_read(written: str) -> None:
    assert read_json(written) == {"a": "x\r\ny"}


def test_a_whole_number_of_thousands_of_digits_hides_nothing() -> None:
    assert read_json('{"a": 1, "b": ' + "9" * 6000 + "}")["a"] == 1


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"a": 1} {"a": 2}', id="two"),
        pytest.param('{"a": 1} and more', id="words-behind-it"),
        pytest.param('Dear customer, {"a": 1}', id="words-before-it"),
        pytest.param(f"{PHP}<html>", id="a-message-and-a-page"),
        pytest.param('{"a": 1', id="cut-short"),
        pytest.param("show(", id="a-call-cut-short"),
        pytest.param("", id="nothing"),
    ],
)
def test_what_is_more_or_less_than_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"JSON|value|delimiter|Extra"):
        read_json(text)
