"""The code that people write by hand when a portal has to show another system's document.

FastAPI, a key that is checked in a dependency, and one httpx client for all requests. It has no
egress policy, no limits, no check of what came, and records nothing.
"""
# ruff: noqa: TID251, ARG001, PLR2004 - it is written as people write it

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated
from urllib.parse import quote

import httpx
from fastapi import Depends, FastAPI, Header, HTTPException, Request
from fastapi.responses import Response
from pydantic import BaseModel

ORIGIN = os.environ["BENCH_ORIGIN"]
KEY = os.environ["BENCH_KEY"]
SOURCE_KEY = os.environ["BENCH_SOURCE_KEY"]


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Keep one client for as long as the server runs."""
    limits = httpx.Limits(max_connections=200, max_keepalive_connections=200)
    async with httpx.AsyncClient(timeout=30, limits=limits) as client:
        app.state.client = client
        yield


app = FastAPI(lifespan=lifespan)


class RunRequest(BaseModel):
    """The body of a request."""

    tokens: dict[str, str]


def check_key(authorization: Annotated[str, Header()]) -> None:
    """Let nobody in without the key."""
    if not secrets.compare_digest(authorization, f"Bearer {KEY}"):
        raise HTTPException(401)


def get_client(request: Request) -> httpx.AsyncClient:
    """Return the client."""
    client: httpx.AsyncClient = request.app.state.client
    return client


@app.post("/api/v1/integrations/{integration}/commands/{command}/run")
async def run(
    integration: str,
    command: str,
    body: RunRequest,
    _: Annotated[None, Depends(check_key)],
    client: Annotated[httpx.AsyncClient, Depends(get_client)],
) -> Response:
    """Fetch the document and send it on."""
    number = quote(body.tokens["InvoiceNumber"], safe="")
    answer = await client.get(f"{ORIGIN}/items/{number}", headers={"X-Api-Key": SOURCE_KEY})
    if answer.status_code != 200:
        raise HTTPException(502)
    return Response(
        answer.content,
        media_type="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="{number}.pdf"'},
    )
