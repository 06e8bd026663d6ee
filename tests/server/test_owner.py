"""The user as which the commands of operators act."""

from __future__ import annotations

import os

from billhook.server.operations.owner import acting_as_caller


def test_a_service_that_may_not_change_its_user_does_not_need_to(monkeypatch):
    def refuse(_user: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "seteuid", refuse)
    monkeypatch.setattr(os, "setegid", refuse)

    with acting_as_caller():
        assert os.geteuid() == os.getuid()
