"""Checks of the settings and of the public URL."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Final

from billhook.portal.installation import environment
from billhook.portal.organisations.access import is_set_up
from billhook.server.doctor.finding import Finding, Findings

_LOCAL: Final = frozenset({"127.0.0.1", "localhost", "::1"})


def check_settings() -> Iterator[Finding]:
    """Look for names that are no settings, and for an installation that nobody has set up."""
    findings = Findings(check="settings")
    unknown = environment.unknown_names()
    for problem in unknown:
        yield findings.warning("unknown-setting", f"{problem.message} It has no effect.")
    yield from _proxies(findings)
    if not unknown:
        yield findings.ok("All settings can be used.")


def _proxies(findings: Findings) -> Iterator[Finding]:
    for text in environment.current().trusted_proxies:
        if ipaddress.ip_network(text).prefixlen == 0:
            yield findings.warning(
                "every-proxy",
                f"BILLHOOK_TRUSTED_PROXIES has {text}: anybody can claim any address, and rate "
                "limits mean nothing. Name the addresses of your reverse proxies.",
            )


def check_public_url() -> Iterator[Finding]:
    """Check that people reach the portal over https."""
    findings = Findings(check="public URL")
    settings = environment.current()
    if settings.is_https:
        yield findings.ok(f"People reach Billhook at {settings.public_url}.")
    elif settings.host in _LOCAL:
        yield findings.warning(
            "only-this-machine",
            f"BILLHOOK_PUBLIC_URL is {settings.public_url}, so Billhook can be used from this "
            "machine only. Set it to the address that people use, such as "
            "https://invoices.example.com.",
        )
    else:
        yield findings.warning(
            "no-https",
            f"BILLHOOK_PUBLIC_URL is {settings.public_url}, so passwords and invoices travel "
            "unencrypted. Let a reverse proxy speak TLS, and set it to https://….",
        )


def check_accounts() -> Iterator[Finding]:
    """Check that somebody can sign in."""
    findings = Findings(check="accounts")
    if is_set_up():
        yield findings.ok("This installation is set up.")
    else:
        yield findings.warning(
            "nobody",
            "Nobody has an account yet. Start the server: it prints the code for "
            f"{environment.current().public_url}/setup. Or use `billhook organisations add`.",
        )
