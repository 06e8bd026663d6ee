"""Bytes in S3-compatible storage, such as AWS S3, MinIO, Ceph or Cloudflare R2."""

from __future__ import annotations

import contextlib
import functools
import tempfile
from collections.abc import Collection, Iterator
from typing import Any, Final

from billhook.portal.installation.storage_choice import S3Storage
from billhook.portal.storage.byte_store import BytesAway
from billhook.portal.storage.models import StoredFile
from billhook.portal.storage.sealing import HEAD_BYTES, SEALED_BYTES

_IN_MEMORY: Final = 2 * 1024 * 1024
_SECONDS: Final = 10
"""For a connection, and for each wait for bytes."""
CONNECTIONS: Final = 16


class S3Bytes:
    """Objects in a bucket, one for each file. For many threads."""

    def __init__(self, choice: S3Storage) -> None:
        self._choice = choice

    def write(self, file: StoredFile, sealed: Iterator[bytes]) -> None:
        """Store the row, then the object: so every object has a row that leads to it."""
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as content:
            for chunk in sealed:
                content.write(chunk)
            content.seek(0)
            file.save(force_insert=True)
            try:
                self._do("put_object", file, Body=content)
            except BaseException:
                with contextlib.suppress(BytesAway):
                    self.delete([file])
                raise

    def read(self, file: StoredFile) -> Iterator[bytes]:
        """Yield the head and the chunks of the object."""
        stream = self._do("get_object", file)["Body"]
        with _translated(), contextlib.closing(stream):
            size = HEAD_BYTES
            while chunk := _read_exactly(stream, size):
                yield chunk
                size = SEALED_BYTES

    def delete(self, files: Collection[StoredFile]) -> None:
        """Delete the objects, then their rows; an object that stays keeps its row."""
        for file in files:
            if file.note is None:
                self._do("delete_object", file)
            file.delete()

    def check(self) -> None:
        """Write, read and delete an object, for ``billhook doctor``; raise BytesAway."""
        probe = StoredFile(shelf="check", name="billhook-doctor")
        self._do("put_object", probe, Body=b"billhook")
        with _translated(), contextlib.closing(self._do("get_object", probe)["Body"]) as stream:
            if stream.read() != b"billhook":
                raise BytesAway("other bytes came back")
        self._do("delete_object", probe)

    def _do(self, operation: str, file: StoredFile, **arguments: Any) -> Any:
        key = "/".join(filter(None, (self._choice.prefix, file.shelf, file.name)))
        with _translated():
            use = getattr(self._client, operation)
            return use(Bucket=self._choice.bucket, Key=key, **arguments)

    @functools.cached_property
    def _client(self) -> Any:
        """The client; it is loaded on first use, which takes some 0.3 s."""
        from botocore.config import Config
        from botocore.session import Session

        config = Config(
            signature_version="s3v4",
            connect_timeout=_SECONDS,
            read_timeout=_SECONDS,
            retries={"max_attempts": 2, "mode": "standard"},
            max_pool_connections=CONNECTIONS,
            s3={"addressing_style": "path" if self._choice.endpoint else "auto"},
            # several products that speak S3 refuse the checksums that AWS introduced in 2025
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            proxies={},  # what the environment names is not for us
        )
        return Session().create_client(
            "s3",
            region_name=self._choice.region,
            endpoint_url=self._choice.endpoint or None,
            aws_access_key_id=self._choice.key_id,
            aws_secret_access_key=self._choice.secret.reveal(),
            config=config,
        )


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        raise BytesAway(str(error.response.get("Error", {}).get("Code", ""))) from None
    except (BotoCoreError, OSError) as error:
        raise BytesAway(type(error).__name__) from None


def _read_exactly(stream: Any, size: int) -> bytes:
    content = bytearray()
    while len(content) < size:
        chunk = stream.read(size - len(content))
        if not chunk:
            break
        content += chunk
    return bytes(content)
