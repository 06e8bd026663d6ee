"""The binding of a session's secrets: to its requests, their redirects, and the commands."""

from __future__ import annotations

from billhook.engine.integration import compile_integration
from billhook.engine.integration_file.file import read_integration
from billhook.portal.integrations.secret_binding import SecretBinding, SecretUse, bindings_of

FILE = """
format = 1
[integration]
name = "Behind a form"
secrets = ["Password", "Other"]
[authentication]
scheme = "session"
cookies = true
%s
derive = { Both = "{{Other}}:{{Session.Csrf}}" }
[[authentication.requests]]
url = "https://login.example/form"
extract = { Csrf = { regex = 'value="([^"]+)"' } }
[[authentication.requests]]
method = "POST"
url = "https://login.example/login"
body = "p={{Password}}"
[commands.GetInvoiceImage]
url = "https://billing.example/{{InvoiceNumber}}"
headers = [["X-Both", "{{Session.Both}}"]]
"""


def bindings(more: str = "", text: str = FILE) -> dict[str, SecretBinding]:
    config = read_integration(text % more)
    return bindings_of(config, compile_integration(config))


def test_secrets_of_a_session_are_bound_to_its_requests_and_to_the_commands():
    found = bindings()
    uses = {
        SecretUse("https://login.example", "deny"),
        SecretUse("https://billing.example", "follow"),
    }
    assert {name: set(each.uses) for name, each in found.items()} == {
        "Password": uses,
        "Other": uses,
    }


def test_following_redirects_of_a_session_asks_for_its_secrets_again():
    stored, wanted = bindings(), bindings('redirects = "follow"')
    assert not any(stored[name].covers(wanted[name]) for name in stored)


def test_another_request_of_a_session_asks_for_its_secrets_again():
    stored, wanted = bindings(), bindings(text=FILE.replace("/form", "/echo"))
    assert not any(stored[name].covers(wanted[name]) for name in stored)
