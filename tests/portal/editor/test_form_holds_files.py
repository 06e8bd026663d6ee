"""The editor's form holds everything that an integration file holds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from django.urls import reverse

import billhook
from billhook.engine.config import (
    IntegrationConfig,
)
from billhook.engine.integration_file.file import read_integration
from billhook.portal.integrations.drafts import draft_of
from billhook.portal.integrations.models import Integration
from portal.cast import Cast, signed_in
from portal.editor.editor_page import Page

PRESETS = sorted((Path(billhook.__file__).parent / "presets").glob("*.toml"))

HEAD = """format = 1

[integration]
name = "Everything"
variables = { BaseUrl = "https://a.example" }
secrets = ["ApiKey", "Certificate", "User"]
"""
LOOKUP = """
[commands.GetInvoiceImage]

[[commands.GetInvoiceImage.steps]]
name = "Find"
url = "{{BaseUrl}}/invoices?number={{InvoiceNumber}}"
extract = { Id = "$.data[0].id" }

[[commands.GetInvoiceImage.steps]]
name = "Document"
url = "{{BaseUrl}}/invoices/{{Find.Id}}/pdf"
"""
MANY_STEPS = "\n".join(
    f"""
[[commands.GetInvoiceImage.steps]]
name = "Step{number}"
url = "{{{{BaseUrl}}}}/{number}/{{{{InvoiceNumber}}}}"
extract = {{ A = "$.a", B = "$.b", C = "$.c", D = "$.d", E = "$.e", F = "$.f", G = "$.g" }}
"""
    for number in range(20)
)
EVERYTHING = {
    "twenty steps with their values": MANY_STEPS,
    "two steps": LOOKUP,
    "values": LOOKUP.replace(
        'extract = { Id = "$.data[0].id" }',
        """derive = { A = { template = "{{User}}:\\n {{ApiKey}}", function = "base64" }, B = " x " }
headers = [["Authorization", "Basic {{Find.A}}"]]
side_effects = true
[commands.GetInvoiceImage.steps.extract]
Id = { xpath = "//a:i[b:n = '{{InvoiceNumber}}']", namespaces = { a = "urn:a", b = "urn:b" } }
Header = { header = "X-Id", none = "empty", many = "last", secret = true }
Text = { regex = 'id="(\\d+)"', none = "failed", many = "first" }
""",
    ),
    "conditions": LOOKUP.replace(
        'extract = { Id = "$.data[0].id" }',
        """extract = { Id = "$.data[0].id" }
compressed = true
success_when = [
    { status = [200, 404] },
    { json = "$.a", equals = true },
    { json = "$.a", equals = "true" },
    { json = "$.a", equals = 1 },
    { json = "$.a", equals = "1" },
    { json = "$.a", equals = 1.5 },
    { json = "$.a", equals = "" },
    { json = "$.a", equals = " spaced, and \\"quoted\\" " },
    { json = "$.a", not_equals = "no" },
    { json = "$.a", one_of = ["a,b", "c", 3, "3", true, "", "\\u00a0"] },
    { json = "$.a", matches = "^x, (y)$" },
    { json = "$.a", exists = false },
    { header = "X-A", exists = true },
]
not_found_when = [{ body_contains = "no such" }, { xpath = "//e", equals = "x" }]
repeat_until = { when = [{ json = "$.s", equals = "ready" }], pause = 1.5, times = 7 }
""",
    ),
    "on_not_found": LOOKUP
    + """
[[commands.GetInvoiceImage.steps.on_not_found]]
name = "Build"
method = "PUT"
url = "{{BaseUrl}}/build/{{InvoiceNumber}}"
headers = [["Content-Type", "multipart/mixed; boundary=x"]]
body = "--x\\r\\n\\r\\nx\\r\\n--x--\\r\\n"
extract = { Job = "$.job" }
authentication = true

[[commands.GetInvoiceImage.steps.on_not_found]]
name = "Wait"
method = "POST"
url = "{{BaseUrl}}/job/{{Build.Job}}"
repeatable = true
authentication = false
""",
    "base 64": LOOKUP + 'answer = { base64 = "$.content", name = { json = "$.name" } }\n',
    "whole body in base 64": LOOKUP + "answer = { base64 = true }\n",
    "url": LOOKUP
    + 'answer = { url = { xpath = "//u" }, authentication = true, name = { header = "X" }, '
    + 'type = { template = "application/pdf" } }\n',
    "zip": LOOKUP + 'answer = { zip = "*.pdf", name = { template = "{{InvoiceNumber}}.pdf" } }\n',
    "link": LOOKUP + 'answer = { link = "$.url" }\n',
    "strange texts": LOOKUP.replace(
        'extract = { Id = "$.data[0].id" }',
        """method = "POST"
body = "a\\r\\nb\\nc ␍ ␦\\r"
extract = { Id = { xpath = "//s:a", namespaces = { s = "urn with spaces", t = "u" } } }
success_when = [{ json = "$.a", matches = "a\\nb" }, { body_contains = "a\\r\\nb" }]
not_found_when = [{ json = "$.a", equals = inf }]
""",
    )
    + """answer = { body = true }
[commands.Other]
url = "https://o.example"
timeout = 0.0000001
""",
    "limits": """
[commands.GetInvoiceImage]
url = "{{BaseUrl}}/{{InvoiceNumber}}"
accept = ["application/pdf", "image/png"]
timeout = 12.5
max_bytes = 1000
retries = 0
redirects = "deny"
tokens = ["Period"]
""",
    "a name for one step": """
[[commands.GetInvoiceImage.steps]]
name = "Only"
url = "{{BaseUrl}}/{{InvoiceNumber}}"
""",
    "session": LOOKUP
    + """
[authentication]
scheme = "session"
kept = 1800
headers = [["sessionId", "{{Session.Id}}"]]
refused_when = [{ json = "$.error_code", equals = "BDC_1109" }]

[authentication.request]
method = "POST"
url = "{{BaseUrl}}/login"
headers = [["Content-Type", "application/x-www-form-urlencoded"]]
body = "user={{User}}&password={{ApiKey}}"
derive = { A = "{{User}}" }
success_when = [{ json = "$.ok", equals = true }]
extract = { Id = { json = "$.id", none = "failed" } }
""",
    "hmac": LOOKUP
    + """
[authentication]
scheme = "hmac"
header = "X-Signature"
key = "{{ApiKey}}"
digest = "sha256"
prefix = ""
timestamp = "seconds"
template = '''
{{Request.Method}}
{{Request.Body}}
'''

[tls]
client_certificate = "{{Certificate}}"
""",
    "oauth 2": LOOKUP
    + """
[authentication]
scheme = "oauth2-authorization-code"
authorize_url = "https://l.example/a"
token_url = "https://l.example/t"
client_id = "x"
client_secret = "{{ApiKey}}"
pkce = false
prefix = ""
extra = { audience = "a b", prompt = "consent" }
""",
}


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_every_preset_survives_the_form_unchanged(path: Path, cast: Cast) -> None:
    preset = read_integration(path.read_text(encoding="utf-8"))
    page = _imported(cast, path.read_text(encoding="utf-8"))
    files = [text for name, text in page.fields.items() if name.endswith("-file")]
    assert not any(files), "there is a command as a file"
    assert saved(page) == by_name(preset)


@pytest.mark.parametrize("text", EVERYTHING.values(), ids=EVERYTHING)
def test_everything_in_a_file_survives_the_form(text: str, cast: Cast) -> None:
    page = _imported(cast, HEAD + text)
    assert saved(page) == by_name(read_integration(HEAD + text))


def _imported(cast: Cast, text: str) -> Page:
    client = signed_in(cast.bob)
    page = Page(client, reverse("backoffice:integration-new", args=[cast.harper.id]))
    address = reverse("backoffice:integration-import", args=[cast.harper.id])
    page._take(client.post(address, {"text": text}))
    assert page.response.status_code == 200, page.text
    return page


def by_name(config: IntegrationConfig) -> IntegrationConfig:
    """Return *config* with its secrets in the order in which they are stored."""
    return replace(config, secrets=tuple(sorted(config.secrets)))


def saved(page: Page) -> IntegrationConfig:
    """Type the secrets, press Save and nothing else, and return what was saved."""
    secrets = [name for name in page.fields if name.startswith("secret-") and "value" in name]
    page.press("save", **dict.fromkeys(secrets, "typed-9c1f"))
    assert page.response.status_code == 302, mistakes(page)
    return draft_of(Integration.objects.get()).config()


def mistakes(page: Page) -> str:
    """Return the problems on the page."""
    start = page.html.find('id="problems"')
    return page.html[start : page.html.find("</ul>", start)]
