"""The output of the command line: one JSON object, or lines for people, failures on stderr."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sys
import traceback
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import click

from billhook.engine.egress.lifting import allowance_that_lifts
from billhook.engine.errors import (
    REDIRECT,
    RESPONSE,
    URL,
    BillhookError,
    EgressDenied,
    Problem,
    SourceRedirected,
)
from billhook.server.errors import Refusal

USAGE_STATUS: Final = 2
INTERNAL_STATUS: Final = 1
INTERRUPTED_STATUS: Final = 130
NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
"""The system's errors when a disk, or a quota, is full."""


_CAME_FROM: Final = {
    REDIRECT: "A redirect leads there.",
    RESPONSE: "The address is in the source's response.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """The reason why the command line failed, as it is reported. ``status`` is the exit status.

    ``hint`` shows people how the command is used; JSON leaves it out.
    """

    status: int
    code: str
    message: str
    hint: str = ""
    where: str = ""
    reason: str = ""
    allow: str = ""
    step: str = ""
    problems: tuple[Problem, ...] = ()


def failure_of(error: BillhookError) -> Failure:
    """Return *error* as a failure. Of several problems, the first gives code and place."""
    problems = tuple(_as_told_here(problem) for problem in getattr(error, "problems", ()))
    first = problems[0] if problems else None
    allow = _allowance(error)
    advice = f" To allow it here, add: --allow {allow}" if allow else ""
    return Failure(
        status=error.exit_status,
        code=first.code if first else error.code,
        message=first.message if first else error.public_message + _denied_address(error) + advice,
        where=first.where if first else "",
        reason=_reason_of(error),
        allow=allow,
        step=error.step,
        problems=problems,
    )


def _as_told_here(problem: Problem) -> Problem:
    """Explain how to give a missing secret here: the engine only knows that it isn't stored."""
    beginning, _, name = problem.where.rpartition(".")
    if problem.code != "missing-secret" or beginning != "tokens":
        return problem
    return replace(
        problem,
        message=f"No value is given for the secret {name}. Give it with "
        f"--secret {name}=env:VARIABLE or --secret {name}=file:PATH.",
    )


def _denied_address(error: BillhookError) -> str:
    """Return which address was denied, and where it came from.

    An address out of a redirect or a response isn't shown: the source may repeat a secret in it.
    """
    if not isinstance(error, EgressDenied):
        return ""
    if error.came_from != URL:
        return f" {_CAME_FROM[error.came_from]}"
    return f" It is {error.place.host}:{error.place.port}, in the URL." if error.place else ""


def _allowance(error: BillhookError) -> str:
    """Return what ``--allow`` takes to lift a denial, or an empty text where nothing lifts it."""
    if not isinstance(error, EgressDenied) or error.place is None or error.came_from != URL:
        return ""
    return allowance_that_lifts(error.verdict, host=error.place.host, port=error.place.port)


def _reason_of(error: BillhookError) -> str:
    if isinstance(error, EgressDenied | SourceRedirected) and error.verdict is not None:
        return error.verdict.reason
    return ""


def as_failure(error: Exception) -> Failure:
    """Return the failure for whatever a command has raised."""
    match error:
        case BillhookError():
            return failure_of(error)
        case Refusal():
            return refused(error)
        case click.ClickException():
            return usage_failure(error)
        case OSError() if error.errno in NO_ROOM:
            return no_room_failure(error)
        case _:
            return internal_failure(error)


def usage_failure(error: click.ClickException) -> Failure:
    """Return the failure of arguments that click refused."""
    hint = ""
    if isinstance(error, click.UsageError) and error.ctx is not None:
        hint = f"{error.ctx.get_usage()}\nFor help: {error.ctx.command_path} --help"
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        hint = ""  # its message is the help
    return Failure(status=USAGE_STATUS, code="usage", message=error.format_message(), hint=hint)


def refused(error: Refusal) -> Failure:
    """Return the failure of a command that can't do what it was asked to do."""
    return Failure(status=USAGE_STATUS, code=error.code, message=str(error), where=error.where)


def interruption() -> Failure:
    """Return the failure of a command that can't do what it was asked to do."""
    return Failure(status=INTERRUPTED_STATUS, code="interrupted", message="Stopped.")


def no_room_failure(error: OSError) -> Failure:
    """Return the failure of an output, or a temporary file, for which the disk has no room."""
    return Failure(
        status=USAGE_STATUS,
        code="no-room",
        message=f"There is no room to write ({error.strerror}). Make room, or write elsewhere.",
    )


def internal_failure(error: Exception) -> Failure:
    """Return the failure for a fault of ours: its kind and place, never its text."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}"
    return Failure(
        status=INTERNAL_STATUS,
        code="internal",
        message=f"Something went wrong inside Billhook ({place}). Please report it.",
    )


def tell_failure(failure: Failure, *, as_json: bool) -> None:
    """Print *failure*: as an object on standard output, or for people on standard error.

    If standard output accepts nothing any more, the failure is still reported to people.
    """
    if as_json:
        try:
            tell_json({"ok": False, "error": failure_object(failure)})
        except BrokenPipeError:
            return
        except OSError:
            settle_output()
        else:
            return
    step = f"Step {failure.step}: " if failure.step else ""
    lines = [describe(problem) for problem in failure.problems] or [step + failure.message]
    for line in filter(None, [*lines, failure.hint]):
        click.echo(printable(line), err=True)


def failure_object(failure: Failure) -> dict[str, Any]:
    """Return *failure* as it appears in JSON: code, message, where, and all problems."""
    result: dict[str, Any] = {
        "code": failure.code,
        "message": " ".join(failure.message.split()),
        "where": failure.where,
    }
    if failure.step:
        result["step"] = failure.step
    if failure.reason:
        result["reason"] = failure.reason
    if failure.allow:
        result["allow"] = failure.allow
    if failure.problems:
        result["problems"] = [problem_object(problem) for problem in failure.problems]
    return result


def problem_object(problem: Problem) -> dict[str, Any]:
    """Return *problem* as it appears in JSON, without empty parts."""
    result = {"code": problem.code, "message": problem.message, "where": problem.where}
    extras = {name: getattr(problem, name) for name in ("line", "start", "end", "suggestion")}
    return result | {name: value for name, value in extras.items() if value is not None}


def describe(problem: Problem) -> str:
    """Return *problem* as one line for people: its place, then its message."""
    line = f"line {problem.line}" if problem.line else ""
    place = ", ".join(filter(None, (line, problem.where)))
    if not place or problem.message.startswith(f"{place}:"):  # a setting's own message names it
        return problem.message
    return f"{place}: {problem.message}"


def tell_json(value: dict[str, Any]) -> None:
    """Print one object on standard output, in ASCII, so that any terminal's encoding holds it."""
    if sys.stdout is None:  # the parent process has closed it
        raise BrokenPipeError
    sys.stdout.write(json.dumps(value, ensure_ascii=True) + "\n")
    sys.stdout.flush()


def settle_output() -> None:
    """Drop what standard output doesn't take, or Python would fail on it at its own end."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError, AttributeError):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stdout.fileno())
            os.close(nowhere)


def tell_notes(notes: tuple[Problem, ...]) -> None:
    """Print remarks that block nothing on standard error."""
    for note in notes:
        click.echo(printable(f"Note: {describe(note)}"), err=True)


def printable(text: str) -> str:
    """Return *text* with control characters spelled out, so that no file steers a terminal."""
    return "".join(
        character if character.isprintable() or character in "\n\t" else ascii(character)[1:-1]
        for character in text
    )
