"""Tokens in a file: intact after every crash, for one process at a time, private to their owner."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from billhook.engine.authentication.file_token_store import FileTokenStore
from billhook.engine.authentication.token_store import IssuedTokens
from billhook.engine.errors import AuthenticationFailed
from billhook.engine.secret import Secret
from engine.authorization_server import AuthorizationServer, authorization_server

PROGRAM = Path(__file__).with_name("authenticated_process.py")
KILLED = -9
TOKENS = IssuedTokens(access=Secret("a"), expires_at=1.0, refresh=Secret("r"), source="s")


async def start(
    server: AuthorizationServer, path: Path, count: int = 1, moment: str = ""
) -> asyncio.subprocess.Process:
    arguments = [str(PROGRAM), str(server.port), str(path), str(count)]
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        *([moment] if moment else []),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def run(
    server: AuthorizationServer, path: Path, count: int = 1, moment: str = ""
) -> tuple[int | None, list[str]]:
    process = await start(server, path, count, moment)
    out, err = await process.communicate()
    assert err == b"", err.decode()
    return process.returncode, out.decode().splitlines()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# Killed at a bad moment


def killer_at(
    moment: str,
) -> tuple[list[asyncio.subprocess.Process], Callable[..., Awaitable[None]]]:
    """Return where to put the process, and a hook that kills it at *moment*, once."""
    victims: list[asyncio.subprocess.Process] = []

    async def hook(server: AuthorizationServer, reached: str) -> None:
        if reached == moment and victims:
            victim = victims.pop()
            victim.kill()
            await victim.wait()
            raise ConnectionResetError

    return victims, hook


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param("token asked", id="as it asks for a token"),
        pytest.param("token used", id="as it uses the new token"),
    ],
)
async def test_after_a_process_was_killed_the_next_one_works(tmp_path, moment):
    path = tmp_path / "tokens"
    victims, hook = killer_at(moment)
    async with authorization_server() as server:
        assert await run(server, path) == (0, ["200 the document"])
        server.expire()
        server.hook = hook
        victims.append(await start(server, path))
        out, _ = await victims[0].communicate()
        assert out == b""
        assert not victims
        for _ in range(2):
            server.expire()
            assert await run(server, path, 2) == (0, ["200 the document"] * 2)
    assert not server.reused


async def test_after_a_process_was_killed_right_after_saving_the_next_one_works(tmp_path):
    path = tmp_path / "tokens"
    async with authorization_server() as server:
        assert await run(server, path, 1, "after-save") == (KILLED, [])
        assert server.served == []
        assert await run(server, path) == (0, ["200 the document"])
        assert len(server.grants) == 1
        server.expire()
        assert await run(server, path, 1, "after-save") == (KILLED, [])
        assert await run(server, path) == (0, ["200 the document"])
    assert len(server.grants) == 2
    assert not server.reused


async def test_a_process_killed_while_saving_leaves_an_intact_file_and_a_clear_error(tmp_path):
    """The server has used up the old token and nobody has the new one: a person must help."""
    path = tmp_path / "tokens"
    async with authorization_server() as server:
        await run(server, path)
        before = path.read_bytes()
        server.expire()
        assert await run(server, path, 1, "while-saving") == (KILLED, [])
        assert path.read_bytes() == before
        assert await run(server, path) == (1, ["sign-in-failed True"])


async def test_four_processes_with_one_file_renew_once(tmp_path):
    path = tmp_path / "tokens"
    async with authorization_server() as server:
        await run(server, path)
        server.expire()
        ended = await asyncio.gather(*(run(server, path, 3) for _ in range(4)))
    assert ended == [(0, ["200 the document"] * 3)] * 4
    assert len(server.grants) == 2
    assert not server.reused


# The file


async def test_saved_tokens_are_loaded_and_only_their_owner_can_read_them(tmp_path):
    token_store = FileTokenStore(tmp_path / "tokens")
    old = os.umask(0)
    try:
        assert await token_store.load() is None
        async with token_store.lock():
            await token_store.save(TOKENS)
    finally:
        os.umask(old)
    assert await token_store.load() == TOKENS
    assert {path.name: mode(path) for path in tmp_path.iterdir()} == {
        "tokens": 0o600,
        "tokens.lock": 0o600,
    }


async def test_a_file_that_everyone_could_read_becomes_private(tmp_path):
    path = tmp_path / "tokens"
    path.write_text(TOKENS.to_text())
    path.chmod(0o644)
    await FileTokenStore(path).save(TOKENS)
    assert mode(path) == 0o600


async def test_the_lock_excludes_others_without_blocking_the_loop(tmp_path):
    first, second = (FileTokenStore(tmp_path / "tokens") for _ in range(2))
    events: list[str] = []

    async def wait_for_it() -> None:
        async with second.lock():
            events.append("second")

    async with first.lock():
        waiting = asyncio.ensure_future(wait_for_it())
        for _ in range(3):
            await asyncio.sleep(0.03)
        events.append("first")
    await waiting
    assert events == ["first", "second"]


async def test_a_task_that_stops_waiting_for_the_lock_leaves_it_free(tmp_path):
    token_store = FileTokenStore(tmp_path / "tokens")
    async with token_store.lock():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05), FileTokenStore(tmp_path / "tokens").lock():
                pass
    async with token_store.lock():
        pass


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b'{"access": 1}'])
async def test_a_file_without_tokens_is_reported_and_not_overwritten(tmp_path, content):
    path = tmp_path / "tokens"
    path.write_bytes(content)
    with pytest.raises(AuthenticationFailed, match="token file"):
        await FileTokenStore(path).load()
    assert path.read_bytes() == content


async def test_a_missing_folder_is_reported(tmp_path):
    token_store = FileTokenStore(tmp_path / "missing" / "tokens")
    assert await token_store.load() is None
    with pytest.raises(AuthenticationFailed, match="can't be opened"):
        async with token_store.lock():
            pass
    with pytest.raises(AuthenticationFailed, match="can't be"):
        await token_store.save(TOKENS)


async def test_a_symbolic_link_is_not_followed(tmp_path):
    target = tmp_path / "elsewhere"
    target.write_text("keep me")
    (tmp_path / "tokens.new").symlink_to(target)
    with pytest.raises(AuthenticationFailed):
        await FileTokenStore(tmp_path / "tokens").save(TOKENS)
    assert target.read_text() == "keep me"
