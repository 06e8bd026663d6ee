"""The samples for Caddy and nginx work: each real server passes https on to a real Billhook."""

from __future__ import annotations

import datetime as dt
import http.client
import re
import shutil
import signal
import socket  # noqa: TID251 - it finds free ports
import ssl
import subprocess
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from server.serving_process import Serving

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
HOST = "invoices.example.com"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> Path:
    """A folder with a certificate for the name in the samples, under the names of certbot."""
    folder = tmp_path_factory.mktemp("certificate")
    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - dt.timedelta(days=1))
    builder = builder.not_valid_after(now + dt.timedelta(days=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), False)
    signed = builder.sign(key, hashes.SHA256())
    (folder / "fullchain.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    (folder / "privkey.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return folder


@pytest.fixture(scope="module")
def billhook(tmp_path_factory):
    serving = Serving(
        tmp_path_factory.mktemp("behind") / "data", BILLHOOK_PUBLIC_URL=f"https://{HOST}"
    )
    yield serving
    serving.stop(signal.SIGKILL)


class WebServer:
    """A running web server: its ports for http and https, and the certificate that it shows."""

    def __init__(self, command: list[str], *, port: int, plain: int, certificate: Path) -> None:
        self.port, self.plain = port, plain
        self._context = ssl.create_default_context(cafile=certificate / "fullchain.pem")
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        while self.process.poll() is None and not self._is_up():
            time.sleep(0.05)
        assert self.process.poll() is None, self.process.communicate()[1]

    def _is_up(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
        except OSError:
            return False
        return True

    def get(self, path: str, **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
        """Ask over https for *path* on the name of the certificate."""
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        connection = http.client.HTTPConnection(HOST)
        connection.sock = self._context.wrap_socket(raw, server_hostname=HOST)
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        content = response.read()
        connection.close()
        return response, content

    def stop(self) -> None:
        self.process.terminate()
        self.process.communicate(timeout=30)


def start_nginx(folder: Path, billhook: Serving, certificate: Path) -> WebServer:
    port, plain = free_port(), free_port()
    site = (DEPLOY / "nginx.conf").read_text()
    for old, new in (
        ("server 127.0.0.1:8000;", f"server 127.0.0.1:{billhook.port};"),
        (f"/etc/letsencrypt/live/{HOST}", str(certificate)),
        ("listen 80;", f"listen 127.0.0.1:{plain};"),
        ("listen 443 ssl http2;", f"listen 127.0.0.1:{port} ssl http2;"),
    ):
        assert old in site
        site = site.replace(old, new)
    site = re.sub(r"^.*listen \[::\].*\n", "", site, flags=re.MULTILINE)
    logs = f"pid {folder}/pid; error_log {folder}/error.log; events {{}}"
    # As Debian's nginx.conf, this one compresses all sites that don't say otherwise.
    paths = "".join(
        f"{name}_temp_path {folder}/{name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = folder / "nginx.conf"
    config.write_text(f"{logs} http {{ access_log off; gzip on; {paths}\n{site}\n}}")
    command = [shutil.which("nginx"), "-c", str(config), "-g", "daemon off;"]
    return WebServer(command, port=port, plain=plain, certificate=certificate)


def start_caddy(folder: Path, billhook: Serving, certificate: Path) -> WebServer:
    port, plain = free_port(), free_port()
    site = (
        (DEPLOY / "Caddyfile").read_text().replace("127.0.0.1:8000", f"127.0.0.1:{billhook.port}")
    )
    site = site.replace(
        "\treverse_proxy",
        f"\ttls {certificate}/fullchain.pem {certificate}/privkey.pem\n\treverse_proxy",
    )
    ports = f"http_port {plain}\n\thttps_port {port}"
    options = f"{{\n\tadmin off\n\t{ports}\n\tstorage file_system {folder}\n}}\n"
    config = folder / "Caddyfile"
    config.write_text(options + site)
    command = [shutil.which("caddy"), "run", "--adapter", "caddyfile", "--config", str(config)]
    return WebServer(command, port=port, plain=plain, certificate=certificate)


@pytest.fixture(scope="module", params=[start_nginx, start_caddy], ids=["nginx", "caddy"])
def web_server(request, tmp_path_factory, billhook, certificate):
    name = request.param.__name__.removeprefix("start_")
    if shutil.which(name) is None:
        pytest.skip(f"{name} isn't installed here")
    server = request.param(tmp_path_factory.mktemp(name), billhook, certificate)
    yield server
    server.stop()


def test_pages_arrive_over_https_with_cookies_for_https_only(web_server):
    response, content = web_server.get("/setup")

    assert response.status == 200
    assert b"<h1>" in content
    cookies = response.headers.get_all("Set-Cookie")
    assert all("; Secure" in cookie for cookie in cookies)
    assert response.headers["Strict-Transport-Security"]


def test_pages_are_compressed_by_billhook_and_passed_on(web_server):
    response, _ = web_server.get("/setup", **{"Accept-Encoding": "gzip, br"})

    assert response.headers["Content-Encoding"] == "br"


def test_a_page_that_billhook_does_not_compress_is_passed_on_unchanged(web_server):
    response, _ = web_server.get("/setup?guess=x", **{"Accept-Encoding": "gzip"})

    assert response.status == 200
    assert response.headers["Content-Encoding"] is None


def test_static_files_are_compressed(web_server):
    _, page = web_server.get("/setup")
    [styles] = re.findall(rb'href="(/static/[^"]+/billhook\.css)"', page)
    response, _ = web_server.get(styles.decode(), **{"Accept-Encoding": "br"})

    assert (response.status, response.headers["Content-Encoding"]) == (200, "br")


def test_counters_are_hidden_from_anyone_who_comes_through_the_web_server(web_server):
    assert web_server.get("/metrics")[0].status == 404


def test_http_is_redirected_to_https(web_server):
    connection = http.client.HTTPConnection("127.0.0.1", web_server.plain, timeout=30)
    connection.request("GET", "/invoices", headers={"Host": HOST})
    response = connection.getresponse()
    connection.close()

    assert response.status in {301, 308}
    assert response.headers["Location"].startswith(f"https://{HOST}")
    assert response.headers["Location"].endswith("/invoices")
