"""A document comes out of a zip whole, or with its own error, and never too large."""

from __future__ import annotations

import io
import zipfile

import pytest

from billhook.engine.answer.unwrapping import check_pattern, take_from_zip
from billhook.engine.body import Body
from billhook.engine.errors import (
    AmbiguousAnswer,
    DocumentNotFound,
    NotADocument,
    SourceTooLarge,
)

PLENTY = 1_000_000


def zipped(*files: tuple[str, bytes]) -> Body:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return Body(buffer.getvalue())


def take(body: Body, pattern: str = "*.pdf", max_bytes: int = PLENTY) -> bytes:
    return b"".join(take_from_zip(body, pattern, max_bytes=max_bytes))


def test_the_only_matching_file_is_taken():
    assert take(zipped(("readme.txt", b"no"), ("2024/INV-7.PDF", b"yes"))) == b"yes"
    assert take(zipped(("..\\..\\INV-7.pdf", b"yes"))) == b"yes"


def test_no_matching_file_is_not_found_and_two_are_too_many():
    with pytest.raises(DocumentNotFound):
        take(zipped(("a.txt", b"")))
    with pytest.raises(AmbiguousAnswer):
        take(zipped(("a.pdf", b"1"), ("b.pdf", b"2")))


def test_a_zip_bomb_ends_at_the_limit():
    with pytest.raises(SourceTooLarge):
        take(zipped(("a.pdf", b"\0" * 2_000_000)))


def test_a_zip_with_a_false_size_ends_at_the_limit_or_as_broken():
    data = bytearray(zipped(("a.pdf", b"\0" * 2_000_000)).read())
    small = (10).to_bytes(4, "little")
    directory = data.rindex(b"PK\x01\x02")
    data[directory + 24 : directory + 28] = small
    data[22:26] = small
    with pytest.raises((SourceTooLarge, NotADocument)):
        take(Body(bytes(data)))


def test_a_zip_with_too_many_files_is_refused():
    with pytest.raises(NotADocument, match="1,000 files"):
        take(zipped(*((f"{number}.txt", b"") for number in range(1_001))))


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"%PDF-1.7", b"PK\x05\x06" + b"\0" * 18])
def test_content_that_is_not_a_zip_is_reported(data):
    with pytest.raises((NotADocument, DocumentNotFound)):
        take(Body(data))


def test_a_truncated_zip_is_reported():
    data = zipped(("a.pdf", bytes(range(256)) * 100)).read()
    with pytest.raises(NotADocument, match="zip"):
        take(Body(data[: len(data) // 2]))


@pytest.mark.parametrize(
    ("pattern", "good"), [("*.pdf", True), ("INV?.pdf", True), ("", False), ("a/*.pdf", False)]
)
def test_a_pattern_matches_the_file_name_without_folders(pattern, good):
    assert check_pattern(pattern) is good
