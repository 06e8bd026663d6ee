"""`billhook run` writes the document whole or not at all; its exit status says how it went."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from billhook.cli.progress import describe_progress
from billhook.engine.http.trace import Trace
from billhook.engine.testing import make_pdf
from engine.origins import Peer, Script, Source, always, answer, serving

CANARY = "c4nary-s3cret"
PDF = make_pdf(60_000)
FILE = """\
format = 1
[integration]
name = "Acme billing"
variables = {{ BaseUrl = "{url}" }}
secrets = ["ApiKey"]

[commands.GetInvoiceImage]
url = "{{{{BaseUrl}}}}/items/{{{{InvoiceNumber}}}}?run={{{{RunId}}}}"

[commands.WithSecret]
tokens = ["InvoiceNumber"]
url = "{{{{BaseUrl}}}}/items/{{{{InvoiceNumber}}}}"
headers = [["X-Api-Key", "{{{{ApiKey}}}}"]]

[commands.GetPaymentLink]
url = "{{{{BaseUrl}}}}/items/{{{{InvoiceNumber}}}}/payment"
payment_hosts = ["pay.example.com"]

[commands.GetStatement]
url = "{{{{BaseUrl}}}}/{{{{CustomerId}}}}/{{{{StatementStart|date:yyMMdd}}}}-{{{{StatementEnd}}}}"
"""


@contextmanager
def source_in_a_thread(script: Script) -> Iterator[Source]:
    """Serve *script* next to the command line, which has its own loop."""
    ready: list[Source] = []
    is_ready = threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        async with serving(script) as source:
            ready.append(source)
            is_ready.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    is_ready.wait()
    try:
        yield ready[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


async def stalls(peer: Peer) -> None:
    await peer.request()
    await peer.until_gone()


@pytest.fixture
def source() -> Iterator[Source]:
    with source_in_a_thread(always(answer(PDF))) as running:
        yield running


@pytest.fixture
def run(billhook, write):
    def run_against(source: Source, *more: str, command: str = "GetInvoiceImage"):
        file = write(FILE.format(url=source.url))
        allow = ("--allow", f"127.0.0.1:{source.port}")
        return billhook("run", file, command, "InvoiceNumber=INV-1", *allow, *more)

    return run_against


class TestTheDocument:
    def test_the_complete_document_is_written_to_the_named_file(self, run, source, tmp_path):
        result = run(source, "-o", str(tmp_path / "out.pdf"))
        assert result.status == 0
        assert (tmp_path / "out.pdf").read_bytes() == PDF
        assert result.out == f"{tmp_path}/out.pdf: application/pdf, 60,000 bytes.\n"
        assert result.err == ""

    def test_a_statement_is_of_a_customer_and_a_period(self, billhook, write, source, tmp_path):
        file, out = write(FILE.format(url=source.url)), tmp_path / "out.pdf"
        days = ("StatementStart=2026-03-01", "StatementEnd=2026-03-31")
        options = ("--allow", f"127.0.0.1:{source.port}", "-o", str(out))
        result = billhook("run", file, "GetStatement", "CustomerId=C-1", *days, *options)
        assert result.status == 0
        assert out.read_bytes() == PDF
        assert b"/C-1/260301-2026-03-31 " in source.requests[0]

    @pytest.mark.parametrize(
        ("link", "status", "written"),
        [
            pytest.param("https://pay.example.com/i/1", 0, True, id="listed"),
            pytest.param("https://evil.example/i/1", 4, False, id="another host"),
        ],
    )
    def test_a_payment_link_is_written_if_its_host_is_listed(
        self, run, tmp_path, link, status, written
    ):
        out = tmp_path / "link.txt"
        body = json.dumps({"PaymentLink": link}).encode()
        with source_in_a_thread(always(answer(body))) as source:
            result = run(source, "-o", str(out), command="GetPaymentLink")
        assert (result.status, out.exists()) == (status, written)
        if written:
            assert out.read_text() == link

    def test_with_json_its_details_are_printed(self, run, source, tmp_path):
        result = run(source, "--json", "-o", str(tmp_path / "out.pdf")).json
        assert result["ok"] is True
        assert result["document"] == {
            "media_type": "application/pdf",
            "bytes": 60_000,
            "sha256": hashlib.sha256(PDF).hexdigest(),
            "file": str(tmp_path / "out.pdf"),
        }
        (attempt,) = result["attempts"]
        assert (attempt["method"], attempt["status"], attempt["outcome"]) == ("GET", 200, "ok")
        assert attempt["timing"]["wait"] > 0
        assert f"?run={result['run']} ".encode() in source.requests[0]

    def test_with_json_and_no_file_it_is_only_checked(self, run, source, tmp_path):
        result = run(source, "--json").json
        assert result["document"]["file"] is None
        assert [path.name for path in tmp_path.iterdir()] == ["acme.toml"]

    def test_the_xml_that_came_with_it_is_written_where_asked(self, run, tmp_path):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("INV-1.pdf", PDF)
            archive.writestr("../../factur-x.xml", b"<Invoice/>")
        with source_in_a_thread(always(answer(file.getvalue()))) as source:
            out, folder = str(tmp_path / "out.pdf"), str(tmp_path)
            result = run(source, "--json", "-o", out, "--attachments", folder).json
            (attachment,) = result["document"]["attachments"]
            assert attachment == {
                "media_type": "application/xml",
                "bytes": 10,
                "name": "factur-x.xml",
                "file": str(tmp_path / "factur-x.xml"),
            }
            assert (tmp_path / "factur-x.xml").read_bytes() == b"<Invoice/>"
            only_told = run(source, "--json").json["document"]["attachments"]
            assert only_told == [attachment | {"file": None}]

    def test_an_existing_file_is_replaced_and_keeps_its_mode(self, run, source, tmp_path):
        old = tmp_path / "out.pdf"
        old.write_bytes(b"old")
        old.chmod(0o640)
        assert run(source, "-o", str(old)).status == 0
        assert old.read_bytes() == PDF
        assert old.stat().st_mode & 0o777 == 0o640

    def test_a_name_that_is_too_long_is_reported_before_anything_is_sent(self, run, source):
        result = run(source, "--json", "-o", "x" * 300)
        assert (result.status, result.json["error"]["code"]) == (2, "file-unwritable")
        assert "File name too long" in result.json["error"]["message"]
        assert source.requests == []

    def test_a_link_stays_a_link(self, run, source, tmp_path):
        (tmp_path / "link.pdf").symlink_to(tmp_path / "real.pdf")
        assert run(source, "-o", str(tmp_path / "link.pdf")).status == 0
        assert (tmp_path / "link.pdf").is_symlink()
        assert (tmp_path / "real.pdf").read_bytes() == PDF

    def test_a_device_is_written_to_and_not_replaced(self, run, source):
        assert run(source, "-o", "/dev/null").status == 0
        assert not Path("/dev/null").is_file()


class TestFailures:
    @pytest.mark.parametrize(
        ("script", "status", "code"),
        [
            pytest.param(always(answer(status="404 Not")), 3, "document-not-found", id="404"),
            pytest.param(always(answer(status="500 Oh")), 4, "source-status", id="500"),
            pytest.param(always(answer(b"<html>")), 4, "web-page-instead", id="a-web-page"),
            pytest.param(always(answer(PDF[:-9])), 4, "source-cut-short", id="cut-short"),
        ],
    )
    def test_the_exit_status_shows_whose_fault_it_is(self, run, tmp_path, script, status, code):
        with source_in_a_thread(script) as source:
            result = run(source, "--json", "-o", str(tmp_path / "out.pdf"))
            plain = run(source, "-o", str(tmp_path / "out.pdf"))
        assert (result.status, plain.status) == (status, status)
        assert result.json["error"]["code"] == code
        assert result.json["error"]["message"] == plain.err.strip()
        assert plain.out == ""
        assert [path.name for path in tmp_path.iterdir()] == ["acme.toml"]

    def test_a_failure_leaves_an_existing_file_unchanged(self, run, tmp_path):
        old = tmp_path / "out.pdf"
        old.write_bytes(b"old")
        with source_in_a_thread(always(answer(b"{}"))) as source:
            assert run(source, "-o", str(old)).status == 4
        assert old.read_bytes() == b"old"

    def test_a_denied_address_exits_with_status_5(self, billhook, write, source):
        file = write(FILE.format(url=source.url))
        result = billhook("run", file, "GetInvoiceImage", "InvoiceNumber=INV-1", "--json")
        assert result.status == 5
        error = result.json["error"]
        assert error["code"] == "egress-denied"
        assert error["allow"] == f"127.0.0.1:{source.port}"
        assert f"--allow 127.0.0.1:{source.port}" in error["message"]
        assert source.connections == 0
        allowed = ("GetInvoiceImage", "InvoiceNumber=INV-1", "--allow", error["allow"], "--json")
        assert billhook("run", file, *allowed).status != 5

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            pytest.param(["-o", "no/such/folder/out.pdf"], "There is no folder", id="no-folder"),
            pytest.param(["-o", "/"], "is a folder", id="a-folder"),
            pytest.param(["-o", "-", "--json"], "needs a file", id="json-and-standard-output"),
            pytest.param(["--allow", "127.0.0.1"], "not a host and port", id="an-allowance"),
        ],
    )
    def test_a_problem_in_the_arguments_is_reported_before_anything_is_sent(
        self, run, source, arguments, words
    ):
        result = run(source, *arguments)
        assert result.status == 2
        assert words in result.err + result.out
        assert source.connections == 0

    def test_an_unwritable_folder_is_reported(self, run, source, tmp_path):
        result = run(source, "-o", "/proc/out.pdf")
        assert result.status == 2
        assert "/proc/out.pdf can't be written" in result.err

    def test_a_secret_over_http_goes_only_where_the_operator_allows_and_is_never_shown(
        self, run, source, monkeypatch, tmp_path
    ):
        monkeypatch.setenv("ACME_KEY", CANARY)
        secret = ("--secret", "ApiKey=env:ACME_KEY")
        out = ("-o", str(tmp_path / "out.pdf"))
        result = run(source, *secret, *out, command="WithSecret")
        assert result.status == 0
        assert CANARY.encode() in source.requests[0]
        assert CANARY not in result.out + result.err


def arguments(write, source: Source, *more: str) -> list[str]:
    file = write(FILE.format(url=source.url))
    return [
        *(sys.executable, "-W", "error", "-m", "billhook.cli", "run", str(file)),
        *("GetInvoiceImage", "InvoiceNumber=INV-1", "--allow", f"127.0.0.1:{source.port}"),
        *more,
    ]


STEPS = """
[[commands.Steps.steps]]
name = "Find"
url = "{{BaseUrl}}/find"
extract = { Id = { regex = "%%(EOF)" }, Name = { header = "X-Name" } }
[[commands.Steps.steps]]
name = "Take"
url = "{{BaseUrl}}/{{Find.Id}}"
answer = { name = { template = "{{Find.Name}}" } }
"""


class TestSteps:
    @pytest.fixture
    def run_steps(self, billhook, write):
        def run_against(source: Source, *more: str):
            file = write(FILE.format(url=source.url) + STEPS)
            allow = f"{source.host}:{source.port}"
            return billhook("run", file, "Steps", "--allow", allow, *more)

        return run_against

    def test_the_steps_are_sent_and_the_document_has_its_name(self, run_steps):
        with source_in_a_thread(always(answer(PDF, "X-Name: a/Bill.PDF"))) as source:
            result = run_steps(source, "--json").json
        assert [each["step"] for each in result["attempts"]] == ["Find", "Take"]
        assert result["document"]["name"] == "Bill.pdf"

    def test_a_failure_names_its_step(self, run_steps, tmp_path):
        with source_in_a_thread(always(answer(PDF))) as source:
            result = run_steps(source, "--json")
            shown = run_steps(source, "-o", str(tmp_path / "x.pdf"))
        assert (result.status, result.json["error"]["code"]) == (3, "document-not-found")
        assert result.json["error"]["step"] == "Find"
        assert shown.err.startswith("Step Find: The source responded, but has no such document.")


class TestAsAProcess:
    @pytest.mark.parametrize("more", [[], ["-o", "-"]], ids=["without-o", "with-o-minus"])
    def test_standard_output_gets_the_exact_bytes(self, write, source, more):
        done = subprocess.run(
            arguments(write, source, *more),
            capture_output=True,
            check=True,
        )
        assert done.stdout == PDF
        assert done.stderr == b""

    def test_a_terminal_gets_no_document(self, write, source):
        terminal, end = pty.openpty()
        done = subprocess.run(
            arguments(write, source), stdout=end, stderr=subprocess.PIPE, check=False
        )
        os.close(end)
        os.close(terminal)
        assert done.returncode == 2
        assert b"-o FILE" in done.stderr
        assert source.connections == 0

    def test_a_reader_that_has_gone_causes_no_traceback(self, write, source):
        line = arguments(write, source)
        with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.close()
            assert process.stderr.read() == b""
        assert process.returncode == 1

    def test_ctrl_c_ends_it_cleanly(self, write, tmp_path):
        with source_in_a_thread(stalls) as source:
            out = tmp_path / "out.pdf"
            with subprocess.Popen(
                arguments(write, source, "-o", str(out)),
                stderr=subprocess.PIPE,
            ) as process:
                while not source.requests and process.poll() is None:
                    time.sleep(0.02)
                process.send_signal(signal.SIGINT)
                assert process.stderr is not None
                assert process.stderr.read().strip() == b"Stopped."
            assert process.returncode == 130
            assert not out.exists()

    def test_a_long_run_shows_on_a_terminal_what_it_is_waiting_for(self, write, tmp_path):
        with source_in_a_thread(stalls) as source:
            terminal, end = pty.openpty()
            line = arguments(write, source, "-o", str(tmp_path / "out.pdf"))
            with subprocess.Popen(line, stderr=end) as process:
                os.close(end)  # so that reading ends when the process does
                shown = b""
                while b"Waiting for the source to answer" not in shown:
                    shown += os.read(terminal, 1000)
                process.send_signal(signal.SIGINT)
            os.close(terminal)
        assert process.returncode == 130


def test_the_progress_shows_phase_bytes_and_seconds():
    trace = Trace()
    assert describe_progress(trace, 1.2) == "Working … 1 s"
    progress = trace.begin("One", "GET")
    progress.phase = "connect"
    assert describe_progress(trace, 2.6) == "Connecting to the source … 3 s"
    progress.phase, progress.received = "body", 1_234_567
    assert describe_progress(trace, 61) == "Receiving 1,234,567 bytes … 61 s"


HOW = "--secret {0}=env:VARIABLE or --secret {0}=file:PATH."


@pytest.mark.parametrize("as_json", [True, False], ids=["json", "text"])
def test_a_missing_secret_is_reported_with_the_option_that_supplies_it(billhook, write, as_json):
    file = write(FILE.format(url="https://billing.acme.example"))
    result = billhook("run", file, "WithSecret", "InvoiceNumber=1", *["--json"] * as_json)
    message = f"No value is given for the secret ApiKey. Give it with {HOW.format('ApiKey')}"
    assert result.status == 2
    if as_json:
        error = result.json["error"]
        assert (error["code"], error["where"]) == ("missing-secret", "tokens.ApiKey")
        assert error["message"] == message
    assert message in (result.out if as_json else result.err)
    assert "stored" not in result.out + result.err


def test_help_names_the_exit_statuses(billhook):
    result = billhook("run", "--help").out
    assert "exit status is 2" in " ".join(result.split())
    assert json.dumps("-o")[1:-1] in result


SIGNED = """\
format = 1
[integration]
name = "Acme billing"
variables = {{ BaseUrl = "{url}" }}
secrets = ["Password"]

[authentication]
{authentication}

[commands.GetInvoiceImage]
url = "{{{{BaseUrl}}}}/items/{{{{InvoiceNumber}}}}"
"""
BASIC = 'scheme = "basic"\nusername = "billhook"\npassword = "{{Password}}"'
REFRESH = """\
scheme = "oauth2-refresh-token"
token_url = "{{BaseUrl}}/token"
client_id = "app"
client_auth = "body"
refresh_token = "{{Password}}"
"""


async def oauth_source(peer: Peer) -> None:
    """Give out a token at /token, and the document for that token alone."""
    while True:
        request = await peer.request()
        if request.startswith(b"POST /token "):
            result = b'{"access_token": "fresh", "token_type": "Bearer", "refresh_token": "next"}'
            await peer.send(answer(result, "Content-Type: application/json"))
        elif b"Authorization: Bearer fresh" in request:
            await peer.send(answer(PDF))
        else:
            await peer.send(answer(status="401 No"))


class TestAuthentication:
    @pytest.fixture
    def signed_run(self, billhook, write, monkeypatch):
        def run_against(source: Source, authentication: str, *more: str):
            monkeypatch.setenv("PASSWORD", CANARY)
            file = write(SIGNED.format(url=source.url, authentication=authentication))
            allow = f"--allow=127.0.0.1:{source.port}"
            secret = "--secret=Password=env:PASSWORD"
            arguments = ("GetInvoiceImage", "InvoiceNumber=INV-1", allow, secret, "--json", *more)
            return billhook("run", file, *arguments)

        return run_against

    def test_a_missing_secret_of_the_authentication_is_reported_too(self, billhook, write):
        file = write(SIGNED.format(url="https://billing.acme.example", authentication=BASIC))
        result = billhook("run", file, "GetInvoiceImage", "InvoiceNumber=1", "--json")
        assert (result.status, result.json["error"]["code"]) == (2, "missing-secret")
        assert result.json["error"]["message"].endswith(HOW.format("Password"))

    def test_the_authentication_in_the_file_is_used(self, signed_run, source):
        assert signed_run(source, BASIC).status == 0
        pair = base64.b64encode(f"billhook:{CANARY}".encode())
        assert b"Authorization: Basic " + pair in source.requests[0]

    def test_tokens_are_kept_from_one_run_to_the_next(self, signed_run, tmp_path):
        tokens = f"--tokens={tmp_path / 'tokens'}"
        with source_in_a_thread(oauth_source) as source:
            assert signed_run(source, REFRESH, tokens).status == 0
            assert signed_run(source, REFRESH, tokens).status == 0
            asked = [request.split(b" ")[1] for request in source.requests]
        assert asked == [b"/token", b"/items/INV-1", b"/items/INV-1"]
        assert (tmp_path / "tokens").stat().st_mode & 0o777 == 0o600

    def test_if_tokens_cannot_be_stored_the_option_is_named(self, signed_run, source):
        result = signed_run(source, REFRESH)
        assert result.status == 2
        assert "--tokens FILE" in result.json["error"]["message"]
        assert source.requests == []
