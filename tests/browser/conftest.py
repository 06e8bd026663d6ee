"""Real pages in a real browser, on a real demo. Without Chromium all of it is left out."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from browser.visitor import DANA, Visitor
from demo_process import DemoProcess, new_demo_folder, running_demo

HERE = Path(__file__).parent
DESK = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}

expect.set_options(timeout=30_000)  # a busy machine is not a fault


def chromium() -> str | None:
    """Return the browser's program; ``BILLHOOK_CHROMIUM`` names it, or says that there is none."""
    named = os.environ.get("BILLHOOK_CHROMIUM")  # noqa: TID251 - no setting of Billhook
    if named is not None:
        return named or None
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    return next((path for name in names if (path := shutil.which(name))), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip these tests without Chromium: one of them represents all, so that there is one line."""
    ours = [item for item in items if HERE in item.path.parents]
    if ours and chromium() is None:
        left_out = ours[1:]
        items[:] = [item for item in items if item not in left_out]
        reason = f"there is no Chromium, so {len(ours)} browser tests are left out"
        ours[0].add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def program() -> str:
    found = chromium()
    assert found is not None, "without Chromium these tests are skipped"
    return found


@pytest.fixture(scope="module")
def browser(program) -> Iterator[Browser]:
    """A browser for one module: Playwright's event loop may not outlive it, others need theirs."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def demo(program, tmp_path_factory) -> Iterator[DemoProcess]:
    """The demo that all tests look at and none changes."""
    folder = new_demo_folder(tmp_path_factory.mktemp("demo"))
    with running_demo("--data-dir", str(folder)) as demo:
        demo.wait_until_told()
        yield demo


@pytest.fixture
def own_demo(program, tmp_path) -> Iterator[DemoProcess]:
    """A demo for a test that changes it."""
    with running_demo("--data-dir", str(new_demo_folder(tmp_path))) as demo:
        demo.wait_until_told()
        yield demo


@pytest.fixture(scope="module")
def crowded_demo(program, tmp_path_factory) -> Iterator[DemoProcess]:
    """A demo with the longest names, numbers and amounts there can be."""
    folder = new_demo_folder(tmp_path_factory.mktemp("crowd"))
    with running_demo("--data-dir", str(folder)) as demo:
        demo.wait_until_told()
        subprocess.run(
            [sys.executable, HERE / "crowd.py", DANA],
            env={"BILLHOOK_DATA_DIR": str(demo.data_dir)},
            check=True,
        )
        yield demo


@pytest.fixture
def visit(browser, request) -> Iterator[Callable[..., Visitor]]:
    """Return a function that opens a window; at the end each must be free of errors."""
    visitors: list[Visitor] = []

    def open_window(
        demo: DemoProcess, *, phone: bool = False, scripts: bool = True, **more: Any
    ) -> Visitor:
        context = browser.new_context(
            viewport=PHONE if phone else DESK,
            is_mobile=phone,
            has_touch=phone,
            java_script_enabled=scripts,
            accept_downloads=True,
            **more,
        )
        visitors.append(Visitor(context, demo, name=request.node.name, phone=phone))
        return visitors[-1]

    yield open_window
    for visitor in visitors:
        visitor.close()
    for visitor in visitors:
        assert visitor.faults == []
