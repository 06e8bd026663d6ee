"""An installation in a data folder of its own, and the command line as an operator uses it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from os import environ  # noqa: TID251 - a process gets it, without our settings
from pathlib import Path
from typing import Any

import forked
from migrated import put_tables

SEED = Path(__file__).parents[1] / "server" / "seed.py"
SOURCE = "http://127.0.0.1:9"


def environment(**more: str) -> dict[str, str]:
    """Return the environment without any settings of ours but *more*."""
    return {
        name: value for name, value in environ.items() if not name.startswith("BILLHOOK_")
    } | more


@dataclass(frozen=True)
class Installation:
    """A data folder, whether Billhook has been there or not. Settings go along with every use."""

    folder: Path
    settings: tuple[tuple[str, str], ...] = ()

    def seed(self) -> dict[str, str]:
        """Make an organisation with an integration and its secret."""
        if "BILLHOOK_DATABASE_URL" not in dict(self.settings):
            put_tables(self.folder)
        done = forked.run(
            [sys.executable, SEED, SOURCE],
            env=environment(
                BILLHOOK_DATA_DIR=str(self.folder),
                BILLHOOK_ALLOW="127.0.0.1:9",
                **dict(self.settings),
            ),
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def copy(self, to: Path) -> Installation:
        shutil.copytree(self.folder, to)
        return Installation(to, self.settings)

    def run(
        self,
        *arguments: str | Path,
        stdin: str | None = None,
        before: tuple[str, ...] = (),
        **settings: str,
    ) -> subprocess.CompletedProcess[str]:
        command = [*forked.BILLHOOK, *map(str, arguments), "--data-dir", str(self.folder)]
        return forked.run(
            [*before, *command],
            env=environment(**{**dict(self.settings), **settings}),
            input=stdin,
            timeout=100,
        )

    def json(
        self, *arguments: str | Path, status: int = 0, stdin: str | None = None, **settings: str
    ) -> dict[str, Any]:
        """Return the one object on standard output."""
        done = self.run(*arguments, "--json", stdin=stdin, **settings)
        assert done.returncode == status, done
        assert done.stdout.count("\n") == 1, done
        return json.loads(done.stdout)

    def refused(self, *arguments: str | Path, **settings: str) -> dict[str, Any]:
        """Return the error of a command that was refused."""
        response = self.json(*arguments, status=2, **settings)
        assert response["ok"] is False
        assert response["error"]["message"]
        return response["error"]
