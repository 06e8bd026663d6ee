"""Pages for the tests of the handler, instead of the portal's own."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import FileResponse, Http404, HttpResponse, StreamingHttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from billhook.portal.documents.response import DocumentResponse

seen: list[str] = []
begun = threading.Event()
both_here = threading.Barrier(2, timeout=20)


def plain(request):
    seen.append(threading.current_thread().name)
    response = HttpResponse(f"hello {request.GET.get('name', '')}")
    response.set_cookie("one", "1")
    response.set_cookie("two", "2", httponly=True)
    return response


def echo(request):
    return HttpResponse(request.body)


def upload(request):
    return HttpResponse(request.FILES["file"].read())


def together(request):
    both_here.wait()
    return HttpResponse("met")


may_end = threading.Event()


def typed(request):
    seen.append(threading.current_thread().name)
    may_end.wait(20)
    return HttpResponse("judged")


def lines(request):
    def pieces():
        for number in range(3):
            seen.append(threading.current_thread().name)
            yield f"{number}\n"

    return StreamingHttpResponse(pieces())


def async_lines(request):
    async def pieces():
        for number in range(3):
            await asyncio.sleep(0)
            yield f"{number}\n"

    return StreamingHttpResponse(pieces())


def small_file(request):
    return FileResponse(Path(__file__).open("rb"))


def broken(request):
    raise RuntimeError("secret-value")


def database(request):
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    seen.append(f"{threading.current_thread().name} {id(connection.connection)}")
    time.sleep(0.02)
    return HttpResponse("asked")


async def _document():
    seen.append(threading.current_thread().name)
    await asyncio.sleep(0)
    return HttpResponse(b"%PDF-", content_type="application/pdf")


async def _streamed():
    async def pieces():
        yield b"%PDF-"
        yield b"%%EOF"

    return StreamingHttpResponse(pieces(), content_type="application/pdf")


async def _failing():
    raise RuntimeError("secret-value")


async def _missing():
    raise Http404


async def _slow():
    seen.append("began")
    begun.set()
    try:
        await asyncio.Event().wait()
    finally:
        seen.append("given up")


def _document_page(opener):
    def view(request):
        response = DocumentResponse(opener)
        response.set_cookie("one", "1")
        return response

    return view


urlpatterns = [
    path(name, login_not_required(csrf_exempt(view)))
    for name, view in {
        "plain": plain,
        "backoffice/acme/integrations/new": typed,
        "echo": echo,
        "upload": upload,
        "together": together,
        "lines": lines,
        "async-lines": async_lines,
        "small-file": small_file,
        "broken": broken,
        "database": database,
        "document": _document_page(_document),
        "streamed-document": _document_page(_streamed),
        "failing-document": _document_page(_failing),
        "missing-document": _document_page(_missing),
        "slow-document": _document_page(_slow),
    }.items()
]

handler404 = "billhook.portal.project.errors.not_found"
handler500 = "billhook.portal.project.errors.failed"
