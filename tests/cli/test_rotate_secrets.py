"""``billhook rotate-secrets`` encrypts what is stored with a new key."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def rotate(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "billhook.cli", "rotate-secrets", "--data-dir", str(folder)],
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_it_makes_a_new_key_and_says_how_many_secrets_have_it(tmp_path: Path) -> None:
    done = rotate(tmp_path)
    assert (done.returncode, done.stdout) == (
        0,
        "0 secrets are encrypted with the new key now.\n",
    )
    first = (tmp_path / "secrets.key").read_text()
    assert rotate(tmp_path).returncode == 0
    assert (tmp_path / "secrets.key").read_text() != first


def test_a_key_that_can_not_be_read_ends_it_with_a_sentence(tmp_path: Path) -> None:
    done = rotate(tmp_path, BILLHOOK_SECRETS_KEYS="not-a-key")
    assert done.returncode == 2
    assert "32 random bytes in base64" in done.stderr
    assert "not-a-key" not in done.stderr + done.stdout
