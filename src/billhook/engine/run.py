"""The story of one run: fill, send, and make sure that what came is the document."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from billhook.engine.answer.document import Document, interpret
from billhook.engine.answer.reading import Reading
from billhook.engine.command.command import Command
from billhook.engine.command.step import Step
from billhook.engine.conversation import Conversation, Learn, Reply
from billhook.engine.delivery import deliver
from billhook.engine.errors import BillhookError, StillWorking
from billhook.engine.http.trace import OK, Trace
from billhook.engine.http.transport import Response, Transport
from billhook.engine.http_status import NOT_FOUND
from billhook.engine.tokens.values import Values

_PLAIN: Final = Reading()
"""How an answer is read about which nothing is configured."""


async def run_command(
    command: Command,
    values: Values,
    *,
    transport: Transport,
    trace: Trace | None = None,
    learn: Learn | None = None,
) -> Document:
    """Fill *command* with *values*, send it, and return the document that it answered with.

    Every attempt on the wire is noted in *trace*, also those of a run that fails. *learn* is told
    the values that are known after each step whose answer is read. The caller closes the document.
    Raises TokenError, EgressDenied, DocumentNotFound and SourceError, each with the step that
    failed; nothing is left open then.
    """
    trace = Trace() if trace is None else trace
    run = Conversation(command, transport, trace, learn)
    try:
        document = await _follow_steps(command.steps, values, run)
    except BillhookError as error:
        error.step = error.step or run.step
        trace.conclude(error.code)
        raise
    trace.conclude(OK)
    return document


async def _follow_steps(steps: tuple[Step, ...], values: Values, run: Conversation) -> Document:
    """Send the steps in order, all before one deadline; the last one's answer has the document."""
    last = steps[-1]
    if len(steps) > 1:
        values = await _send_all(steps[:-1], values, run)
    if last.reading is None:
        response = await run.send(last, run.derive(last, values))
        return _interpret_or_close(response, run.command)
    reply, values = await _ask(last, values, run)
    return await deliver(last, reply, values, run)


def _interpret_or_close(response: Response, command: Command) -> Document:
    try:
        return interpret(response, command.accept)
    except BillhookError:
        response.body.close()
        raise


async def _send_all(steps: Sequence[Step], values: Values, run: Conversation) -> Values:
    """Send *steps* in order, and return *values* with what they give."""
    for step in steps:
        reply, values = await _ask(step, values, run)
        reply.close()
    return values


async def _ask(step: Step, values: Values, run: Conversation) -> tuple[Reply, Values]:
    """Send *step*, judge the answer, and return it and *values* with what the step gives.

    A step that finds nothing may have others sent, which make what it looks for. Then it is sent
    once more.
    """
    values = run.derive(step, values)
    reading = step.reading or _PLAIN
    reply = await _send_until_ready(step, values, run, ends_if_missing=bool(step.on_not_found))
    makes = bool(step.on_not_found)
    if makes and await run.read(reply, reading.is_not_found, values):
        reply.close()
        await _send_all(step.on_not_found, values, run)
        reply = await _send_until_ready(step, values, run)
    given = await run.read(reply, reading.take, values, inside=reading.looks_inside)
    values = values.with_more({**values.given, **given})
    if run.learn is not None:
        run.learn(values)
    return reply, values


async def _send_until_ready(
    step: Step, values: Values, run: Conversation, *, ends_if_missing: bool = False
) -> Reply:
    """Send *step*; if it is to be repeated, until its answer is ready or can't become so.

    Raises StillWorking when it was sent as often as configured.
    """
    reply = await run.ask(step, values)
    repeat, reading = step.repeat, step.reading or _PLAIN
    if repeat is None:
        return reply
    is_over = partial(repeat.is_over, reading, ends_if_missing=ends_if_missing)
    for _ in range(repeat.times - 1):
        if await run.read(reply, is_over, values):
            return reply
        reply.close()
        await run.pause(repeat.pause)
        reply = await run.ask(step, values)
    if not await run.read(reply, is_over, values) and reply.content.status not in NOT_FOUND:
        reply.close()
        raise StillWorking
    return reply
