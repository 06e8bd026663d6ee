"""Every outcome is reported by the command line: one JSON object, and the exit status."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import billhook.cli
import billhook.cli.check
from billhook.engine.errors import DocumentNotFound, EgressDenied, SourceRefused, denied
from billhook.engine.verdict import Verdict


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param([], id="nothing"),
        pytest.param(["fil"], id="unknown-command"),
        pytest.param(["--nope"], id="unknown-option"),
        pytest.param(["check"], id="no-file"),
        pytest.param(["check", "a", "b"], id="too-many"),
        pytest.param(["fill", "a"], id="no-command"),
        pytest.param(["serve", "--port", "x"], id="wrong-type"),
    ],
)
def test_wrong_usage_is_one_object_with_json(billhook, arguments):
    result = billhook(*arguments, "--json")
    assert result.status == 2
    assert result.json["ok"] is False
    assert result.json["error"]["code"] == "usage"
    assert result.json["error"]["message"]


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["members", "role", "dana@acme.example"], id="argument"),
        pytest.param(["members", "add", "dana@acme.example"], id="option"),
    ],
)
def test_a_missing_choice_lists_the_choices_with_json(billhook, arguments):
    message = billhook(*arguments, "--json").json["error"]["message"]
    assert message.endswith("Choose from: owner, editor, viewer")


def test_wrong_usage_without_json_is_reported_on_standard_error(billhook):
    result = billhook("chek")
    assert (result.status, result.out) == (2, "")
    assert 'There is no command "chek". Did you mean check?' in result.err


@pytest.mark.parametrize("command", ["check", "fill", "serve", "demo"])
def test_each_command_has_help(billhook, command):
    result = billhook(command, "--help")
    assert result.status == 0
    assert result.out.startswith(f"Usage: billhook {command}")


def test_the_help_names_every_command(billhook):
    result = billhook("--help")
    assert result.status == 0
    assert all(f"  {name} " in result.out for name in billhook_commands())


def billhook_commands():
    return billhook.cli.COMMANDS


@pytest.fixture
def broken(monkeypatch):
    """Let `check` raise what a test gives it, where it would read the file."""

    def break_with(error):
        def read_file(path):
            raise error

        monkeypatch.setattr("billhook.cli.check.read_file", read_file)

    return break_with


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        pytest.param(DocumentNotFound(), 3, "document-not-found", id="no-document"),
        pytest.param(SourceRefused(401), 4, "source-refused", id="source-failed"),
        pytest.param(denied(Verdict.DENIED_LOOPBACK), 5, "egress-denied", id="denied"),
        pytest.param(KeyboardInterrupt(), 130, "interrupted", id="stopped"),
        pytest.param(RuntimeError("s3cret"), 1, "internal", id="our-own-fault"),
    ],
)
def test_each_kind_of_error_has_its_exit_status(billhook, broken, error, status, code):
    broken(error)
    result = billhook("check", "x", "--json")
    assert (result.status, result.json["error"]["code"]) == (status, code)
    assert "s3cret" not in result.out + result.err


def test_a_denial_includes_its_reason(billhook, broken):
    error = denied(Verdict.DENIED_LOOPBACK)
    assert isinstance(error, EgressDenied)
    broken(error)
    assert billhook("check", "x", "--json").json["error"]["reason"] == "address"


@pytest.mark.parametrize("module", ["billhook", "billhook.cli"])
def test_it_runs_as_a_module(module):
    done = subprocess.run(
        [sys.executable, "-m", module, "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("billhook ")


@contextlib.contextmanager
def nobody_reads():
    reading, writing = os.pipe()
    os.close(reading)
    try:
        yield writing
    finally:
        os.close(writing)


@contextlib.contextmanager
def no_room():
    with Path("/dev/full").open("wb") as full:
        yield full.fileno()


def run_into(output, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "billhook.cli", *map(str, arguments)],
        stdout=output,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )


FILE = '[integration]\nname = "x"\n[commands.A]\nurl = "https://billing.example.com/a"\n'


@pytest.mark.parametrize(
    ("text", "status"),
    [
        pytest.param("format = 1\n" + FILE, 1, id="after-success"),
        pytest.param(FILE, 2, id="after-failure"),
    ],
)
@pytest.mark.parametrize(
    "more", [pytest.param((), id="lines"), pytest.param(("--json",), id="json")]
)
def test_it_ends_quietly_when_nobody_reads_its_output(write, text, status, more):
    with nobody_reads() as output:
        done = run_into(output, "check", write(text), *more)
    assert done.returncode == status
    assert "Traceback" not in done.stderr
    assert "ignored" not in done.stderr


@pytest.mark.parametrize(
    "more", [pytest.param((), id="lines"), pytest.param(("--json",), id="json")]
)
def test_a_full_disk_is_reported_on_standard_error(write, more):
    with no_room() as output:
        done = run_into(output, "check", write("format = 1\n" + FILE), *more)
    assert done.returncode == 2
    assert done.stderr == (
        "There is no room to write (No space left on device). Make room, or write elsewhere.\n"
    )


def test_a_closed_output_is_not_reported_as_our_fault(write):
    done = subprocess.run(
        [
            "/bin/sh",
            "-c",
            '"$0" -m billhook.cli check "$1" --json >&-',
            sys.executable,
            write(FILE),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (2, "")


_STOPPED_WHILE_LOADING = """
import os, signal, sys
from billhook.__main__ import main

class Stop:
    def find_spec(self, name, path, target=None):
        if name == "billhook.cli":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Stop())
main()
"""


def test_ctrl_c_while_the_command_line_loads_ends_it_without_a_traceback():
    command = [sys.executable, "-c", _STOPPED_WHILE_LOADING]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")
