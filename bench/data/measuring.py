"""Asks a server for many addresses, one after the other, and keeps the times."""

from __future__ import annotations

import http.client
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from bench.data.pages import Address
from bench.tools import CannotRun


@dataclass(frozen=True, slots=True, kw_only=True)
class PageTimes:
    """The times of one page, over all its addresses, in milliseconds.

    *processor* is the processor time of the server and its database for a page, on average: other
    work on the machine changes it less.
    """

    addresses: int
    median: float
    p95: float
    processor: float
    slowest: float
    slowest_path: str


def measure_pages(
    port: int,
    cookie: str,
    asked: Iterable[Address],
    *,
    rounds: int,
    cpu_seconds: Callable[[], float],
) -> dict[str, PageTimes]:
    """Return the times of each page: *rounds* of each address, after a first one that is left out.

    *cpu_seconds* gives the processor time that has been used.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    found: dict[str, PageTimes] = {}
    for page, addresses in groupby(asked, key=lambda address: address.page):
        times: dict[str, list[float]] = {}
        began = cpu_seconds()
        for address in addresses:
            times[address.path] = [_ask(connection, address, cookie) for _ in range(rounds + 1)]
        used = cpu_seconds() - began
        requests = len(times) * (rounds + 1)
        found[page] = _times(times, processor=used * 1000 / requests)
    connection.close()
    return found


def _ask(connection: http.client.HTTPConnection, address: Address, cookie: str) -> float:
    began = time.perf_counter()
    connection.request("GET", address.path, headers={"Cookie": f"{cookie}={address.session}"})
    response = connection.getresponse()
    content = response.read()
    milliseconds = (time.perf_counter() - began) * 1000
    if response.status != http.client.OK or not content:
        raise CannotRun(f"{address.path} responded with {response.status}.")
    return milliseconds


def _times(by_path: Mapping[str, Sequence[float]], *, processor: float) -> PageTimes:
    later = {path: times[1:] for path, times in by_path.items()}
    medians = {path: statistics.median(times) for path, times in later.items()}
    every = sorted(time for times in later.values() for time in times)
    slowest = max(medians, key=lambda path: medians[path])
    return PageTimes(
        addresses=len(by_path),
        median=statistics.median(every),
        p95=every[min(len(every) - 1, int(len(every) * 0.95))],
        processor=processor,
        slowest=medians[slowest],
        slowest_path=slowest,
    )
