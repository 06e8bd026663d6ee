"""Rules for the body of a run's request, and how it is read."""

import asyncio
from decimal import Decimal

import pytest

from billhook.gateway.body import read_body, read_tokens
from billhook.gateway.errors import BadBody, BadJson, BodyTooLarge, BodyTooSlow, CallerLeft


def messages(*parts, end=True):
    """Return a receive() that gives *parts*, and then waits for ever or says that they left."""
    waiting = list(parts)

    async def receive():
        if not waiting:
            await asyncio.Event().wait()
        part = waiting.pop(0)
        if part is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": part, "more_body": bool(waiting) or not end}

    return receive


@pytest.mark.parametrize(
    ("body", "tokens"),
    [
        pytest.param(b'{"tokens": {"A": "x"}}', {"A": "x"}, id="text"),
        pytest.param(b'{"tokens": {"A": 42}}', {"A": 42}, id="whole number"),
        pytest.param(b'{"tokens": {"A": 10.50}}', {"A": Decimal("10.50")}, id="as written"),
        pytest.param(b'{"tokens": {"A": true}}', {"A": True}, id="boolean"),
        pytest.param(b'{"tokens": {"A": null}}', {"A": None}, id="null"),
        pytest.param('{"tokens": {"A": "é"}}'.encode(), {"A": "é"}, id="UTF-8"),
        pytest.param(b'{"tokens": {"A": "\\ud83d\\ude00"}}', {"A": "😀"}, id="a surrogate pair"),
        pytest.param(b'{"tokens": {}}', {}, id="no tokens"),
        pytest.param(b"{}", {}, id="nothing at all"),
    ],
)
def test_tokens_are_read_with_their_own_types(body, tokens):
    assert read_tokens(body) == tokens


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(b"", "isn't JSON", id="empty"),
        pytest.param(b"tokens=1", "line 1, column 1", id="a form"),
        pytest.param(b'{"tokens": {"A": 1,}}', "isn't JSON", id="a comma too many"),
        pytest.param(b'{"tokens": {"A": 1}} x', "isn't JSON", id="more behind it"),
        pytest.param(b'{"tokens": {"A": 1, "A": 2}}', "appears twice", id="a token twice"),
        pytest.param(b'{"tokens": {}, "tokens": {}}', "appears twice", id="tokens twice"),
        pytest.param(b'{"tokens": {"A": NaN}}', "NaN and Infinity", id="NaN"),
        pytest.param(b'{"tokens": {"A": -Infinity}}', "NaN and Infinity", id="infinity"),
        pytest.param(b'{"tokens": {"A": "\xff"}}', "isn't UTF-8", id="not UTF-8"),
        pytest.param('{"tokens": {}}'.encode("utf-16"), "isn't UTF-8", id="UTF-16"),
        pytest.param(b"[" * 60_000, "too deeply", id="nested"),
        pytest.param(b'{"a":' * 10_000, "too deeply", id="nested objects"),
        pytest.param(b'{"tokens": {"A": 1e' + b"9" * 24 + b"}}", "too long", id="a long exponent"),
        pytest.param(b'{"tokens": {"A": ' + b"9" * 5000 + b"}}", "too long", id="a long number"),
    ],
)
def test_a_body_that_is_not_json_is_refused_with_a_clear_message(body, message):
    with pytest.raises(BadJson, match=message):
        read_tokens(body)


@pytest.mark.parametrize(
    ("body", "where", "message"),
    [
        pytest.param(b"[]", "", "got a list", id="a list"),
        pytest.param(b'"x"', "", "got a text", id="a text"),
        pytest.param(b"null", "", "got null", id="null"),
        pytest.param(b'{"tokens": [1]}', "tokens", "not a list", id="a list of tokens"),
        pytest.param(b'{"tokens": null}', "tokens", "not null", id="null for tokens"),
        pytest.param(b'{"tokens": {"A": {}}}', "tokens.A", "not an object", id="an object in it"),
        pytest.param(b'{"tokens": {"A": []}}', "tokens.A", "not a list", id="a list in it"),
        pytest.param(
            b'{"tokens": {"A": "\\ud800"}}', "tokens.A", "lone surrogate", id="half a character"
        ),
        pytest.param(b'{"extra": 1}', "extra", "may only contain", id="another name"),
    ],
)
def test_json_of_another_shape_is_refused_with_its_location(body, where, message):
    with pytest.raises(BadBody) as caught:
        read_tokens(body)

    (problem,) = caught.value.problems
    assert problem.where == where
    assert message in problem.message


def test_all_problems_of_a_body_are_reported_together():
    with pytest.raises(BadBody) as caught:
        read_tokens(b'{"token": 1, "tokens": {"A": [], "B": "x", "C": {}}}')

    assert [problem.where for problem in caught.value.problems] == ["token", "tokens.A", "tokens.C"]
    assert caught.value.problems[0].suggestion == "tokens"


def test_a_name_with_half_a_character_gets_a_response():
    with pytest.raises(BadBody) as caught:
        read_tokens(b'{"\\ud800": 1}')

    assert caught.value.problems[0].where.encode() == b"?"


async def test_a_body_in_chunks_is_joined():
    assert await read_body(messages(b"ab", b"", b"cd")) == b"abcd"


async def test_a_body_may_be_as_large_as_the_limit_and_no_larger():
    assert await read_body(messages(b"abcd", b"ef"), limit=6) == b"abcdef"
    with pytest.raises(BodyTooLarge):
        await read_body(messages(b"abcd", b"efg"), limit=6)


async def test_an_endless_body_is_refused_at_the_limit():
    with pytest.raises(BodyTooLarge):
        await read_body(messages(*[b"x" * 1000] * 100, end=False), limit=5000)


async def test_a_body_that_does_not_arrive_is_given_up():
    with pytest.raises(BodyTooSlow):
        await read_body(messages(b"a", end=False), seconds=0.01)


async def test_reading_ends_when_the_caller_disconnects_halfway():
    with pytest.raises(CallerLeft):
        await read_body(messages(b"a", None))
