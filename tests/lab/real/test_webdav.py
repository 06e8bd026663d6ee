"""The presets of folders against servers that are not ours: WsgiDAV, and Apache's Digest."""

from __future__ import annotations

import hashlib
import shutil
import socket  # noqa: TID251 - to find a free port
import subprocess
import time
from contextlib import contextmanager, suppress

import pytest
from wsgidav.wsgidav_app import WsgiDAVApp

from billhook.engine.integration_file.presets import preset_text
from lab.invoices import DRAFT, NUMBERS, UNKNOWN, make_invoices
from lab.real.harness import open_integration, serve_wsgi

PASSWORD = "p4ss-Word:7"
PRESETS = {"basic": "http-folder", "digest": "webdav-digest"}


APACHE = """
ServerRoot /usr/lib/apache2
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
PidFile {state}/pid
ErrorLog {state}/errors
DefaultRuntimeDir {state}
LoadModule mpm_event_module modules/mod_mpm_event.so
LoadModule authn_core_module modules/mod_authn_core.so
LoadModule authn_file_module modules/mod_authn_file.so
LoadModule authz_core_module modules/mod_authz_core.so
LoadModule authz_user_module modules/mod_authz_user.so
LoadModule auth_digest_module modules/mod_auth_digest.so
DocumentRoot {pages}
AllowEncodedSlashes On
<Directory {pages}>
AuthType Digest
AuthName invoices
AuthDigestProvider file
AuthUserFile {state}/users
AuthDigestAlgorithm {algorithm}
Require valid-user
</Directory>
"""


def fill(folder):
    """Fill *folder*, in which the draft is a folder, too."""
    for invoice in make_invoices():
        path = folder / f"{invoice.number}.pdf"
        if invoice.is_draft:
            path.mkdir()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(invoice.pdf)


@contextmanager
def serve_folder(folder, scheme="basic"):
    """Fill *folder*, and serve it to one user, who authenticates with *scheme*."""
    fill(folder)
    app = WsgiDAVApp(
        {
            "provider_mapping": {"/": {"root": str(folder), "readonly": True}},
            "simple_dc": {"user_mapping": {"*": {"billhook": {"password": PASSWORD}}}},
            "http_authenticator": {
                "accept_basic": scheme == "basic",
                "accept_digest": scheme == "digest",
                "default_to_digest": scheme == "digest",
            },
            "logging": {"enable": False},
            "verbose": 0,
        }
    )
    with serve_wsgi(app) as origin:
        yield origin


@contextmanager
def serve_with_apache(folder, algorithm):
    """Fill *folder*, and serve it with Apache and mod_auth_digest, with *algorithm*."""
    pages, state = folder / "pages", folder / "state"
    for each in (pages, state):
        each.mkdir()
    fill(pages)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    first = hashlib.md5(f"billhook:invoices:{PASSWORD}".encode()).hexdigest()
    (state / "users").write_text(f"billhook:invoices:{first}\n")
    (state / "httpd.conf").write_text(
        APACHE.format(port=port, pages=pages, state=state, algorithm=algorithm)
    )
    command = ["apache2", "-f", str(state / "httpd.conf"), "-DFOREGROUND"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server:
        try:
            wait_for(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def wait_for(port):
    for _ in range(500):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.02)
    raise AssertionError("Apache doesn't listen")


async def outcomes(origin, *numbers, password=PASSWORD, scheme="basic"):
    variables = {"BaseUrl": origin}
    secrets = {"Password": password}
    text = preset_text(PRESETS[scheme])
    async with open_integration(text, origin, variables=variables, secrets=secrets) as opened:
        return [await opened.outcome(number) for number in numbers]


async def test_a_webdav_server_returns_the_file_for_every_number(tmp_path):
    pdfs = {invoice.number: invoice.pdf for invoice in make_invoices()}
    with serve_folder(tmp_path) as origin:
        assert await outcomes(origin, *NUMBERS) == [pdfs[number] for number in NUMBERS]


async def test_a_missing_file_on_a_webdav_server_is_reported_as_not_found(tmp_path):
    with serve_folder(tmp_path) as origin:
        assert await outcomes(origin, UNKNOWN) == ["document-not-found"]


async def test_a_number_that_leads_out_of_the_folder_is_not_even_sent(tmp_path):
    with serve_folder(tmp_path) as origin:
        assert await outcomes(origin, "../INV0000001", "a/../../etc/passwd") == ["token"] * 2


async def test_a_folder_listing_is_not_a_document(tmp_path):
    with serve_folder(tmp_path) as origin:
        assert await outcomes(origin, DRAFT) == ["web-page-instead"]


async def test_a_webdav_server_refuses_a_wrong_password(tmp_path):
    with serve_folder(tmp_path) as origin:
        refused = await outcomes(origin, NUMBERS[0], password=f"{PASSWORD}~")
    assert refused == ["source-refused"]


# HTTP Digest


@pytest.fixture(params=["wsgidav", "apache"])
def digest_server(request, tmp_path):
    """A server that accepts Digest alone."""
    if request.param == "wsgidav":
        with serve_folder(tmp_path, "digest") as origin:
            yield origin
        return
    if shutil.which("apache2") is None:
        pytest.skip("Apache is not installed")
    tmp_path.chmod(0o755)
    with serve_with_apache(tmp_path, "MD5") as origin:
        yield origin


async def test_a_server_that_wants_digest_returns_the_file_for_every_number(digest_server):
    pdfs = {invoice.number: invoice.pdf for invoice in make_invoices()}
    found = await outcomes(digest_server, *NUMBERS, UNKNOWN, scheme="digest")
    assert found == [*(pdfs[number] for number in NUMBERS), "document-not-found"]


async def test_a_wrong_password_is_refused_by_digest(digest_server):
    assert await outcomes(digest_server, NUMBERS[0], password="x", scheme="digest") == [
        "source-refused"
    ]


async def test_basic_is_refused_where_digest_is_wanted(digest_server):
    assert await outcomes(digest_server, NUMBERS[0]) == ["source-refused"]
