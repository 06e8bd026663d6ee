"""What the steps of one run share: the way out, one deadline, the trace, and threads to read in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Final, TypeVar

from billhook.engine.answer.content import Content
from billhook.engine.command.command import Command
from billhook.engine.command.step import Step
from billhook.engine.errors import MissingValue, SourceTimeout, StillWorking, TokenError
from billhook.engine.http.request import Limits, WebRequest
from billhook.engine.http.terms import RunTerms
from billhook.engine.http.trace import Trace
from billhook.engine.http.transport import Response, Transport
from billhook.engine.tokens.values import Values

LARGE: Final = 200_000
"""Answers of more bytes are read in a thread, so that other runs go on meanwhile."""
_READERS: Final = ThreadPoolExecutor(max_workers=2, thread_name_prefix="billhook-answer")
"""Few, so that few large answers are in memory at the same time; the others wait in their files."""
_Result = TypeVar("_Result")
Learn = Callable[[Values], None]
"""Is told what is known after a step: for whoever looks at a try, and for nothing else."""


class Reply:
    """An answer, and its content for paths and conditions. Close its body."""

    __slots__ = ("content", "response")

    def __init__(self, response: Response) -> None:
        self.response = response
        self.content = Content(response.status, response.headers, response.body)

    def close(self) -> None:
        """Let go of the answer's bytes."""
        self.response.body.close()


class Conversation:
    """One run on the wire. ``step`` is the one that is under way."""

    __slots__ = ("command", "deadline", "learn", "step", "trace", "transport")

    def __init__(
        self, command: Command, transport: Transport, trace: Trace, learn: Learn | None = None
    ) -> None:
        self.command = command
        self.transport = transport
        self.trace = trace
        self.learn = learn
        self.deadline = asyncio.get_running_loop().time() + command.limits.timeout
        self.step = ""

    def derive(self, step: Step, values: Values) -> Values:
        """Begin *step*: return *values* with what it derives of them."""
        self.step = step.name
        if not step.derives:
            return values
        try:
            return step.derived(values)
        except TokenError as error:
            _blame_source(step, error)
            raise

    def send(self, step: Step, values: Values) -> Awaitable[Response]:
        """Fill *step* and send it. Raises MissingValue if a value out of an answer doesn't fit."""
        self.step = step.name
        try:
            request = step.fill(values)
        except TokenError as error:
            _blame_source(step, error)
            raise
        limits = self.command.limits
        if step.max_bytes is not None:
            limits = replace(limits, max_bytes=step.max_bytes)
        return self.exchange(request, limits)

    def exchange(self, request: WebRequest, limits: Limits) -> Awaitable[Response]:
        """Send *request*."""
        return self.transport.exchange(
            request,
            RunTerms(
                limits=limits,
                redirects=self.command.redirects,
                deadline=self.deadline,
                trace=self.trace,
            ),
        )

    async def ask(self, step: Step, values: Values) -> Reply:
        """Send *step* and return its answer, however it is."""
        return Reply(await self.send(step, values))

    async def pause(self, seconds: float) -> None:
        """Wait; raise StillWorking if the deadline would come first."""
        if asyncio.get_running_loop().time() + seconds >= self.deadline:
            raise StillWorking
        await asyncio.sleep(seconds)

    async def read(
        self,
        reply: Reply,
        work: Callable[[Content, Values], _Result],
        values: Values,
        *,
        inside: bool = True,
    ) -> _Result:
        """Return what *work* finds in the answer, which is closed if that fails.

        *inside* says that it looks into the body, which takes a thread if that is large.
        """
        content = reply.content
        try:
            if content.size <= LARGE or not inside:
                return work(content, values)
            return await self._apart(lambda: work(content, values))
        except BaseException:
            reply.close()
            raise

    async def _apart(self, work: Callable[[], _Result]) -> _Result:
        """Do *work* in a thread. It is waited for in any case: it must not read what is closed."""
        started = _READERS.submit(work)
        future = asyncio.wrap_future(started)
        try:
            async with asyncio.timeout_at(self.deadline):
                return await asyncio.shield(future)
        except TimeoutError:
            await _end(started, future)
            raise SourceTimeout("whole") from None
        except asyncio.CancelledError:
            await _end(started, future)
            raise


async def _end(started: Future[_Result], future: asyncio.Future[_Result]) -> None:
    """Give *started* up if it still waits for its turn; otherwise wait until it has ended."""
    if not started.cancel():
        await asyncio.wait([future])
        future.exception()  # so that asyncio doesn't complain that nobody asked for it


def _blame_source(step: Step, error: TokenError) -> None:
    """Raise MissingValue if it was an earlier answer that gave an unfit value, not the caller."""
    for problem in error.problems:
        token = step.step_token_of(problem)
        if token is not None:
            raise MissingValue(token, problem.message) from None
