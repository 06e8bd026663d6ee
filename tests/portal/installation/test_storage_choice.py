"""The setting BILLHOOK_STORAGE: a folder, the database, or a bucket."""

from __future__ import annotations

import pytest

from billhook.portal.installation.storage_choice import S3Storage, storage


@pytest.mark.parametrize("text", ["", "folder", "Database"])
def test_a_word_is_taken(text: str) -> None:
    assert storage(text) == text.lower()


def test_an_address_names_bucket_prefix_endpoint_and_key() -> None:
    found = storage(
        "s3://AKIA:a%2Fb%2Bc@invoices.acme/bill/hook/?endpoint=https://s3.acme.example:9000"
        "&region=eu-central-1"
    )
    assert isinstance(found, S3Storage)
    assert found.secret.reveal() == "a/b+c"
    assert (found.key_id, found.bucket, found.prefix) == ("AKIA", "invoices.acme", "bill/hook")
    assert (found.endpoint, found.region) == ("https://s3.acme.example:9000", "eu-central-1")
    assert "a/b" not in repr(found)


def test_without_an_endpoint_it_is_aws() -> None:
    found = storage("s3://AKIA:secret@invoices")
    assert isinstance(found, S3Storage)
    assert (found.endpoint, found.region, found.prefix) == ("", "us-east-1", "")


@pytest.mark.parametrize(
    "text",
    [
        "disk",
        "s3://invoices",
        "s3://AKIA@invoices",
        "s3://AKIA:secret@",
        "s3://AKIA:secret@Invoices",
        "s3://AKIA:secret@invoices?zone=1",
        "s3://AKIA:secret@invoices?endpoint=storage.example",
        "s3://AKIA:secret@invoices?endpoint=https://storage.example/path",
        "s3://AKIA:secret@invoices?region=EU",
        "https://AKIA:secret@invoices",
    ],
)
def test_anything_else_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ValueError, match="expected folder, database or an address") as refused:
        storage(text)
    assert "secret@" not in str(refused.value)
