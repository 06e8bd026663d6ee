"""Everything that is typed is judged in a time in proportion to its length, and within bounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from time import process_time

import pytest

from billhook.engine.command.compile import compile_command
from billhook.engine.config import (
    CommandConfig,
    ConditionConfig,
    DeriveConfig,
    ExtractConfig,
    IntegrationConfig,
    PathConfig,
    StepConfig,
)
from billhook.engine.errors import ConfigurationError, Problem, TokenError
from billhook.engine.integration import try_to_compile
from billhook.engine.integration_file.bounds import MAX_PROBLEMS, MAX_ROWS, MAX_TEXT
from billhook.engine.integration_file.file import read_integration

LONG = 300_000
SECONDS = 5.0
"""Of the processor; without bounds, each of these took from twenty seconds to minutes."""
URL = "https://billing.example/{{InvoiceNumber}}"


def integration(**step: object) -> IntegrationConfig:
    typed = StepConfig(**({"url": URL} | step))  # type: ignore[arg-type]
    command = CommandConfig(name="GetInvoiceImage", steps=(typed,))
    return IntegrationConfig(name="Acme", commands=(command,))


def body(text: str, kind: str = "") -> IntegrationConfig:
    headers = (("Content-Type", kind),) if kind else ()
    return integration(method="POST", body=text, headers=headers)


def path(kind: str, text: str) -> IntegrationConfig:
    return integration(extract=(ExtractConfig(name="Id", path=PathConfig(kind=kind, text=text)),))


def problems_of(config: IntegrationConfig) -> tuple[Problem, ...]:
    began = process_time()
    found = try_to_compile(config).problems
    assert process_time() - began < SECONDS
    assert len(found) <= MAX_PROBLEMS + 1
    return found


JUST_FITS = MAX_TEXT - len(URL)
HOSTILE = {
    "open braces": lambda n: body("{" * n),
    "pairs of open braces": lambda n: body("{{" * (n // 2)),
    "tokens without an end": lambda n: body("{{a" * (n // 3)),
    "unknown tokens": lambda n: body("{{Invoice}}" * (n // 11)),
    "tokens": lambda n: body("{{InvoiceNumber}}" * (n // 17)),
    "NUL": lambda n: body("\0" * n),
    "URL of braces": lambda n: integration(url=URL + "{" * n),
    "header of braces": lambda n: integration(headers=(("X-A", "{" * n),)),
    "name of a header": lambda n: integration(headers=(("x" * n, "a"),)),
    "JSON in lists": lambda n: body("[" * n, "application/json"),
    "JSON of braces": lambda n: body("{" * n, "application/json"),
    "XML": lambda n: body("<a>" * (n // 3), "application/xml"),
    "XML of entities": lambda n: body("<a>" + "&amp;" * (n // 5), "application/xml"),
    "form": lambda n: body("a={{InvoiceNumbe}}&" * (n // 19), "application/x-www-form-urlencoded"),
    "function": lambda n: integration(url="https://b.example/{{InvoiceNumber|" + "a" * n + "}}"),
    "JSON path": lambda n: path("json", "$" + ".a" * (n // 2)),
    "XPath": lambda n: path("xpath", "/a" * (n // 2)),
    "XPath in brackets": lambda n: path("xpath", "(" * n),
    "expression": lambda n: path("regex", "(a" * (n // 3) + ")" * (n // 3)),
}


@pytest.mark.parametrize("length", [LONG, JUST_FITS], ids=["too long", "just fits"])
@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_a_long_text_is_judged_quickly(
    hostile: Callable[[int], IntegrationConfig], length: int
) -> None:
    found = problems_of(hostile(length))
    if length == LONG:
        assert [problem.code for problem in found] == ["too-long"]
        assert "100,000 are allowed" in found[0].message


@pytest.mark.parametrize(
    "config",
    [
        integration(headers=tuple((f"X-{n}", "{{Invoice}}") for n in range(5_000))),
        integration(
            derive=tuple(DeriveConfig(name=f"D{n}", template=URL) for n in range(5_000)),
        ),
        integration(success_when=tuple(ConditionConfig(body_contains="x") for _ in range(5_000))),
        replace(integration(), secrets=tuple(f"Secret{n}" for n in range(5_000))),
        replace(integration(), variables={f"Variable{n}": "x" for n in range(5_000)}),
        replace(integration(), commands=integration().commands * 5_000),
    ],
    ids=["headers", "derived values", "conditions", "secrets", "variables", "commands"],
)
def test_a_long_list_is_refused_as_a_whole(config: IntegrationConfig) -> None:
    (problem,) = problems_of(config)
    assert problem.code == "too-many"
    assert f"and {MAX_ROWS} are allowed" in problem.message


def test_texts_that_are_too_long_together_are_refused() -> None:
    names = tuple((f"X-{n}", "x" * 90_000) for n in range(12))
    assert [problem.code for problem in problems_of(integration(headers=names))] == ["too-long"]


def test_many_problems_are_reported_up_to_a_number_and_then_counted() -> None:
    steps = tuple(
        StepConfig(name=f"S{n}", url="https://b.example/" + "{{Invoice}}" * 30) for n in range(20)
    )
    config = replace(integration(), commands=(CommandConfig(name="GetInvoiceImage", steps=steps),))
    found = problems_of(config)
    assert len(found) == MAX_PROBLEMS + 1
    assert "more problems. Fix these first." in found[-1].message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a" + ".a" * 400_000 + " = 1", "A key in line 5 has more than 50 parts"),
        ("[" + "a." * 400_000 + "a]", "A key in line 5 has more than 50 parts"),
        ('"a" . ' * 100_000 + "a = 1", "A key in line 5 has more than 50 parts"),
        ("\n".join(f"key{n} = 1" for n in range(50_000)), "more keys here that nothing knows"),
        ("\n".join(f'[commands.C{n}]\nurl = "x"' for n in range(20_000)), "and 100 are allowed"),
        ("a = " + "[" * 400_000, "nested too deep"),
        ("a = " + "{a = " * 150_000, "nested too deep"),
        ('\\"' * 400_000, "not valid TOML"),
        ('a = "' + "a." * 400_000 + '"', "There is no key"),
    ],
    ids=[
        "dotted key",
        "dotted table",
        "quoted",
        "keys",
        "commands",
        "lists",
        "tables",
        "escapes",
        "text",
    ],
)
def test_a_hostile_file_is_judged_quickly(text: str, said: str) -> None:
    began = process_time()
    with pytest.raises(ConfigurationError) as refused:
        read_integration(f'format = 1\n[integration]\nname = "x"\n\n{text}\n')
    assert process_time() - began < SECONDS
    assert any(said in problem.message for problem in refused.value.problems)
    assert len(refused.value.problems) <= 2 * MAX_PROBLEMS


def test_values_for_thousands_of_unknown_tokens_are_counted() -> None:
    command = compile_command(integration().commands[0])
    began = process_time()
    with pytest.raises(TokenError) as refused:
        command.values({f"InvoiceNumber{n}": "x" for n in range(10_000)})
    assert process_time() - began < 1.0
    found = [problem for problem in refused.value.problems if problem.code == "unknown-token"]
    assert len(found) == 21
    assert found[-1].message == "9,980 more values were given for unknown tokens."
