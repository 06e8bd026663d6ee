"""Tokens in the database: encrypted, bound to origins, renewed once, safe from kill -9."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from os import environ  # noqa: TID251 - a process gets it, with other settings
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import connection

import forked
from billhook.engine.authentication.token_store import IssuedTokens
from billhook.engine.errors import AuthenticationFailed
from billhook.engine.secret import Secret
from billhook.portal.installation import environment
from billhook.portal.integrations.crypto import KeyRingError
from billhook.portal.integrations.models import Integration, StoredTokens
from billhook.portal.integrations.secret_binding import SecretUse
from billhook.portal.integrations.token_store import DatabaseTokenStore
from billhook.portal.integrations.vault import rotate_secrets
from billhook.portal.organisations.models import Organisation
from engine.authorization_server import AuthorizationServer, authorization_server
from migrated import put_tables

PROGRAM = Path(__file__).with_name("token_process.py")
KILLED = -9
CANARY = "canary-token-71c0"
TOKENS = IssuedTokens(access=Secret(CANARY), expires_at=1.0, refresh=Secret("r"), source="s")
HERE = frozenset({SecretUse("https://billing.acme.example", "follow")})
THERE = frozenset({SecretUse("https://evil.example", "follow")})


@pytest.fixture
def row(transactional_db: None) -> Integration:
    return Integration.objects.create(
        organisation=Organisation.objects.create(name="Harper IT"), name="Acme billing"
    )


def token_store(
    row: Integration, *, uses: frozenset[SecretUse] = HERE, lease: float = 5.0
) -> DatabaseTokenStore:
    return DatabaseTokenStore(row, uses=uses, lease=lease)


@async_to_sync
async def save(token_store: DatabaseTokenStore, tokens: IssuedTokens = TOKENS) -> None:
    async with token_store.lock():
        await token_store.save(tokens)


def load(token_store: DatabaseTokenStore) -> IssuedTokens | None:
    return async_to_sync(token_store.load)()


def test_saved_tokens_are_loaded_by_every_process(row: Integration) -> None:
    assert load(token_store(row)) is None
    save(token_store(row))
    assert load(token_store(row)) == TOKENS


def test_the_database_contains_no_readable_token(row: Integration) -> None:
    save(token_store(row))
    stored = StoredTokens.objects.get()
    assert CANARY.encode() not in bytes(stored.ciphertext)
    assert CANARY not in str(StoredTokens.objects.values().get())


def test_tokens_are_not_loaded_for_another_address(row: Integration) -> None:
    save(token_store(row))
    assert load(token_store(row, uses=THERE)) is None
    assert load(token_store(row, uses=HERE | THERE)) is None


def test_tokens_saved_for_one_address_stay_valid_for_the_others(
    row: Integration,
) -> None:
    save(token_store(row, uses=HERE | THERE))
    save(token_store(row, uses=HERE))
    assert load(token_store(row, uses=HERE | THERE)) == TOKENS


def test_tokens_copied_into_another_row_cannot_be_read(row: Integration) -> None:
    save(token_store(row))
    other = Integration.objects.create(organisation=row.organisation, name="Other")
    stolen = StoredTokens.objects.get()
    StoredTokens.objects.create(
        integration=other, ciphertext=stolen.ciphertext, bound_to=stolen.bound_to
    )
    assert load(token_store(other)) is None


def test_no_tokens_are_saved_after_a_disconnection(row: Integration) -> None:
    before = token_store(row)
    Integration.objects.filter(id=row.id).update(connection=1)
    with pytest.raises(AuthenticationFailed, match="in the meantime"):
        save(before)
    assert load(before) is None


def test_a_deleted_integration_is_reported(row: Integration) -> None:
    of_row = token_store(row)
    Integration.objects.filter(id=row.id).delete()
    with pytest.raises(AuthenticationFailed, match="deleted"):
        save(of_row)


async def test_the_lock_excludes_others_without_blocking_the_loop(row: Integration) -> None:
    events: list[str] = []

    async def wait_for_it() -> None:
        async with token_store(row).lock():
            events.append("second")

    async with token_store(row).lock():
        waiting = asyncio.ensure_future(wait_for_it())
        for _ in range(3):
            await asyncio.sleep(0.06)
        events.append("first")
    await waiting
    assert events == ["first", "second"]


async def test_a_lease_is_extended_as_long_as_it_is_needed(row: Integration) -> None:
    async with token_store(row, lease=0.4).lock():
        await asyncio.sleep(1.0)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3), token_store(row, lease=0.4).lock():
                pass


async def test_the_lease_of_a_dead_process_ends_automatically(row: Integration) -> None:
    dead = token_store(row, lease=0.3)
    await sync_to_async(dead._take, thread_sensitive=False)("dead")
    async with token_store(row, lease=0.3).lock():
        pass


def test_a_rotation_of_the_keys_includes_tokens(row: Integration, tmp_path: Path) -> None:
    before = str(environment.current().data_dir)
    environment.put("BILLHOOK_DATA_DIR", str(tmp_path))
    try:
        save(token_store(row))
        old = bytes(StoredTokens.objects.get().ciphertext)
        assert rotate_secrets() == 1
        assert bytes(StoredTokens.objects.get().ciphertext)[:9] != old[:9]
        assert load(token_store(row)) == TOKENS
    except KeyRingError as error:  # pragma: no cover - the ring is in the new folder
        pytest.fail(str(error))
    finally:
        environment.put("BILLHOOK_DATA_DIR", before)


# Several processes


@pytest.fixture
def settings_of_process(transactional_db: None, tmp_path: Path) -> Mapping[str, str]:
    """The environment of the processes: a database of their own, or the tests' PostgreSQL."""
    kept = {name: value for name, value in environ.items() if not name.startswith("BILLHOOK_")}
    kept |= {"BILLHOOK_DATA_DIR": str(tmp_path), "BILLHOOK_LOG_LEVEL": "error"}
    if connection.vendor == "postgresql":
        url = urlsplit(environment.current().database_url)
        kept["BILLHOOK_DATABASE_URL"] = url._replace(
            path=f"/{connection.settings_dict['NAME']}"
        ).geturl()
    else:
        put_tables(tmp_path)
    return kept


class Processes:
    """Starts processes that use one database, and an authorisation server."""

    def __init__(self, server: AuthorizationServer, settings: Mapping[str, str]) -> None:
        self._server = server
        self._settings = {**settings, "BILLHOOK_ALLOW": f"127.0.0.1:{server.port}"}

    def start(self, count: int, moment: str = "") -> subprocess.Popen[str]:
        return forked.start(
            [sys.executable, PROGRAM, str(self._server.port), str(count), *filter(None, [moment])],
            env=self._settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    async def run(self, count: int, moment: str = "") -> tuple[int, list[str]]:
        process = self.start(count, moment)
        out, err = await asyncio.to_thread(process.communicate)
        assert err == ""
        return process.returncode, out.splitlines()


async def test_four_processes_renew_once(settings_of_process: Mapping[str, str]) -> None:
    async with authorization_server() as server:
        processes = Processes(server, settings_of_process)
        await processes.run(0)
        assert await processes.run(1) == (0, ["200 the document"])
        server.expire()
        ended = await asyncio.gather(*(processes.run(3) for _ in range(4)))
    assert ended == [(0, ["200 the document"] * 3)] * 4
    assert len(server.grants) == 2
    assert not server.reused


def killer_at(
    moment: str,
) -> tuple[list[subprocess.Popen[str]], Callable[..., Awaitable[None]]]:
    """Return where to put the process, and a hook that kills it at *moment*, once."""
    victims: list[subprocess.Popen[str]] = []

    async def hook(_server: Any, reached: str) -> None:
        if reached == moment and victims:
            victim = victims.pop()
            victim.kill()
            await asyncio.to_thread(victim.wait)
            raise ConnectionResetError

    return victims, hook


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param("token asked", id="as it asks for a token"),
        pytest.param("token used", id="as it uses the new token"),
    ],
)
async def test_after_a_process_was_killed_the_next_one_works(
    settings_of_process: Mapping[str, str], moment: str
) -> None:
    victims, hook = killer_at(moment)
    async with authorization_server() as server:
        processes = Processes(server, settings_of_process)
        await processes.run(0)
        await processes.run(1)
        server.expire()
        server.hook = hook
        victim = processes.start(1)
        victims.append(victim)
        out, _ = await asyncio.to_thread(victim.communicate)
        assert out == ""
        assert not victims
        assert await processes.run(2) == (0, ["200 the document"] * 2)
    assert not server.reused


async def test_new_tokens_are_saved_before_they_are_used(
    settings_of_process: Mapping[str, str],
) -> None:
    async with authorization_server() as server:
        processes = Processes(server, settings_of_process)
        await processes.run(0)
        assert await processes.run(1, "after-save") == (KILLED, [])
        assert server.served == []
        assert await processes.run(1) == (0, ["200 the document"])
    assert len(server.grants) == 1
