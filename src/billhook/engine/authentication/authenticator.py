"""Authenticators: they add an integration's credentials to its requests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from billhook.engine.http.request import WebRequest
from billhook.engine.secret import Secret

if TYPE_CHECKING:
    from billhook.engine.http.trace import Trace
    from billhook.engine.http.transport import Response, Transport


STEP: Final = "authentication"
"""The name of authentication's own requests in a trace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """The transport for requests of the authentication's own, and the run that waits for them."""

    transport: Transport
    deadline: float
    trace: Trace
    share: str = ""


class SignedRequest(NamedTuple):
    """A request with its credential added. ``credential`` is None if it can't be renewed."""

    request: WebRequest
    credential: object | None


class Authenticator(Protocol):
    """Authenticates all requests of one integration, with the values of its secrets."""

    async def sign(
        self, request: WebRequest, channel: Channel, *, refused: object | None = None
    ) -> SignedRequest:
        """Return *request* signed. *refused* is a credential that the source didn't accept.

        Raises AuthenticationFailed if there is no other credential to be obtained.
        """
        ...

    async def is_refusal(self, response: Response, channel: Channel) -> bool:
        """Return whether *response* means that the credential must be renewed."""
        ...

    @property
    def credentials(self) -> tuple[Secret, ...]:
        """The renewable credentials in use, in addition to the secrets: they must be masked too."""
        ...

    async def close(self) -> None:
        """Wait for a renewal in progress, so that the credential it obtains is stored."""
        ...


Signer = Callable[[WebRequest], WebRequest]


class FixedAuthenticator:
    """Signs with the secrets themselves: there is nothing to renew."""

    def __init__(self, signer: Signer) -> None:
        self._sign = signer

    async def sign(
        self,
        request: WebRequest,
        channel: Channel,  # noqa: ARG002 - as every authenticator
        *,
        refused: object | None = None,  # noqa: ARG002
    ) -> SignedRequest:
        """Return *request* signed."""
        return SignedRequest(self._sign(request), None)

    async def is_refusal(
        self,
        response: Response,  # noqa: ARG002 - as every authenticator
        channel: Channel,  # noqa: ARG002
    ) -> bool:
        """Return False: another attempt would get the same response."""
        return False

    @property
    def credentials(self) -> tuple[Secret, ...]:
        """Nothing: only the secrets are sent."""
        return ()

    async def close(self) -> None:
        """Do nothing."""
