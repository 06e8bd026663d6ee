"""A response in gzip, unpacked while it comes: little by little, so that no bomb goes off."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final

from billhook.engine.errors import SourceBroken, SourceCutShort

_GZIP: Final = 16 + zlib.MAX_WBITS
_MAGIC: Final = b"\x1f\x8b"
_PIECE: Final = 256 * 1024
"""The most bytes that are unpacked at once."""


class Unpacker:
    """Unpacks gzip (RFC 1952), of which several members may follow each other.

    A response that doesn't begin as gzip does passes as it is: only its label says that it is one.
    """

    __slots__ = ("_is_plain", "_member", "_waiting")

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP)
        self._waiting = b""
        self._is_plain: bool | None = None

    def unpack(self, packed: bytes) -> Iterator[bytes]:
        """Give the content of *packed*, the next bytes, in chunks of at most 256 KiB.

        Raises SourceBroken where the gzip is broken, or something else follows it.
        """
        packed = self._waiting + packed
        if self._is_plain is None:
            if packed == _MAGIC[:1]:
                self._waiting = packed
                return
            self._waiting = b""
            self._is_plain = not packed.startswith(_MAGIC)
        if self._is_plain:
            yield packed
            return
        while packed:
            if self._member.eof and not self._begin_member(packed):
                return
            try:
                piece = self._member.decompress(packed, _PIECE)
            except zlib.error:
                raise SourceBroken("The source's compressed response can't be unpacked.") from None
            packed = self._member.unused_data or self._member.unconsumed_tail
            if piece:
                yield piece

    def _begin_member(self, packed: bytes) -> bool:
        """Begin the member with which *packed* begins; say False while that can't be seen yet."""
        self._waiting = packed if packed == _MAGIC[:1] else b""
        if not self._waiting and not packed.startswith(_MAGIC):
            raise SourceBroken("Something else follows the source's compressed response.")
        if self._waiting:
            return False
        self._member = zlib.decompressobj(_GZIP)
        return True

    def end(self) -> None:
        """Raise SourceCutShort unless the last member is whole, its checksum included."""
        is_begun = self._is_plain is False
        if self._waiting or (is_begun and not self._member.eof):
            raise SourceCutShort


def unpack_beginning(packed: bytes, most: int) -> bytes:
    """Return what the beginning of a response unpacks to, *most* bytes of it.

    What isn't packed is returned as it is: only people look at it, or conditions.
    """
    if not packed.startswith(_MAGIC):
        return packed
    try:
        return zlib.decompressobj(_GZIP).decompress(packed, most)
    except zlib.error:
        return b""
