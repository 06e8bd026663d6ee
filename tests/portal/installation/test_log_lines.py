"""Log lines of many runs are written with one call, and each is as if it were logged alone."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest
import structlog

from billhook.portal.installation.logs import configure, log_each

RUNS = [{"run": "abc", "milliseconds": 1.5, "reason": ""}, {"run": 'd"é', "attempts": 2}]


class Counting(io.StringIO):
    """A stream that counts how often it is written to."""

    writes = 0

    def write(self, text: str) -> int:
        self.writes += 1
        return super().write(text)


@pytest.fixture(params=["json", "text"])
def stream(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Counting]:
    """Standard error while the log has one of its formats."""
    stream, root, before = Counting(), logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    monkeypatch.setattr(sys, "stderr", stream)
    configure({"log_format": request.param, "log_level": "info"})
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**before)


def without_time(line: str) -> str:
    if line.startswith("{"):
        return json.dumps({**json.loads(line), "timestamp": ""})
    return line.split(" ", 1)[1]


def test_lines_logged_together_are_those_of_single_calls_with_one_write(stream: Counting) -> None:
    log = structlog.get_logger("billhook.test")
    for run in RUNS:
        log.info("run", **run)
    single = list(map(without_time, stream.getvalue().splitlines()))
    stream.truncate(0)
    stream.seek(0)
    stream.writes = 0

    log_each(log, "run", RUNS)

    assert list(map(without_time, stream.getvalue().splitlines())) == single
    assert len(single) == len(RUNS)
    assert stream.writes == 1


def test_one_event_is_logged_as_always(stream: Counting) -> None:
    log_each(structlog.get_logger("billhook.test"), "run", RUNS[:1])

    (line,) = stream.getvalue().splitlines()
    assert "run" in line
    assert "abc" in line


def test_no_event_writes_nothing(stream: Counting) -> None:
    log_each(structlog.get_logger("billhook.test"), "run", [])

    assert stream.writes == 0
