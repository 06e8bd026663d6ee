"""Everything that is compared, started: each with the request that it gets."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.load import Target
from bench.nginx import FITTED, KEEP_ALIVE, start_origin, start_proxy
from bench.node_red.server import is_possible, start_node_red
from bench.processes import Server, free_port
from bench.tools import CannotRun, Cores, environment

SOURCE_KEY = "a-key-that-the-source-wants"
NUMBER = "INV0000001"
LABELS = {
    "nginx": "nginx, proxy_pass",
    "nginx_kept": "nginx, keep-alive to the origin as well",
    "nginx_fitted": "nginx, that and buffers that fit",
    "gateway": "Billhook, gateway",
    "view": "Billhook, VIEW by a signed-in contact",
    "prototype": "prototype, the steps without protection",
    "by_hand": "by hand, FastAPI and httpx",
    "node_red": "Node-RED, http in, request, response",
}


@dataclass(frozen=True, slots=True)
class Stage:
    """The place to start servers; they are stopped when *stack* ends."""

    folder: Path
    cores: Cores
    document: bytes
    stack: ExitStack

    def wait_for(self, server: Server, url: str) -> Server:
        """Return *server* when it answers at *url*."""
        self.stack.callback(server.stop)
        server.wait_until(url)
        return server


def start_contestants(stage: Stage, only: Collection[str] = ()) -> Iterator[Target]:
    """Start those named in *only*, or all, and the origin that they all get the document from."""
    stage.folder.chmod(0o755)  # nginx's workers are another user when this is root
    origin = _start_origin(stage)
    settings, seeded = _seed(stage, origin)
    starts: dict[tuple[str, ...], Callable[[], Iterable[Target]]] = {
        ("nginx",): lambda: [_nginx(stage, origin, name="nginx")],
        ("gateway", "view"): lambda: _billhook(stage, settings, seeded),
        ("prototype",): lambda: [_by_hand(stage, origin, seeded, name="prototype")],
        ("by_hand",): lambda: [_by_hand(stage, origin, seeded, name="by_hand")],
        ("node_red",): lambda: _node_red(stage, origin, seeded),
        ("nginx_kept",): lambda: [_nginx(stage, origin, name="nginx_kept", more=KEEP_ALIVE)],
        ("nginx_fitted",): lambda: [
            _nginx(stage, origin, name="nginx_fitted", more=KEEP_ALIVE + FITTED)
        ],
    }
    for names, start in starts.items():
        if not only or not set(names).isdisjoint(only):
            yield from (target for target in start() if not only or target.name in only)


def _start_origin(stage: Stage) -> int:
    port = free_port()
    server = start_origin(stage.folder / "origin", stage.document, port=port, core=stage.cores.load)
    stage.wait_for(server, f"http://127.0.0.1:{port}/items/{NUMBER}")
    return port


def _nginx(stage: Stage, origin: int, *, name: str, more: str = "") -> Target:
    port = free_port()
    server = start_proxy(
        stage.folder / name, port=port, origin=origin, core=stage.cores.server, more=more
    )
    url = f"http://127.0.0.1:{port}/items/{NUMBER}"
    return Target(name=name, label=LABELS[name], server=stage.wait_for(server, url), url=url)


def _billhook(stage: Stage, settings: dict[str, str], seeded: dict[str, str]) -> Iterator[Target]:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    billhook = str(Path(sys.executable).with_name("billhook"))
    server = Server(
        "billhook",
        [billhook, "serve", "--port", str(port)],
        core=stage.cores.server,
        log=stage.folder / "billhook.log",
        **settings,
    )
    stage.wait_for(server, f"{address}/healthz")
    yield _run_target("gateway", server, address, seeded)
    yield Target(
        name="view",
        label=LABELS["view"],
        server=server,
        url=f"{address}/invoices/{seeded['invoice']}/document",
        headers={"Cookie": seeded["cookie"]},
    )


def _by_hand(stage: Stage, origin: int, seeded: dict[str, str], *, name: str) -> Target:
    port = free_port()
    uvicorn = [sys.executable, "-m", "uvicorn", f"bench.{name}:app", "--port", str(port)]
    server = Server(
        LABELS[name],
        [*uvicorn, "--no-access-log", "--loop", "uvloop", "--http", "httptools"],
        core=stage.cores.server,
        log=stage.folder / f"{name}.log",
        BENCH_ORIGIN=f"http://127.0.0.1:{origin}",
        BENCH_KEY=seeded["key"],
        BENCH_SOURCE_KEY=SOURCE_KEY,
    )
    address = f"http://127.0.0.1:{port}"
    stage.wait_for(server, address)
    return _run_target(name, server, address, seeded)


def _node_red(stage: Stage, origin: int, seeded: dict[str, str]) -> Iterator[Target]:
    if not is_possible():
        print("Node-RED is left out: it needs npm and node.", flush=True)
        return
    port = free_port()
    server = start_node_red(
        stage.folder / "node-red",
        port=port,
        core=stage.cores.server,
        BENCH_ORIGIN=f"http://127.0.0.1:{origin}",
        BENCH_KEY=seeded["key"],
        BENCH_SOURCE_KEY=SOURCE_KEY,
    )
    address = f"http://127.0.0.1:{port}"
    stage.wait_for(server, address)
    yield _run_target("node_red", server, address, seeded)


def _run_target(name: str, server: Server, address: str, seeded: dict[str, str]) -> Target:
    path = f"/api/v1/integrations/{seeded['integration']}/commands/GetInvoiceImage/run"
    return Target(
        name=name,
        label=LABELS[name],
        server=server,
        url=address + path,
        method="POST",
        body=json.dumps({"tokens": {"InvoiceNumber": NUMBER}}),
        headers={
            "Authorization": f"Bearer {seeded['key']}",
            "Content-Type": "application/json",
        },
    )


def _seed(stage: Stage, origin: int) -> tuple[dict[str, str], dict[str, str]]:
    """Fill a data folder; return the settings of its server, and what the load needs to know."""
    settings = {
        "BILLHOOK_DATA_DIR": str(stage.folder / "data"),
        "BILLHOOK_ALLOW": f"127.0.0.1:{origin}",
        "BILLHOOK_API_RATE": "100000",
        "BILLHOOK_LOG_FORMAT": "json",
    }
    done = subprocess.run(
        [sys.executable, "-m", "bench.seeding", f"http://127.0.0.1:{origin}", SOURCE_KEY],
        env=environment(**settings),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CannotRun(f"The data could not be made:\n{done.stderr}")
    return settings, json.loads(done.stdout.splitlines()[-1])
