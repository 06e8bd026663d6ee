"""A process of its own that gets documents with a refresh token kept in the database.

``python token_process.py PORT COUNT [after-save]``: it prints a line for each document. With the
last argument it kills itself, as ``kill -9`` would, at that moment. COUNT 0 only makes the
integration.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from billhook.engine.http.terms import RunTerms
from billhook.server.django_setup import set_up_django

set_up_django()

from billhook.engine.authentication.token_store import IssuedTokens  # noqa: E402
from billhook.engine.config import AuthenticationConfig, CommandConfig, StepConfig  # noqa: E402
from billhook.engine.egress.url import Origin  # noqa: E402
from billhook.engine.errors import BillhookError  # noqa: E402
from billhook.engine.http.request import Limits, WebRequest  # noqa: E402
from billhook.engine.http.trace import Trace  # noqa: E402
from billhook.engine.http.transport import Transport  # noqa: E402
from billhook.engine.secret import Secret  # noqa: E402
from billhook.portal.integrations import token_store  # noqa: E402
from billhook.portal.integrations.drafts import Draft, SecretEntry  # noqa: E402
from billhook.portal.integrations.services import create_integration  # noqa: E402
from billhook.portal.integrations.store import CommandStore  # noqa: E402
from billhook.portal.organisations.models import Organisation  # noqa: E402
from billhook.server.database import prepare_database  # noqa: E402

COMMAND = "GetInvoiceImage"
token_store.LEASE = 1.0  # type: ignore[misc] # so that nobody waits long after a process that died


def die_after_save() -> None:
    """End as soon as new tokens are saved."""
    save = token_store.DatabaseTokenStore.save

    async def save_and_die(self: token_store.DatabaseTokenStore, tokens: IssuedTokens) -> None:
        await save(self, tokens)
        os.kill(os.getpid(), signal.SIGKILL)

    token_store.DatabaseTokenStore.save = save_and_die  # type: ignore[method-assign]


def make(origin: Origin) -> None:
    """Make the integration."""
    prepare_database()
    authentication = AuthenticationConfig(
        scheme="oauth2-refresh-token",
        fields={
            "token_url": f"{origin}/token",
            "client_id": "billhook & co",
            "client_secret": "{{ClientSecret}}",
            "refresh_token": "{{First}}",
        },
    )
    create_integration(
        organisation=Organisation.objects.create(name="Acme"),
        draft=Draft(
            name="Tokens",
            secrets=(
                SecretEntry(name="ClientSecret", value=Secret("s3cret:%+/=")),
                SecretEntry(name="First", value=Secret("refresh-0")),
            ),
            authentication=authentication,
            commands=(CommandConfig(name=COMMAND, steps=(StepConfig(url=f"{origin}/document"),)),),
        ),
    )


async def get_all(origin: Origin, count: int) -> int:
    """Get *count* documents, all at once."""
    store = CommandStore()
    await store.start()
    organisation = await Organisation.objects.aget(name="Acme")
    (live,) = [each async for each in store.sources_of(organisation.id, COMMAND)]
    try:
        await asyncio.gather(*(get(live.transport, origin) for _ in range(count)))
    except BillhookError as error:
        print(error.code, getattr(error, "connect_again", None))  # noqa: T201 - the test reads
        return 1
    finally:
        await store.stop(seconds=60)
    return 0


async def get(transport: Transport, origin: Origin) -> None:
    """Get one document."""
    response = await transport.exchange(
        WebRequest(
            step="Get",
            method="GET",
            url=f"{origin}/document",
            origin=origin,
            target="/document",
            headers=(),
            body=None,
            carries_secret=False,
        ),
        RunTerms(
            limits=Limits(timeout=60.0, max_bytes=1000),
            redirects="deny",
            deadline=asyncio.get_running_loop().time() + 60,
            trace=Trace(),
        ),
    )
    with response.body:
        print(response.status, response.body.read().decode(), flush=True)  # noqa: T201


if __name__ == "__main__":
    at = Origin(scheme="http", host="127.0.0.1", port=int(sys.argv[1]))
    if len(sys.argv) > 3:
        die_after_save()
    sys.exit(asyncio.run(get_all(at, int(sys.argv[2]))) if int(sys.argv[2]) else make(at))
