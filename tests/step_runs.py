"""Runs of commands of several steps for tests: typed as in a file, answered from a script."""

from __future__ import annotations

import json
from typing import Any

import pytest

from billhook.engine import Command, Document, Secret, Trace, read_integration
from billhook.engine.command.compile import compile_command
from billhook.engine.errors import BillhookError, ConfigurationError, Problem
from billhook.engine.run import run_command
from billhook.engine.testing import FakeTransport, Scripted, make_pdf, make_response

SITE = "https://billing.example"
PDF = make_pdf(2000)
HEAD = f"""
format = 1
[integration]
name = "Billing"
variables = {{ Base = "{SITE}", Plain = "http://billing.example" }}
secrets = ["ApiKey", "User"]
"""


def compile_toml(text: str) -> Command:
    """Compile the command GetInvoiceImage of *text*, which follows the integration's head."""
    config = read_integration(HEAD + text)
    return compile_command(
        config.commands[0],
        variables=config.variables,
        secrets=config.secrets,
        authentication=config.authentication,
    )


def problems_of(text: str) -> list[Problem]:
    """Return why *text* can't be read or compiled."""
    with pytest.raises(ConfigurationError) as refused:
        compile_toml(text)
    return list(refused.value.problems)


def as_json(value: Any, status: int = 200, **headers: str) -> Scripted:
    """Return an answer of JSON."""
    named = [(name.replace("_", "-"), text) for name, text in headers.items()]
    return make_response(json.dumps(value).encode(), status=status, headers=named)


def as_pdf(**more: Any) -> Scripted:
    """Return an answer that is a PDF."""
    return make_response(PDF, **more)


class Run:
    """One run of a command, its requests and what came of it."""

    def __init__(self, command: Command, *answers: Scripted, number: str = "INV-7") -> None:
        self.command = command
        self.transport = FakeTransport(*answers)
        self.trace = Trace()
        self._number = number

    async def document(self) -> Document:
        """Run it and return the document."""
        tokens = dict.fromkeys(self.command.tokens, self._number)
        secrets = {"ApiKey": Secret("k3y"), "User": Secret("ann")}
        values = self.command.values(tokens, secrets=secrets)
        return await run_command(self.command, values, transport=self.transport, trace=self.trace)

    async def failure(self, kind: type[BillhookError]) -> BillhookError:
        """Run it and return the error with which it ends."""
        with pytest.raises(kind) as raised:
            await self.document()
        return raised.value

    @property
    def sent(self) -> list[str]:
        """The requests, each as step, method and URL."""
        return [f"{each.step} {each.method} {each.url}" for each in self.transport.requests]


def run_toml(text: str, *answers: Scripted, number: str = "INV-7") -> Run:
    """Return the run of the command in *text*, answered by *answers* in order."""
    return Run(compile_toml(text), *answers, number=number)
