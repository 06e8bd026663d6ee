"""A compiled command says what it needs, refuses what it can't take, and shows no secret."""

from __future__ import annotations

import re

import pytest

from billhook.engine import MASK, CommandConfig, Origin, Secret, StepConfig
from billhook.engine.command.compile import compile_command
from billhook.engine.errors import TokenError
from billhook.engine.integration_file import file as files

CANARY = "c4nary-s3cret"
CONFIG = CommandConfig(
    name="GetInvoiceImage",
    steps=(
        StepConfig(
            name="Open",
            method="POST",
            url="https://login.example/session?key={{ApiKey}}",
            headers=(("Content-Type", "application/json"),),
            body='{"key": "{{ApiKey}}", "n": {{InvoiceNumber}}}',
        ),
        StepConfig(
            name="Take",
            url="{{BaseUrl}}/items/{{InvoiceNumber}}",
            headers=(("X-Run", "{{RunId}}"), ("X-At", "{{Timestamp}}"), ("X-Key", "{{Other}}")),
        ),
    ),
    timeout=12.0,
    max_bytes=1_000,
    redirects="deny",
    accept=("application/pdf", "image/png"),
)
SECRETS = {"ApiKey": Secret(CANARY), "Other": Secret(CANARY + "2"), "Unused": Secret("x")}
LOGIN = Origin(scheme="https", host="login.example", port=443)
BILLING = Origin(scheme="https", host="b.example", port=8443)


@pytest.fixture(scope="module")
def command():
    return compile_command(
        CONFIG, variables={"BaseUrl": "https://b.example:8443"}, secrets=[*SECRETS]
    )


def test_it_lists_the_required_and_the_optional_tokens(command):
    assert command.tokens == ("InvoiceNumber",)
    assert {"InvoiceNumber", "Amount", "Locale"} <= command.known_tokens
    assert not {"RunId", "Timestamp", "BaseUrl", "ApiKey"} & command.known_tokens


def test_it_lists_the_destinations_of_each_secret(command):
    assert command.secrets == {"ApiKey", "Other"}
    assert command.origins == {LOGIN, BILLING}
    assert command.secret_origins == {"ApiKey": {LOGIN}, "Other": {BILLING}}


def test_it_keeps_its_settings(command):
    assert (command.limits.timeout, command.limits.max_bytes) == (12.0, 1_000)
    assert (command.redirects, command.accept) == ("deny", ("application/pdf", "image/png"))


@pytest.mark.parametrize(
    ("origin", "text"),
    [
        pytest.param(LOGIN, "https://login.example", id="default-port"),
        pytest.param(BILLING, "https://b.example:8443", id="other-port"),
        pytest.param(Origin(scheme="http", host="a", port=80), "http://a", id="http"),
        pytest.param(Origin(scheme="http", host="a", port=443), "http://a:443", id="http-on-443"),
        pytest.param(Origin(scheme="https", host="::1", port=443), "https://[::1]", id="ipv6"),
    ],
)
def test_an_origin_is_written_without_the_default_port(origin, text):
    assert str(origin) == text


def test_the_steps_are_filled_in_order(command):
    values = command.values({"InvoiceNumber": "INV 1"}, secrets=SECRETS, run_id="run1")
    first, second = (step.fill(values) for step in command.steps)
    assert (first.step, first.method, first.origin) == ("Open", "POST", LOGIN)
    assert first.body == b'{"key": "c4nary-s3cret", "n": "INV 1"}'
    assert first.target == "/session?key=c4nary-s3cret"
    assert (second.step, second.method, second.body) == ("Take", "GET", None)
    assert second.url == "https://b.example:8443/items/INV%201"
    assert second.headers[0] == ("X-Run", "run1")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", second.headers[1][1])


def test_a_run_id_is_created_if_none_is_given(command):
    values = [command.values({"InvoiceNumber": "1"}, secrets=SECRETS) for _ in range(2)]
    ids = {command.steps[1].fill(given).headers[0][1] for given in values}
    assert len(ids) == 2


def test_a_single_step_has_the_name_of_its_command():
    config = CommandConfig(name="Own", steps=(StepConfig(url="https://a.example/"),))
    assert compile_command(config).steps[0].name == "Own"


def problems_of(command, tokens, secrets=SECRETS):
    with pytest.raises(TokenError) as refused:
        command.values(tokens, secrets=secrets)
    return [(problem.code, problem.where) for problem in refused.value.problems]


def test_all_wrong_values_are_reported_together(command):
    assert problems_of(
        command, {"InvoiceNumbr": 1, "Timestamp": "x", "BaseUrl": "x", "ApiKey": "x"}, secrets={}
    ) == [
        ("unknown-token", "tokens.InvoiceNumbr"),
        ("reserved-name", "tokens.Timestamp"),
        ("reserved-name", "tokens.BaseUrl"),
        ("reserved-name", "tokens.ApiKey"),
        ("missing-token", "tokens.InvoiceNumber"),
        ("missing-secret", "tokens.ApiKey"),
        ("missing-secret", "tokens.Other"),
    ]


def test_an_unknown_name_is_reported_with_the_nearest_one(command):
    with pytest.raises(TokenError) as refused:
        command.values({"InvoiceNumber": 1, "invoicedate": 1}, secrets=SECRETS)
    (problem,) = refused.value.problems
    assert problem.suggestion == "InvoiceDate"


def test_known_tokens_that_are_not_used_may_be_given(command):
    values = command.values({"InvoiceNumber": "1", "Amount": 3, "Locale": None}, secrets=SECRETS)
    assert "InvoiceNumber" in repr(values)
    assert "Amount" not in repr(values)


def test_a_secret_marks_its_request(command):
    values = command.values({"InvoiceNumber": "1"}, secrets=SECRETS)
    assert all(step.fill(values).carries_secret for step in command.steps)


def test_a_request_without_a_secret_says_so_unless_a_value_is_one():
    config = CommandConfig(
        name="Own", tokens=("A",), steps=(StepConfig(url="https://a.example/{{A}}"),)
    )
    command = compile_command(config)
    (step,) = command.steps
    assert not step.fill(command.values({"A": "x"})).carries_secret
    secret_values = command.values({"A": Secret(CANARY)})
    assert step.fill(secret_values).carries_secret
    assert command.preview(secret_values)[0].url.text == f"https://a.example/{MASK}"


def test_a_preview_masks_secrets_and_keeps_everything_else(command):
    values = command.values({"InvoiceNumber": "INV 1"}, secrets=SECRETS, run_id="run1")
    first, second = command.preview(values)
    assert first.url.text == f"https://login.example/session?key={MASK}"
    assert first.body.text == f'{{"key": "{MASK}", "n": "INV 1"}}'
    assert second.url.text == "https://b.example:8443/items/INV%201"
    assert (second.headers[0][0], second.headers[0][1].text) == ("X-Run", "run1")
    assert second.headers[2][1].text == MASK
    assert second.body is None
    assert CANARY not in repr((first, second))


def test_a_preview_shows_which_token_filled_each_part(command):
    values = command.values({"InvoiceNumber": "INV 1"}, secrets=SECRETS)
    first, second = command.preview(values)
    pieces = [(piece.text, piece.token, piece.is_secret) for piece in second.url.pieces]
    assert pieces == [
        ("https://b.example:8443", "BaseUrl", False),
        ("/items/", None, False),
        ("INV%201", "InvoiceNumber", False),
    ]
    assert [(p.text, p.token, p.is_secret) for p in first.body.pieces if p.token] == [
        (MASK, "ApiKey", True),
        ('"INV 1"', "InvoiceNumber", False),
    ]


def test_a_preview_refuses_the_same_values_as_filling(command):
    values = command.values({"InvoiceNumber": ".."}, secrets=SECRETS)
    with pytest.raises(TokenError) as refused:
        command.preview(values)
    assert refused.value.problems[0].code == "dot-segment"


def test_nothing_prints_a_value(command):
    values = command.values({"InvoiceNumber": "pers0nal"}, secrets=SECRETS)
    requests = [step.fill(values) for step in command.steps]
    printed = f"{values!r} {values} {requests!r} {requests[0]} {command!r}"
    assert "pers0nal" not in printed
    assert CANARY not in printed
    assert repr(requests[0]) == (
        "WebRequest(step='Open', method='POST', origin='https://login.example')"
    )


def test_a_secret_over_plain_http_is_remarked():
    config = CommandConfig(
        name="Own",
        steps=(StepConfig(url="http://a.example/", headers=(("X-Key", "{{Key}}"),)),),
    )
    (note,) = compile_command(config, secrets=["Key"]).notes
    assert (note.code, note.where) == ("secret-over-http", "commands.Own.url")
    assert not compile_command(
        CommandConfig(name="Own", steps=(StepConfig(url="http://a.example/"),))
    ).notes


def test_the_public_module_has_every_name_that_it_lists():
    import billhook.engine

    for name in billhook.engine.__all__:
        assert getattr(billhook.engine, name) is not None
    assert set(billhook.engine.__all__) <= set(dir(billhook.engine))
    assert billhook.engine.read_integration is files.read_integration
    with pytest.raises(AttributeError):
        _ = billhook.engine.no_such_name
