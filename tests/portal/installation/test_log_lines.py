"""Log lines of many runs are written with one call, and none is lost."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest

from billhook.portal.installation.logs import LineHandler, written_together

log = logging.getLogger("billhook.test")


class Counting(io.StringIO):
    """A stream that counts how often it is written to."""

    writes = 0

    def write(self, text: str) -> int:
        self.writes += 1
        return super().write(text)


@pytest.fixture
def stream() -> Iterator[Counting]:
    """The stream of our log handler during the test."""
    stream = Counting()
    handler = LineHandler(stream)
    logging.getLogger().addHandler(handler)
    yield stream
    logging.getLogger().removeHandler(handler)


def lines(stream: Counting) -> list[str]:
    return stream.getvalue().splitlines()


def test_a_line_is_written_when_it_is_logged(stream: Counting) -> None:
    log.warning("one")

    assert lines(stream) == ["one"]


def test_lines_logged_together_are_written_at_the_end_with_one_call(stream: Counting) -> None:
    with written_together():
        log.warning("one")
        logging.getLogger("library").warning("two")
        assert lines(stream) == []

    assert lines(stream) == ["one", "two"]
    assert stream.writes == 1


def test_lines_are_written_even_if_the_block_fails(stream: Counting) -> None:
    def fail() -> None:
        with written_together():
            log.warning("one")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert lines(stream) == ["one"]


def test_a_block_without_lines_writes_nothing(stream: Counting) -> None:
    with written_together():
        pass

    assert stream.writes == 0
