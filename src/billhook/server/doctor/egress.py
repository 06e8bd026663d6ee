"""Checks of the egress policy, and of the addresses that enabled integrations need."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from billhook.engine.egress.guard import judge_address, judge_url
from billhook.engine.egress.lifting import allowance_that_lifts
from billhook.engine.egress.policy import Allowance, EgressPolicy
from billhook.engine.egress.resolver import SystemResolver
from billhook.engine.egress.url import Origin
from billhook.engine.verdict import Verdict
from billhook.portal.installation import environment
from billhook.portal.integrations.loading import count_enabled, read_origins
from billhook.portal.integrations.policy import egress_policy
from billhook.portal.integrations.remedy import setting_with
from billhook.portal.organisations.access import is_organisation
from billhook.server.doctor.finding import Finding, Findings

MOST_CHECKED: Final = 2_000
"""Integrations whose addresses are looked up: those that were changed last."""
_SECONDS: Final = 5.0
_AT_ONCE: Final = 8

Addresses = dict[str, tuple[str, ...]]
"""The addresses of names; a name that can't be found has none."""


def check_policy() -> Iterator[Finding]:
    """Show what is allowed, and look for allowances that are wide or do nothing."""
    findings = Findings(check="egress policy")
    settings = environment.current()
    allowances = [(each, Allowance.parse(each.text)) for each in settings.allow]
    addresses = _look_up_all({each.host for _, each in allowances if not _is_address(each.host)})
    for system, allowance in allowances:
        policy = egress_policy(system.organisation_id)
        yield from _allowance(findings, allowance, policy, addresses)
    yield from _unknown_organisations(findings)
    ports = ", ".join(str(port) for port in sorted(settings.ports))
    allowed = (
        f"the private systems {', '.join(map(str, settings.allow))}"
        if settings.allow
        else "no private system"
    )
    closed = f", not even {', '.join(settings.deny)}" if settings.deny else ""
    yield findings.ok(f"Integrations reach public systems on ports {ports}, and {allowed}{closed}.")


def _unknown_organisations(findings: Findings) -> Iterator[Finding]:
    for system in environment.current().allow:
        if system.organisation_id and not is_organisation(system.organisation_id):
            yield findings.warning(
                "allowed-for-nobody",
                f"BILLHOOK_ALLOW has {system}, but no organisation has this id. "
                "`billhook organisations list` shows the ids.",
            )


def _allowance(
    findings: Findings, allowance: Allowance, policy: EgressPolicy, known: Addresses
) -> Iterator[Finding]:
    addresses = (allowance.host,) if _is_address(allowance.host) else known[allowance.host]
    text = f"{allowance.host}:{allowance.port}"
    if not addresses:
        yield findings.warning(
            "allowed-name-unknown",
            f"BILLHOOK_ALLOW has {text}, but this machine can't find that name. Check its "
            "spelling, and the DNS or hosts file of this machine or container.",
        )
    for address in addresses:
        verdict = judge_address(address, host=allowance.host, port=allowance.port, policy=policy)
        if verdict is Verdict.DENIED_BY_OPERATOR:
            yield findings.warning(
                "allowed-and-denied",
                f"BILLHOOK_ALLOW has {text}, but BILLHOOK_DENY closes its network, and that wins. "
                "Remove one of the two.",
            )
        elif not verdict.allowed:
            yield _outside(findings, text, address, verdict, allowance)
    if (
        allowance.network is None
        and any(map(_is_private, addresses))
        and addresses != (allowance.host,)
    ):
        yield _wide(findings, text, addresses[0], allowance)


def _outside(
    findings: Findings, text: str, address: str, verdict: Verdict, allowance: Allowance
) -> Finding:
    line = allowance_that_lifts(verdict, host=allowance.host, port=allowance.port, address=address)
    remedy = f"If that is right, allow {line} instead" if line else "It stays closed"
    return findings.warning(
        "allowed-elsewhere",
        f"BILLHOOK_ALLOW has {text}, which now resolves to {address}, outside what is allowed. "
        f"{remedy}.",
    )


def _wide(findings: Findings, text: str, address: str, allowance: Allowance) -> Finding:
    line = allowance_that_lifts(
        Verdict.DENIED_PRIVATE, host=allowance.host, port=allowance.port, address=address
    )
    return findings.warning(
        "allowed-wide",
        f"BILLHOOK_ALLOW has the name {text} without a network: if its DNS entry is changed, "
        f"requests go to another private system. Write {line or text + '=NETWORK'}.",
    )


def check_sources() -> Iterator[Finding]:
    """Judge every address that an enabled integration is configured with, up to a bound."""
    findings = Findings(check="sources")
    needed, number = read_origins(MOST_CHECKED), count_enabled()
    places = [
        _AllowedPlace(row.name, row.organisation_id, origin)
        for row, origins in needed
        for origin in origins
    ]
    addresses = _look_up_all({each.host for each in places if not _is_address(each.host)})
    problems = [
        finding
        for place in sorted(places, key=str)
        for finding in _source(findings, place, addresses)
    ]
    yield from problems
    if not needed:
        yield findings.ok("No integration is enabled yet.")
    elif not problems:
        integrations = _checked_integrations(len(needed), number)
        yield findings.ok(f"The egress policy allows every address of {integrations}.")


def _checked_integrations(checked: int, enabled: int) -> str:
    if enabled > MOST_CHECKED:
        return f"the {checked:,} integrations that were changed last, of {enabled:,} enabled ones"
    return "1 enabled integration" if checked == 1 else f"{checked} enabled integrations"


@dataclass(frozen=True, slots=True)
class _AllowedPlace:
    """An address that an integration needs."""

    integration: str
    organisation_id: str
    origin: Origin

    @property
    def host(self) -> str:
        return self.origin.host

    @property
    def port(self) -> int:
        return self.origin.port


def _source(findings: Findings, place: _AllowedPlace, known: Addresses) -> Iterator[Finding]:
    policy = egress_policy(place.organisation_id)
    verdict, address = judge_url(f"{place.origin}/", policy), ""
    if verdict.allowed and not _is_address(place.host):
        addresses = known[place.host]
        if not addresses:
            yield findings.warning(
                "source-unknown",
                f"The integration {place.integration} needs {place.origin}, but this machine can't "
                "find that name. Check its spelling, and this machine's DNS.",
            )
        verdicts = {
            each: judge_address(each, host=place.host, port=place.port, policy=policy)
            for each in addresses
        }
        address, verdict = next(
            ((each, found) for each, found in verdicts.items() if not found.allowed),
            ("", Verdict.ALLOWED),
        )
    if not verdict.allowed:
        yield _denied(findings, place, verdict, address)


def _denied(findings: Findings, place: _AllowedPlace, verdict: Verdict, address: str) -> Finding:
    allowance = allowance_that_lifts(verdict, host=place.host, port=place.port, address=address)
    line = setting_with(allowance, present=tuple(map(str, environment.current().allow)))
    remedy = f"If it may be reached, set {line}" if allowance else verdict.message
    return findings.warning(
        "source-denied",
        f"The egress policy denies {place.origin}, which the integration {place.integration} "
        f"needs ({verdict.reason}). {remedy}",
    )


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _is_private(address: str) -> bool:
    verdict = judge_address(address, host="", port=0, policy=EgressPolicy())
    return verdict in {Verdict.DENIED_LOOPBACK, Verdict.DENIED_PRIVATE}


def _look_up_all(names: set[str]) -> Addresses:
    return asyncio.run(_look_up(sorted(names)))


async def _look_up(names: list[str]) -> Addresses:
    resolver, places = SystemResolver(), asyncio.Semaphore(_AT_ONCE)

    async def look_up(name: str) -> tuple[str, ...]:
        try:
            async with places, asyncio.timeout(_SECONDS):
                return tuple(await resolver.resolve(name))
        except OSError:  # TimeoutError is one, too
            return ()

    found = await asyncio.gather(*(look_up(name) for name in names))
    return dict(zip(names, found, strict=True))
