"""Checks of the keys: they can be read, and fit the stored secrets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from billhook.portal.integrations.crypto import KEY_FILE
from billhook.portal.integrations.vault import key_ring, unreadable_secrets
from billhook.portal.project import environment
from billhook.portal.project.data_folder import SIGNING_KEY_FILE
from billhook.server.doctor.finding import Finding, Findings
from billhook.server.errors import CannotStart
from billhook.server.keys import check_keys as check_readable

_SHOWN: Final = 3


def check_keys() -> Iterator[Finding]:
    """Check the keys of secrets and sessions."""
    findings = Findings(check="keys")
    missing = list(_missing_files())
    if missing:
        names = " and ".join(missing)
        yield findings.broken(
            "keys-missing",
            f"The data folder has no {names}. Restore it from a backup: without secrets.key no "
            "stored secret can be read. On a new installation, start the server: it makes the "
            "keys.",
        )
        return
    try:
        check_readable()  # it makes those that are missing, and none is
    except CannotStart as error:
        yield findings.broken("keys-unusable", str(error))
        return
    yield _fit(findings)


def _missing_files() -> Iterator[str]:
    settings = environment.current()
    given = {KEY_FILE: settings.secrets_keys, SIGNING_KEY_FILE: settings.signing_key}
    for name, value in given.items():
        if not value and not (settings.data_dir / name).exists():
            yield name


def _fit(findings: Findings) -> Finding:
    unreadable = list(unreadable_secrets(key_ring()))
    if not unreadable:
        return findings.ok("The keys can be read, and they fit every stored secret.")
    named = "; ".join(unreadable[:_SHOWN])
    more = f" and {len(unreadable) - _SHOWN} more" if len(unreadable) > _SHOWN else ""
    return findings.broken(
        "secrets-unreadable",
        f"The keys don't fit {len(unreadable)} of the stored secrets: {named}{more}. Restore "
        "secrets.key (or BILLHOOK_SECRETS_KEYS) from a backup, or type these secrets again.",
    )
