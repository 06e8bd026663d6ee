"""An integration that the tests share: Acme's billing system, with a variable and a secret."""

from __future__ import annotations

from billhook.engine.config import CommandConfig, StepConfig
from billhook.engine.secret import Secret
from billhook.portal.integrations.drafts import Draft, SecretEntry
from billhook.portal.integrations.models import Integration
from billhook.portal.integrations.services import create_integration
from billhook.portal.organisations.models import Organisation

CANARY = "canary-5d2f-do-not-show"


def command(
    *,
    name: str = "GetInvoiceImage",
    url: str = "{{BaseUrl}}/items/{{InvoiceNumber}}",
    method: str = "GET",
    headers: tuple[tuple[str, str], ...] = (("X-Api-Key", "{{ApiKey}}"),),
    body: str = "",
    redirects: str = "follow",
    tokens: tuple[str, ...] = (),
) -> CommandConfig:
    step = StepConfig(method=method, url=url, headers=headers, body=body)
    return CommandConfig(name=name, steps=(step,), redirects=redirects, tokens=tokens)


def draft(
    *commands: CommandConfig,
    name: str = "Acme billing",
    base: str = "https://billing.acme.example",
    secrets: tuple[SecretEntry, ...] = (SecretEntry(name="ApiKey", value=Secret(CANARY)),),
) -> Draft:
    return Draft(
        name=name,
        variables={"BaseUrl": base},
        secrets=secrets,
        commands=commands or (command(),),
    )


def integration(organisation: Organisation, given: Draft | None = None) -> Integration:
    return create_integration(organisation=organisation, draft=given or draft())
