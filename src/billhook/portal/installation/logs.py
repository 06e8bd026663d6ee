"""The format of log lines: one event with constant keys, for people or for programs."""

from __future__ import annotations

import json
import logging
import logging.config
import sys
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Final

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_ENCODER: Final = json.JSONEncoder(default=repr)
_encode_flat: Final = json.JSONEncoder(default=repr, check_circular=False).encode
_EACH: Final = "_each"
_PROCESSORS: Final[list[Processor]] = []
"""One list for good: a logger keeps the list it was first used with, so a second configuration,
as by a command that sets Django up again, reaches the loggers that exist, too."""


def configure(settings: dict[str, Any]) -> None:
    """Send our log lines and those of libraries the same way, to standard error."""
    shared = _shared()
    _PROCESSORS[:] = [*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter]
    structlog.configure(
        processors=_PROCESSORS,
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "line": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "foreign_pre_chain": shared,
                    "processors": [
                        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                        *_renderers(settings["log_format"]),
                    ],
                }
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
            "loggers": {"django-q": {"level": "WARNING"}},  # it would log every turn, too
            "root": {"handlers": ["stderr"], "level": settings["log_level"].upper()},
        }
    )


def _shared() -> list[Processor]:
    return [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        without_values,
    ]


def _renderers(log_format: str) -> list[Processor]:
    if log_format == "json":
        return [structlog.processors.JSONRenderer(serializer=_as_json)]
    return [_trace_below, _ForPeople()]


def _as_json(event: EventDict, **_: Any) -> str:
    each = event.pop(_EACH, None)
    line = _ENCODER.encode(event)
    if each is None:
        return line
    return "\n".join([f"{_encode_flat(fields)[:-1]}, {line[1:]}" for fields in each])


class _ForPeople:
    """Renders an event as a line for people, or as many as there are in it."""

    def __init__(self) -> None:
        self._line = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0)

    def __call__(self, logger: WrappedLogger, method: str, event: EventDict) -> str:
        each = event.pop(_EACH, ({},))
        return "\n".join(self._line(logger, method, {**fields, **event}) for fields in each)


class Seldom:
    """Lets one of many equal log lines through, at most every *seconds*; :meth:`now` says which."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._last = float("-inf")

    def now(self) -> bool:
        """Return whether a line may be logged now, and count it."""
        now = time.monotonic()
        if now - self._last < self._seconds:
            return False
        self._last = now
        return True


def log_each(
    log: structlog.stdlib.BoundLogger, event: str, each: Sequence[Mapping[str, Any]]
) -> None:
    """Log *event* once with each of these fields, as lines of the same time, with one write.

    A busy server ends thousands of runs in a second. As a logging call for each of them, their
    lines would cost a tenth of its time.
    """
    if len(each) == 1:
        log.info(event, **each[0])
    elif each:
        log.info(event, **{_EACH: each})


def without_values(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace an exception by its type and the lines it passed.

    The text of an exception may hold a URL, a header or a value that was sent (other libraries put
    them there), so no text of an exception is logged.
    """
    info = event.pop("exc_info", None)
    event.pop("exception", None)
    event.pop("stack_info", None)
    error = _error(info)
    if error is not None:
        event["error"] = name_of(error)
        event["trace"] = _lines(error.__traceback__)
    return event


def _trace_below(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Write the lines that an exception passed below the log line, one on each."""
    if "trace" in event:
        event["exception"] = "\n".join(f"    {line}" for line in event.pop("trace"))
    return event


def name_of(error: BaseException) -> str:
    """Return the kind of *error*, with the database's own code (SQLITE_FULL, 53100), if it has one.

    So the log explains why nothing can be stored, without the text of an exception.
    """
    cause = error.__cause__
    code = getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None)
    return f"{type(error).__name__} ({code})" if code else type(error).__name__


def _error(info: Any) -> BaseException | None:
    if isinstance(info, BaseException):
        return info
    if isinstance(info, tuple):
        return info[1] if isinstance(info[1], BaseException) else None
    return sys.exc_info()[1] if info else None


def _lines(traceback: TracebackType | None) -> list[str]:
    lines = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        lines.append(f"{code.co_filename}:{traceback.tb_lineno} {code.co_name}")
        traceback = traceback.tb_next
    return lines
