"""The story of one run: fill, send, read, and verify that the response has the document."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import TypeVar

from billhook.engine.answer.document import Document
from billhook.engine.answer.effort import joined
from billhook.engine.answer.reading import PLAIN
from billhook.engine.answer.status import judge_status
from billhook.engine.command.command import Command
from billhook.engine.command.step import Step
from billhook.engine.conversation import Conversation, ReadableResponse
from billhook.engine.delivery import deliver
from billhook.engine.errors import BillhookError, StillWorking
from billhook.engine.http.terms import RunTerms
from billhook.engine.http.trace import OK, Trace
from billhook.engine.http.transport import Transport
from billhook.engine.http_status import NOT_FOUND
from billhook.engine.tokens.values import Given, Values

_Result = TypeVar("_Result")
Learn = Callable[[Values], None]
"""Receives the values that are known after a step, to show them after a test run."""


async def run_command(
    command: Command,
    values: Values,
    *,
    transport: Transport,
    trace: Trace | None = None,
    learn: Learn | None = None,
    share: str = "",
) -> Document:
    """Fill *command* with *values*, send it, and return the document in the response.

    *trace* takes every attempt on the wire, also those of a run that fails. *learn* receives the
    values that are known after each step whose response is read. *share* names the organisation
    whose run it is, where several have runs in one process. The caller closes the document.
    Raises TokenError, EgressDenied, DocumentNotFound and SourceError, each with the step that
    failed; nothing is left open then.
    """
    conversation = _conversation(command, transport, trace, share)
    run = _CommandRun(conversation, command.accept, learn)
    return await _concluded(run, run.document(command.steps, values), conversation)


async def run_for_values(
    command: Command,
    values: Values,
    *,
    transport: Transport,
    trace: Trace | None = None,
    learn: Learn | None = None,
    share: str = "",
) -> Values:
    """Fill *command*, send it, and return *values* with those that it extracts; see run_command.

    It is for a command whose responses have values that are wanted, and no document.
    """
    conversation = _conversation(command, transport, trace, share)
    run = _CommandRun(conversation, command.accept, learn)
    return await _concluded(run, run.send_all(command.steps, values), conversation)


def _conversation(
    command: Command, transport: Transport, trace: Trace | None, share: str
) -> Conversation:
    """Return a conversation that begins now, on the terms of *command*."""
    terms = RunTerms(
        limits=command.limits,
        redirects=command.redirects,
        deadline=asyncio.get_running_loop().time() + command.limits.timeout,
        trace=Trace() if trace is None else trace,
        share=share,
        command=command.name,
    )
    return Conversation(transport, terms)


async def _concluded(
    run: _CommandRun, work: Coroutine[None, None, _Result], conversation: Conversation
) -> _Result:
    """Await *work* of *run*, and note in the trace how it ended."""
    trace = conversation.terms.trace
    try:
        result = await work
    except BillhookError as failure:
        error = _explained(run, failure, conversation)
        trace.conclude(error.code)
        raise error from None
    trace.conclude(OK)
    return result


def _explained(
    run: _CommandRun, failure: BillhookError, conversation: Conversation
) -> BillhookError:
    """Return the error that *failure* is to people, with the step in which it happened."""
    error = conversation.explained(failure)
    error.step = error.step or run.step
    return error


async def run_first_steps(
    steps: Sequence[Step], values: Values, conversation: Conversation
) -> Values:
    """Send *steps* in order, and return *values* with those that they extract."""
    run = _CommandRun(conversation, (), None)
    try:
        return await run.send_all(steps, values)
    except BillhookError as failure:
        raise _explained(run, failure, conversation) from None


def _given_by(response: ReadableResponse, given: Mapping[str, Given]) -> dict[str, Given]:
    """Return *given* with the origin of *response*: where a link may lead depends on it."""
    origin = response.response.origin
    return {name: each._replace(given_by=origin) for name, each in given.items()}


class _CommandRun:
    """One run in progress, its methods in the order of the story.

    ``step`` is the name of the step whose turn it is.
    """

    __slots__ = ("_accept", "_conversation", "_learn", "step")

    def __init__(
        self, conversation: Conversation, accept: tuple[str, ...], learn: Learn | None
    ) -> None:
        self._conversation = conversation
        self._accept = accept
        self._learn = learn
        self.step = ""

    async def document(self, steps: Sequence[Step], values: Values) -> Document:
        """Send *steps* in order; the document is in the last one's response, or it leads there."""
        last = steps[-1]
        if len(steps) > 1:
            values = await self.send_all(steps[:-1], values)
        if last.reading is None:
            return await self._plain_document(last, values)
        response, values = await self._send_and_read(last, values)
        return await deliver(last, response, values, self._conversation, accept=self._accept)

    async def _plain_document(self, step: Step, values: Values) -> Document:
        """Send *step*, whose response is the document itself, and return it."""
        self.step = step.name
        request = step.fill(step.begin(values))
        response = await self._conversation.send(request, max_bytes=step.max_bytes)
        try:
            judge_status(response.status)
        except BillhookError:
            response.body.close()
            raise
        readable = ReadableResponse(response)
        return await deliver(step, readable, values, self._conversation, accept=self._accept)

    async def send_all(self, steps: Sequence[Step], values: Values) -> Values:
        """Send *steps* in order, and return *values* with those that they extract."""
        for step in steps:
            response, values = await self._send_and_read(step, values)
            response.close()
        return values

    async def _send_and_read(self, step: Step, values: Values) -> tuple[ReadableResponse, Values]:
        """Send *step*, judge its response, and return it with *values* and those it extracts.

        If a step finds nothing, it may have others sent that create the missing thing. Then it is
        sent once more.
        """
        self.step = step.name
        values = step.begin(values)
        response = await self._send_until_ready(step, values)
        read, reading = self._conversation.read, step.reading or PLAIN
        creates = bool(step.on_not_found)
        plan = joined(*reading.not_found_when)
        if creates and await read(response, reading.is_not_found, values, plan):
            response.close()
            await self.send_all(step.on_not_found, values)
            self.step = step.name
            response = await self._send_until_ready(step, values, is_retry=True)
        plan = reading.plan_for(response.content.status)
        given = await read(response, reading.take, values, plan)
        values = values.with_more({**values.given, **_given_by(response, given)})
        if self._learn is not None:
            self._learn(values)
        return response, values

    async def _send_until_ready(
        self, step: Step, values: Values, *, is_retry: bool = False
    ) -> ReadableResponse:
        """Send *step*; a repeated one until its response is ready or can't become so.

        Raises StillWorking when it was sent as often as configured.
        """
        response = await self._send(step, values)
        read, repeat = self._conversation.read, step.repeat
        if repeat is None:
            return response
        may_end = bool(step.on_not_found) and not is_retry
        reading = step.reading or PLAIN
        is_over = partial(repeat.is_over, reading, ends_if_missing=may_end)
        plan = joined(*repeat.when, *reading.not_found_when)
        for _ in range(repeat.times - 1):
            if await read(response, is_over, values, plan):
                return response
            response.close()
            await self._conversation.pause(repeat.pause)
            response = await self._send(step, values)
        if await read(response, is_over, values, plan) or response.content.status in NOT_FOUND:
            return response
        response.close()
        raise StillWorking

    async def _send(self, step: Step, values: Values) -> ReadableResponse:
        """Fill *step* and send it once."""
        request = step.fill(values)
        return ReadableResponse(await self._conversation.send(request, max_bytes=step.max_bytes))
