"""Reasons why a backup can't be restored."""

from __future__ import annotations

from billhook.server.errors import Refusal


class DamagedBackup(Refusal):
    """The file was cut or altered, or never was a whole backup."""

    def __init__(self) -> None:
        super().__init__(
            "backup-damaged",
            "This backup is damaged: it was cut short or altered on its way here. Nothing was "
            "changed. Copy it again, or take another one.",
            where="FILE",
        )


class WrongPassphrase(Refusal):
    """The passphrase doesn't open the file."""

    def __init__(self) -> None:
        super().__init__(
            "wrong-passphrase",
            "This isn't the passphrase of the backup. Nothing was changed. If you are sure that it "
            "is, the beginning of the file is damaged: copy the file again.",
            where="--passphrase",
        )
