"""Pages stay whole for people who read text of twice the size."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from browser.reading import faults_of, faults_of_pages
from browser.visitor import DANA, MAEVE


@pytest.fixture(scope="module")
def browser(program) -> Iterator[Browser]:
    """A browser whose text is twice as large as usual, as its settings offer."""
    arguments = ["--no-sandbox", "--blink-settings=defaultFontSize=32,defaultFixedFontSize=26"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        yield browser
        browser.close()


@pytest.mark.timeout(200)
@pytest.mark.parametrize("width", [640, 1280])
def test_pages_bear_text_of_twice_the_size(width, demo, visit):
    maeve = visit(demo)
    maeve.sign_in(MAEVE)
    maeve.page.set_viewport_size({"width": width, "height": 800})
    size = maeve.page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)")
    assert size == 32
    faults = faults_of_pages(maeve)
    assert not faults, faults


def test_a_contact_sees_everything_with_text_of_twice_the_size(demo, visit):
    dana = visit(demo)
    dana.sign_in(DANA)
    for width in (640, 1280):
        dana.page.set_viewport_size({"width": width, "height": 800})
        assert faults_of(dana) == []
        dana.shoot(f"list-{width}")
