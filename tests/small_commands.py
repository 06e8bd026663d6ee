"""Small commands for tests of the engine: compiled from one step, filled, or refused."""

from __future__ import annotations

from typing import Any

import pytest

from billhook.engine import Command, CommandConfig, StepConfig, WebRequest
from billhook.engine.command.compile import compile_command
from billhook.engine.errors import ConfigurationError, Problem, TokenError

SITE = "https://a.example/"
FORM = ("Content-Type", "application/x-www-form-urlencoded")
JSON = ("Content-Type", "application/json")
XML = ("Content-Type", "text/xml")
TEXT = ("Content-Type", "text/plain")
VARIABLES = {
    "Base": "https://b.example/api/",
    "Host": "h.example",
    "Port": "8443",
    "Scheme": "https",
    "UserInfo": "https://u:p@b.example",
    "Query": "https://b.example?x=1",
    "Fragment": "https://b.example/#x",
    "Script": "javascript:alert(1)",
    "Empty": "",
    "Dots": "..",
    "Path": "v1/x",
}


def compile_step(
    *,
    tokens: tuple[str, ...] = ("A", "B", "InvoiceNumber"),
    secrets: tuple[str, ...] = ("S",),
    **fields: Any,
) -> Command:
    """Compile one step of the given fields; it knows the tokens, VARIABLES and the secret S."""
    step = StepConfig(**{"url": SITE} | fields)
    config = CommandConfig(name="Case", steps=(step,), tokens=tokens)
    return compile_command(config, variables=VARIABLES, secrets=secrets)


def problems_of(**fields: Any) -> tuple[Problem, ...]:
    """Return why the step can't be compiled."""
    with pytest.raises(ConfigurationError) as refused:
        compile_step(**fields)
    return refused.value.problems


def with_body(header: tuple[str, str], body: str) -> dict[str, Any]:
    """Return the fields of a POST request."""
    return {"method": "POST", "headers": (header,), "body": body}


def fill(command: Command, **values: Any) -> WebRequest:
    """Fill the only step; a token that isn't given is v."""
    tokens = {name: values.get(name, "v") for name in command.tokens}
    return command.steps[0].fill(command.values(tokens))


def misfits(command: Command, **values: Any) -> list[str]:
    """Return the codes for which the values are refused."""
    with pytest.raises(TokenError) as refused:
        fill(command, **values)
    return [problem.code for problem in refused.value.problems]
