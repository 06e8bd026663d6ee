"""The gateway's steps by hand, as fast as plain Python and aiohttp take them, without protection.

Check the key, fill the template, fetch over a kept connection, look at both ends of the PDF, note
the run in a list, and send. No limit, no egress policy, no deadline, no row and no log line: what
the gateway takes longer is the price of those.
"""
# ruff: noqa: TID251, PLR2004 - it is written as people write it

from __future__ import annotations

import hmac
import json
import os
import time
from functools import cache
from typing import Any
from urllib.parse import quote

import aiohttp

URL = os.environ["BENCH_ORIGIN"] + "/items/{}"
KEY = b"Bearer " + os.environ["BENCH_KEY"].encode()
SOURCE = {"X-Api-Key": os.environ["BENCH_SOURCE_KEY"]}
HEADERS = [(b"content-type", b"application/pdf"), (b"x-content-type-options", b"nosniff")]

client = cache(aiohttp.ClientSession)  # made within the loop, by the first request
runs: list[tuple[str, float, int]] = []


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer one request."""
    if scope["type"] != "http":
        return
    began = time.perf_counter()
    if not hmac.compare_digest(dict(scope["headers"]).get(b"authorization", b""), KEY):
        raise PermissionError
    number = json.loads((await receive())["body"])["tokens"]["InvoiceNumber"]
    url = URL.format(quote(number, safe=""))
    async with client().get(url, headers=SOURCE) as response:
        document = await response.read()
    if response.status != 200 or document[:5] != b"%PDF-" or b"%%EOF" not in document[-1024:]:
        raise ValueError(number)
    length = (b"content-length", b"%d" % len(document))
    await send({"type": "http.response.start", "status": 200, "headers": [*HEADERS, length]})
    await send({"type": "http.response.body", "body": document})
    runs.append((number, time.perf_counter() - began, len(document)))
