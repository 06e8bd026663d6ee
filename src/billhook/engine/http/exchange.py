"""One request and its response on one connection: written as configured, read under every limit."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Final

from aiohttp.client_exceptions import (
    ClientError,
    ClientOSError,
    ClientPayloadError,
    ClientSSLError,
    ServerDisconnectedError,
)
from aiohttp.connector import Connection
from aiohttp.http import RawResponseMessage
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import StreamReader

from billhook.engine.body import Body, BodyWriter
from billhook.engine.egress.guard import judge_header
from billhook.engine.errors import (
    BillhookError,
    DeniedPlace,
    SourceBroken,
    SourceCutShort,
    SourceEncoded,
    SourceError,
    SourceTimeout,
    SourceTlsFailed,
    SourceTooLarge,
    SourceUnreachable,
    denied,
)
from billhook.engine.http.pool import FIRST_FINAL_STATUS, Dial, Pool, Wire
from billhook.engine.http.request import Limits, WebRequest
from billhook.engine.http.trace import OK, Progress
from billhook.engine.http.unpacking import Unpacker, unpack_beginning
from billhook.engine.http.watch import Watch
from billhook.engine.http_status import SUCCESS
from billhook.engine.verdict import Verdict

USER_AGENT: Final = f"Billhook/{version('billhook')}"
EXCERPT_BYTES: Final = 16 * 1024
"""So much is kept of a response that isn't a success, for members who look for the reason."""

FRAMING_BYTES: Final = 1_000_000
"""Heads, trailers and the lengths of chunks may take so much, and once the size of the body."""

_METHODS_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
_SWITCHING_PROTOCOLS: Final = 101


@dataclass(frozen=True, slots=True, kw_only=True)
class RawResponse:
    """The response to one request."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: Body


class ConnectionWentStale(SourceCutShort):
    """The origin closed an idle connection before any byte of the response came."""


async def exchange_once(
    request: WebRequest, dial: Dial, pool: Pool, *, folder: Path | None = None
) -> RawResponse:
    """Send *request* over a connection for *dial* and return the whole response.

    Raises EgressDenied if the guard refuses an address, and a SourceError for whatever an origin
    does wrong. The connection goes back to the pool only after a clean end.
    """
    message = encode_request(request, authority=dial.site.authority)
    try:
        connection, wire = await _connect(pool, dial)
        response = await _converse(request, message, connection, wire, dial, folder=folder)
    except BillhookError as error:
        dial.progress.end(error.code)
        raise
    dial.progress.end(OK)
    return response


async def _connect(pool: Pool, dial: Dial) -> tuple[Connection, Wire]:
    try:
        return await pool.open(dial)
    except (ClientError, OSError) as error:
        raise _trouble_connecting(error, dial) from None


async def _converse(
    request: WebRequest,
    message: bytes,
    connection: Connection,
    wire: Wire,
    dial: Dial,
    *,
    folder: Path | None,
) -> RawResponse:
    """Send and receive on *connection*, and let go of it whatever happens."""
    wire.begin(dial.progress, most=2 * dial.limits.max_bytes + FRAMING_BYTES)
    watch = Watch(wire, dial.limits)
    try:
        _send(message, wire, dial.progress)
        response = await _receive(request, wire, watch, dial, folder)
    except (ClientError, ConnectionError, HttpProcessingError) as error:
        connection.close()
        raise _trouble_on_the_wire(error, wire, dial) from None
    except BaseException:
        connection.close()
        raise
    finally:
        watch.stop()
    if wire.has_unsent:
        connection.close()  # the response came before our request was out
    else:
        connection.release()
    return response


def _send(message: bytes, wire: Wire, progress: Progress) -> None:
    if wire.transport is None:
        raise ServerDisconnectedError
    wire.transport.write(message)
    progress.phase = "headers"
    progress.sent = perf_counter()


def encode_request(request: WebRequest, *, authority: str) -> bytes:
    """Return the bytes of *request* for the wire: target, header order and casing as configured.

    Added are only Host, User-Agent and Accept unless configured, Accept-Encoding (the document is
    to come as it is, unless it is asked for in gzip) and Content-Length.
    """
    for name, _ in request.headers:
        _refuse_header(name)
    lines = [f"{request.method} {request.target} HTTP/1.1", f"Host: {authority}"]
    lines += [f"{name}: {value}" for name, value in request.headers]
    configured = {name.lower() for name, _ in request.headers}
    if "user-agent" not in configured:
        lines.append(f"User-Agent: {USER_AGENT}")
    if "accept" not in configured:
        lines.append("Accept: */*")
    lines.append(f"Accept-Encoding: {'gzip' if request.compressed else 'identity'}")
    body = request.body or b""
    if body or request.method in _METHODS_WITH_BODY:
        lines.append(f"Content-Length: {len(body)}")
    return _join(lines) + body


@lru_cache(maxsize=1024)
def _refuse_header(name: str) -> None:
    """Judge a header's name once more, for requests that no command has filled.

    The cache keeps those that passed; an exception isn't kept.
    """
    verdict = judge_header(name, "")
    if not verdict.allowed:
        raise denied(verdict)


def _join(lines: list[str]) -> bytes:
    """Join the lines of a head. The guard has judged them; a line break would split the request."""
    text = "\r\n".join([*lines, "", ""])
    if text.count("\n") != len(lines) + 1 or text.count("\r") != len(lines) + 1 or "\0" in text:
        raise denied(Verdict.DENIED_HEADER_CONTROL)
    return text.encode()


async def _receive(
    request: WebRequest, wire: Wire, watch: Watch, dial: Dial, folder: Path | None
) -> RawResponse:
    head, payload = await _read_head(wire)
    dial.progress.status = head.code
    dial.progress.phase = "body"
    watch.body_follows()
    if head.code in SUCCESS:
        is_packed = _is_packed(head, may_be=request.compressed)
        _refuse_announced(head, dial.limits)
        read = _read_packed if is_packed else _read_body
        body = await read(payload, watch, dial.limits, folder)
        _refuse_unclean_end(head, wire, body)
    else:
        excerpt = await _read_excerpt(payload, watch)
        body = Body(unpack_beginning(excerpt, EXCERPT_BYTES) if request.compressed else excerpt)
    return RawResponse(status=head.code, headers=tuple(head.headers.items()), body=body)


async def _read_head(wire: Wire) -> tuple[RawResponseMessage, StreamReader]:
    """Return the first head that isn't interim; the wire counts those."""
    while True:
        head, payload = await wire.read()
        if head.code >= FIRST_FINAL_STATUS:
            return head, payload
        if head.code == _SWITCHING_PROTOCOLS:
            raise SourceBroken("The source wanted to speak something else than HTTP.")


async def _read_body(
    payload: StreamReader, watch: Watch, limits: Limits, folder: Path | None
) -> Body:
    if not payload.is_eof():
        return await _read_on(payload, watch, limits, folder)
    data = payload.read_nowait()  # all of it came with the head
    if len(data) > limits.max_bytes:
        raise SourceTooLarge(limits.max_bytes)
    return Body(data)


async def _read_on(
    payload: StreamReader, watch: Watch, limits: Limits, folder: Path | None
) -> Body:
    writer = BodyWriter(folder=folder)
    try:
        while piece := await payload.readany():
            if writer.size + len(piece) > limits.max_bytes:
                raise SourceTooLarge(limits.max_bytes)
            watch.body_flows()
            await writer.add(piece)
        return await writer.finish()
    finally:
        writer.close()


async def _read_packed(
    payload: StreamReader, watch: Watch, limits: Limits, folder: Path | None
) -> Body:
    """Unpack what comes while it comes: no more is unpacked than may be kept (CWE-409)."""
    unpacker, writer = Unpacker(), BodyWriter(folder=folder)
    try:
        while packed := await payload.readany():
            watch.body_flows()
            for piece in unpacker.unpack(packed):
                if writer.size + len(piece) > limits.max_bytes:
                    raise SourceTooLarge(limits.max_bytes)
                await writer.add(piece)
        unpacker.end()
        return await writer.finish()
    finally:
        writer.close()


async def _read_excerpt(payload: StreamReader, watch: Watch) -> bytes:
    """Read the beginning of a failed response; its status counts, however it ends."""
    excerpt = b""
    try:
        while len(excerpt) < EXCERPT_BYTES and (piece := await payload.readany()):
            watch.body_flows()
            excerpt += piece
    except (SourceError, ClientError, OSError, HttpProcessingError):
        pass
    return excerpt[:EXCERPT_BYTES]


def _is_packed(head: RawResponseMessage, *, may_be: bool) -> bool:
    """Say whether the content is in gzip, if it *may_be*.

    Any other encoding is refused: we asked for none, and unpacking is how bombs go off.
    """
    encodings = [value.strip().lower() for value in head.headers.getall("Content-Encoding", ())]
    encodings = [value for value in encodings if value not in {"", "identity"}]
    transfer = ",".join(head.headers.getall("Transfer-Encoding", ())).strip().lower()
    if may_be and encodings in (["gzip"], ["x-gzip"]) and transfer in {"", "chunked"}:
        return True
    if encodings or transfer not in {"", "chunked"}:
        raise SourceEncoded
    return False


def _refuse_announced(head: RawResponseMessage, limits: Limits) -> None:
    length = head.headers.get("Content-Length", "")
    if length.isascii() and length.isdigit() and int(length) > limits.max_bytes:
        raise SourceTooLarge(limits.max_bytes)


def _refuse_unclean_end(head: RawResponseMessage, wire: Wire, body: Body) -> None:
    """Refuse more bytes than announced, and a reset where only the close marks the end."""
    told_by_close = not head.chunked and "Content-Length" not in head.headers
    if wire.has_more:
        body.close()
        raise SourceBroken("The source sent more than it had announced.")
    if told_by_close and isinstance(wire.exception(), ClientOSError):
        body.close()
        raise SourceCutShort


def _trouble_connecting(error: Exception, dial: Dial) -> BillhookError:
    if dial.verdict is not None:
        return denied(dial.verdict, DeniedPlace(host=dial.site.host, port=dial.site.port))
    if isinstance(error, TimeoutError):
        return SourceTimeout(dial.progress.phase)
    if isinstance(error, ClientSSLError) or dial.progress.phase == "tls":
        return SourceTlsFailed()
    return SourceUnreachable()


def _trouble_on_the_wire(error: Exception, wire: Wire, dial: Dial) -> SourceError:
    if isinstance(error, HttpProcessingError):
        return SourceBroken()
    if dial.reused and wire.received == 0 and not isinstance(error, ClientPayloadError):
        return ConnectionWentStale()
    return SourceCutShort()
