"""The command line inside this process: arguments in; status, output and errors out."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from billhook.cli import main
from cli.operator import Installation


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Output and exit status of one use of the command line."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one object on standard output."""
        assert self.out.count("\n") == 1, self.out
        return json.loads(self.out)


@pytest.fixture
def billhook(capsys) -> Callable[..., Result]:
    def run(*arguments: str | Path) -> Result:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        status = ended.value.code
        assert status is None or isinstance(status, int)
        return Result(status=status or 0, out=captured.out, err=captured.err)

    return run


@pytest.fixture
def write(tmp_path) -> Callable[[str], Path]:
    def write_file(text: str) -> Path:
        path = tmp_path / "acme.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write_file


@pytest.fixture(scope="session")
def seeded(tmp_path_factory) -> Installation:
    """An installation that each test gets a copy of."""
    made = Installation(tmp_path_factory.mktemp("seeded") / "data")
    made.seed()
    return made


@pytest.fixture
def installation(seeded, tmp_path) -> Installation:
    """An installation of the test's own: an organisation, its owner, an integration, a secret."""
    return seeded.copy(tmp_path / "data")
