"""A key that is typed in clear is found where it is, and nothing else is taken for one."""

from __future__ import annotations

import pytest

from billhook.engine.config import (
    AuthenticationConfig,
    CommandConfig,
    DeriveConfig,
    IntegrationConfig,
    StepConfig,
)
from billhook.engine.integration import try_to_compile
from billhook.engine.integration_file.clear_keys import (
    find_clear_keys,
    masked_url,
    secret_value,
)
from billhook.engine.secret import MASK

KEY = "9f8a7b6c5d4e3f2a1b0c"
LONG_KEY = "9f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c"
PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\n-----END PRIVATE KEY-----"
URL = "https://billing.example.com/items/{{InvoiceNumber}}"


def integration(step: StepConfig | None = None, **more: object) -> IntegrationConfig:
    command = CommandConfig(name="GetInvoiceImage", steps=(step or StepConfig(url=URL),))
    return IntegrationConfig(name="Acme", commands=(command,), **more)  # type: ignore[arg-type]


def header(name: str, value: str) -> StepConfig:
    return StepConfig(url=URL, headers=((name, value),))


def body(text: str) -> StepConfig:
    return StepConfig(method="POST", url=URL, body=text)


@pytest.mark.parametrize(
    ("step", "where", "key", "token"),
    [
        (header("Authorization", f"Bearer {KEY}"), "headers[0]", KEY, "{{ApiKey}}"),
        (header("Authorization", "Bearer sk_live_4eC39Hq"), "headers[0]", "sk_live_4eC39Hq", ""),
        (header("authorization", "Basic dXNlcjpwYXNz"), "headers[0]", "dXNlcjpwYXNz", ""),
        (header("X-Api-Key", "s3cr3t-value"), "headers[0]", "s3cr3t-value", "{{ApiKey}}"),
        (header("X-Auth-Token", KEY), "headers[0]", KEY, "{{AuthToken}}"),
        (header("Ocp-Apim-Subscription-Key", KEY), "headers[0]", KEY, ""),
        (header("Cookie", f"session={KEY}; lang=en"), "headers[0]", KEY, "{{Session}}"),
        (
            header("X-Info", "ghp_0123456789abcdefghijABCD"),
            "headers[0]",
            "ghp_0123456789abcdefghijABCD",
            "",
        ),
        (StepConfig(url=f"{URL}?api_key=abc123xyz&n=1"), "url", "abc123xyz", "{{ApiKey}}"),
        (StepConfig(url=f"{URL}?a=1&access_token={KEY}"), "url", KEY, "{{AccessToken}}"),
        (StepConfig(url=f"{URL}?key={KEY}"), "url", KEY, "{{Key}}"),
        (body("user=ann&password=hunter22"), "body", "hunter22", "{{Password}}"),
        (body('{"client_secret": "hunter22", "n": 1}'), "body", "hunter22", "{{ClientSecret}}"),
        (body("<login><password>hunter22</password></login>"), "body", "hunter22", ""),
        (header("X-Authorization", f"Bearer {KEY}"), "headers[0]", KEY, "{{ApiKey}}"),
        (header("Authorization", f"Key {KEY}{{{{RunId}}}}"), "headers[0]", KEY, "{{ApiKey}}"),
        (header("X-Custom", LONG_KEY), "headers[0]", LONG_KEY, "{{ApiKey}}"),
        (StepConfig(url=f"https://a.example/{LONG_KEY}/x"), "url", LONG_KEY, "{{ApiKey}}"),
        (StepConfig(url=f"{URL}?code={KEY}&v=1"), "url", KEY, "{{Code}}"),
        (StepConfig(url=f"{URL}?user=ann&pass=hunter22"), "url", "hunter22", "{{Pass}}"),
        (body('{"password": "hun{ter\\"22"}'), "body", 'hun{ter\\"22', "{{Password}}"),
        (body('<w:Password Type="text">hunter22</w:Password>'), "body", "hunter22", ""),
        (body('<login user="ann" password="hunter22"/>'), "body", "hunter22", "{{Password}}"),
        (body(PEM), "body", PEM, "{{ApiKey}}"),
        (
            StepConfig(
                url=URL,
                derive=(DeriveConfig(name="A", template="ann:hunter22", function="base64"),),
            ),
            "derive.A",
            "hunter22",
            "{{Password}}",
        ),
        (
            StepConfig(url=URL, derive=(DeriveConfig(name="A", template="x:sk_live_4eC39HqL"),)),
            "derive.A",
            "sk_live_4eC39HqL",
            "",
        ),
        (
            StepConfig(url=URL, on_not_found=(header("X-Api-Key", KEY),)),
            "on_not_found[0].headers[0]",
            KEY,
            "",
        ),
    ],
)
def test_a_key_in_clear_is_found(step: StepConfig, where: str, key: str, token: str) -> None:
    (note,) = find_clear_keys(integration(step))
    assert (note.code, note.where) == ("key-in-clear", f"commands.GetInvoiceImage.{where}")
    text = next(
        text
        for text in (step.url, step.body, *(value for _, value in step.headers), *_inner(step))
        if key in text
    )
    assert text[note.start : note.end] == key
    assert key not in note.message
    assert token in (note.suggestion or "")


def _inner(step: StepConfig) -> list[str]:
    inner = [value for each in step.on_not_found for _, value in each.headers]
    return [*inner, *(derive.template for derive in step.derive)]


@pytest.mark.parametrize(
    "config",
    [
        integration(header("Authorization", "Bearer {{ApiKey}}")),
        integration(header("Authorization", "Bearer")),
        integration(header("X-Api-Key", "{{ApiKey}}")),
        integration(header("X-Api-Key", "none")),
        integration(header("Content-Type", "application/json; charset=utf-8")),
        integration(header("Idempotency-Key", "{{RunId}}")),
        integration(header("Accept", "application/vnd.example.document+json;version=20260101")),
        integration(StepConfig(url=f"{URL}?key=status&token=invoice&page=1")),
        integration(StepConfig(url=f"{URL}?api_key={{{{ApiKey}}}}")),
        integration(body("key1=value1&key2={{InvoiceNumber}}")),
        integration(body('{ "key1": "value1", "key2": {{InvoiceNumber}} }')),
        integration(body('{"key": "InvoiceNumber", "token_type": "bearer"}')),
        integration(variables={"BaseUrl": "https://billing.example.com", "Company": "Acme Ltd"}),
        integration(variables={"KeyAccount": "4711-0815"}),
        integration(variables={"ClientId": LONG_KEY}),
        integration(StepConfig(url="https://a.example/11a4f2c8-91b5-4b0e-8a63-2f0f9f8a7b6c/x")),
        integration(StepConfig(url=f"{URL}?code=invoice&session=1&sig=none")),
        integration(header("Content-Type", f"multipart/form-data; boundary={LONG_KEY}")),
        integration(body('<item code="INV-7" pass="{{InvoiceNumber}}"/>')),
    ],
)
def test_other_texts_are_no_keys(config: IntegrationConfig) -> None:
    assert list(find_clear_keys(config)) == []


def test_variables_and_fields_of_the_authentication_are_searched() -> None:
    signed = AuthenticationConfig(scheme="bearer", fields={"token": "plain-token-1"})
    config = integration(variables={"ApiKey": "plain-key-1"}, authentication=signed)
    notes = list(find_clear_keys(config))
    assert [note.where for note in notes] == [
        "integration.variables.ApiKey",
        "authentication.token",
    ]
    assert notes[0].suggestion == "{{ApiKey}}"


@pytest.mark.parametrize(
    ("scheme", "field"),
    [
        ("basic", "password"),
        ("header", "value"),
        ("query", "value"),
        ("oauth2-client-credentials", "client_secret"),
        ("oauth2-client-credentials", "private_key"),
    ],
)
def test_the_field_that_gives_access_is_searched(scheme: str, field: str) -> None:
    signed = AuthenticationConfig(scheme=scheme, fields={field: "hunter22"})
    (note,) = find_clear_keys(integration(authentication=signed))
    assert note.where == f"authentication.{field}"


@pytest.mark.parametrize(
    "value", ["id sk_live_4eC39HqLyj", f"Bearer {KEY}", "Basic YW5uOmh1bnRlcg==", LONG_KEY, PEM]
)
def test_a_variable_with_a_key_is_found_whole_since_it_takes_no_tokens(value: str) -> None:
    (note,) = find_clear_keys(integration(variables={"Account": value}))
    assert (note.start, note.end, note.suggestion) == (0, len(value), "{{Account}}")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("user=ann&password=hun%2Bter22+x", "hun+ter22 x"),
        ('{"password": "hun\\"ter\\u00e9"}', 'hun"teré'),
        ("<password>hunter&amp;22</password>", "hunter&22"),
        ('<login password="hunter&lt;22"/>', "hunter<22"),
    ],
)
def test_the_value_of_a_key_is_without_the_encoding_of_its_place(text: str, value: str) -> None:
    (note,) = find_clear_keys(integration(body(text)))
    assert secret_value(text, note) == value


def test_the_same_key_gets_one_name_and_no_name_is_taken() -> None:
    step = StepConfig(
        url=f"{URL}?api_key={KEY}", headers=(("X-Api-Key", KEY), ("X-Api-Key-2", f"{KEY}2"))
    )
    notes = list(find_clear_keys(integration(step, secrets=("ApiKey",))))
    assert [note.suggestion for note in notes] == ["{{ApiKey2}}", "{{ApiKey2}}"]


def test_compiling_reports_it_as_a_note_that_prevents_nothing() -> None:
    compilation = try_to_compile(integration(header("X-Api-Key", KEY)))
    assert not compilation.problems
    assert [note.code for note in compilation.integration.notes] == ["key-in-clear"]


def test_a_url_is_shown_without_its_keys() -> None:
    assert masked_url(f"{URL}?api_key={KEY}&n=1") == f"{URL}?api_key={MASK}&n=1"


def test_of_thousands_of_keys_the_first_are_reported() -> None:
    text = "&".join(f"api_key=abcdef{n}" for n in range(5_000))
    assert len(list(find_clear_keys(integration(body(text))))) == 20


@pytest.mark.parametrize(
    "text", ["<a" * 150_000, '"a' * 150_000, "a=" * 150_000, "-key" * 75_000, '<a b="' * 50_000]
)
def test_long_texts_are_searched_in_linear_time(text: str) -> None:
    assert list(find_clear_keys(integration(body(text)))) == []
