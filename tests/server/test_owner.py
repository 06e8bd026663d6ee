"""The user as which the commands of operators act."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import billhook
from billhook.server.errors import Refusal
from billhook.server.operations.owner import acting_as_caller, acting_as_owner


def test_a_service_that_may_not_change_its_user_does_not_need_to(monkeypatch):
    def refuse(_user: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "seteuid", refuse)
    monkeypatch.setattr(os, "setegid", refuse)

    with acting_as_caller():
        assert os.geteuid() == os.getuid()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_an_owner_who_may_not_read_the_program_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.chown(tmp_path, 65534, 65534)
    program = tmp_path.parent / "of-root.py"
    program.touch(mode=0o600)
    monkeypatch.setattr(billhook, "__file__", str(program))
    with pytest.raises(Refusal) as refused, acting_as_owner(tmp_path):
        raise ImportError
    assert refused.value.code == "program-unreadable"
    assert "sudo -u nobody" in str(refused.value)
    assert os.geteuid() == 0
