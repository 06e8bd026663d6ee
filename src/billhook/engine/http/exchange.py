"""One request and its response on one connection: written as configured, read under every limit."""

from __future__ import annotations

import errno
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
    NoFiles,
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
from billhook.engine.http.pool import Pool
from billhook.engine.http.request import Limits, WebRequest
from billhook.engine.http.site import Dial
from billhook.engine.http.tls_trouble import (
    alert_reason,
    is_tls_alert,
    look_at_certificate,
    look_at_page,
    tls_failure,
    with_day,
)
from billhook.engine.http.trace import OK, Progress
from billhook.engine.http.unpacking import Unpacker, unpack_beginning
from billhook.engine.http.watch import Watch
from billhook.engine.http.wire import FIRST_FINAL_STATUS, Wire
from billhook.engine.http_status import SUCCESS
from billhook.engine.reasons.tls_failure import WANTS_TLS
from billhook.engine.verdict import Verdict

USER_AGENT: Final = f"Billhook/{version('billhook')}"
EXCERPT_BYTES: Final = 16 * 1024
"""So much is kept of a response that isn't a success, for members who look for the reason."""

FRAMING_BYTES: Final = 1_000_000
"""Heads, trailers and the lengths of chunks may take so much, and once the size of the body."""

_WHY_UNREACHABLE: Final = {
    errno.ECONNREFUSED: "refused",
    errno.EHOSTUNREACH: "no-route",
    errno.ENETUNREACH: "no-route",
}
_METHODS_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
_SWITCHING_PROTOCOLS: Final = 101
_OK: Final = 200
_PARTIAL_CONTENT: Final = 206
_CODINGS: Final = "gzip x-gzip compress x-compress deflate br zstd dcb dcz exi pack200-gzip"
_ENCODINGS: Final = frozenset(_CODINGS.split())
"""The content codings that exist (IANA's HTTP Content Coding Registry)."""


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
        response = await _converse(message, connection, wire, dial, pool, folder=folder)
        look_at_page(response.status, response.body)
    except BillhookError as error:
        dial.progress.end(error.code)
        raise
    dial.progress.end(OK)
    return response


async def _connect(pool: Pool, dial: Dial) -> tuple[Connection, Wire]:
    try:
        return await pool.open(dial)
    except (ClientError, OSError) as error:
        trouble = _trouble_connecting(error, dial)
        if isinstance(trouble, SourceTlsFailed):
            trouble = await with_day(trouble, dial, pool)
        raise trouble from None


async def _converse(
    message: bytes,
    connection: Connection,
    wire: Wire,
    dial: Dial,
    pool: Pool,
    *,
    folder: Path | None,
) -> RawResponse:
    """Send and receive on *connection*, and let go of it whatever happens."""
    wire.begin(dial.progress, most=2 * dial.limits.max_bytes + FRAMING_BYTES)
    watch = Watch(wire, dial.limits)
    try:
        _send(message, wire, dial.progress)
        response = await _receive(wire, watch, dial, folder)
    except (ClientError, ConnectionError, HttpProcessingError) as error:
        connection.close()
        trouble = _trouble_on_the_wire(error, wire, dial)
        if await _speaks_only_tls(wire, dial, pool):
            trouble = SourceTlsFailed(WANTS_TLS)
        raise trouble from None
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
    lines = [f"{request.method} {request.target} HTTP/1.1", f"Host: {authority}"]
    lines += [f"{name}: {value}" for name, value in request.headers]
    lines += _added_lines(tuple([name for name, _ in request.headers]))
    lines.append("Accept-Encoding: gzip" if request.compressed else "Accept-Encoding: identity")
    body = request.body or b""
    if body or request.method in _METHODS_WITH_BODY:
        lines.append(f"Content-Length: {len(body)}")
    return _join(lines) + body


@lru_cache(maxsize=1024)
def _added_lines(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the lines that are added to configured headers of these *names*.

    The names are judged once more, for requests that no command has filled. The cache keeps those
    that passed; an exception isn't kept.
    """
    for name in names:
        verdict = judge_header(name, "")
        if not verdict.allowed:
            raise denied(verdict)
    configured = {name.lower() for name in names}
    added = {"user-agent": f"User-Agent: {USER_AGENT}", "accept": "Accept: */*"}
    return tuple(line for name, line in added.items() if name not in configured)


def _join(lines: list[str]) -> bytes:
    """Join the lines of a head. The guard has judged them; a line break would split the request."""
    text = "\r\n".join([*lines, "", ""])
    if text.count("\n") != len(lines) + 1 or text.count("\r") != len(lines) + 1 or "\0" in text:
        raise denied(Verdict.DENIED_HEADER_CONTROL)
    return text.encode()


async def _receive(wire: Wire, watch: Watch, dial: Dial, folder: Path | None) -> RawResponse:
    head, payload = await _read_head(wire)
    dial.progress.status = head.code
    dial.progress.phase = "body"
    watch.body_follows()
    if head.code in SUCCESS:
        is_packed = _is_packed(head)
        _refuse_announced(head, dial.limits)
        read = _read_packed if is_packed else _read_body
        body = await read(payload, watch, dial.limits, folder)
        _refuse_unclean_end(head, wire, body)
    else:
        excerpt = await _read_excerpt(payload, watch)
        body = Body(unpack_beginning(excerpt, EXCERPT_BYTES))
    status = _OK if _is_whole(head, body) else head.code
    return RawResponse(status=status, headers=tuple(head.headers.items()), body=body)


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


def _is_whole(head: RawResponseMessage, body: Body) -> bool:
    """Say whether *body*, though labelled as a part (206), is all there is (RFC 9110, 14.4)."""
    if head.code != _PARTIAL_CONTENT:
        return False
    return head.headers.get("Content-Range", "") == f"bytes 0-{body.size - 1}/{body.size}"


def _is_packed(head: RawResponseMessage) -> bool:
    """Say whether the content is labelled as gzip, which some send although nobody asked for it.

    Any other encoding is refused: unpacking is how bombs go off. Labels that name none, such as
    ``none`` or ``utf-8``, mean nothing.
    """
    if "Content-Encoding" not in head.headers and "Transfer-Encoding" not in head.headers:
        return False
    labels = ",".join(head.headers.getall("Content-Encoding", ())).lower().split(",")
    encodings = [label for label in map(str.strip, labels) if label in _ENCODINGS]
    transfer = ",".join(head.headers.getall("Transfer-Encoding", ())).strip().lower()
    if transfer not in {"", "chunked"} or (encodings and encodings not in (["gzip"], ["x-gzip"])):
        raise SourceEncoded
    return bool(encodings)


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


async def _speaks_only_tls(wire: Wire, dial: Dial, pool: Pool) -> bool:
    """Return whether an origin that hung up on a new connection without a byte speaks TLS."""
    if dial.is_ssl() or dial.reused or wire.received > 0:
        return False
    return await look_at_certificate(dial, pool) is not None


def _trouble_connecting(error: Exception, dial: Dial) -> BillhookError:
    if dial.verdict is not None:
        return denied(dial.verdict, DeniedPlace(host=dial.site.host, port=dial.site.port))
    if dial.no_files:
        return NoFiles()
    if isinstance(error, TimeoutError):
        return SourceTimeout(dial.progress.phase)
    if isinstance(error, ClientSSLError) or dial.progress.phase == "tls":
        return tls_failure(error)
    number = error.errno if isinstance(error, OSError) else None
    return SourceUnreachable(_WHY_UNREACHABLE.get(number or 0, ""))


def _trouble_on_the_wire(error: Exception, wire: Wire, dial: Dial) -> SourceError:
    if is_tls_alert(wire.beginning) and not dial.is_ssl():
        return SourceTlsFailed(WANTS_TLS)
    if isinstance(error, HttpProcessingError):
        return SourceBroken()
    if reason := alert_reason(error):
        return SourceTlsFailed(reason)
    if dial.reused and wire.received == 0 and not isinstance(error, ClientPayloadError):
        return ConnectionWentStale()
    return SourceCutShort()
