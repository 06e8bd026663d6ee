"""``billhook rotate-secrets`` encrypts what is stored with a new key."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cli.operator import Installation


def test_it_creates_a_new_key_and_reports_how_many_secrets_use_it(
    installation: Installation,
) -> None:
    first = (installation.folder / "secrets.key").read_text()
    done = installation.run("rotate-secrets")
    assert (done.returncode, done.stdout) == (
        0,
        "1 secret is encrypted with the new key now.\n",
    )
    assert (installation.folder / "secrets.key").read_text() != first


def test_with_json_it_prints_the_number_as_an_object(installation: Installation) -> None:
    assert installation.json("rotate-secrets") == {
        "ok": True,
        "secrets": 1,
        "forgotten": 0,
    }


def test_a_key_that_cannot_be_read_ends_it_with_a_clear_message(installation: Installation) -> None:
    done = installation.run("rotate-secrets", BILLHOOK_SECRETS_KEYS="not-a-key")
    assert done.returncode == 2
    assert "32 random bytes in base64" in done.stderr
    assert "not-a-key" not in done.stderr + done.stdout


def test_keys_that_did_not_encrypt_the_secrets_are_refused(installation: Installation) -> None:
    (installation.folder / "secrets.key").write_text("A" * 43 + "=\n")
    refused = installation.refused("rotate-secrets")
    assert refused["code"] == "secrets-key"


def test_secrets_whose_key_is_lost_for_good_can_be_forgotten(installation: Installation) -> None:
    (installation.folder / "secrets.key").unlink()
    assert installation.refused("rotate-secrets")["code"] == "secrets-key"
    done = installation.run("rotate-secrets", "--forget-unreadable")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "1 secret is forgotten. Type the values again in the editor.",
        "0 secrets are encrypted with the new key now.",
    ]


def test_two_rotations_at_once_lose_no_secret(installation: Installation) -> None:
    with ThreadPoolExecutor() as both:
        done = list(both.map(installation.run, ["rotate-secrets"] * 2))
    assert 0 in {each.returncode for each in done}
    refusals = [each.stderr for each in done if each.returncode]
    assert all("Another rotation is running" in refusal for refusal in refusals)
    assert installation.json("rotate-secrets")["secrets"] == 1


def test_a_mistyped_folder_is_refused_and_not_created(tmp_path: Path) -> None:
    typo = Installation(tmp_path / "tpyo")
    assert typo.refused("rotate-secrets")["code"] == "no-data-folder"
    assert not typo.folder.exists()
