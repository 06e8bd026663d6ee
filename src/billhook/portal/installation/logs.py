"""The format of log lines: one event with constant keys, for people or for programs."""

from __future__ import annotations

import contextlib
import json
import logging
import logging.config
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Final, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_ENCODER: Final = json.JSONEncoder(default=repr)
_kept: ContextVar[dict[LineHandler, list[str]] | None] = ContextVar(
    "billhook_kept_lines", default=None
)


def configure(settings: dict[str, Any]) -> None:
    """Send our log lines and those of libraries the same way, to standard error."""
    shared = _shared()
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
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
            "handlers": {"stderr": {"()": LineHandler, "formatter": "line"}},
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
    return [_trace_below, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0)]


def _as_json(event: EventDict, **_: Any) -> str:
    return _ENCODER.encode(event)


class LineHandler(logging.StreamHandler[TextIO]):
    """Writes each line as it comes, or, within :func:`written_together`, many with one call."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line of *record*, or keep it for the end of the block."""
        kept = _kept.get()
        if kept is None:
            super().emit(record)
        else:
            kept.setdefault(self, []).append(self.format(record))

    def write_lines(self, lines: list[str]) -> None:
        """Write *lines* at once."""
        with self.lock or contextlib.nullcontext():
            self.stream.write("".join(f"{line}{self.terminator}" for line in lines))
            self.flush()


@contextlib.contextmanager
def written_together() -> Iterator[None]:
    """Write the lines that are logged within this block at its end, all at once.

    A busy server ends thousands of runs in a second; a write for each of their lines would cost
    more than making the lines.
    """
    kept: dict[LineHandler, list[str]] = {}
    token = _kept.set(kept)
    try:
        yield
    finally:
        _kept.reset(token)
        for handler, lines in kept.items():
            handler.write_lines(lines)


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
