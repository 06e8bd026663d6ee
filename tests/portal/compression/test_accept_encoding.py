"""The coding that a header Accept-Encoding prefers (RFC 9110, section 12.5.3)."""

from __future__ import annotations

import pytest

from billhook.portal.compression.accept_encoding import (
    Coding,
    preferred_coding,
    refuses_identity,
)

BR, GZIP, IDENTITY = Coding.BR, Coding.GZIP, Coding.IDENTITY


@pytest.mark.parametrize(
    ("header", "coding"),
    [
        ("", IDENTITY),
        ("gzip", GZIP),
        ("x-gzip", GZIP),
        ("GZip", GZIP),
        ("br", BR),
        ("gzip, deflate, br, zstd", BR),
        ("gzip, deflate", GZIP),
        ("deflate, zstd", IDENTITY),
        ("gzip;q=0", IDENTITY),
        ("gzip;q=0.000, br;q=0", IDENTITY),
        ("br;q=0, gzip", GZIP),
        ("br;q=0.5, gzip;q=0.8", GZIP),
        ("br ; q=0.8 , gzip ; Q=0.5", BR),
        ("gzip;q=0.001", GZIP),
        ("identity;q=1, gzip;q=0.5", IDENTITY),
        ("identity;q=0.5, gzip;q=1.0", GZIP),
        ("identity", IDENTITY),
        ("*", BR),
        ("*;q=0.5", BR),
        ("*;q=0", IDENTITY),
        ("gzip;q=0, *", BR),
        ("br;q=0, *;q=0.1", GZIP),
        ("br;q=0, gzip;q=0, *", IDENTITY),
        ("gzip, *;q=0", GZIP),
        ("identity;q=0, *", BR),
        ("identity;q=0", IDENTITY),
        ("xgzip, gzipped, brr", IDENTITY),
        ("gzip;q=2", IDENTITY),
        ("gzip;q=0.1234", IDENTITY),
        ("gzip;q=", IDENTITY),
        ("gzip;level=9", IDENTITY),
        ("gzip;q=nan, br;q=-1", IDENTITY),
        (",, gzip,", GZIP),
        (";q=1", IDENTITY),
    ],
)
def test_the_preferred_coding_is_chosen(header: str, coding: Coding) -> None:
    assert preferred_coding(header) is coding


@pytest.mark.parametrize(
    ("header", "refused"),
    [
        ("", False),
        ("gzip", False),
        ("*", False),
        ("identity;q=0", True),
        ("identity;q=0.0, gzip", True),
        ("gzip, *;q=0", True),
        ("gzip, identity, *;q=0", False),
    ],
)
def test_identity_is_refused_only_where_the_header_says_so(header: str, refused: bool) -> None:
    assert refuses_identity(header) is refused
