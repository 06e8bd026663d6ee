"""The setting that says where files are stored which all nodes need."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from billhook.engine.secret import Secret

FOLDER: Final = "folder"
DATABASE: Final = "database"
_EXPECTED: Final = (
    "expected folder, database or an address such as "
    "s3://KEY:SECRET@bucket/prefix?endpoint=https://storage.example.com&region=eu-central-1."
)
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
_PREFIX: Final = re.compile(r"[A-Za-z0-9._/-]{0,200}", re.ASCII)
_REGION: Final = re.compile(r"[a-z0-9-]{1,40}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Storage:
    """A bucket of S3-compatible storage, and the access key for it.

    Without ``endpoint`` it is one of AWS, in ``region``.
    """

    bucket: str
    prefix: str
    endpoint: str
    region: str
    key_id: str
    secret: Secret


StorageChoice = str | S3Storage
"""``folder``, ``database``, a bucket, or "" for the default."""


def storage(text: str) -> StorageChoice:
    """Return where files are stored. Raise ValueError; its sentence doesn't repeat the value."""
    if text.lower() in {"", FOLDER, DATABASE}:
        return text.lower()
    try:
        return _s3(urlsplit(text))
    except ValueError:
        raise ValueError(_EXPECTED) from None


def _s3(url: SplitResult) -> S3Storage:
    more = parse_qs(url.query, strict_parsing=bool(url.query))
    endpoint, region = (more.pop(name, [""])[-1] for name in ("endpoint", "region"))
    bucket, prefix = url.netloc.rpartition("@")[2], url.path.strip("/")
    are_fine = (
        url.scheme == "s3" and url.username and url.password and not more and not url.fragment,
        _BUCKET.fullmatch(bucket) and _PREFIX.fullmatch(prefix),
        not endpoint or _is_endpoint(endpoint),
        _REGION.fullmatch(region or "us-east-1"),
    )
    if not all(are_fine):
        raise ValueError
    return S3Storage(
        bucket=bucket,
        prefix=prefix,
        endpoint=endpoint.rstrip("/"),
        region=region or "us-east-1",
        key_id=unquote(url.username or ""),
        secret=Secret(unquote(url.password or "")),
    )


def _is_endpoint(text: str) -> bool:
    url = urlsplit(text)
    is_http = url.scheme in {"http", "https"} and bool(url.hostname)
    return is_http and not (url.username or url.query or url.fragment or url.path.strip("/"))
