"""Event loops for the engine's tests: what touches the network runs on the server's loop, too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import pytest
import uvloop

_LOOPS: Mapping[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}


def pytest_asyncio_loop_factories(
    item: pytest.Item,
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run the tests of a module with ``BOTH_LOOPS`` on asyncio's own loop and on uvloop."""
    module = getattr(item, "module", None)
    if getattr(module, "BOTH_LOOPS", False):
        return _LOOPS
    return {"asyncio": _LOOPS["asyncio"]}
