"""The programs that build a release refuse with a sentence, and the Makefile names them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tools.image import SHUT_IN, find_engine

ROOT = Path(__file__).resolve().parents[2]


def test_without_a_container_engine_the_image_is_refused_with_a_clear_message(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("ENGINE", raising=False)

    with pytest.raises(SystemExit, match="Neither Podman nor Docker is installed"):
        find_engine()


@pytest.mark.parametrize(
    ("named", "is_podman"), [("podman --log-level=error", True), ("docker", False)]
)
def test_another_engine_can_be_named(monkeypatch, named, is_podman):
    monkeypatch.setenv("ENGINE", named)

    assert find_engine().is_podman is is_podman


def test_the_image_is_tested_as_locked_down_as_the_compose_files_run_it():
    compose = (ROOT / "deploy" / "compose.yaml").read_text()

    assert "read_only: true" in compose
    assert "--read-only" in SHUT_IN
    assert re.search(r"- (/tmp:\S+)", compose)[1] in " ".join(SHUT_IN)
    assert "cap_drop: [ALL]" in compose
    assert "--cap-drop=ALL" in SHUT_IN
    assert "no-new-privileges" in compose
    assert "--security-opt=no-new-privileges" in SHUT_IN
