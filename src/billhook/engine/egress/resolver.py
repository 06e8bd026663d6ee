"""Looks up the addresses of a name that may be dialled: one lookup, every answer judged."""

from __future__ import annotations

import asyncio
import os
import socket  # noqa: TID251 - a lookup opens no socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import chain, zip_longest
from threading import Thread
from typing import Final, Protocol

from billhook.engine.egress.guard import judge_address
from billhook.engine.egress.policy import EgressPolicy
from billhook.engine.errors import DeniedPlace, NoFiles, SourceTimeout, SourceUnreachable, denied

LOOKUP_THREADS: Final = 4
"""Lookups of one resolver that run at the same time, each in a thread of its own."""


class Resolver(Protocol):
    """A source of addresses for names: the seam at which a test supplies its own."""

    async def resolve(self, name: str) -> Sequence[str]:
        """Return the texts of all addresses of *name*, best first; OSError when there are none.

        A dot at the end of *name* means that no search domain may be tried.
        """
        ...


async def look_up(
    host: str, port: int, *, resolver: Resolver, policy: EgressPolicy, within: float
) -> tuple[str, ...]:
    """Return the addresses of *host* that may be dialled for *port*, in the order to try them.

    One bad answer refuses the name, since anyone who mixes 127.0.0.1 into a name's answers means
    harm. Raises EgressDenied, SourceUnreachable, or SourceTimeout when *within* seconds are over.
    """
    name = _name_to_ask(host, port, policy)
    try:
        async with asyncio.timeout(within):
            answers = await resolver.resolve(name)
    except TimeoutError:
        raise SourceTimeout("lookup") from None
    except OSError as error:
        if NoFiles.explains(error):
            raise NoFiles from None
        is_unanswered = error.errno == socket.EAI_AGAIN
        raise SourceUnreachable("lookup-failed" if is_unanswered else "name-unknown") from None
    return judge_answers(answers, host=host, port=port, policy=policy)


def _name_to_ask(host: str, port: int, policy: EgressPolicy) -> str:
    """Make the name absolute, so that no search domain turns it into a neighbour's name.

    A host that the operator allows is asked for as it was written: it may be in the hosts file,
    which knows no absolute names, or be a container's name.
    """
    return host if policy.allowance(host, port) is not None else f"{host}."


def judge_answers(
    answers: Sequence[str], *, host: str, port: int, policy: EgressPolicy
) -> tuple[str, ...]:
    """Return *answers* without repeats and with the families in turn, if all are allowed."""
    addresses = tuple(dict.fromkeys(answers))
    for address in addresses:
        verdict = judge_address(address, host=host, port=port, policy=policy)
        if not verdict.allowed:
            raise denied(verdict, DeniedPlace(host=host, port=port))
    if not addresses:
        raise SourceUnreachable("name-unknown")
    return _families_in_turn(addresses)


def _families_in_turn(addresses: tuple[str, ...]) -> tuple[str, ...]:
    """Alternate IPv6 and IPv4, so that one broken family costs one attempt (RFC 8305, 4)."""
    first_is_ipv6 = ":" in addresses[0]
    first = [address for address in addresses if (":" in address) is first_is_ipv6]
    second = [address for address in addresses if (":" in address) is not first_is_ipv6]
    turns = chain.from_iterable(zip_longest(first, second))
    return tuple(address for address in turns if address is not None)


def ask_system(name: str) -> list[str]:
    """Ask the operating system for the addresses of *name*, and wait for it."""
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except UnicodeError:  # a label that Python's own codec can't encode
        raise OSError("the name can't be looked up") from None
    except OSError:
        _try_to_open_a_file()
        raise
    return [str(address[0]) for *_, address in found]


def _try_to_open_a_file() -> None:
    """Raise OSError with EMFILE where no file can be opened: the C library doesn't say so."""
    os.close(os.open(os.devnull, os.O_RDONLY))


class SystemResolver:
    """The operating system's own lookup, in threads that wait for nobody.

    ``getaddrinfo`` can't be interrupted, and may block for half a minute. So each lookup has a
    daemon thread, at most LOOKUP_THREADS at a time for one resolver (one integration): a slow
    name holds up neither another integration nor the end of the process. Runs that want the same
    name at the same moment share one lookup; nothing is remembered after it. *ask* is the lookup
    that blocks.
    """

    def __init__(self, *, ask: Callable[[str], list[str]] = ask_system) -> None:
        self._ask = ask
        self._places = asyncio.Semaphore(LOOKUP_THREADS)
        self._running: dict[str, asyncio.Task[list[str]]] = {}

    async def resolve(self, name: str) -> list[str]:
        """Return all addresses of *name*; OSError when it is unknown."""
        task = self._running.get(name)
        if task is None:
            task = asyncio.create_task(self._look_up(name), name="billhook-lookup")
            self._running[name] = task
            task.add_done_callback(lambda done: self._forget(name, done))
        return await asyncio.shield(task)

    def _forget(self, name: str, task: asyncio.Task[list[str]]) -> None:
        self._running.pop(name, None)
        if not task.cancelled():
            task.exception()  # nobody may be left who wants to know

    async def _look_up(self, name: str) -> list[str]:
        """Wait for a place and for the answer. The place is given up only when the thread ends."""
        async with self._places:
            loop = asyncio.get_running_loop()
            answer: asyncio.Future[list[str]] = loop.create_future()
            Thread(target=self._ask_and_tell, args=(name, loop, answer), daemon=True).start()
            return await answer

    def _ask_and_tell(
        self, name: str, loop: asyncio.AbstractEventLoop, answer: asyncio.Future[list[str]]
    ) -> None:
        result: list[str] | OSError
        try:
            result = self._ask(name)
        except OSError as error:
            result = error
        with suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(_settle, answer, result)


def _settle(answer: asyncio.Future[list[str]], result: list[str] | OSError) -> None:
    if answer.done():
        return  # cancelled while we asked
    if isinstance(result, OSError):
        answer.set_exception(result)
    else:
        answer.set_result(result)
