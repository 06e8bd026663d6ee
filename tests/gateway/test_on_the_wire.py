"""The gateway behind uvicorn, on real sockets of the loopback."""

import asyncio
import contextlib
import json
import socket  # noqa: TID251 - to listen on loopback

import pytest
import uvicorn

from billhook.server.connections.protocol import BoundedProtocol
from gateway.gateway_cast import ALICES_KEY, PDF, RUN_PATH, make_gateway


@pytest.fixture(params=["httptools", BoundedProtocol], ids=["uvicorn", "our-server"])
def serving(request):
    """Serve a gateway on a free port, by uvicorn and as our own server does; give the port."""

    @contextlib.asynccontextmanager
    async def serve(gateway):
        config = uvicorn.Config(
            gateway,
            http=request.param,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
        )
        server = uvicorn.Server(config)
        with socket.create_server(("127.0.0.1", 0)) as listening:
            going_on = asyncio.create_task(server._serve(sockets=[listening]))
            try:
                yield listening.getsockname()[1]
            finally:
                server.should_exit = True
                await going_on

    return serve


def request(
    *, tokens=b'{"tokens": {"InvoiceNumber": "INV-1"}}', length=None, method="POST", more=""
):
    head = (
        f"{method} {RUN_PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ALICES_KEY}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {length or len(tokens)}\r\n{more}\r\n"
    )
    return head.encode() + tokens


async def read_answer(reader):
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in head[1:] if line)
    return head[0], headers, await reader.readexactly(int(headers["content-length"]))


@pytest.fixture
async def gateway():
    return make_gateway()


async def test_runs_follow_each_other_on_one_connection(gateway, serving):
    application, _, recorder = gateway
    async with serving(application) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(3):
            writer.write(request())
            status, headers, content = await read_answer(reader)
            assert (status, content) == ("HTTP/1.1 200 OK", PDF)
            assert headers["content-type"] == "application/pdf"
        writer.close()

    assert [run.outcome for run in recorder.runs] == ["ok"] * 3


async def test_pipelined_runs_get_their_responses_in_order(gateway, serving):
    application, source, _ = gateway
    async with serving(application) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in range(5):
            tokens = json.dumps({"tokens": {"InvoiceNumber": f"INV-{number}"}}).encode()
            writer.write(request(tokens=tokens))
        responses = [await read_answer(reader) for _ in range(5)]
        writer.close()

    names = [headers["content-disposition"] for _, headers, _ in responses]
    assert names == [f'attachment; filename="INV-{number}.pdf"' for number in range(5)]
    assert len(source.requests) == 5


async def test_a_large_document_arrives_whole(gateway, serving):
    application, source, _ = gateway
    large = PDF.replace(b"endobj", b"endobj" * 1_000_000)
    source.says(200, large)
    async with serving(application) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request())
        assert (await read_answer(reader))[2] == large
        writer.close()


async def test_closing_the_connection_ends_the_run(gateway, serving):
    application, source, recorder = gateway
    source.never_answers()
    async with serving(application) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request())
        await source.reached.wait()
        writer.close()
        await source.given_up.wait()

    (run,) = recorder.runs
    assert (run.outcome, run.reason) == ("cancelled", "caller-left")


async def test_a_body_that_does_not_arrive_gets_a_response_and_closes_the_connection(serving):
    application, _, _ = make_gateway(body_seconds=0.05)
    async with serving(application) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request(length=90)[:-10])
        status, headers, content = await read_answer(reader)
        assert status == "HTTP/1.1 408 Request Timeout"
        assert json.loads(content)["code"] == "body-too-slow"
        assert headers["connection"] == "close"
        assert await reader.read() == b""
        writer.close()


async def test_a_response_to_head_has_no_body(gateway, serving):
    application, source, _ = gateway
    async with serving(application) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request(method="HEAD"))
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(request())
        status, _, content = await read_answer(reader)
        writer.close()

    assert head.startswith(b"HTTP/1.1 405 ")
    assert (status, content) == ("HTTP/1.1 200 OK", PDF)
    assert len(source.requests) == 1


async def test_a_caller_who_wants_it_gets_the_connection_closed_after_the_document(
    gateway, serving
):
    application, _, _ = gateway
    async with serving(application) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request(more="Connection: close\r\n"))
        _, headers, content = await read_answer(reader)
        assert (headers["connection"], content) == ("close", PDF)
        assert await reader.read() == b""
        writer.close()


async def test_a_caller_who_does_not_read_gets_the_document_later(gateway, serving):
    application, source, _ = gateway
    source.says(200, PDF.replace(b"endobj", b"endobj" * 150_000))
    async with serving(application) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1000)
        for _ in range(12):
            writer.write(request())
        await asyncio.sleep(0.3)
        assert len(source.requests) < 12, "the callers behind wait"
        sizes = {len((await read_answer(reader))[2]) for _ in range(12)}
        writer.close()
    assert len(sizes) == 1
