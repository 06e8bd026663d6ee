"""Names and settings are checked when a command is compiled, and all problems reported."""

from __future__ import annotations

import pytest

from billhook.engine import CommandConfig, Secret, StepConfig
from billhook.engine.command.compile import compile_command
from billhook.engine.errors import ConfigurationError, TokenError
from small_commands import SITE, compile_step, problems_of


def compile_config(*, variables=None, secrets=(), **fields):
    steps = fields.pop("steps", (StepConfig(url=SITE),))
    config = CommandConfig(**{"name": "Case", "steps": steps} | fields)
    return compile_command(config, variables=variables or {}, secrets=secrets)


MANY_STEPS = tuple(StepConfig(name=f"S{index}", url=SITE) for index in range(21))
TWO_STEPS = (StepConfig(name="One", url=SITE), StepConfig(name="Two", url=SITE))


@pytest.mark.parametrize(
    ("fields", "code", "where"),
    [
        pytest.param({"name": "Bad Name"}, "invalid-name", "commands.Bad Name", id="command"),
        pytest.param({"tokens": ("a b",)}, "invalid-name", "commands.Case.tokens", id="token"),
        pytest.param(
            {"variables": {"a-b": ""}}, "invalid-name", "integration.variables", id="variable"
        ),
        pytest.param({"secrets": ("1a",)}, "invalid-name", "integration.secrets", id="secret"),
        pytest.param(
            {"tokens": ("RunId",)}, "duplicate-name", "commands.Case.tokens", id="system-token"
        ),
        pytest.param(
            {"tokens": ("A",), "variables": {"A": ""}},
            "duplicate-name",
            "integration.variables",
            id="variable-like-token",
        ),
        pytest.param(
            {"tokens": ("A",), "secrets": ("A",)},
            "duplicate-name",
            "integration.secrets",
            id="secret-like-token",
        ),
        pytest.param(
            {"variables": {"A": ""}, "secrets": ("A",)},
            "duplicate-name",
            "integration.secrets",
            id="secret-like-variable",
        ),
        pytest.param(
            {"secrets": ("A", "A")}, "duplicate-name", "integration.secrets", id="secret-twice"
        ),
        pytest.param(
            {"name": "GetInvoiceImage", "variables": {"Amount": ""}},
            "duplicate-name",
            "integration.variables",
            id="variable-like-catalogue",
        ),
        pytest.param(
            {"variables": {"V": "\0"}},
            "control-character",
            "integration.variables.V",
            id="nul-in-variable",
        ),
        pytest.param(
            {"redirects": "folow"}, "invalid-value", "commands.Case.redirects", id="redirects"
        ),
        pytest.param({"timeout": 0.0}, "invalid-value", "commands.Case.timeout", id="no-time"),
        pytest.param(
            {"timeout": 301.0}, "invalid-value", "commands.Case.timeout", id="too-much-time"
        ),
        pytest.param(
            {"timeout": float("nan")}, "invalid-value", "commands.Case.timeout", id="nan-time"
        ),
        pytest.param({"max_bytes": 0}, "invalid-value", "commands.Case.max_bytes", id="no-bytes"),
        pytest.param(
            {"max_bytes": 10**10}, "invalid-value", "commands.Case.max_bytes", id="too-many-bytes"
        ),
        pytest.param(
            {"accept": ()}, "invalid-value", "commands.Case.accept", id="nothing-accepted"
        ),
        pytest.param(
            {"accept": ("application/pdf", "PDF")},
            "invalid-value",
            "commands.Case.accept[1]",
            id="no-media-type",
        ),
        pytest.param({"steps": ()}, "missing-key", "commands.Case", id="no-steps"),
        pytest.param({"steps": MANY_STEPS}, "too-many", "commands.Case.steps", id="too-many-steps"),
        pytest.param(
            {"steps": (TWO_STEPS[0], TWO_STEPS[0])},
            "duplicate-name",
            "commands.Case.steps[0].name",
            id="step-twice",
        ),
        pytest.param(
            {"steps": (TWO_STEPS[0], StepConfig(url=SITE))},
            "invalid-name",
            "commands.Case.steps[1].name",
            id="step-without-name",
        ),
        pytest.param(
            {"steps": (TWO_STEPS[0], StepConfig(name="B", url="x"))},
            "scheme",
            "commands.Case.steps[1].url",
            id="second-step",
        ),
        pytest.param(
            {"steps": (StepConfig(url=SITE, headers=(("X", "1"),) * 51),)},
            "too-many",
            "commands.Case.headers",
            id="too-many-headers",
        ),
    ],
)
def test_an_invalid_name_or_setting_is_reported(fields, code, where):
    with pytest.raises(ConfigurationError) as refused:
        compile_config(**fields)
    assert (code, where) in {(p.code, p.where) for p in refused.value.problems}
    assert {p.code for p in refused.value.problems} == {code}


def test_a_known_command_may_declare_more_tokens():
    steps = (StepConfig(url=SITE + "{{InvoiceNumber}}/{{Period}}"),)
    command = compile_config(name="GetInvoiceImage", tokens=("Period",), steps=steps)
    assert command.tokens == ("InvoiceNumber", "Period")


def test_a_custom_command_knows_only_the_tokens_that_it_declares():
    with pytest.raises(ConfigurationError) as refused:
        compile_config(name="Own", steps=(StepConfig(url=SITE + "{{InvoiceNumber}}"),))
    assert [problem.code for problem in refused.value.problems] == ["unknown-token"]


def test_all_problems_of_a_command_are_reported_together():
    problems = problems_of(
        url="https://{{A}}/{{ B }}",
        method="get",
        headers=(("Host", "x"), ("X", "{{nope}}")),
        body="{{nope}}",
    )
    assert [problem.where.removeprefix("commands.Case.") for problem in problems] == [
        "method",
        "url",
        "headers[0]",
        "headers[1]",
        "body",
    ]


def test_no_message_contains_a_value():
    command = compile_step(url=SITE + "{{A}}", headers=(("X", "{{S}}"),))
    with pytest.raises(TokenError) as refused:
        command.steps[0].fill(
            command.values({"A": "canary/../x"}, secrets={"S": Secret("canary\n")})
        )
    assert [problem.code for problem in refused.value.problems] == [
        "dot-segment",
        "control-character",
    ]
    assert "canary" not in str(refused.value)
    assert all("canary" not in repr(problem) for problem in refused.value.problems)
