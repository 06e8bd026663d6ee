"""What the README and the pages say leads somewhere and works."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from billhook.engine import EgressPolicy, read_integration
from billhook.engine.command.compile import compile_command

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_and_picture_of_a_page_is_there(page):
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text())
    missing = [
        target for target in targets if "://" not in target and not (page.parent / target).exists()
    ]
    assert missing == []


def test_every_page_of_the_docs_is_linked_from_the_readme():
    linked = set(re.findall(r"\(docs/([\w-]+\.md)\)", README))
    assert {page.name for page in (ROOT / "docs").glob("*.md")} - linked == set()


def test_the_readmes_file_is_right():
    [text] = blocks("toml")
    acme = read_integration(text)
    command = compile_command(acme.commands[0], variables=acme.variables, secrets=acme.secrets)
    assert command.tokens == ("InvoiceNumber",)


def test_the_readmes_program_runs_up_to_the_network(tmp_path, monkeypatch):
    [program] = blocks("python")
    monkeypatch.chdir(tmp_path)
    Path("acme.toml").write_text(
        blocks("toml")[0].replace("https://billing.acme.example", "https://127.0.0.1")
    )
    from billhook.engine import EgressDenied

    with pytest.raises(EgressDenied):
        exec(compile(program, "README.md", "exec"), {})
    assert EgressPolicy() is not None


def test_the_readme_names_every_target_that_a_newcomer_needs():
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^make (\w+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_no_page_names_this_machine():
    for page in PAGES:
        assert "/work/" not in page.read_text(), page.name
