"""Everything works through two nodes in turns, which share only the database and settings."""

from __future__ import annotations

import io
import json
import re
import secrets
import threading
import time
from collections.abc import Callable
from urllib.parse import quote
from zipfile import ZipFile

import pytest

import forked
from nodes.balancer import NGINX, Balancer
from nodes.processes import LEASE, NODES, is_connected, kill
from server.serving_process import Serving, environment

CSV = (
    "number,customer number,date,amount,currency\r\n"
    "INV-2,C-1,2026-11-01,10.00,EUR\r\nINV-3,C-1,2026-11-02,11.00,EUR\r\n"
)
CODE = re.compile(r"(\d{6}) is your code")
SOON = 20.0
"""Seconds that a busy machine may take for what should take two."""


def soon(condition: Callable[[], object], *, within: float = SOON) -> object:
    """Wait until *condition* is met."""
    until = time.monotonic() + within
    while not (met := condition()) and time.monotonic() < until:
        time.sleep(0.05)
    return met


def run(node, seeded, *, key: str = "", integration: str = ""):
    response, content = node.run(
        {**seeded, **({"key": key} if key else {})}, integration=integration
    )
    return response.status, json.loads(content).get("code", "") if content[:1] == b"{" else ""


def test_a_person_signs_in_at_one_node_and_out_at_the_other(installation, visitor) -> None:
    someone = visitor()
    before = len(installation.mail.mails)
    someone.post("/sign-in", email="carl@bolt.example")
    code = soon(lambda: re.search(CODE, "".join(installation.mail.mails[before:])))
    assert code
    page = someone.post("/sign-in/code", code=code[1])
    assert "INV-1" in page.text
    assert [someone.get("/").status for _ in range(2)] == [200, 200]
    someone.post("/sign-out", page="/")
    assert [someone.get("/").status for _ in range(2)] == [302, 302]


def test_a_document_that_one_node_fetched_is_shown_by_the_other(installation, contact) -> None:
    page = contact.get(f"/invoices/{installation.seeded['invoice']}/pages")
    held = page.find(r'data-held="([^"]+)/document')
    image, file = f"{held}/page/1.png", f"{held}/document"
    asked = len(installation.source.asked)
    for path, begin in ((image, b"\x89PNG"), (image, b"\x89PNG"), (file, b"%PDF"), (file, b"%PDF")):
        assert contact.get(path).content.startswith(begin)
    assert contact.get(file).content == installation.source.document
    assert len(installation.source.asked) == asked


def test_a_copy_that_one_node_kept_is_used_by_the_other(installation, contact) -> None:
    path = f"/invoices/{installation.seeded['invoice']}/document"
    assert contact.get(path).content == installation.source.document
    time.sleep(0.05)

    def conditions() -> list[str | None]:
        del installation.source.asked[:]
        assert contact.get(path).content == installation.source.document
        assert contact.get(path).content == installation.source.document
        return [condition for _, condition in installation.source.asked]

    assert soon(lambda: conditions() == ['"1"', '"1"'])


def test_a_saved_integration_is_live_on_both(installation, owner) -> None:
    seeded = installation.seeded
    address = f"/backoffice/{seeded['organisation']}/integrations/{seeded['integration']}"
    for name in ("Renamed", "Acme billing"):
        page = owner.send_form(address, name=name)
        assert page.status == 200, page.text
        for node in installation.nodes:
            assert soon(lambda node=node, name=name: is_called(node, seeded, name))


def is_called(node, seeded: dict[str, str], name: str) -> bool:
    return run(node, seeded, integration=quote(name))[0] == 200


def test_a_new_key_works_on_both_and_a_revoked_one_on_none(installation, owner) -> None:
    keys = f"/backoffice/{installation.seeded['organisation']}/keys"
    page = owner.post(keys, name="shop", scopes="run")
    key = page.find(r"(bhk_[\w-]+)")
    for node in installation.nodes:
        assert soon(lambda node=node: run(node, installation.seeded, key=key)[0] == 200)
    [revoke] = set(re.findall(rf"{keys}/\w+/revoke", owner.get(keys).text)) - {
        f"{keys}/{installation.seeded[name]}/revoke" for name in ("key_id", "api_key_id")
    }
    owner.post(revoke, page=keys)
    for node in installation.nodes:
        assert soon(lambda node=node: run(node, installation.seeded, key=key)[0] == 401)


def test_a_file_that_one_node_took_is_imported_by_the_other(installation, owner) -> None:
    place = f"/backoffice/{installation.seeded['organisation']}"
    page = owner.upload(f"{place}/invoices/import", "a.csv", CSV)
    address = page.find(rf'action="({place}/imports/\w+)/confirm"')
    owner.post(f"{address}/confirm", page=address)
    assert soon(lambda: "Import finished" in owner.get(address).text)
    found = installation.query("SELECT count(*) FROM invoices_invoice WHERE number LIKE 'INV-_'")
    assert found == [(3,)]


def test_a_zip_that_was_asked_for_at_one_node_comes_from_both(installation, contact) -> None:
    page = contact.post("/downloads", page="/", invoice=installation.seeded["invoice"])
    assert page.status == 200
    assert soon(lambda: all("Ready</span>" in contact.get("/downloads").text for _ in range(2)))
    address = contact.get("/downloads").find(r'href="(/downloads/\w+)"')
    for _ in installation.nodes:
        with ZipFile(io.BytesIO(contact.get(address).content)) as archive:
            assert archive.read("INV-1.pdf") == installation.source.document


def test_what_a_sync_brings_is_on_both_nodes_and_a_nudge_at_the_other_brings_a_change(
    installation, books, sync_page, visitor, contact
) -> None:
    one, two = installation.nodes
    at_one, at_two = visitor(installation.seeded["owner"], nodes=[one]), visitor(nodes=[two])
    numbers = [row["number"] for row in books.invoices.values()]
    assert soon(lambda: all(shows(contact, "/", *numbers) for _ in range(2)))
    assert soon(lambda: shows(at_one, sync_page, "Done</span>"))
    page = at_one.post(f"{sync_page}/nudge", page=sync_page, to="new")
    nudge = page.find(r"(/nudge/\w+/[\w-]+)")
    changed = next(iter(books.invoices))
    [[invoice]] = installation.query(
        "SELECT id FROM invoices_invoice WHERE source_id = %s", changed
    )
    assert not shows(contact, f"/invoices/{invoice}", ", Paid, ")
    books.pay(changed)
    assert at_two.ask("POST", nudge).status == 204
    assert soon(lambda: all(shows(contact, f"/invoices/{invoice}", ", Paid, ") for _ in range(2)))


def shows(visitor, path: str, *texts: str) -> bool:
    shown = visitor.get(path).text
    return all(text in shown for text in texts)


def test_a_sync_whose_node_is_killed_is_finished_by_the_other(
    installation, books, sync_page, visitor, owner
) -> None:
    was_reached, may_go_on = threading.Event(), threading.Event()

    def hold() -> None:
        was_reached.set()
        may_go_on.wait(SOON)

    for _ in range(books.size):
        newest = books.invoices[books.add(customer="9")]["number"]
    books.between_pages = hold
    owner.post(f"{sync_page}/now", page=sync_page, full="1")
    assert was_reached.wait(SOON)
    nodes = installation.nodes
    asking: list[Serving] = []

    def is_asking() -> bool:
        port = installation.billing.server_port
        asking.extend(node for node in nodes if is_connected(node, port))
        return bool(asking)

    assert soon(is_asking)
    killed = asking[0]
    [other] = [node for node in nodes if node is not killed]
    kill(killed)
    books.between_pages = lambda: None
    may_go_on.set()
    try:
        someone = visitor(installation.seeded["cookie"], nodes=[other])
        assert not shows(someone, "/", newest)
        assert soon(lambda: shows(someone, "/", newest), within=LEASE + SOON)
        done = "SELECT count(*) FROM jobs_job WHERE kind = 'sync' AND state <> 'done'"
        assert soon(lambda: installation.query(done) == [(0,)])
        found = installation.query("SELECT count(*) FROM invoices_invoice WHERE source_id <> ''")
        assert found == [(len(books.invoices),)]
    finally:
        index = nodes.index(killed)
        nodes[index] = installation.start_node(NODES[index])


@pytest.mark.skipif(NGINX is None, reason="nginx isn't installed here")
def test_everything_works_through_a_load_balancer_without_stickiness(
    installation, visitor, tmp_path
) -> None:
    balancer = Balancer(tmp_path, [node.port for node in installation.nodes])
    try:
        someone = visitor(nodes=[balancer])
        before = len(installation.mail.mails)
        someone.post("/sign-in", email="carl@bolt.example")
        code = soon(lambda: re.search(CODE, "".join(installation.mail.mails[before:])))
        assert "INV-1" in someone.post("/sign-in/code", code=code[1]).text
        path = f"/invoices/{installation.seeded['invoice']}/document"
        for _ in range(4):
            assert someone.get(path).content == installation.source.document
        owner = visitor(installation.seeded["owner"], nodes=[balancer])
        place = f"/backoffice/{installation.seeded['organisation']}"
        page = owner.upload(
            f"{place}/invoices/import", "b.csv", CSV.replace("INV-2", "B-2").replace("INV-3", "B-3")
        )
        address = page.find(rf'action="({place}/imports/\w+)/confirm"')
        owner.post(f"{address}/confirm", page=address)
        assert soon(lambda: "Import finished" in owner.get(address).text)
        assert len(balancer.served_by()) == len(installation.nodes)
    finally:
        balancer.close()


def test_a_contact_who_is_removed_at_one_node_sees_nothing_at_the_other(
    installation, owner, visitor
) -> None:
    removed = visitor(installation.seeded["other_cookie"])
    path = f"/invoices/{installation.seeded['invoice']}/document"
    assert [removed.get(path).status for _ in range(2)] == [200, 200]
    place = f"/backoffice/{installation.seeded['organisation']}"
    owner.post(
        f"{place}/contacts/{installation.seeded['other_contact']}/remove",
        page=f"{place}/customers/{installation.seeded['customer']}",
    )
    assert all(removed.get(path).status in {302, 404} for _ in range(2))


def test_wrong_keys_are_counted_by_both_together(installation) -> None:
    one, two = installation.nodes
    wrong = {"key": "bhk_" + "x" * 43}
    replies = [run(one, installation.seeded | wrong)[0] for _ in range(21)]
    assert replies[0] == 401
    assert replies[-1] == 429
    assert soon(lambda: run(two, installation.seeded | wrong)[0] == 429)


def test_a_source_that_one_node_found_dead_is_left_alone_by_the_other(installation) -> None:
    one, two = installation.nodes
    assert run(two, installation.seeded)[0] == 200
    installation.source.fails = True
    try:
        assert soon(lambda: run(one, installation.seeded)[1] == "source-paused")
        time.sleep(0)
        assert soon(lambda: run(two, installation.seeded)[1] == "source-paused")
        failed = installation.query("SELECT count(*) FROM runs_run WHERE outcome = 'source-error'")
        assert failed
    finally:
        installation.source.fails = False
    for node in installation.nodes:
        assert soon(lambda node=node: run(node, installation.seeded)[0] == 200)


@pytest.mark.parametrize("name", ["BILLHOOK_SECRETS_KEYS", "BILLHOOK_SIGNING_KEY"])
def test_a_node_with_another_key_refuses_to_start(installation, tmp_path, name: str) -> None:
    other = {"BILLHOOK_SECRETS_KEYS": secrets.token_urlsafe(32) + "=", "BILLHOOK_SIGNING_KEY": ""}
    other["BILLHOOK_SIGNING_KEY"] = secrets.token_urlsafe(48)
    settings = installation.settings | {name: other[name], "BILLHOOK_DATA_DIR": str(tmp_path / "3")}
    done = forked.run(
        [*forked.BILLHOOK, "serve", "--port", "0"], env=environment(**settings), timeout=120
    )
    assert done.returncode == 2
    assert f"The setting {name}" in done.stderr
    assert "one, two" in done.stderr or "encrypted with a key that isn't in it" in done.stderr
    assert other[name] not in done.stderr


def test_metrics_and_readiness_name_the_node(installation) -> None:
    for node, name in zip(installation.nodes, NODES, strict=True):
        _, content = node.ask("GET", "/metrics")
        assert f'billhook_node_info{{node="{name}"' in content.decode()
        _, content = node.ask("GET", "/readyz")
        assert json.loads(content)["node"] == name


def test_doctor_lists_the_nodes(installation, tmp_path) -> None:
    settings = installation.settings | {"BILLHOOK_DATA_DIR": str(tmp_path)}
    (tmp_path / "signing.key").write_text("")
    done = forked.run(
        [*forked.BILLHOOK, "doctor", "--json"], env=environment(**settings), timeout=120
    )
    findings = json.loads(done.stdout)["findings"]
    [nodes] = [each for each in findings if each["check"] == "nodes"]
    assert "one" in nodes["message"]
    assert "two" in nodes["message"]
