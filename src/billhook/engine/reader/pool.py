"""Reads responses: at once where that is proven to be quick, else in a reader process."""

from __future__ import annotations

import asyncio
import atexit
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, Generic, TypeVar, cast

from billhook.engine.answer.content import Content
from billhook.engine.answer.effort import Weighed, is_quick
from billhook.engine.body import Body, adopt, collect, open_unnamed
from billhook.engine.errors import NoRoom, SourceTimeout, SourceTooComplex
from billhook.engine.isolation.fair_shares import FairShares
from billhook.engine.reader.limits import PLACES
from billhook.engine.reader.messages import BrokenResult, Request, pack_request, unpack_result
from billhook.engine.reader.reader_process import COMMAND, BeyondLimits, ReaderProcess
from billhook.engine.tokens.values import Values

_Result = TypeVar("_Result")
_log = logging.getLogger("billhook.reader")
_NO_PROCESS: Final = (
    "The server can't start the process that reads responses. Tell the administrator."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection(Generic[_Result]):
    """Work on a response: a function that can be pickled, of its content and of values.

    Of the *values*, it gets those that *plan* names.
    """

    work: Callable[[Content, Values], _Result]
    content: Content
    values: Values
    plan: Weighed

    @property
    def is_quick(self) -> bool:
        """Whether the plan's weight proves that it is quick."""
        return is_quick(self.plan.weight, self.content)

    def now(self) -> _Result:
        """Do the work here and now."""
        try:
            return self.work(self.content, self.values)
        except RecursionError:
            raise SourceTooComplex from None

    def request(self) -> bytes:
        """Return what a reader process needs, except the body."""
        given = self.values.given
        return pack_request(
            Request(
                work=self.work,
                status=self.content.status,
                headers=tuple((str(name), str(value)) for name, value in self.content.headers),
                address=self.content.address.partition("?")[0],  # a query may hold a key
                given={name: given[name] for name in self.plan.tokens if name in given},
            )
        )


class Readers:
    """The reader processes of this process, started when they are first needed.

    Work that isn't proven to be quick is done in a process, which is killed at the *deadline* or
    beyond its limits; *share* names the organisation whose work it is. Raises what the work
    raises, SourceTimeout at the deadline, and SourceTooComplex beyond the limits.
    """

    def __init__(self, *, places: int = PLACES, command: Sequence[str] = COMMAND) -> None:
        self._shares = FairShares(places)
        self._command = command
        self._idle: list[ReaderProcess] = []
        self._ending: list[ReaderProcess] = []

    async def read(
        self, inspection: Inspection[_Result], *, deadline: float, share: str
    ) -> _Result:
        """Return the result of the work: a plain value, or named values."""
        if inspection.is_quick:
            return inspection.now()
        asking = self._ask(inspection, None, share)
        return cast("_Result", await _within(deadline, asking))

    async def unwrap(
        self, inspection: Inspection[Iterable[bytes]], *, deadline: float, share: str
    ) -> Body:
        """Return a body of the chunks that the work gives."""
        if inspection.is_quick:
            return collect(inspection.now())
        file = open_unnamed()
        try:
            await _within(deadline, self._ask(inspection, file, share))
            return adopt(file)
        except BaseException:
            file.close()
            raise

    async def _ask(self, inspection: Inspection[Any], file: BinaryIO | None, share: str) -> bytes:
        async with self._shares.place(share):
            process = self._take()
            try:
                result = await _ask(process, inspection, file)
            except BaseException:
                process.end()
                self._ending.append(process)
                raise
            self._idle.append(process)
            return result

    def _take(self) -> ReaderProcess:
        self._ending = [process for process in self._ending if not process.is_gone()]
        while self._idle:
            process = self._idle.pop()
            if process.is_running:
                return process
            process.kill()
        try:
            return ReaderProcess(self._command)
        except OSError:
            raise NoRoom(_NO_PROCESS) from None

    def close(self) -> None:
        """Kill all processes."""
        for process in (*self._idle, *self._ending):
            process.kill()
        self._idle, self._ending = [], []


async def _within(deadline: float, asking: Awaitable[bytes]) -> Any:
    try:
        async with asyncio.timeout_at(deadline):
            return unpack_result(await asking)
    except TimeoutError:
        raise SourceTimeout("reading") from None
    except BeyondLimits:
        raise SourceTooComplex from None
    except BrokenResult as broken:
        _log.warning("a response could not be read: %s", str(broken) or "its process ended")
        raise SourceTooComplex from None


async def _ask(process: ReaderProcess, inspection: Inspection[Any], file: BinaryIO | None) -> bytes:
    """Hand over the response: its bytes if they are in memory, else its file."""
    body = inspection.content.body
    held = body.descriptor
    files = [each for each in (held, file.fileno() if file else None) if each is not None]
    return await process.ask(
        inspection.request(),
        body.read() if held is None else b"",
        files,
        has_file=held is not None,
    )


readers: Final = Readers()
"""Those that every run in this process uses."""
atexit.register(readers.close)
