"""A process that may open no more files says so, and doesn't blame the source."""

from __future__ import annotations

import asyncio
import errno
import os
import socket  # noqa: TID251 - as the pool makes sockets
from collections.abc import Callable

import pytest

from billhook.engine.egress import resolver
from billhook.engine.egress.policy import EgressPolicy
from billhook.engine.egress.resolver import SystemResolver, look_up
from billhook.engine.errors import NoFiles, SourceUnreachable
from billhook.engine.http.breaker import FAILURES, BreakerTransport, State
from billhook.engine.http.transport import HttpTransport
from billhook.engine.run import run_command
from engine.origins import always, answer, command, pdf, serving

BOTH_LOOPS = True


def refuse(code: int) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    return fail


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE], ids=["process", "machine"])
async def test_a_run_without_a_file_for_its_connection_fails_as_ours(
    monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    async with serving(always(answer(pdf()))) as source:
        door = HttpTransport(source.policy())
        breaker = BreakerTransport(door)
        get_invoice = command(f"{source.url}/")
        with monkeypatch.context() as patch:
            patch.setattr("billhook.engine.http.pool.socket.socket", refuse(code))
            for _ in range(FAILURES + 1):
                with pytest.raises(NoFiles):
                    await run_command(get_invoice, get_invoice.values({}), transport=breaker)
        assert breaker.state.state == State.CLOSED
        assert breaker.state.failures == 0
        document = await run_command(get_invoice, get_invoice.values({}), transport=breaker)
        assert document.size == 2000
        await door.close()


async def test_a_lookup_without_a_file_fails_as_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """The C library reports a name that can't be looked up for a while, and no more."""
    monkeypatch.setattr(resolver.socket, "getaddrinfo", _fail_to_look_up)
    monkeypatch.setattr(resolver.os, "open", refuse(errno.EMFILE))
    with pytest.raises(NoFiles):
        await looked_up()


async def test_a_name_that_is_unknown_is_still_the_sources(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(resolver.socket, "getaddrinfo", _fail_to_look_up)
    with pytest.raises(SourceUnreachable):
        await looked_up()


def _fail_to_look_up(*_: object, **__: object) -> None:
    raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")


async def looked_up() -> tuple[str, ...]:
    await asyncio.sleep(0)
    return await look_up(
        "billing.example", 443, resolver=SystemResolver(), policy=EgressPolicy(), within=5
    )
