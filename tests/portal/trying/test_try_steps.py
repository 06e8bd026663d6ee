"""A try of several requests shows each: what was sent, what came, what was taken out of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from html import unescape
from typing import Any

import pytest
from django.urls import reverse

from billhook.engine.config import AuthenticationConfig
from billhook.engine.http.request import WebRequest
from billhook.engine.http.terms import RunTerms
from billhook.engine.http.transport import Response
from billhook.engine.integration_file.file import read_integration
from billhook.engine.secret import MASK
from billhook.portal.documents.response import opened
from billhook.portal.editor.form import form_of
from billhook.portal.installation import environment
from billhook.portal.integrations.policy import egress_policy
from billhook.portal.integrations.store import CommandStore, get_store, set_store
from billhook.portal.runs.recorder import RunRecorder, get_recorder, set_recorder
from portal.cast import Cast, signed_in
from portal.integration_cast import CANARY, PDF, Source, draft

STEPS = """
format = 1
[integration]
name = "Acme"
variables = { BaseUrl = "https://billing.acme.example" }
secrets = ["ApiKey"]
[[commands.GetInvoiceImage.steps]]
name = "Find"
url = "{{BaseUrl}}/find?number={{InvoiceNumber}}"
headers = [["X-Api-Key", "{{ApiKey}}"]]
extract = { Id = "$.ids[*]", Key = { json = "$.key", secret = true, none = "empty" } }
repeat_until = { when = [{ json = "$.ready", equals = true }], pause = 0, times = 5 }
[[commands.GetInvoiceImage.steps]]
name = "Document"
url = "{{BaseUrl}}/invoices/{{Find.Id}}/pdf?k={{Find.Key}}"
"""
FOUND = b'{"ids": ["id-4711"], "key": "one-time-2c6b", "ready": true}'


class Talk(Source):
    """A source with an answer for each request in turn."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[tuple[int, bytes]] = [(200, FOUND), (200, PDF)]

    async def exchange(self, request: WebRequest, terms: RunTerms) -> Response:
        self.answer = self.answers.pop(0)
        return await super().exchange(request, terms)


@pytest.fixture
def source() -> Talk:
    return Talk()


@pytest.fixture(autouse=True)
def wired(source: Talk) -> Iterator[None]:
    """Give this process a store whose transport is *source*, and a recorder of its own."""
    before = get_store(), get_recorder()
    set_store(CommandStore(open_source=lambda _: source))
    set_recorder(RunRecorder())
    yield
    set_store(before[0])
    set_recorder(before[1])


@pytest.fixture
def send(cast: Cast) -> Callable[..., str]:
    """Return what sends the two steps as Bob typed them, and returns the answer's HTML."""
    client = signed_in(cast.bob)
    address = reverse("backoffice:integration-new-try", args=[cast.harper.id]) + "?part"

    def send(authentication: AuthenticationConfig | None = None, *, text: str = STEPS) -> str:
        config = read_integration(text)
        typed = replace(
            draft(*config.commands),
            variables=config.variables,
            authentication=authentication,
            name="Acme",
        )
        fields = form_of(typed).fields()
        fields |= {"secret-0-value": CANARY, "try-number": "INV-1", "do": "try"}
        response: Any = opened(client.post(address, fields))
        assert response.status_code == 200, response.content.decode()
        return response.content.decode()  # type: ignore[no-any-return]

    return send


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", "", html)))


def test_each_request_is_shown_with_its_response_and_the_extracted_values(
    send: Callable[..., str],
) -> None:
    text = text_of(send())
    assert "Find, response 200," in text
    assert "Find.Id id-4711" in text
    assert "GET https://billing.acme.example/find?number=INV-1" in text
    assert "GET https://billing.acme.example/invoices/id-4711/pdf" in text
    assert "customers will" in text


def test_a_secret_value_is_masked_where_it_is_extracted_and_where_it_is_sent(
    send: Callable[..., str], source: Talk
) -> None:
    html = send()
    assert "one-time-2c6b" not in html
    assert f"Find.Key {MASK}" in text_of(html)
    assert f"/pdf?k=Find.Key {MASK}" in text_of(html)
    assert source.requests[1].url.endswith("k=one-time-2c6b")


def test_a_value_that_repeats_a_secret_is_masked(send: Callable[..., str], source: Talk) -> None:
    source.answers[0] = (200, f'{{"ids": ["x-{CANARY}"], "ready": true}}'.encode())
    html = send()
    assert CANARY not in html
    assert f"Find.Id x-{MASK}" in text_of(html)


def test_it_says_how_often_a_request_was_sent(send: Callable[..., str], source: Talk) -> None:
    waiting = (200, b'{"ready": false}')
    source.answers = [waiting, waiting, (200, FOUND), (200, PDF)]
    assert re.search(r"Find, response 200, \d+ ms, sent 3 times", text_of(send()))


def test_a_failure_names_its_request_and_links_to_the_field(
    send: Callable[..., str], source: Talk
) -> None:
    source.answers = [(200, b'{"ids": ["a", "b"], "ready": true}')]
    html = send()
    text = text_of(html)
    assert "Request Find: The source found 2 values for {{Find.Id}}" in text
    assert 'href="#command-0-steps-0-extract-0-path"' in html
    assert "Document was not sent" in text


@pytest.mark.parametrize(
    ("answers", "field"),
    [
        pytest.param([(410, b"{}")], "command-0-steps-0-url", id="not found"),
        pytest.param([(200, b'{"ready": true}')], "command-0-steps-0-url", id="no value"),
        pytest.param(
            [(200, b'{"ready": false}')] * 5, "command-0-steps-0-repeat_until-times", id="not ready"
        ),
        pytest.param([(200, FOUND), (500, b"")], "command-0-steps-1-url", id="failed"),
        pytest.param(
            [(200, FOUND), (200, b"MZ")], "command-0-steps-1-answer-kind", id="no document"
        ),
    ],
)
def test_each_failure_links_to_the_field_to_check(
    send: Callable[..., str], source: Talk, answers: list[tuple[int, bytes]], field: str
) -> None:
    source.answers = list(answers)
    assert f'href="#{field}"' in send()


def test_authentication_is_shown_masked_with_each_request(send: Callable[..., str]) -> None:
    html = send(AuthenticationConfig(scheme="bearer", fields={"token": "{{ApiKey}}"}))
    assert text_of(html).count(f"Authorization: Bearer {MASK}") == 2
    assert CANARY not in html


@pytest.fixture
def private() -> Iterator[None]:
    """A source that only the operator's allowance opens."""
    environment.put("BILLHOOK_ALLOW", "billing.acme.example:443")
    egress_policy.cache_clear()
    yield
    environment.put("BILLHOOK_ALLOW", "")
    egress_policy.cache_clear()


@pytest.mark.usefixtures("private")
def test_values_from_a_private_system_are_not_shown(send: Callable[..., str]) -> None:
    html = send()
    assert "id-4711" not in html
    assert "Find.Id taken; not shown, because it comes from a private system" in text_of(html)
    assert "/invoices/‹Find.Id›/pdf" in text_of(html)


REASON = 'reason = "$.error"'
LOOKED_UP = f"""
[[commands.GetInvoiceImage.steps]]
name = "Look"
url = "{{{{BaseUrl}}}}/look"
{REASON}
"""


def with_reasons() -> str:
    """Return the steps after another that extracts nothing, all of them with a reason."""
    first = "[[commands.GetInvoiceImage.steps]]"
    text = STEPS.replace("extract =", f"{REASON}\nextract =").replace(first, LOOKED_UP + first, 1)
    return f"{text.rstrip()}\n{REASON}\n"


@pytest.mark.parametrize(
    ("before", "is_shown"),
    [
        pytest.param([], True, id="before the secret"),
        pytest.param([(200, b"{}")], False, id="at the secret"),
        pytest.param([(200, b"{}"), (200, FOUND)], False, id="after the secret"),
    ],
)
def test_the_sources_reason_is_shown_until_a_request_extracts_a_secret(
    send: Callable[..., str], source: Talk, before: list[tuple[int, bytes]], is_shown: bool
) -> None:
    source.answers = [*before, (403, b'{"error": "Ask for the right to read & write"}')]
    html = send(text=with_reasons())
    assert ("The source says: “Ask for the right to read & write”" in text_of(html)) is is_shown
    assert ("this request or one before it extracts a secret" in text_of(html)) is not is_shown


@pytest.mark.usefixtures("private")
def test_the_reason_of_a_private_system_is_not_shown(
    send: Callable[..., str], source: Talk
) -> None:
    source.answers = [(403, b'{"error": "Ask your administrator"}')]
    assert "Ask your administrator" not in send(text=with_reasons())


def test_a_secret_in_the_sources_reason_is_masked(send: Callable[..., str], source: Talk) -> None:
    source.answers = [(403, f'{{"error": "{CANARY} is wrong"}}'.encode())]
    html = send(text=with_reasons())
    assert CANARY not in html
    assert f"“{MASK} is wrong”" in text_of(html)
