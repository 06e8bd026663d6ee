"""Looks for texts that are cut off on the members' pages, with text as its reader wants it."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import expect

from browser.visitor import Visitor

CLIPPING = Path(__file__).with_name("clipping.js").read_text(encoding="utf-8")
TEXTS = "main :is(h1, h2, h3, p, li, th, td, dt, dd, label, legend, summary, .button, .status)"
UNFOLD = "() => document.querySelectorAll('details.more').forEach((fold) => (fold.open = true))"
PAGES = ("", "/invoices", "/invoices/import", "/integrations", "/members", "/settings", "/runs")


def faults_of(visitor: Visitor) -> list[str]:
    found = visitor.page.evaluate(CLIPPING, TEXTS)
    return [*found, "the page scrolls sideways"] if visitor.scrolls_sideways() else found


def home_of(visitor: Visitor) -> str:
    return re.match(r".*/backoffice/\w+", visitor.page.url)[0].removeprefix(visitor.demo.address)


def faults_of_pages(visitor: Visitor, *, style: str = "() => 0") -> dict[str, list[str]]:
    """Return what is cut off on the members' pages and in the open editor."""
    home, found = home_of(visitor), {}
    for path in PAGES:
        visitor.go(f"{home}{path}")
        visitor.page.evaluate(style)
        found[path] = faults_of(visitor)
        visitor.shoot(f"page{path}")
    visitor.go(f"{home}/integrations")
    visitor.page.get_by_role("link", name="Alder & Finch billing", exact=True).click()
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Alder & Finch billing")
    visitor.page.evaluate(style)
    visitor.page.evaluate(UNFOLD)
    found["editor"] = faults_of(visitor)
    visitor.shoot("editor")
    return {path: faults for path, faults in found.items() if faults}
