"""Links, files and programs of the README and the pages, which must exist and work."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

import pytest

from billhook.engine import compile_integration, read_integration
from billhook.engine.testing import make_pdf
from engine.authorization_server import CLIENT_ID, authorization_server
from engine.origins import Peer, answer, serving

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
PDF = make_pdf()
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_and_picture_of_a_page_exists(page):
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text())
    missing = [
        target for target in targets if "://" not in target and not (page.parent / target).exists()
    ]
    assert missing == []


def test_every_page_of_the_docs_is_linked_from_the_readme():
    linked = set(re.findall(r"\(docs/([\w-]+\.md)\)", README))
    assert {page.name for page in (ROOT / "docs").glob("*.md")} - linked == set()


def test_the_file_in_the_readme_is_valid():
    [text] = blocks("toml")
    acme = compile_integration(read_integration(text))
    assert acme.commands["GetInvoiceImage"].tokens == ("InvoiceNumber",)
    assert acme.notes == ()


OAUTH_FILE = f"""\
format = 1
[integration]
name = "Acme billing"
variables = {{ BaseUrl = "http://127.0.0.1:PORT" }}
secrets = ["ApiKey"]
[authentication]
scheme = "oauth2-client-credentials"
token_url = "{{{{BaseUrl}}}}/token"
client_id = "{CLIENT_ID}"
client_secret = "{{{{ApiKey}}}}"
[commands.GetInvoiceImage]
url = "{{{{BaseUrl}}}}/items/{{{{InvoiceNumber}}}}"
"""


async def run_program(folder: Path, file: str, *, port: int) -> bytes:
    """Run the README's program on *file*, with *port* of this machine allowed."""
    [program] = blocks("python")
    assert "EgressPolicy()" in program  # the public internet alone
    policy = f'EgressPolicy.from_texts(allow=["127.0.0.1:{port}"])'
    (folder / "program.py").write_text(program.replace("EgressPolicy()", policy))
    (folder / "acme.toml").write_text(file)
    line = (sys.executable, "-W", "error", "program.py")
    process = await asyncio.create_subprocess_exec(*line, cwd=folder)
    assert await process.wait() == 0
    return (folder / "INV-7.pdf").read_bytes()


async def test_the_program_in_the_readme_authenticates_with_the_key_in_its_file(tmp_path):
    async def script(peer: Peer) -> None:
        while True:
            request = await peer.request()
            is_right = request.startswith(b"POST /items/INV-7 ") and b'"key2": "INV-7"' in request
            has_key = b"\r\nX-Api-Key: the key\r\n" in request
            await peer.send(answer(PDF) if is_right and has_key else answer(status="401 No"))

    async with serving(script) as source:
        file = blocks("toml")[0].replace("https://billing.acme.example", source.url)
        assert await run_program(tmp_path, file, port=source.port) == PDF


async def test_the_program_in_the_readme_authenticates_with_oauth_2_if_the_file_says_so(tmp_path):
    async with authorization_server(client_secret="the key", document=PDF) as server:
        file = OAUTH_FILE.replace("PORT", str(server.port))
        assert await run_program(tmp_path, file, port=server.port) == PDF
    assert server.grants == ["client_credentials"]
    assert server.served == ["/items/INV-7"]


def test_the_readme_names_every_target_that_a_newcomer_needs():
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^make (\w+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_no_page_names_this_machine():
    for page in PAGES:
        assert "/work/" not in page.read_text(), page.name
