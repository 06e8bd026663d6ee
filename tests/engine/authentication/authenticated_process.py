"""A process that gets documents with a refresh token stored in a file.

``python authenticated_process.py PORT FILE COUNT [after-save | while-saving]`` prints a
line for each document. With the last argument it kills itself at that point, like ``kill -9``.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from billhook.engine.authentication.compile import compile_authentication
from billhook.engine.authentication.factory import make_authenticator
from billhook.engine.authentication.file_token_store import FileTokenStore
from billhook.engine.authentication.token_store import IssuedTokens
from billhook.engine.authentication.transport import SignedTransport
from billhook.engine.config import AuthenticationConfig
from billhook.engine.egress.policy import EgressPolicy
from billhook.engine.egress.url import Origin
from billhook.engine.errors import BillhookError
from billhook.engine.http.request import Limits, WebRequest
from billhook.engine.http.terms import RunTerms
from billhook.engine.http.trace import Trace
from billhook.engine.http.transport import HttpTransport
from billhook.engine.secret import Secret


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Mortal(FileTokenStore):
    """A token store whose process dies at a bad time."""

    moment = ""

    async def save(self, tokens: IssuedTokens) -> None:
        if self.moment == "while-saving":
            Path.replace = lambda *_: die()  # type: ignore[assignment]
        await super().save(tokens)
        if self.moment == "after-save":
            die()


async def main(port: int, path: Path, count: int) -> int:
    origin = Origin(scheme="http", host="127.0.0.1", port=port)
    config = AuthenticationConfig(
        scheme="oauth2-refresh-token",
        fields={
            "token_url": f"{origin}/token",
            "client_id": "billhook & co",
            "client_secret": "{{ClientSecret}}",
            "refresh_token": "{{First}}",
        },
    )
    secrets = {"ClientSecret": Secret("s3cret:%+/="), "First": Secret("refresh-0")}
    plan = compile_authentication(config, variables={}, secrets=secrets)
    authenticator = make_authenticator(plan, secrets, token_store=Mortal(path))
    async with HttpTransport(EgressPolicy.from_texts(allow=[f"127.0.0.1:{port}"])) as http:
        transport = SignedTransport(http, authenticator=authenticator, origins=frozenset({origin}))
        try:
            for number in range(count):
                await get(transport, origin, f"/{number}")
        except BillhookError as error:
            print(error.code, getattr(error, "connect_again", None))  # noqa: T201 - the test reads
            return 1
        finally:
            await authenticator.close()
    return 0


async def get(transport: SignedTransport, origin: Origin, target: str) -> None:
    request = WebRequest(
        step="Get",
        method="GET",
        url=f"{origin}{target}",
        origin=origin,
        target=target,
        headers=(),
        body=None,
        carries_secret=False,
    )
    response = await transport.exchange(
        request,
        RunTerms(
            limits=Limits(timeout=30.0, max_bytes=1000),
            redirects="deny",
            deadline=asyncio.get_running_loop().time() + 30,
            trace=Trace(),
        ),
    )
    with response.body:
        print(response.status, response.body.read().decode(), flush=True)  # noqa: T201


if __name__ == "__main__":
    Mortal.moment = sys.argv[4] if len(sys.argv) > 4 else ""
    sys.exit(asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))))
