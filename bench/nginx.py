"""nginx twice: as the origin with a static document, and as a proxy in front of it."""

from __future__ import annotations

from pathlib import Path

from bench.processes import Server
from bench.tools import tool

_COMMON = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    keepalive_requests 100000000;
    keepalive_timeout 600s;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{inner}
}}
"""
_ORIGIN = """
    open_file_cache max=16;
    sendfile on;
    tcp_nopush on;
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        root {folder};
        types {{ }}
        default_type application/pdf;
        location /items/ {{ try_files /document.pdf =404; }}
    }}
"""
_PROXY = """
    upstream origin {{ server 127.0.0.1:{origin}; {upstream} }}
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        location / {{
            proxy_pass http://origin;
            {more}
        }}
    }}
"""
_KEEP_ALIVE_UPSTREAM = "keepalive 64; keepalive_requests 100000000;"
KEEP_ALIVE = 'proxy_http_version 1.1; proxy_set_header Connection "";'
"""Connections to the origin are reused, which nginx does only if configured so (before 1.29)."""
FITTED = "proxy_buffers 32 8k;"
"""Buffers in which a whole document fits; with nginx's own ones the rest goes through a file."""


def start_origin(folder: Path, document: bytes, *, port: int, core: int) -> Server:
    """Serve *document* for every path below ``/items/``."""
    folder.mkdir()
    (folder / "document.pdf").write_bytes(document)
    return _start("origin", folder, _ORIGIN.format(port=port, folder=folder), core=core)


def start_proxy(folder: Path, *, port: int, origin: int, core: int, more: str = "") -> Server:
    """Pass everything on to the origin with proxy_pass; callers keep their connections."""
    folder.mkdir()
    upstream = _KEEP_ALIVE_UPSTREAM if KEEP_ALIVE in more else ""
    inner = _PROXY.format(port=port, origin=origin, upstream=upstream, more=more)
    return _start("nginx", folder, inner, core=core)


def _start(name: str, folder: Path, inner: str, *, core: int) -> Server:
    folder.chmod(0o755)  # the worker is another user when this is root
    configuration = folder / "nginx.conf"
    configuration.write_text(_COMMON.format(folder=folder, inner=inner))
    command = [tool("nginx"), "-c", str(configuration), "-p", str(folder)]
    return Server(name, command, core=core, log=folder / "log")
