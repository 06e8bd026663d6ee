"""bash, zsh and fish complete commands, options and values; one command installs that."""

from __future__ import annotations

import shutil
import subprocess
import sys
from os import environ  # noqa: TID251 - a process gets it
from pathlib import Path

import pytest

PROGRAMS = Path(sys.executable).parent


def run(*command: str, **variables: str) -> str:
    path = f"{PROGRAMS}:{environ['PATH']}"
    done = subprocess.run(
        command,
        env={**environ, "PATH": path, **variables},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout


def completed(line: str) -> list[str]:
    """Return what the product answers to a shell that completes the end of *line*."""
    words = line.split(" ")
    asked = {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    response = run("billhook", _BILLHOOK_COMPLETE="bash_complete", **asked)
    return [entry.partition(",")[2] for entry in response.splitlines()]


def test_commands_options_and_values_are_completed():
    assert completed("billhook do") == ["doctor"]
    assert "--passphrase" in completed("billhook backup file --pa")
    assert completed("billhook members add a@b.example --role o") == ["owner"]
    assert completed("billhook members dis") == ["disable"]


def test_completing_a_command_loads_no_server():
    code = (
        "import sys\nfrom billhook.cli import billhook\n"
        "import click\n"
        "items = billhook.shell_complete(click.Context(billhook), '')\n"
        "assert {'doctor', 'serve'} <= {item.value for item in items}\n"
        "print(sorted(sys.modules.keys() & {'django', 'aiohttp', 'uvicorn'}))"
    )
    assert run(sys.executable, "-c", code) == "[]\n"


def test_bash_completes_after_sourcing_its_script():
    script = (
        "source <(billhook completion bash); COMP_WORDS=(billhook rest); COMP_CWORD=1; "
        '_billhook_completion billhook; echo "${COMPREPLY[@]}"'
    )
    assert run("bash", "--norc", "-c", script) == "restore\n"


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish isn't here")
def test_fish_completes_from_the_installed_script(tmp_path):
    home = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    run("billhook", "completion", "fish", "--install", **home)
    assert "restore" in run("fish", "-c", "complete -C 'billhook rest'", **home)


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh isn't here")
def test_zsh_uses_the_installed_function(tmp_path):
    home = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "share")}
    printed = run("billhook", "completion", "zsh", "--install", **home)
    assert f"fpath=({tmp_path}/share/zsh/site-functions $fpath)" in printed
    script = (
        f"fpath=({tmp_path}/share/zsh/site-functions $fpath); autoload -U compinit; compinit -u; "
        "echo $_comps[billhook]"
    )
    assert run("zsh", "-f", "-c", script, **home) == "_billhook\n"


@pytest.mark.parametrize(
    ("shell", "place"),
    [
        ("bash", ".local/share/bash-completion/completions/billhook"),
        ("zsh", ".local/share/zsh/site-functions/_billhook"),
        ("fish", ".config/fish/completions/billhook.fish"),
    ],
)
def test_one_command_installs_it_for_the_user(billhook, monkeypatch, tmp_path, shell, place):
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    result = billhook("completion", shell, "--install", "--json")
    assert result.json == {
        "ok": True,
        "completion": {"shell": shell, "file": str(tmp_path / place)},
    }
    assert "_BILLHOOK_COMPLETE" in (tmp_path / place).read_text()


def test_a_path_that_cannot_be_written_is_named(billhook, monkeypatch, tmp_path):
    (tmp_path / ".config").touch()
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    result = billhook("completion", "fish", "--install", "--json")
    assert (result.status, result.json["error"]["code"]) == (2, "file-unwritable")


def test_an_unknown_shell_is_refused_with_a_list_of_the_supported_ones(billhook):
    result = billhook("completion", "powershell")
    assert result.status == 2
    assert "'bash', 'zsh', 'fish'" in result.err
