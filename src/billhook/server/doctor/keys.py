"""Checks of the keys: they can be read, and fit the stored secrets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from billhook.portal.installation import environment
from billhook.portal.installation.data_folder import SIGNING_KEY_FILE
from billhook.portal.integrations.crypto import KEY_FILE
from billhook.portal.integrations.vault import has_secrets, key_ring, unreadable_secrets
from billhook.server.doctor.finding import Finding, Findings
from billhook.server.errors import CannotStart
from billhook.server.keys import check_keys as check_readable

_SHOWN: Final = 3
_MADE: Final = "The next start of the server makes one."


def check_keys() -> Iterator[Finding]:
    """Check the keys of secrets and sessions. None is made."""
    findings = Findings(check="keys")
    missing = list(_missing(findings))
    yield from missing
    if missing:
        return
    try:
        check_readable()  # it makes those that are missing, and none is
    except CannotStart as error:
        yield findings.broken("keys-unusable", str(error))
        return
    yield _fit(findings)


def _missing(findings: Findings) -> Iterator[Finding]:
    settings = environment.current()
    if not settings.secrets_keys and not (settings.data_dir / KEY_FILE).exists():
        if has_secrets():
            yield findings.broken(
                "keys-missing",
                f"The data folder has no {KEY_FILE}, so no stored secret can be read. Restore it "
                "from a backup, or set BILLHOOK_SECRETS_KEYS as the server has it.",
            )
        else:
            yield findings.warning("no-keys-yet", f"There is no {KEY_FILE} yet. {_MADE}")
    if not settings.signing_key and not (settings.data_dir / SIGNING_KEY_FILE).exists():
        yield findings.warning(
            "no-signing-key",
            f"There is no {SIGNING_KEY_FILE}. {_MADE} Everybody has to sign in again then; to "
            "avoid that, restore the file from a backup.",
        )


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
