"""The parts of a backup, apart from the rows: what it is, the keys, the settings, and its end."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Final

from billhook.server.backup.archive import ArchivedFile, to_json
from billhook.server.backup.errors import DamagedBackup
from billhook.server.operations.schema import Name

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
KEYS: Final = "keys.json"
SETTINGS: Final = "settings.json"
ROWS: Final = "rows/"
NOT_IN_SETTINGS: Final = frozenset(
    {"BILLHOOK_DATA_DIR", "BILLHOOK_SECRETS_KEYS", "BILLHOOK_SIGNING_KEY"}
)
"""Settings that belong to one machine, or that are in the backup as keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The version of Billhook, the time, and the migrations of the tables in a backup."""

    format: int
    version: str
    made_at: datetime
    migrations: tuple[Name, ...]

    @classmethod
    def of_now(cls, migrations: tuple[Name, ...]) -> Manifest:
        """Return the manifest of a backup that begins now."""
        return cls(
            format=FORMAT,
            version=version("billhook"),
            made_at=datetime.now(UTC),
            migrations=migrations,
        )

    @classmethod
    def read(cls, member: ArchivedFile) -> Manifest:
        """Return the manifest that *member* holds; raise DamagedBackup where it holds none."""
        try:
            facts = member.json()
            return cls(
                format=int(facts["format"]),
                version=str(facts["version"]),
                made_at=datetime.fromisoformat(facts["made_at"]),
                migrations=tuple((str(app), str(name)) for app, name in facts["migrations"]),
            )
        except (ValueError, LookupError, TypeError):
            raise DamagedBackup from None

    def to_bytes(self) -> bytes:
        """Return the manifest as it is in the archive."""
        return to_json(
            {
                "format": self.format,
                "version": self.version,
                "made_at": self.made_at.isoformat(),
                "migrations": self.migrations,
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Keys:
    """The text of the keys, as their files hold it."""

    secrets: str
    signing: str

    def to_bytes(self) -> bytes:
        """Return the keys as they are in the archive."""
        return to_json({"secrets.key": self.secrets, "signing.key": self.signing})

    @classmethod
    def read(cls, member: ArchivedFile) -> Keys:
        """Return the keys that *member* holds."""
        facts = member.json()
        return cls(secrets=facts["secrets.key"], signing=facts["signing.key"])


def settings_to_bytes(settings: Mapping[str, str]) -> bytes:
    """Return the settings that are given, as they are in the archive."""
    return to_json({k: v for k, v in settings.items() if k not in NOT_IN_SETTINGS})


def settings_file(member: ArchivedFile) -> str:
    """Return the settings in *member* as a file of variables, for systemd, a shell or a person."""
    settings: dict[str, Any] = json.loads(member.content)
    lines = (f"{name}={shlex.quote(value)}" for name, value in sorted(settings.items()))
    return "".join(f"{line}\n" for line in lines)
