"""The editor of an integration, as a member uses it, with scripts and without."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, expect

from browser.visitor import Visitor


class Editor:
    """The open editor in the window of *member*."""

    def __init__(self, member: Visitor) -> None:
        self.member = member
        self.page = member.page

    def open(self, name: str) -> None:
        """Open an integration from the list."""
        self.go_to_list()
        self.page.get_by_role("link", name=name, exact=True).click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text(name)

    def go_to_list(self) -> None:
        """Go to the list of integrations."""
        if self.member.is_phone:
            self.page.get_by_text("Menu", exact=True).click()
        sections = self.page.locator(
            "nav.sections-small" if self.member.is_phone else "nav.sections"
        )
        sections.get_by_role("link", name="Integrations").click()

    def delete(self, name: str) -> None:
        """Delete an integration, and answer the question."""
        self.open(name)
        self.page.get_by_role("link", name="Delete").click()
        self.page.get_by_role("button", name="Delete").click()
        expect(self.page.get_by_role("status")).to_have_text(re.compile("is deleted"))

    def begin(self) -> None:
        """Begin a new integration."""
        self.page.get_by_role("link", name="Add integration").first.click()
        self.page.get_by_role("link", name="Add Custom integration").click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text("Add Custom integration")

    def begin_with_preset(self, title: str) -> None:
        """Look for a system in the gallery, and open its preset."""
        self.page.get_by_role("link", name="Add integration").first.click()
        self.page.get_by_role("searchbox").fill(title)
        self.press("Search")
        self.page.get_by_role("link", name=title, exact=True).click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text(f"Add {title}")

    def unfold(self, *names: str) -> None:
        """Open what is folded, from outside to inside; what is open stays so."""
        for name in names:
            fold = self.page.locator(f"[id='fold-{name}']")
            if fold.get_attribute("open") is None:
                fold.locator("> summary").click()

    def box(self, name: str) -> Locator:
        """Return a field by its id."""
        return self.page.locator(f"[id='{name}']")

    def fill(self, name: str, text: str) -> None:
        """Type into a field."""
        self.box(name).fill(text)

    def choose(self, name: str, option: str) -> None:
        """Choose from a list."""
        self.box(name).select_option(option)

    def press(self, name: str) -> None:
        """Press a button."""
        self.page.get_by_role("button", name=name).first.click()

    def add_variable(self, name: str, text: str) -> None:
        """Add a row for a variable, and fill it in."""
        self._add("Add variable", "variable", name, text)

    def add_secret(self, name: str, text: str) -> None:
        """Add a row for a secret, and fill it in."""
        self._add("Add secret", "secret", name, text)

    def add_header(self, name: str, text: str) -> None:
        """Add a row for a header, and fill it in."""
        self._add("ADD HEADER", "command-0-steps-0-headers", name, text)

    def remove_header(self, index: int) -> None:
        """Press the X of a header's row."""
        self.page.locator(
            f".pair:has([id='command-0-steps-0-headers-{index}-name']) .pair-remove"
        ).click()

    def _add(self, button: str, kind: str, name: str, text: str) -> None:
        rows = self.page.locator(f"[id^='{kind}-'][id$='-name']")
        index = rows.count()
        self.press(button)
        expect(rows).to_have_count(index + 1)
        self.fill(f"{kind}-{index}-name", name)
        self.fill(f"{kind}-{index}-value", text)

    def save(self) -> None:
        """Press Save."""
        self.page.locator("button.button[value=save]").first.click()

    def expect_saved(self) -> None:
        """See that it was saved."""
        expect(self.page.get_by_role("status").first).to_contain_text("is saved.")

    def expect_mistake(self, name: str, text: str) -> Locator:
        """See a problem at a field and in the list at the top; return its text."""
        expect(self.page.locator("#problems")).to_contain_text(text)
        at_field = self.page.locator(f"[id='{name}-error']")
        expect(at_field).to_contain_text(text)
        expect(self.box(name)).to_have_attribute("aria-invalid", "true")
        return at_field

    def try_it(self, number: str) -> Locator:
        """Send the request for one invoice, and return the verdict."""
        self.fill("try-number", number)
        self.page.locator("[data-send]").click()
        return self.page.locator("[data-verdict]")
