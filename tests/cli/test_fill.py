"""`billhook fill` shows what would be sent, and never shows a secret."""

from __future__ import annotations

import json

import pytest

from billhook.engine import MASK

CANARY = "c4nary-s3cret"
FILE = """\
format = 1
[integration]
name = "Acme billing"
variables = { BaseUrl = "https://billing.acme.example" }
secrets = ["ApiKey", "Other"]

[commands.GetInvoiceImage]
method = "POST"
url = "{{BaseUrl}}/items/{{InvoiceNumber}}?key={{ApiKey}}"
headers = [["Content-Type", "application/json"], ["X-Api-Key", "{{ApiKey}}"]]
body = '{ "key1": "value1", "key2": {{InvoiceNumber}}, "key": "{{ApiKey}}" }'

[commands.Two]
tokens = ["Id"]

[[commands.Two.steps]]
name = "First"
url = "https://a.example/{{Id}}"

[[commands.Two.steps]]
name = "Second"
method = "DELETE"
url = "https://b.example/?id={{Id}}"
"""


@pytest.fixture
def file(write):
    return write(FILE)


def test_it_shows_the_request_as_it_would_be_sent(billhook, file):
    result = billhook("fill", file, "GetInvoiceImage", "InvoiceNumber=INV 1")
    assert result.status == 0
    assert result.out == (
        "# GetInvoiceImage\n"
        "POST https://billing.acme.example/items/INV%201?key=••••••\n"
        "Content-Type: application/json\n"
        "X-Api-Key: ••••••\n"
        "\n"
        '{ "key1": "value1", "key2": "INV 1", "key": "••••••" }\n'
    )


def test_with_json_it_prints_the_requests(billhook, file):
    result = billhook("fill", file, "GetInvoiceImage", "InvoiceNumber=INV-1", "--json")
    assert result.json == {
        "ok": True,
        "requests": [
            {
                "step": "GetInvoiceImage",
                "method": "POST",
                "url": "https://billing.acme.example/items/INV-1?key=••••••",
                "headers": [["Content-Type", "application/json"], ["X-Api-Key", "••••••"]],
                "body": '{ "key1": "value1", "key2": "INV-1", "key": "••••••" }',
            }
        ],
    }


def test_every_step_is_shown_in_order(billhook, file):
    requests = billhook("fill", file, "Two", "Id=7", "--json").json["requests"]
    assert [(r["step"], r["method"], r["url"], r["body"]) for r in requests] == [
        ("First", "GET", "https://a.example/7", None),
        ("Second", "DELETE", "https://b.example/?id=7", None),
    ]


@pytest.mark.parametrize(
    ("argument", "bare"),
    [
        pytest.param("InvoiceNumber=42", '"42"', id="text"),
        pytest.param("InvoiceNumber:=42", "42", id="number"),
        pytest.param("InvoiceNumber:=42.50", "42.50", id="number-keeps-its-zeros"),
        pytest.param("InvoiceNumber:=12345678901234567890123", "12345678901234567890123", id="big"),
        pytest.param("InvoiceNumber:=true", "true", id="truth-value"),
        pytest.param('InvoiceNumber:="00123"', '"00123"', id="json-text"),
        pytest.param("InvoiceNumber=a=b", '"a=b"', id="equals-sign-in-value"),
        pytest.param("InvoiceNumber=a:=b", '"a:=b"', id="colon-equals-in-value"),
    ],
)
def test_values_are_text_or_json(billhook, file, argument, bare):
    (request,) = billhook("fill", file, "GetInvoiceImage", argument, "--json").json["requests"]
    assert f'"key2": {bare},' in request["body"]


@pytest.mark.parametrize(
    ("arguments", "code", "where"),
    [
        pytest.param(
            ["InvoiceNumber:=null"], "null-value", "commands.GetInvoiceImage.url", id="null"
        ),
        pytest.param(["InvoiceNumber:=[1]"], "unsupported-type", "tokens.InvoiceNumber", id="list"),
        pytest.param(["InvoiceNumber:=NaN"], "invalid-json", "tokens.InvoiceNumber", id="nan"),
        pytest.param(["InvoiceNumber:=x"], "invalid-json", "tokens.InvoiceNumber", id="bad-json"),
        pytest.param(
            ["InvoiceNumber:=" + "9" * 5000], "invalid-json", "tokens.InvoiceNumber", id="endless"
        ),
        pytest.param(
            ['InvoiceNumber:="\\u0000"'], "control-character", "tokens.InvoiceNumber", id="nul"
        ),
        pytest.param(
            ['InvoiceNumber:="\\ud800"'], "invalid-unicode", "tokens.InvoiceNumber", id="surrogate"
        ),
        pytest.param(
            ["InvoiceNumber=\udcff"], "invalid-unicode", "tokens.InvoiceNumber", id="bytes"
        ),
        pytest.param(
            ["InvoiceNumber=.."], "dot-segment", "commands.GetInvoiceImage.url", id="dots"
        ),
        pytest.param([], "missing-token", "tokens.InvoiceNumber", id="missing"),
        pytest.param(
            ["InvoiceNumber=1", "InvoiceNumer=1"],
            "unknown-token",
            "tokens.InvoiceNumer",
            id="unknown",
        ),
        pytest.param(
            ["InvoiceNumber=1", "InvoiceNumber:=1"],
            "duplicate-name",
            "tokens.InvoiceNumber",
            id="twice",
        ),
        pytest.param(["InvoiceNumber"], "usage", "NAME=VALUE", id="no-equals"),
        pytest.param(["Invoice Number=1"], "usage", "NAME=VALUE", id="bad-name"),
        pytest.param(
            ["InvoiceNumber=1", "BaseUrl=https://evil.example"],
            "reserved-name",
            "tokens.BaseUrl",
            id="variable-as-token",
        ),
        pytest.param(
            ["InvoiceNumber=1", "ApiKey=x"], "reserved-name", "tokens.ApiKey", id="secret-as-token"
        ),
        pytest.param(
            ["InvoiceNumber=1", "RunId=x"], "reserved-name", "tokens.RunId", id="system-token"
        ),
    ],
)
def test_an_invalid_value_is_refused(billhook, file, arguments, code, where):
    result = billhook("fill", file, "GetInvoiceImage", *arguments, "--json")
    assert result.status == 2
    error = result.json["error"]
    assert (error["code"], error["where"]) == (code, where)


def test_an_unknown_command_names_the_nearest(billhook, file):
    result = billhook("fill", file, "GetInvoiceimage", "--json")
    assert result.status == 2
    assert result.json["error"]["code"] == "unknown-command"
    assert "Did you mean GetInvoiceImage?" in result.json["error"]["message"]


def test_a_variable_may_be_given_another_value(billhook, file):
    result = billhook(
        "fill",
        file,
        "GetInvoiceImage",
        "InvoiceNumber=1",
        "--variable",
        "BaseUrl=http://localhost:9000/api",
        "--json",
    )
    assert result.json["requests"][0]["url"] == "http://localhost:9000/api/items/1?key=••••••"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        pytest.param(["--variable", "BaseURL=x"], "unknown-variable", id="unknown"),
        pytest.param(["--variable", "BaseUrl"], "usage", id="no-equals"),
        pytest.param(
            ["--variable", "BaseUrl=a", "--variable", "BaseUrl=b"], "duplicate-name", id="twice"
        ),
        pytest.param(["--variable", "BaseUrl=ftp://a"], "invalid-host", id="not-http"),
    ],
)
def test_a_wrong_variable_is_refused(billhook, file, options, code):
    result = billhook("fill", file, "GetInvoiceImage", "InvoiceNumber=1", *options, "--json")
    assert (result.status, result.json["error"]["code"]) == (2, code)


@pytest.fixture(params=["env", "file"])
def secret_place(request, tmp_path, monkeypatch):
    if request.param == "env":
        monkeypatch.setenv("ACME_KEY", CANARY)
        return "env:ACME_KEY"
    path = tmp_path / "key"
    path.write_text(CANARY + "\n")
    return f"file:{path}"


@pytest.mark.parametrize("as_json", [True, False], ids=["json", "text"])
def test_a_secret_is_masked_in_all_output(billhook, file, secret_place, as_json):
    result = billhook(
        "fill",
        file,
        "GetInvoiceImage",
        "InvoiceNumber=1",
        "--secret",
        f"ApiKey={secret_place}",
        *["--json"] * as_json,
    )
    assert result.status == 0
    assert CANARY not in result.out + result.err


@pytest.mark.parametrize(
    ("option", "code"),
    [
        pytest.param(f"ApiKey={CANARY}", "usage", id="value-in-argument"),
        pytest.param(f"ApiKey=value:{CANARY}", "usage", id="unknown-place"),
        pytest.param(CANARY, "usage", id="value-alone"),
        pytest.param("ApiKey=env:ACME_NOT_SET", "missing-secret", id="not-set"),
        pytest.param("ApiKey=file:/nowhere/key", "file-not-found", id="no-file"),
        pytest.param("APIKey=env:PATH", "unknown-secret", id="unknown"),
    ],
)
def test_a_wrong_secret_is_refused_without_repeating_it(billhook, file, option, code):
    result = billhook(
        "fill", file, "GetInvoiceImage", "InvoiceNumber=1", "--secret", option, "--json"
    )
    assert (result.status, result.json["error"]["code"]) == (2, code)
    assert CANARY not in result.out + result.err


def test_an_invalid_secret_is_refused_without_being_shown(billhook, file, monkeypatch):
    monkeypatch.setenv("ACME_KEY", CANARY + "\r\nX-Evil: 1")
    result = billhook(
        "fill", file, "GetInvoiceImage", "InvoiceNumber=1", "--secret", "ApiKey=env:ACME_KEY"
    )
    assert result.status == 2
    assert "{{ApiKey}}" in result.err
    assert CANARY not in result.out + result.err


def test_a_file_with_problems_is_not_filled(billhook, write):
    file = write(FILE.replace("{{InvoiceNumber}}", "{{InvoiceNr}}"))
    result = billhook("fill", file, "GetInvoiceImage", "InvoiceNumber=1", "--json")
    assert result.status == 2
    error = result.json["error"]
    assert (error["code"], error["problems"][0]["line"]) == ("unknown-token", 9)


def test_the_json_is_ascii_so_that_any_terminal_can_show_it(billhook, file):
    result = billhook("fill", file, "Two", "Id=å", "--json")
    assert result.out.isascii()
    assert json.loads(result.out)["requests"][0]["url"] == "https://a.example/%C3%A5"


def test_a_secret_file_must_be_short_text(billhook, file, tmp_path):
    path = tmp_path / "key"
    for data, code in ((b"\xff\xfe", "not-text"), (b"x" * 70_000, "too-long")):
        path.write_bytes(data)
        option = f"ApiKey=file:{path}"
        result = billhook(
            "fill", file, "GetInvoiceImage", "InvoiceNumber=1", "--secret", option, "--json"
        )
        assert (result.status, result.json["error"]["code"]) == (2, code)


def test_a_secret_may_be_given_once(billhook, file):
    options = ["--secret", "ApiKey=env:PATH"] * 2
    result = billhook("fill", file, "GetInvoiceImage", "InvoiceNumber=1", *options, "--json")
    assert result.json["error"]["code"] == "duplicate-name"


def test_a_file_with_an_unknown_key_is_not_filled(billhook, write):
    file = write(FILE.replace("method =", "metod ="))
    result = billhook("fill", file, "GetInvoiceImage", "InvoiceNumber=1", "--json")
    assert (result.status, result.json["error"]["code"]) == (2, "unknown-key")


def test_a_name_that_resembles_nothing_lists_the_available_ones(billhook, file):
    result = billhook("fill", file, "Xyzzy", "--json")
    assert "It has: GetInvoiceImage, Two." in result.json["error"]["message"]


STEPS = """
format = 1
[integration]
name = "Acme"
variables = { Base = "https://acme.example" }
secrets = ["ApiKey"]
[authentication]
scheme = "SCHEME"
name = "key"
value = "{{ApiKey}}"
[[commands.GetInvoiceImage.steps]]
name = "Find"
url = "{{Base}}/find?n={{InvoiceNumber}}"
extract = { Id = "$.id", Link = { json = "$.link", url = true } }
[[commands.GetInvoiceImage.steps.on_not_found]]
name = "Build"
method = "POST"
url = "{{Base}}/build"
authentication = false
[[commands.GetInvoiceImage.steps]]
name = "Take"
url = "{{Base}}/{{Find.Id}}/pdf"
[[commands.GetInvoiceImage.steps]]
name = "Follow"
url = "{{Find.Link}}"
"""


def test_later_requests_and_authentication_are_shown_as_far_as_they_are_known(billhook, write):
    file = write(STEPS.replace("SCHEME", "header"))
    shown = billhook("fill", file, "GetInvoiceImage", "InvoiceNumber=A 1", "--json").json
    key = [["key", MASK]]
    assert [(each["step"], each["url"], each["headers"]) for each in shown["requests"]] == [
        ("Find", "https://acme.example/find?n=A%201", key),
        ("Build", "https://acme.example/build", []),
        ("Take", "https://acme.example/‹Find.Id›/pdf", key),
        ("Follow", "‹Find.Link›", []),
    ]


def test_a_key_in_the_url_is_shown_masked(billhook, write):
    file = write(STEPS.replace("SCHEME", "query"))
    shown = billhook("fill", file, "GetInvoiceImage", "InvoiceNumber=A", "--json").json
    assert [each["url"] for each in shown["requests"]][:3] == [
        f"https://acme.example/find?n=A&key={MASK}",
        "https://acme.example/build",
        f"https://acme.example/‹Find.Id›/pdf?key={MASK}",
    ]


def test_people_see_which_request_is_sent_only_if_nothing_is_found(billhook, write):
    file = write(STEPS.replace("SCHEME", "header"))
    out = billhook("fill", file, "GetInvoiceImage", "InvoiceNumber=A").out
    assert "# Build (only if Find finds nothing)\nPOST https://acme.example/build\n" in out
