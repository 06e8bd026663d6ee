"""The reader process: looks into responses of untrusted sources, each in its own child process.

It is started as ``python -I -m billhook.engine.reader.process`` with no environment, and a socket
as its standard input. It loads once what reading needs, and then forks: each child takes one
request, limits itself, looks into the response, sends the result and ends. So no response shares
memory with another. A child that is killed, by its limits or by a fault, ends the whole process
with a status that shows which; the server starts another.
"""

from __future__ import annotations

import contextlib
import gc
import io
import os
import signal
import socket  # noqa: TID251 - only for the files that come over the socket from the server
import sys
from collections.abc import Callable, Iterable
from typing import Any, BinaryIO, Final, NoReturn, cast

from billhook.engine.answer.content import Content, Unreadable
from billhook.engine.body import Body
from billhook.engine.errors import BillhookError, NoRoom, SourceTooComplex
from billhook.engine.isolation.confinement import Fence, confine_this_process
from billhook.engine.reader.limits import EXIT_BROKEN, EXIT_LIMITS, FENCE
from billhook.engine.reader.messages import (
    HEAD,
    RESULT_HEAD,
    Request,
    pack_error,
    pack_fault,
    pack_value,
    unpack_request,
)
from billhook.engine.reader.warm_up import load_everything
from billhook.engine.tokens.values import Values

_NO_MORE_REQUESTS: Final = 64
_SERVER: Final = 0
"""The descriptor of the socket to the server."""
_CHUNK: Final = 1024 * 1024


def main(fence: Fence = FENCE) -> NoReturn:
    """Serve until the server ends, or a child is killed."""
    load_everything()
    gc.freeze()  # the memory of what is loaded stays shared with all children
    child = 0

    def end(*_: object) -> None:
        if child:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)

    signal.signal(signal.SIGTERM, end)
    while True:
        # A SIGTERM that came between the fork and the assignment would kill nothing.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        child = os.fork()
        if child == 0:
            _serve_one(fence)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        _, status = os.waitpid(child, 0)
        child = 0
        if status:
            sys.exit(_exit_status(status))


def _exit_status(status: int) -> int:
    if os.WIFEXITED(status):
        code = os.WEXITSTATUS(status)
        return 0 if code == _NO_MORE_REQUESTS else code
    # Beyond its seconds a child gets SIGXCPU, without memory some libraries abort.
    beyond = os.WTERMSIG(status) in {signal.SIGXCPU, signal.SIGKILL, signal.SIGABRT}
    return EXIT_LIMITS if beyond else EXIT_BROKEN


def _serve_one(fence: Fence) -> NoReturn:
    """Be the child: respond to one request and end without running anything else."""
    status = EXIT_BROKEN
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        gc.disable()
        status = _answer_one(fence)
    finally:
        os._exit(status)


def _answer_one(fence: Fence) -> int:
    with socket.socket(fileno=os.dup(_SERVER)) as server:
        head, files, _, _ = socket.recv_fds(server, HEAD.size, 2)
    if not head:
        return _NO_MORE_REQUESTS
    request_size, body_size, has_file = HEAD.unpack(head)
    body = Body(file=_open(files.pop(0), "rb")) if has_file else None
    output = _open(files.pop(0), "wb") if files else None
    confine_this_process(fence)
    request = unpack_request(_read_exactly(request_size))
    if body is None:
        body = Body(_read_exactly(body_size))
    result = _look(request, body, output)
    _write_all(RESULT_HEAD.pack(len(result)))
    _write_all(result)
    return 0


def _open(descriptor: int, mode: str) -> BinaryIO:
    return cast("BinaryIO", io.FileIO(descriptor, mode))


def _look(request: Request, body: Body, output: BinaryIO | None) -> bytes:
    content = Content(request.status, request.headers, body, address=request.address)
    work = cast("Callable[[Content, Values], Any]", request.work)
    try:
        result = work(content, Values(request.given))
        if output is not None:
            result = _write_chunks(result, output)
        return pack_value(result)
    except (BillhookError, Unreadable) as error:
        return pack_error(error)
    except (RecursionError, MemoryError):
        return pack_error(SourceTooComplex())
    except Exception as error:  # noqa: BLE001 - a fault of ours, which only the server can log
        return pack_fault(error)


def _write_chunks(chunks: Iterable[bytes], output: BinaryIO) -> int:
    size = 0
    for chunk in chunks:
        rest = memoryview(chunk)
        size += len(rest)
        while rest:
            try:
                rest = rest[output.write(rest) :]
            except OSError:
                raise NoRoom from None
    return size


def _read_exactly(size: int) -> bytes:
    """Return the next *size* bytes; fewer come only where the server has ended."""
    read = bytearray()
    while len(read) < size:
        chunk = os.read(_SERVER, min(_CHUNK, size - len(read)))
        if not chunk:
            os._exit(_NO_MORE_REQUESTS)
        read += chunk
    return bytes(read)


def _write_all(data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(_SERVER, rest) :]


if __name__ == "__main__":
    main()
