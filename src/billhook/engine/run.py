"""The story of one run: fill, send, and make sure that what came is the document."""

from __future__ import annotations

import asyncio

from billhook.engine.answer import Document, interpret
from billhook.engine.command import Command, Values
from billhook.engine.errors import BillhookError
from billhook.engine.status import judge_status
from billhook.engine.trace import OK, Attempt, Timing, Trace
from billhook.engine.transport import Response, Transport

__all__ = ["Attempt", "Timing", "Trace", "run_command"]


async def run_command(
    command: Command, values: Values, *, transport: Transport, trace: Trace | None = None
) -> Document:
    """Fill *command* with *values*, send it, and return the document that it answered with.

    Every attempt on the wire is noted in *trace*, also those of a run that fails. The caller
    closes the document. Raises TokenError, EgressDenied, DocumentNotFound and SourceError; nothing
    is left open then.
    """
    trace = Trace() if trace is None else trace
    try:
        response = await _send_steps(command, values, transport, trace)
        document = _interpret_or_close(response, command)
    except BillhookError as error:
        trace.conclude(error.code)
        raise
    trace.conclude(OK)
    return document


async def _send_steps(
    command: Command, values: Values, transport: Transport, trace: Trace
) -> Response:
    """Send the steps in order, all before one deadline, and return the last one's answer."""
    deadline = asyncio.get_running_loop().time() + command.limits.timeout
    response: Response | None = None
    for step in command.steps:
        if response is not None:
            with response.body:
                judge_status(response.status)
        response = await transport.exchange(
            step.fill(values),
            limits=command.limits,
            redirects=command.redirects,
            deadline=deadline,
            trace=trace,
        )
    assert response is not None  # noqa: S101 - a command has a step from birth
    return response


def _interpret_or_close(response: Response, command: Command) -> Document:
    try:
        return interpret(response, command)
    except BillhookError:
        response.body.close()
        raise
