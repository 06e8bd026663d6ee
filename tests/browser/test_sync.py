"""A member at the page of a sync: its state, Sync now, stop and start, and the nudge URL."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import urllib.request
from os import kill

import pytest
from playwright.sync_api import expect

from browser.axe import findings
from browser.visitor import MAEVE

WIDTHS = pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])


@WIDTHS
def test_the_page_of_a_sync_shows_its_state_and_what_can_be_done(phone, demo, visit) -> None:
    maeve = visit(demo, phone=phone)
    maeve.sign_in(MAEVE)
    page = maeve.page
    page.goto(page.url.rstrip("/") + "/integrations")
    page.get_by_role("link", name=re.compile("sync", re.IGNORECASE)).first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Sync of")
    expect(page.get_by_text("The list is as of")).to_be_visible()
    runs = page.get_by_role("row").filter(has_text="Done")
    expect(runs.first).to_contain_text("request")
    before = runs.count()
    page.get_by_role("button", name="Read everything again").click()
    for _ in range(60):
        if runs.count() > before:
            break
        page.wait_for_timeout(500)
        page.reload()
    assert runs.count() > before
    maeve.shoot("sync")
    assert not maeve.scrolls_sideways()
    assert findings(page) == []
    page.get_by_role("button", name=re.compile("(Create a|Replace the) URL")).click()
    nudge = page.locator("pre.code").inner_text()
    maeve.shoot("nudge")
    assert not maeve.scrolls_sideways()
    assert findings(page) == []
    with urllib.request.urlopen(urllib.request.Request(nudge, method="POST")) as response:
        assert response.status == 204
    page.get_by_role("button", name="Stop syncing").click()
    expect(page.get_by_text("Not started").first).to_be_visible()
    maeve.shoot("stopped")
    assert findings(page) == []
    page.get_by_role("button", name="Start syncing").click()
    expect(page.get_by_text("Every 15 minutes")).to_be_visible()


def sample_process(demo) -> int:
    """Return the process of the demo's billing system."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid=,args="], capture_output=True, check=True)
    rows = [line.split(maxsplit=2) for line in listed.stdout.decode().splitlines()]
    parent = str(demo.process.pid)
    [pid] = [row[0] for row in rows if row[1] == parent and "billhook.sample" in row[2]]
    return int(pid)


def test_sync_now_shows_its_progress_and_then_a_contact_has_the_new_invoice(own_demo, visit):
    maeve, contact = visit(own_demo), visit(own_demo)
    maeve.sign_in(MAEVE)
    invoices = json.loads(own_demo.sample_get("/invoices"))["invoices"]
    draft = next(row for row in invoices if row["status"] == "draft")
    customers = json.loads(own_demo.sample_get("/customers"))["customers"]
    [people] = [row["contacts"] for row in customers if row["number"] == draft["customer"]]
    contact.sign_in(people[0]["email"])
    contact.find(draft["number"])
    expect(contact.page.get_by_role("link", name=f"VIEW {draft['number']}")).to_have_count(0)
    own_demo.sample_post(f"/invoices/{draft['number']}/issue")
    page = maeve.page
    page.goto(page.url.rstrip("/") + "/integrations")
    page.get_by_role("link", name=re.compile("sync", re.IGNORECASE)).first.click()
    runs = page.get_by_role("row").filter(has_text="request")
    before = runs.count()
    sample = sample_process(own_demo)
    kill(sample, signal.SIGSTOP)  # a slow billing system
    try:
        page.get_by_role("button", name="Sync now").click()
        expect(page.get_by_text("The sync begins in a moment.")).to_be_visible()
        expect(page.locator("#sync .status").first).to_have_text("Syncing")
        maeve.shoot("syncing")
    finally:
        kill(sample, signal.SIGCONT)
    expect(page.locator("#sync .status").first).to_have_text("Up to date")  # without a reload
    expect(runs).to_have_count(before + 1)
    expect(runs.first).to_contain_text("status 1")
    contact.page.reload()
    expect(contact.page.get_by_role("link", name=f"VIEW {draft['number']}")).to_be_visible()
