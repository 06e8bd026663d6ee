"""Walks through the tutorial in a real browser, and takes its pictures.

    python docs/make_pictures.py

It needs what the browser tests need: Chromium and the development packages. What is typed is read
from ``tutorial.md``; a browser test walks the same way without a camera.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests"))

from browser.conftest import chromium  # noqa: E402 - the folder was not on the path before
from browser.editor import Editor  # noqa: E402
from browser.visitor import DANA, MAEVE, Visitor  # noqa: E402
from demo_process import DemoProcess, running_demo  # noqa: E402

INTEGRATION = "Alder & Finch billing"
WINDOW = {"width": 1280, "height": 860}
TALL = {"try": 1300}
"""Pictures that need a taller window, and how tall."""
COLOURS = 256
_TYPED = re.compile(r"^\| ([A-Z][\w ]+?) \| `([^`]+)` \|$", re.MULTILINE)

Camera = Callable[[Page, str], None]


def typed_values() -> dict[str, str]:
    """Return the texts that the tutorial asks readers to type, by the name of the field."""
    return dict(_TYPED.findall((HERE / "tutorial.md").read_text(encoding="utf-8")))


def walk(dana: Visitor, maeve: Visitor, demo: DemoProcess, camera: Camera) -> None:
    """Do what the tutorial says, in its order, as Dana (a contact) and Maeve (a member)."""
    typed = typed_values()
    look_as_contact(dana, camera)
    editor = Editor(maeve)
    maeve.sign_in(MAEVE)
    editor.delete(INTEGRATION)
    see_failure(dana, camera)
    type_request(editor, typed, demo)
    mend_mistake(editor, camera)
    change_headers(editor, typed)
    try_it(editor, typed, camera)
    editor.save()
    editor.expect_saved()
    dana.page.get_by_role("link", name="Try again").click()
    expect_document(dana.page)
    see_runs(maeve, camera)


def look_as_contact(dana: Visitor, camera: Camera) -> None:
    """Steps 1 and 2."""
    dana.sign_in(DANA)
    camera(dana.page, "list")
    dana.page.get_by_role("link", name=re.compile("^VIEW")).first.click()
    expect_document(dana.page)
    camera(dana.page, "view")


def see_failure(dana: Visitor, camera: Camera) -> None:
    """Step 3, what Dana sees."""
    dana.expected_statuses.add(502)
    dana.page.reload()
    expect(dana.page.get_by_role("alert")).to_contain_text("We couldn't get this invoice")
    camera(dana.page, "failed")


def type_request(editor: Editor, typed: dict[str, str], demo: DemoProcess) -> None:
    """Step 4."""
    editor.begin()
    editor.fill("name", typed["Name"])
    editor.choose("command-0-steps-0-method", typed["Method"])
    editor.fill("command-0-steps-0-url", typed["URL"])
    editor.fill("command-0-steps-0-headers-0-name", typed["Header key"])
    editor.fill("command-0-steps-0-headers-0-value", typed["Header value"])
    editor.add_variable(typed["Variable name"], demo.sample_address)
    editor.add_secret(typed["Secret name"], demo.state["sample_key"])


def mend_mistake(editor: Editor, camera: Camera) -> None:
    """Step 5."""
    editor.member.expected_statuses.add(422)
    editor.save()
    told = editor.expect_mistake("command-0-steps-0-url", "{{InvoiceNumber}}")
    camera(editor.page, "mistake")
    told.get_by_role("button", name="Use {{InvoiceNumber}}").click()
    expect(told).to_have_count(0)


def change_headers(editor: Editor, typed: dict[str, str]) -> None:
    """Step 6."""
    editor.add_header(typed["Second header key"], typed["Second header value"])
    editor.press("ADD HEADER")
    expect(editor.box("command-0-steps-0-headers-2-name")).to_be_visible()
    editor.remove_header(2)
    expect(editor.box("command-0-steps-0-headers-2-name")).to_have_count(0)


def try_it(editor: Editor, typed: dict[str, str], camera: Camera) -> None:
    """Step 7."""
    verdict = editor.try_it(typed["Invoice number"])
    expect(verdict).to_have_attribute("data-kind", "good")
    expect(editor.page.locator("[data-request]")).to_contain_text(typed["Invoice number"])
    first = editor.page.get_by_role("img", name=re.compile("Page 1 of"))
    first.scroll_into_view_if_needed()
    expect(first).to_have_js_property("complete", value=True)
    editor.page.evaluate("for (const e of document.querySelectorAll('*')) e.scrollTop = 0")
    camera(editor.page, "try")


def see_runs(maeve: Visitor, camera: Camera) -> None:
    """Step 8, what Maeve sees: a run is written within a second."""
    maeve.page.locator("nav.sections").get_by_role("link", name="Runs").click()
    saved = maeve.page.get_by_role("row").filter(has_text="My billing")
    for _ in range(10):
        maeve.page.wait_for_timeout(500)
        maeve.page.reload()
        if saved.count():
            break
    expect(saved).to_have_count(1)
    camera(maeve.page, "runs")


def expect_document(page: Page) -> None:
    """Wait until the first page of the document is seen."""
    image = page.get_by_role("img", name=re.compile("Page 1 of"))
    expect(image).to_be_visible()
    expect(image).to_have_js_property("complete", value=True)


def take_picture(page: Page, name: str) -> None:
    """Write what the window shows, with few colours, so that the repository stays small."""
    page.set_viewport_size({**WINDOW, "height": TALL.get(name, WINDOW["height"])})
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    few = shot.quantize(COLOURS, kmeans=2, dither=Image.Dither.NONE)
    few.save(HERE / "pictures" / f"{name}.png", optimize=True)


def main() -> int:
    """Take all pictures. Return the exit status."""
    program = chromium()
    if program is None:
        sys.stderr.write("The pictures need Chromium, and there is none.\n")
        return 1
    with running_demo() as demo, sync_playwright() as playwright:
        demo.wait_until_told()
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        contexts = [browser.new_context(viewport=WINDOW, color_scheme="light") for _ in range(2)]
        dana, maeve = (Visitor(context, demo, name="", phone=False) for context in contexts)
        walk(dana, maeve, demo, take_picture)
        faults = dana.faults + maeve.faults
        browser.close()
    sys.stderr.write("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
