"""The examination of one installation, check by check."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from billhook.engine.errors import ConfigurationError
from billhook.server.doctor.finding import Check, Finding, Findings, Level
from billhook.server.operations.installation import reachable_database


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """All findings, in the order of the checks."""

    findings: tuple[Finding, ...]

    def of(self, level: Level) -> tuple[Finding, ...]:
        """Return the findings of one level."""
        return tuple(finding for finding in self.findings if finding.level is level)


def examine(data_dir: Path | None) -> Examination:
    """Check everything that an installation needs. Nothing is changed, and no mail is sent.

    Raises:
        Refusal: where there is no such installation.
    """
    try:
        with reachable_database(data_dir) as folder:
            return Examination(findings=tuple(_run(_checks(folder))))
    except ConfigurationError as error:
        settings = Findings(check="settings")
        return Examination(
            findings=tuple(
                settings.broken("setting", problem.message) for problem in error.problems
            )
        )


def _checks(folder: Path) -> Sequence[tuple[str, Check]]:
    from billhook.server.doctor import (
        backups,
        database,
        egress,
        files,
        keys,
        mail,
        nodes,
        rendering,
        settings,
        system,
    )

    return (
        ("settings", settings.check_settings),
        ("data folder", lambda: files.check_data_folder(folder)),
        ("database", database.check_database),
        ("public URL", settings.check_public_url),
        ("accounts", settings.check_accounts),
        ("keys", keys.check_keys),
        ("nodes", nodes.check_nodes),
        ("storage", nodes.check_storage),
        ("mail", mail.check_mail),
        ("bounces", mail.check_bounces),
        ("clock", system.check_clock),
        ("disk", lambda: files.check_disk(folder)),
        ("open files", system.check_open_files),
        ("egress policy", egress.check_policy),
        ("sources", egress.check_sources),
        ("pages", rendering.check_rendering),
        ("backup", backups.check_backup),
    )


def _run(checks: Sequence[tuple[str, Check]]) -> Iterator[Finding]:
    for name, check in checks:
        try:
            yield from check()
        except Exception as error:  # noqa: BLE001 - one check that fails must not hide the others
            yield _fault(name, error)


def _fault(name: str, error: Exception) -> Finding:
    """Return the finding of a check that failed: the kind and place of the error, not its text."""
    from django.db import DatabaseError

    findings = Findings(check=name)
    if isinstance(error, DatabaseError):
        return findings.warning(
            "not-checked", "This can't be checked until the database is in order."
        )
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}"
    return findings.broken(
        "internal", f"The check itself failed inside Billhook ({place}). Please report it."
    )
