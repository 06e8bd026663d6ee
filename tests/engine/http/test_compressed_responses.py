"""A step that asks for gzip: the response is unpacked under the same limits, bombs too."""

from __future__ import annotations

import gzip

import pytest

from billhook.engine.command.command import Command
from billhook.engine.command.compile import compile_command
from billhook.engine.config import CommandConfig, ConditionConfig, PathConfig, StepConfig
from billhook.engine.errors import (
    BillhookError,
    DocumentNotFound,
    SourceBroken,
    SourceCutShort,
    SourceEncoded,
    SourceStatus,
    SourceTooLarge,
)
from billhook.engine.run import run_command
from engine.origins import (
    Script,
    Source,
    always,
    answer,
    nothing_left,
    once,
    pdf,
    serving,
    transport_to,
    with_limits,
)

BOTH_LOOPS = True
MOST = 200_000
ENCODED = "Content-Encoding: gzip"
BOMB = gzip.compress(b"%PDF-1.7\n" + bytes(20_000_000))
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"


def in_chunks(data: bytes, size: int) -> bytes:
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    return CHUNKED + b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in [*pieces, b""])


def command(source: Source, **more) -> Command:
    step = StepConfig(url=f"{source.url}/invoice", **{"compressed": True} | more)
    config = CommandConfig(name="GetInvoiceImage", steps=(step,))
    return with_limits(compile_command(config, variables={}, secrets=()), max_bytes=MOST)


async def fetch(source: Source, **more) -> bytes:
    run = command(source, **more)
    async with transport_to(source) as door:
        with await run_command(run, run.values({}), transport=door) as document:
            return document.body.read()


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(always(answer(gzip.compress(pdf(MOST)), ENCODED)), id="gzip"),
        pytest.param(always(answer(gzip.compress(pdf(MOST)), "Content-Encoding: X-GZip")), id="x"),
        pytest.param(always(in_chunks(gzip.compress(pdf(MOST)), 7)), id="in-small-chunks"),
        pytest.param(
            always(
                answer(gzip.compress(pdf(MOST)[:999]) + gzip.compress(pdf(MOST)[999:]), ENCODED)
            ),
            id="in-two-members",
        ),
        pytest.param(
            once(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(pdf(MOST))),
            id="until-the-close",
        ),
        pytest.param(always(answer(pdf(MOST))), id="not-compressed-after-all"),
        pytest.param(always(answer(pdf(MOST), ENCODED)), id="only-labelled-as-gzip"),
        pytest.param(
            always(answer(gzip.compress(pdf(MOST)), "Content-Encoding: aws-chunked, gzip")),
            id="with-a-label-that-means-nothing",
        ),
    ],
)
async def test_a_compressed_response_is_unpacked_to_the_document(script: Script):
    async with serving(script) as source, nothing_left():
        assert await fetch(source) == pdf(MOST)
    assert b"\r\nAccept-Encoding: gzip\r\n" in source.requests[0]


@pytest.mark.parametrize(
    ("script", "error"),
    [
        pytest.param(always(answer(BOMB, ENCODED)), SourceTooLarge, id="a-bomb"),
        pytest.param(always(in_chunks(BOMB, 999)), SourceTooLarge, id="a-bomb-in-chunks"),
        pytest.param(
            always(answer(gzip.compress(pdf(MOST + 1)), ENCODED)),
            SourceTooLarge,
            id="one-byte-too-many",
        ),
        pytest.param(
            always(answer(b"", ENCODED, length=MOST + 1)), SourceTooLarge, id="announced-too-large"
        ),
        pytest.param(
            always(answer(gzip.compress(pdf())[:-9], ENCODED)), SourceCutShort, id="cut-short"
        ),
        pytest.param(
            always(answer(gzip.compress(pdf()) + b"junk", ENCODED)), SourceBroken, id="junk-behind"
        ),
        pytest.param(
            always(answer(pdf(), "Content-Encoding: br")), SourceEncoded, id="another-encoding"
        ),
        pytest.param(
            always(answer(gzip.compress(gzip.compress(pdf())), "Content-Encoding: gzip, gzip")),
            SourceEncoded,
            id="twice-in-one-header",
        ),
        pytest.param(
            always(answer(gzip.compress(gzip.compress(pdf())), ENCODED, ENCODED)),
            SourceEncoded,
            id="twice-in-two-headers",
        ),
    ],
)
async def test_an_invalid_compressed_response_ends_the_run(
    script: Script, error: type[BillhookError]
):
    async with serving(script) as source, nothing_left():
        with pytest.raises(error) as told:
            await fetch(source)
        await source.all_gone()
    assert type(told.value) is error


async def test_a_compressed_failure_is_unpacked_for_conditions():
    failure = answer(gzip.compress(b'{"error": "none"}'), ENCODED, status="400 Bad Request")
    path = PathConfig(kind="json", text="$.error")
    condition = ConditionConfig(path=path, equals="none")
    async with serving(always(failure)) as source:
        with pytest.raises(DocumentNotFound):
            await fetch(source, not_found_when=(condition,))
        with pytest.raises(SourceStatus):
            await fetch(source)


async def test_gzip_is_unpacked_although_it_was_not_requested():
    async with serving(always(answer(gzip.compress(pdf()), ENCODED))) as source:
        assert await fetch(source, compressed=False) == pdf()
    assert b"\r\nAccept-Encoding: identity\r\n" in source.requests[0]


@pytest.mark.parametrize(
    "labels",
    [
        "none",
        "utf-8",
        "UTF-8",
        "binary",
        "identity",
        "aws-chunked",
        "ISO-8859-1",
        "",
        "none, utf-8",
    ],
)
@pytest.mark.parametrize("compressed", [True, False])
async def test_a_label_that_names_no_encoding_is_ignored(labels: str, compressed: bool):
    async with serving(always(answer(pdf(), f"Content-Encoding: {labels}"))) as source:
        assert await fetch(source, compressed=compressed) == pdf()


@pytest.mark.parametrize("labels", ["br", "deflate", "zstd", "compress", "gzip, br", "none, br"])
async def test_an_encoding_that_is_not_read_ends_the_run(labels: str):
    async with serving(always(answer(pdf(), f"Content-Encoding: {labels}"))) as source:
        with pytest.raises(SourceEncoded):
            await fetch(source)
