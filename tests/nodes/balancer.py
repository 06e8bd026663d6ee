"""nginx before the nodes, configured as docs/nodes.md and deploy/nginx.conf say."""

from __future__ import annotations

import re
import shutil
import socket  # noqa: TID251 - it finds a free port
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NGINX = shutil.which("nginx")


class Balancer:
    """nginx that sends each request to the next of the nodes with these *ports*."""

    def __init__(self, folder: Path, ports: Sequence[int]) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.port = server.getsockname()[1]
        self._log = folder / "access.log"
        config = folder / "nginx.conf"
        config.write_text(self._config(folder, ports))
        command = [NGINX, "-c", str(config), "-g", "daemon off;"]
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        while self._process.poll() is None and not self._is_up():
            time.sleep(0.05)
        assert self._process.poll() is None, self._process.communicate()[1]

    def _config(self, folder: Path, ports: Sequence[int]) -> str:
        page = (ROOT / "docs" / "nodes.md").read_text()
        [upstream] = re.findall(r"^```nginx\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
        names = re.findall(r"node-\w+\.internal:8000", upstream)
        for name, port in zip(names, ports, strict=True):
            upstream = upstream.replace(name, f"127.0.0.1:{port}")
        site = (ROOT / "deploy" / "nginx.conf").read_text()
        [location] = re.findall(r"^    location / \{.*?^    \}", site, re.MULTILINE | re.DOTALL)
        paths = "".join(
            f"{name}_temp_path {folder}/{name};"
            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        return (
            f"pid {folder}/pid; error_log {folder}/error.log; events {{}} http {{ {paths}\n"
            f"log_format nodes '$upstream_addr'; access_log {self._log} nodes;\n{upstream}"
            f"server {{ listen 127.0.0.1:{self.port}; client_max_body_size 20m;\n{location}\n}} }}"
        )

    def _is_up(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
        except OSError:
            return False
        return True

    def served_by(self) -> set[str]:
        """Return the addresses of the nodes that have responded."""
        return set(self._log.read_text().split())

    def close(self) -> None:
        self._process.terminate()
        self._process.communicate(timeout=30)
