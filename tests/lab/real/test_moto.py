"""The preset of S3 against moto, which checks signatures and the permissions of users."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest

from billhook.engine.integration_file.presets import preset_text
from lab.invoices import NUMBERS, UNKNOWN, make_invoices
from lab.real.harness import open_integration
from lab.real.processes import running

PDFS = {invoice.number: invoice.pdf for invoice in make_invoices()}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Serve a bucket with all invoices, and give its origin and the keys of its users."""
    folder = tmp_path_factory.mktemp("bucket")
    for number, pdf in PDFS.items():
        path = folder / "invoices" / f"{number}.pdf"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pdf)
    with running("moto_store", folder) as facts:
        yield facts


@asynccontextmanager
async def opened(store, *, bucket="acme", user="reader", **secrets):
    origin = store["origin"]
    variables = {"BaseUrl": f"{origin}/{bucket}/invoices", "Region": "eu-central-1"}
    secrets = {**store[user], **secrets}
    text = preset_text("s3")
    async with open_integration(text, origin, variables=variables, secrets=secrets) as it:
        yield it


async def test_moto_accepts_the_signature_for_every_number(store):
    async with opened(store) as it:
        assert [await it.outcome(number) for number in NUMBERS] == [PDFS[n] for n in NUMBERS]


async def test_a_missing_object_is_not_found_and_a_missing_bucket_is_a_failure(store):
    async with opened(store) as it:
        assert await it.outcome(UNKNOWN) == "document-not-found"
    async with opened(store, bucket="other") as it:
        assert await it.outcome(UNKNOWN) == "source-status"
        assert await it.reason(UNKNOWN) == "The specified bucket does not exist"


async def test_a_user_without_the_permission_reads_so_in_the_stores_words(store):
    async with opened(store, user="stranger") as it:
        assert await it.outcome(NUMBERS[0]) == "source-refused"
        assert await it.reason(NUMBERS[0]) == "Access Denied"


async def test_a_wrong_secret_key_is_refused(store):
    async with opened(store, SecretAccessKey="another") as it:
        assert await it.outcome(NUMBERS[0]) == "source-refused"
        assert "signature" in (await it.reason(NUMBERS[0])).lower()
