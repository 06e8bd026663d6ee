"""The examples of the page that started it are filled to the letter."""

from __future__ import annotations

import pytest

from small_commands import FORM, JSON, compile_step, fill, with_body


def test_form_data_is_filled_as_on_the_original_page():
    command = compile_step(**with_body(FORM, "key1=value1&key2={{InvoiceNumber}}"))
    assert fill(command, InvoiceNumber="INV0000001").body == b"key1=value1&key2=INV0000001"
    assert fill(command, InvoiceNumber="R&D 1").body == b"key1=value1&key2=R%26D+1"


@pytest.mark.parametrize(
    ("value", "written"),
    [("INV0000001", '"INV0000001"'), ("00123", '"00123"'), (42, "42"), (None, "null")],
    ids=["text", "digits", "number", "null"],
)
def test_json_is_filled_as_on_the_original_page(value, written):
    command = compile_step(
        tokens=("TokenName",),
        **with_body(JSON, '{"key1": "value1", "key2": {{TokenName}}}'),
    )
    body = fill(command, TokenName=value).body.decode()
    assert body == f'{{"key1": "value1", "key2": {written}}}'


def test_the_url_is_filled_as_on_the_original_page():
    url = "https://mycustomintegration.example.com/items/{{InvoiceNumber}}"
    request = fill(compile_step(url=url), InvoiceNumber="INV0000001")
    assert request.url == "https://mycustomintegration.example.com/items/INV0000001"
