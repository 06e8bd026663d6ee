"""The page of an integration for members who may look at it and change nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from billhook.engine.authentication.registry import SCHEMES
from billhook.engine.config import CommandConfig, StepConfig
from billhook.engine.integration_file.clear_keys import masked_body, masked_url, masked_variable
from billhook.portal.integrations.connection import connection_of
from billhook.portal.integrations.drafts import draft_of
from billhook.portal.integrations.models import Integration
from billhook.portal.integrations.status import status_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownStep:
    """A request for viewers: names of headers without their values, and no key in clear."""

    name: str
    method: str
    url: str
    header_names: tuple[str, ...]
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCommand:
    """A command for viewers."""

    name: str
    steps: tuple[ShownStep, ...]


def _shown_command(config: CommandConfig) -> ShownCommand:
    return ShownCommand(name=config.name, steps=tuple(map(_shown_step, config.steps)))


def _shown_step(config: StepConfig) -> ShownStep:
    return ShownStep(
        name=config.name,
        method=config.method,
        url=masked_url(config.url),
        header_names=tuple(name for name, _ in config.headers),
        body=masked_body(config.body),
    )


def read_only_facts(integration: Integration) -> dict[str, Any]:
    """Return the content of the page: no secret's value, as nobody gets one."""
    draft = draft_of(integration)
    scheme = draft.authentication.scheme if draft.authentication else ""
    return {
        "integration": integration,
        "connection": connection_of(integration),
        "status": status_of(integration),
        "draft": draft,
        "scheme": SCHEMES[scheme].title if scheme in SCHEMES else scheme,
        "on_failure": integration.get_on_failure_display(),
        "keeping": integration.get_keeping_display(),
        "commands": [_shown_command(each) for each in draft.commands],
        "variables": {
            name: masked_variable(name, value) for name, value in draft.variables.items()
        },
    }
