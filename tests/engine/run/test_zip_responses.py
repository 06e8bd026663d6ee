"""A document in a zip; a source that sends one document without a zip around it is as good."""

from __future__ import annotations

import io
import zipfile

import pytest

from billhook.engine.errors import AmbiguousAnswer, DocumentNotFound, NotADocument, SourceError
from billhook.engine.testing import make_response
from step_runs import PDF, as_pdf, run_toml

COMMAND = """
[commands.GetInvoiceImage]
url = "{{Base}}/download"
answer = { zip = "*.pdf" }
"""


def as_zip(**files: bytes):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in files.items():
            archive.writestr(name.replace("_", "."), data)
    return make_response(body=file.getvalue())


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(as_zip(readme_txt=b"hello", invoice_PDF=PDF), id="zip"),
        pytest.param(as_pdf(), id="document"),
    ],
)
async def test_the_document_is_found_with_and_without_a_zip_around_it(answer):
    with await run_toml(COMMAND, answer).document() as document:
        assert document.body.read() == PDF


@pytest.mark.parametrize("body", [b'{"error": "none"}', b"PK", b"%PDF-1.4 cut short"])
async def test_content_that_is_neither_a_zip_nor_a_document_is_reported_as_what_it_is(body):
    run = run_toml(COMMAND, make_response(body=body))
    with pytest.raises(SourceError) as told:
        await run.document()
    assert told.value.code in {"not-a-document", "source-cut-short"}


async def test_several_documents_in_a_zip_are_reported():
    with pytest.raises(AmbiguousAnswer, match="The zip holds 2 files that fit the pattern"):
        await run_toml(COMMAND, as_zip(a_pdf=PDF, b_pdf=PDF)).document()


async def test_an_empty_zip_has_no_document():
    with pytest.raises(DocumentNotFound):
        await run_toml(COMMAND, as_zip()).document()


@pytest.mark.parametrize("packed", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
async def test_a_zip_that_cannot_be_unpacked_in_chunks_is_not_unpacked_at_all(packed):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", packed) as archive:
        archive.writestr("invoice.pdf", PDF)
    with pytest.raises(NotADocument, match="packed in an unusual way"):
        await run_toml(COMMAND, make_response(body=file.getvalue())).document()
