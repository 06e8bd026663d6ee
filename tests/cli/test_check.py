"""`billhook check` reports every problem of a file, with its location and how to fix it."""

from __future__ import annotations

import subprocess
import sys

import pytest

GOOD = """\
format = 1
[integration]
name = "Acme billing"
variables = { BaseUrl = "https://billing.acme.example" }
secrets = ["ApiKey"]

[commands.GetInvoiceImage]
url = "{{BaseUrl}}/items/{{InvoiceNumber}}"
headers = [["X-Api-Key", "{{ApiKey}}"]]
"""
BAD = """\
format = 1
[integration]
name = "Acme billing"

[commands.GetInvoiceImage]
metod = "GET"
url = "https://billing.acme.example/items/{{InvoiceNumber}}"

[commands.Other]
method = "POST"
url = "https://{{Host}}/{{ Id }}"
body = "{{invoicenumber}}"
headers = [["Host", "x"]]
"""

SESSION = """\
format = 1
[integration]
name = "Acme billing"
secrets = ["Password"]

[authentication]
scheme = "session"
headers = [["X-Session", "{{Session.Id}}"]]

[authentication.request]
method = "POST"
url = "https://billing.acme.example/login"
headers = [["Content-Type", "application/x-www-form-urlencoded"]]
body = "password={{Password}}"
extract = { Id = { json = "$.session", secret = true } }

[commands.GetInvoiceImage]
url = "https://billing.acme.example/items/{{InvoiceNumber}}?session={{Session.Id}}"
"""


def test_a_file_without_problems_is_reported_as_valid(billhook, write):
    file = write(GOOD)
    result = billhook("check", file)
    assert (result.status, result.err) == (0, "")
    assert result.out == f"{file}: no problems in 1 command.\n"


def test_a_command_may_use_the_tokens_of_the_session(billhook, write):
    assert billhook("check", write(SESSION)).status == 0


def test_a_problem_in_the_authentication_is_reported_with_its_line(billhook, write):
    result = billhook("check", write(SESSION.replace("{{Password}}", "{{Pasword}}")))
    assert result.status == 2
    assert "line 14, authentication.request.body" in result.err
    assert "{{Password}}" in result.err


def test_with_json_a_valid_file_lists_its_commands(billhook, write):
    result = billhook("check", write(GOOD), "--json")
    assert result.status == 0
    assert result.json == {"ok": True, "commands": ["GetInvoiceImage"], "notes": []}


def test_all_problems_are_reported_together_with_their_lines(billhook, write):
    result = billhook("check", write(BAD))
    assert (result.status, result.out) == (2, "")
    places = [line.split(": ")[0] for line in result.err.splitlines()]
    assert places == [
        "line 6, commands.GetInvoiceImage.metod",
        "line 11, commands.Other.url",
        "line 11, commands.Other.url",
        "line 12, commands.Other.body",
        "line 13, commands.Other.headers[0]",
    ]


def test_an_unknown_key_hides_no_other_problem(billhook, write):
    file = write(GOOD.replace("{{InvoiceNumber}}", "{{invoicenumber}}") + "timout = 5\n")
    result = billhook("check", file)
    assert [line.split(": ")[0] for line in result.err.splitlines()] == [
        "line 8, commands.GetInvoiceImage.url",
        "line 10, commands.GetInvoiceImage.timout",
    ]


def test_a_mistyped_key_is_read_as_the_one_that_was_meant(billhook, write):
    text = GOOD.replace("url =", "urll =").replace("{{InvoiceNumber}}", "{{ InvoiceNumber }}")
    result = billhook("check", write(text + 'acept = ["text/plain"]\n'), "--json")
    told = [(each["code"], each["where"]) for each in result.json["error"]["problems"]]
    assert sorted(told) == [
        ("invalid-value", "commands.GetInvoiceImage.accept[0]"),
        ("malformed-token", "commands.GetInvoiceImage.url"),
        ("unknown-key", "commands.GetInvoiceImage.acept"),
        ("unknown-key", "commands.GetInvoiceImage.urll"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('metod = "POST"\nbody = "x"\n', id="the-method-of-a-body"),
        pytest.param('tokns = ["Id"]\nmethod = "POST"\nbody = "{{Id}}"\n', id="the-tokens"),
    ],
)
def test_a_mistyped_key_is_reported_only_once(billhook, write, text):
    (problem,) = billhook("check", write(GOOD + text), "--json").json["error"]["problems"]
    assert problem["code"] == "unknown-key"


def test_a_secret_that_is_named_twice_is_reported(billhook, write):
    file = write(GOOD.replace('["ApiKey"]', '["ApiKey", "ApiKey"]'))
    error = billhook("check", file, "--json").json["error"]
    assert error["message"] == "The secret ApiKey is defined twice. Remove one of the two."
    assert (error["code"], error["where"]) == ("duplicate-name", "integration.secrets")


def test_with_json_the_first_problem_is_the_error_and_all_are_listed(billhook, write):
    result = billhook("check", write(BAD), "--json")
    assert result.status == 2
    assert result.json["ok"] is False
    error = result.json["error"]
    assert error["code"] == "unknown-key"
    assert error["where"] == "commands.GetInvoiceImage.metod"
    assert error["problems"][0] == {
        "code": "unknown-key",
        "message": error["message"],
        "where": "commands.GetInvoiceImage.metod",
        "line": 6,
        "suggestion": "method",
    }
    assert {problem["code"] for problem in error["problems"]} >= {
        "malformed-token",
        "unknown-token",
        "header-denied",
    }


def test_a_remark_is_shown_but_is_not_a_problem(billhook, write):
    file = write(GOOD + 'method = "POST"\nbody = "a={{InvoiceNumber}}"\n')
    result = billhook("check", file)
    assert result.status == 0
    assert "Content-Type: application/x-www-form-urlencoded" in result.err
    (note,) = billhook("check", file, "--json").json["notes"]
    assert (note["code"], note["line"]) == ("no-content-type", 11)


def test_a_secret_over_http_is_remarked(billhook, write):
    file = write(GOOD.replace("https:", "http:"))
    (note,) = billhook("check", file, "--json").json["notes"]
    assert note["code"] == "secret-over-http"


def test_a_file_without_commands_is_remarked(billhook, write):
    file = write('format = 1\n[integration]\nname = "x"\n')
    (note,) = billhook("check", file, "--json").json["notes"]
    assert note["code"] == "no-command"


@pytest.mark.parametrize(
    ("table", "code", "where"),
    [
        pytest.param(
            '[tls]\nclient_certificate = "PEM"', "not-a-secret", "tls.client_certificate", id="tls"
        ),
        pytest.param('[tls]\nca = "PEM"', "bad-pem", "tls.ca", id="authorities"),
        pytest.param('[tls]\ncert = ""', "unknown-key", "tls.cert", id="key-of-tls"),
        pytest.param(
            '[authentication]\nscheme = "basic"\nuser = "x"',
            "unknown-key",
            "authentication.user",
            id="field",
        ),
    ],
)
def test_a_problem_in_the_connection_is_reported(billhook, write, table, code, where):
    error = billhook("check", write(f"{GOOD}\n{table}\n"), "--json").json["error"]
    assert [(each["code"], each["where"]) for each in error["problems"]] == [(code, where)]


def test_a_key_that_everybody_can_read_is_remarked(billhook, write):
    table = '[authentication]\nscheme = "header"\nname = "X-Key"\nvalue = "abc"\n'
    notes = billhook("check", write(f"{GOOD}\n{table}"), "--json").json["notes"]
    assert ("not-a-secret", "authentication.value") in {
        (note["code"], note["where"]) for note in notes
    }


@pytest.mark.parametrize("as_json", [True, False], ids=["json", "text"])
def test_a_missing_file_is_a_clear_error(billhook, tmp_path, as_json):
    result = billhook("check", tmp_path / "none.toml", *["--json"] * as_json)
    assert result.status == 2
    assert "There is no file" in result.out + result.err


def test_a_folder_is_not_accepted_as_a_file(billhook, tmp_path):
    assert billhook("check", tmp_path, "--json").json["error"]["code"] == "file-unreadable"


def test_a_binary_file_is_reported_as_binary(billhook, tmp_path):
    file = tmp_path / "x.pdf"
    file.write_bytes(b"%PDF-1.7\n\xff\xfe\x00")
    assert billhook("check", file, "--json").json["error"]["code"] == "not-text"


def test_a_file_cannot_send_control_characters_to_the_terminal(billhook, write):
    result = billhook("check", write(GOOD + '"\\u001b[2J" = 1\n'))
    assert "\x1b" not in result.err
    assert "\\x1b[2J" in result.err


@pytest.mark.parametrize(
    "arguments", [["check"], ["fill", "FILE", "GetInvoiceImage", "InvoiceNumber=1"]]
)
def test_it_loads_no_server_and_no_network(write, arguments):
    file = write(GOOD)
    script = (
        "import sys\n"
        "from billhook.cli import main\n"
        "try: main()\n"
        "except SystemExit as ended: assert not ended.code\n"
        "print(*sorted(name.partition('.')[0] for name in sys.modules))\n"
    )
    given = [str(file) if argument == "FILE" else argument for argument in arguments]
    if given == ["check"]:
        given.append(str(file))
    done = subprocess.run(
        [sys.executable, "-c", script, *given], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "billhook" in loaded
    assert not loaded & {"django", "aiohttp", "asyncio", "yarl", "lxml", "hypothesis"}
