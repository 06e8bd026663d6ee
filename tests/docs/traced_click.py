"""Runs the demo, notes in which order functions of Billhook are first called by one VIEW click.

A program of its own, started by ``test_view_click``: it prints one JSON list of
``module:qualified.name`` and ends.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from types import FrameType
from typing import Any

from billhook.server.demo.report import DemoFacts
from billhook.server.demo.start import run_demo

FIRST = "billhook.server.app:Application.__call__"


class Recorder:
    """Notes each function's first call, in whatever thread, from the click on."""

    def __init__(self) -> None:
        self.calls: dict[str, None] = {}
        self._has_begun = False

    def __call__(self, frame: FrameType, event: str, _argument: Any) -> None:
        module = frame.f_globals.get("__name__", "")
        if event != "call" or not module.startswith("billhook."):
            return
        name = f"{module}:{frame.f_code.co_qualname}"
        if name == FIRST and frame.f_locals["scope"].get("path", "").endswith("/document"):
            self._has_begun = True
        if self._has_begun:
            self.calls.setdefault(name)


class Teller:
    """Begins to note when the server is about to serve, and stops it after the click."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def tell_start(self, _facts: DemoFacts, *, port_taken: bool) -> None:
        del port_taken
        threading.setprofile(self._recorder)
        sys.setprofile(self._recorder)

    def tell_view(self, *_: Any, is_same: bool) -> None:
        self._end(calls=list(self._recorder.calls), is_same=is_same)

    def tell_no_view(self, _facts: DemoFacts, reason: str) -> None:
        self._end(problem=reason)

    def _end(self, **told: Any) -> None:
        print(json.dumps(told), flush=True)  # noqa: T201 - what it is for
        os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    run_demo(port=0, data_dir=None, teller=Teller(Recorder()))
