"""What every bound sign-in scheme can do, and the schemes that sign by themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from billhook.engine.authentication.signing import Signer
from billhook.engine.http.request import WebRequest
from billhook.engine.secret import Secret

if TYPE_CHECKING:
    from billhook.engine.http.trace import Trace
    from billhook.engine.http.transport import Response, Transport


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What a scheme may use to sign in on behalf of a run: its way out, its time, its trace."""

    transport: Transport
    deadline: float
    trace: Trace


class Signed(NamedTuple):
    """A request that carries the sign-in, and with which credential, if one can be had anew."""

    request: WebRequest
    credential: object | None


class Scheme(Protocol):
    """A sign-in scheme with its secrets, for all requests of one integration."""

    async def sign(
        self, request: WebRequest, line: Line, *, refused: object | None = None
    ) -> Signed:
        """Return *request* signed. *refused* is a credential that the source didn't accept.

        Raises AuthenticationFailed if no credential can be had.
        """
        ...

    def is_refusal(self, response: Response) -> bool:
        """Say whether *response* means that another credential has to be had."""
        ...

    @property
    def credentials(self) -> tuple[Secret, ...]:
        """What was had anew and is sent now, beside the secrets: so that it can be masked."""
        ...

    async def close(self) -> None:
        """Wait for a sign-in under way, so that what it gives is kept."""
        ...


class FixedScheme:
    """A scheme whose credentials are the secrets themselves: nothing can be had anew."""

    def __init__(self, signer: Signer) -> None:
        self._sign = signer

    async def sign(
        self,
        request: WebRequest,
        line: Line,  # noqa: ARG002 - as every scheme
        *,
        refused: object | None = None,  # noqa: ARG002
    ) -> Signed:
        """Return *request* signed."""
        return Signed(self._sign(request), None)

    def is_refusal(self, response: Response) -> bool:  # noqa: ARG002 - as every scheme
        """Say no: another try would get the same answer."""
        return False

    @property
    def credentials(self) -> tuple[Secret, ...]:
        """Return nothing: it sends the secrets alone."""
        return ()

    async def close(self) -> None:
        """Do nothing."""
