"""A person at a browser: signs in, looks, and notes everything that goes wrong in the page."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import APIResponse, BrowserContext, ConsoleMessage, Page, Request

from demo_process import DemoProcess

DANA = "dana@meridian.example"
COLM = "colm@foylevalley.example"
MAEVE = "maeve@alderfinch.example"
SAM = "sam@alderfinch.example"
INES = "ines@alderfinch.example"

_signed_in: dict[tuple[str, str], list[Any]] = {}
"""The cookies of people who signed in before: signing in is rate-limited."""

_CSP_WATCH = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`));
"""
_STATUS_LINE = re.compile(r"Failed to load resource: the server responded with a status of (\d+)")


class Visitor:
    """One window of one person."""

    def __init__(
        self, context: BrowserContext, demo: DemoProcess, *, name: str, phone: bool
    ) -> None:
        self.demo = demo
        self.faults: list[str] = []
        self.expected_statuses: set[int] = set()
        self._name = name
        self._shots = 0
        self._context = context
        self.is_phone = phone
        context.set_default_timeout(30_000)
        context.add_init_script(_CSP_WATCH)
        self.page: Page = context.new_page()
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.faults.append(f"page error: {error}"))
        self.page.on("request", self._see)

    def _hear(self, message: ConsoleMessage) -> None:
        status = _STATUS_LINE.match(message.text)
        if status and int(status[1]) in self.expected_statuses:
            return
        if message.type in {"error", "warning"}:
            self.faults.append(f"console {message.type}: {message.text}")

    def _see(self, request: Request) -> None:
        here = urlsplit(self.demo.address).netloc
        there = urlsplit(request.url)
        if there.scheme not in {"data", "blob"} and there.netloc != here:
            self.faults.append(f"a request to somebody else: {there.netloc}")

    def close(self) -> None:
        """Close the window."""
        self._context.close()

    def go(self, path: str):
        """Open a page of the demo, and return the answer."""
        return self.page.goto(f"{self.demo.address}{path}")

    def until_found(self, path: str):
        """Open a page that is made within a second or two, and return the answer."""
        self.expected_statuses.add(404)
        for _ in range(20):
            response = self.go(path)
            if response.status != 404:
                break
            self.page.wait_for_timeout(200)
        return response

    def sign_in(self, email: str, *, again: bool = False) -> None:
        """Sign in with the demo's password, or, unless *again*, with earlier cookies."""
        known = _signed_in.get((self.demo.address, email))
        if known is None or again:
            self.go("/sign-in/password")
            self.fill_in_password(email)
        else:
            self._context.add_cookies(known)
            self.go("/")
        if not again:
            _signed_in[self.demo.address, email] = self._context.cookies()

    def fill_in_password(self, email: str) -> None:
        """Fill in the sign-in page that is open, and wait until it is left."""
        self.page.get_by_label("E-mail").fill(email)
        self.page.get_by_label("Password").fill(self.demo.state["password"])
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(lambda url: "/sign-in" not in url)

    def find(self, number: str) -> None:
        """Look for an invoice in the list."""
        self.page.get_by_role("searchbox").fill(number)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(re.compile(rf"q={number}"))

    def view_one_that_works(self) -> None:
        """Get a document before a failure is provoked: five failures in a row pause the source."""
        self.go("/?q=INV0000001")
        link = self.page.get_by_role("link", name="INV0000001", exact=True)
        assert self.fetch(f"{link.get_attribute('href')}/document").ok

    def fetch(self, path: str) -> APIResponse:
        """Fetch *path* with this person's cookies, outside any page."""
        return self._context.request.get(f"{self.demo.address}{path}")

    def scrolls_sideways(self) -> bool:
        """Say whether the page is wider than the window."""
        return self.page.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )

    def shoot(self, what: str, *, whole: bool = True) -> None:
        """Keep a picture of the page where ``BILLHOOK_SCREENSHOTS`` names a folder."""
        folder = os.environ.get("BILLHOOK_SCREENSHOTS")  # noqa: TID251 - no setting of Billhook
        if folder:
            self._shots += 1
            name = re.sub(r"\W+", "-", f"{self._name}-{self._shots}-{what}").strip("-")
            self.page.screenshot(path=Path(folder) / f"{name}.png", full_page=whole)
