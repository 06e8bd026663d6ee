"""Each case of the shared list is filled, or refused with the word that the case gives."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from billhook.engine import CommandConfig, Secret, StepConfig
from billhook.engine.command.compile import compile_command
from billhook.engine.errors import ConfigurationError, TokenError

CASES = json.loads(
    (Path(__file__).parents[2] / "vectors" / "filling.json").read_text(encoding="utf-8")
)
WORDS = {"unknown-token": {"unknown-token", "missing-token"}}
"""Codes for which the cases have only one word."""
CONTENT_TYPES = {
    "form": "application/x-www-form-urlencoded",
    "json-bare": "application/json",
    "json-string": "application/json",
    "text": "text/plain",
    "xml": "application/xml",
}


def step_of(where, template):
    if where.startswith("url"):
        return StepConfig(url=template)
    if where == "header":
        name, _, value = template.partition(": ")
        return StepConfig(url="https://api.example.com/", headers=((name, value),))
    return StepConfig(
        method="POST",
        url="https://api.example.com/",
        headers=(("Content-Type", CONTENT_TYPES[where]),),
        body=template,
    )


def shown_part(where, request):
    if where.startswith("url"):
        return request.url
    if where == "header":
        return ": ".join(request.headers[0])
    return request.body.decode()


def fill(case):
    tokens, variables, secrets = {}, {}, {}
    for name, value in case["tokens"].items():
        if not isinstance(value, dict):
            tokens[name] = value
        elif value.get("secret"):
            secrets[name] = Secret(value["value"])
        else:
            variables[name] = value["value"]
    config = CommandConfig(
        name="Case", steps=(step_of(case["where"], case["template"]),), tokens=tuple(tokens)
    )
    command = compile_command(config, variables=variables, secrets=secrets)
    values = command.values(tokens, secrets=secrets)
    return shown_part(case["where"], command.steps[0].fill(values))


@pytest.mark.parametrize(
    "case", [case for case in CASES if "expect_rendered" in case], ids=lambda case: case["id"]
)
def test_it_is_filled_as_expected_by_the_case(case):
    assert fill(case) in {case["expect_rendered"], *case.get("also_ok", ())}, case["why"]


@pytest.mark.parametrize(
    "case", [case for case in CASES if "expect_error" in case], ids=lambda case: case["id"]
)
def test_it_is_refused_for_the_reason_expected_by_the_case(case):
    with pytest.raises((ConfigurationError, TokenError)) as refused:
        fill(case)
    word = case["expect_error"]
    codes = {problem.code for problem in refused.value.problems}
    assert codes <= WORDS.get(word, {word}), case["why"]


def test_every_case_of_the_list_is_run():
    assert len(CASES) == 116
    assert all(("expect_rendered" in case) != ("expect_error" in case) for case in CASES)
