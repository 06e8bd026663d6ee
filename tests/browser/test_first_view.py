"""The fields and clicks from a fresh installation to the first VIEW; the test fails when they grow.

A field is filled or chosen by hand: what is filled in already doesn't count. A click is one on a
link or a button.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from os import environ  # noqa: TID251 - a process gets it, without our settings
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from browser.axe import findings
from demo_process import DemoProcess

BILLHOOK = str(Path(sys.executable).with_name("billhook"))
OWN_FIELDS, OWN_CLICKS = 8, 6
SAMPLE_FIELDS, SAMPLE_CLICKS = 3, 3


class Installation:
    """A fresh installation that is served, and the address that it prints for the set-up."""

    def __init__(self, folder: Path, *, allow: str) -> None:
        kept = {name: text for name, text in environ.items() if not name.startswith("BILLHOOK_")}
        self.process = subprocess.Popen(
            [BILLHOOK, "serve", "--port", "0", "--data-dir", str(folder)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**kept, "BILLHOOK_LOG_LEVEL": "warning", "BILLHOOK_ALLOW": allow},
        )
        said = ""
        for line in self.process.stdout:
            said += line
            if "Ctrl+C stops it" in line:
                break
        found = re.search(r"http://\S+/setup#code=\w+", said)
        assert found, said
        self.setup_address = found[0]

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(60)
        self.process.stdout.close()


@pytest.fixture
def fresh(demo: DemoProcess, tmp_path: Path) -> Iterator[Installation]:
    """An installation that may reach the demo's billing system."""
    made = Installation(tmp_path / "data", allow=demo.sample_address.removeprefix("http://"))
    yield made
    made.stop()


class Person:
    """A person at a browser whose fields and clicks are counted."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.fields = 0
        self.clicks = 0

    def fill(self, label: str, text: str) -> None:
        self.fields += 1
        self.page.get_by_label(label).fill(text)

    def click(self, target: Locator) -> None:
        self.clicks += 1
        target.click()

    def press(self, name: str) -> None:
        self.click(self.page.get_by_role("button", name=name))

    def set_up(self, address: str) -> None:
        self.page.goto(address)
        self.fill("Organisation", "Harper IT")
        self.fill("Your e-mail", "owner@harper.example")
        self.fill("Password", "correct horse battery")
        self.press("Create")
        expect(self.page.get_by_role("heading", level=1)).to_have_text("Harper IT")

    def view(self, number: str) -> None:
        self.click(self.page.get_by_role("link", name=f"VIEW {number}"))
        image = self.page.get_by_role("img", name=re.compile(f"Page 1 of .* {number}"))
        expect(image).to_be_visible()


@pytest.fixture
def person(visit, demo) -> Person:
    visitor = visit(demo)
    visitor.page.remove_listener("request", visitor._see)  # the fresh installation is elsewhere
    return Person(visitor.page)


def home(person: Person, fresh: Installation) -> None:
    person.page.goto(fresh.setup_address.partition("/setup")[0])


def test_ones_own_document_is_in_a_contacts_eyes_with_few_fields_and_clicks(fresh, person, demo):
    person.set_up(fresh.setup_address)
    person.click(person.page.get_by_role("link", name="See one of your PDFs"))
    person.fill("Invoice number", "INV0000001")
    person.fill("Address of its PDF", f"{demo.sample_address}/invoices/INV0000001/pdf")
    person.fill("Key", f"X-Api-Key: {demo.state['sample_key']}")
    person.press("Fetch")
    expect(person.page.locator("[data-verdict][data-kind=good]")).to_be_visible()
    assert findings(person.page) == []
    person.fill("Customer", "Meridian")
    person.fill("Contact's e-mail", "dana@meridian.example")
    person.press("Save and view as contact")
    expect(person.page.get_by_text("You see what dana@meridian.example")).to_be_visible()
    person.view("INV0000001")
    assert person.fields <= OWN_FIELDS
    assert person.clicks <= OWN_CLICKS
    home(person, fresh)
    expect(person.page.get_by_text("The last runs")).to_be_visible()
    person.page.wait_for_timeout(1500)
    person.page.reload()
    expect(person.page.get_by_text("Until the first VIEW")).to_have_count(0)


def test_the_sample_is_seen_with_fewer_and_one_click_removes_it(fresh, person):
    person.set_up(fresh.setup_address)
    person.press("Try the sample")
    person.view("SAMPLE-1")
    assert person.fields <= SAMPLE_FIELDS
    assert person.clicks <= SAMPLE_CLICKS
    assert findings(person.page) == []
    home(person, fresh)
    expect(person.page.get_by_text("Until the first VIEW")).to_be_visible()
    person.press("Remove the sample")
    expect(person.page.get_by_role("status")).to_have_text(re.compile("The sample is removed"))
    expect(person.page.get_by_text("No integration")).to_have_count(0)
    for section in ("Invoices", "Customers", "Integrations"):
        person.page.get_by_role("navigation").first.get_by_role("link", name=section).click()
        expect(person.page.get_by_role("main")).not_to_contain_text("ample")
