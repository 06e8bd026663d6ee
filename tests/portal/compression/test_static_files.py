"""Static files: compressed, each variant with its own ETag, and kept by browsers for ever."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import brotli
import pytest
from django.conf import settings
from django.test import Client

from billhook.portal.compression.accept_encoding import Coding
from billhook.portal.compression.static_files import variant_of
from billhook.portal.ui.statics import STATIC_FOLDER

FILE = "billhook/billhook.css"
ADDRESS = f"{settings.STATIC_URL}{FILE}"
PLAIN = (STATIC_FOLDER / FILE).read_bytes()
DECODERS = {"br": brotli.decompress, "gzip": gzip.decompress, None: bytes}


def fetch(accepted: str = "", *, method: str = "get", **headers: str) -> Any:
    return getattr(Client(), method)(ADDRESS, headers={"accept-encoding": accepted, **headers})


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [("gzip, deflate, br", "br"), ("gzip", "gzip"), ("", None), ("gzip;q=0, br;q=0", None)],
)
def test_a_file_arrives_in_a_coding_that_the_browser_accepts(
    accepted: str, coding: str | None
) -> None:
    response = fetch(accepted)
    assert response.headers.get("Content-Encoding") == coding
    assert DECODERS[coding](response.content) == PLAIN
    assert response.headers["Content-Length"] == str(len(response.content))
    assert response.headers["Vary"] == "Accept-Encoding"
    assert "immutable" in response.headers["Cache-Control"]
    assert response.headers["Content-Type"] == 'text/css; charset="utf-8"'
    assert "Access-Control-Allow-Origin" not in response.headers


def test_each_variant_has_its_own_strong_etag() -> None:
    etags = {fetch(accepted).headers["ETag"] for accepted in ("", "gzip", "br")}
    assert len(etags) == 3
    assert not any(etag.startswith("W/") for etag in etags)


@pytest.mark.parametrize("known", ["{}", "W/{}", '"other", {}', "*"])
def test_a_variant_that_the_browser_has_is_not_sent_again(known: str) -> None:
    etag = fetch("br").headers["ETag"]
    response = fetch("br", **{"if-none-match": known.format(etag)})
    assert (response.status_code, response.content) == (304, b"")
    assert response.headers["ETag"] == etag
    assert response.headers["Vary"] == "Accept-Encoding"
    assert "Content-Encoding" not in response.headers


def test_the_etag_of_another_variant_does_not_match_this_one() -> None:
    other = fetch("gzip").headers["ETag"]
    assert fetch("br", **{"if-none-match": other}).status_code == 200


def test_head_returns_only_the_headers() -> None:
    response, whole = fetch("br", method="head"), fetch("br")
    assert response.content == b""
    for name in ("Content-Encoding", "Content-Length", "ETag", "Content-Type"):
        assert response.headers[name] == whole.headers[name]


@pytest.mark.parametrize("accepted", ["", "br"])
def test_a_range_is_ignored_so_that_no_two_variants_are_mixed(accepted: str) -> None:
    response = fetch(accepted, range="bytes=0-9")
    assert response.status_code == 200
    assert response.content == fetch(accepted).content


def test_a_file_can_only_be_read() -> None:
    response = fetch(method="post")
    assert (response.status_code, response.headers["Allow"]) == (405, "GET, HEAD")


def test_a_file_that_compression_would_enlarge_is_sent_uncompressed(tmp_path: Path) -> None:
    file = tmp_path / "short.txt"
    file.write_bytes(b"ab")
    assert variant_of(str(file), Coding.GZIP).coding is Coding.IDENTITY
    assert variant_of(str(file), Coding.GZIP).content == b"ab"
