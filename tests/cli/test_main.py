"""Whatever happens, the command line says so: one JSON object, and the exit status."""

from __future__ import annotations

import subprocess
import sys

import pytest

import billhook.cli
import billhook.cli.check
from billhook.engine.errors import DocumentNotFound, EgressDenied, SourceRefused
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


def test_wrong_usage_without_json_is_told_on_standard_error(billhook):
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
        pytest.param(Verdict.DENIED_LOOPBACK.error(), 5, "egress-denied", id="denied"),
        pytest.param(KeyboardInterrupt(), 130, "interrupted", id="stopped"),
        pytest.param(RuntimeError("s3cret"), 1, "internal", id="our-own-mistake"),
    ],
)
def test_each_kind_of_error_has_its_exit_status(billhook, broken, error, status, code):
    broken(error)
    result = billhook("check", "x", "--json")
    assert (result.status, result.json["error"]["code"]) == (status, code)
    assert "s3cret" not in result.out + result.err


def test_a_denial_says_its_reason(billhook, broken):
    error = Verdict.DENIED_LOOPBACK.error()
    assert isinstance(error, EgressDenied)
    broken(error)
    assert billhook("check", "x", "--json").json["error"]["reason"] == "address"


def test_it_runs_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "billhook.cli", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("billhook ")
