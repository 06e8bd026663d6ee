"""Compresses content: files as small as possible, pages quickly and with a random length added."""

from __future__ import annotations

import gzip
import io
import secrets
from typing import Final

import brotli

from billhook.portal.compression.accept_encoding import Coding

MOST_PADDING: Final = 100
_PAGE_QUALITY: Final = {Coding.BR: 5, Coding.GZIP: 6}
_FILE_QUALITY: Final = {Coding.BR: 11, Coding.GZIP: 9}


def compress_file(content: bytes, coding: Coding) -> bytes:
    """Return *content* in *coding*, as small as possible. For files that hold no secret."""
    match coding:
        case Coding.BR:
            return bytes(brotli.compress(content, quality=_FILE_QUALITY[coding]))
        case Coding.GZIP:
            return gzip.compress(content, _FILE_QUALITY[coding], mtime=0)
        case Coding.IDENTITY:
            return content


def compress_page(content: bytes, coding: Coding) -> bytes:
    """Return *content* in *coding*, with 1 to ``MOST_PADDING`` bytes that decoders skip.

    The length of a compressed page depends on how much of it repeats. Padding hides the difference
    that one guessed character makes ("Heal the BREACH", IEEE Access 2022).
    """
    padding = b"-" * (1 + secrets.randbelow(MOST_PADDING))  # its length alone is random
    match coding:
        case Coding.BR:
            return _padded_br(content, padding)
        case Coding.GZIP:
            return _padded_gzip(content, padding)
        case Coding.IDENTITY:
            return content


def _padded_gzip(content: bytes, padding: bytes) -> bytes:
    """Put *padding* into the file name of the gzip header (RFC 1952), which ends at a zero byte."""
    buffer = io.BytesIO()
    quality = _PAGE_QUALITY[Coding.GZIP]
    with gzip.GzipFile(padding.decode(), "wb", quality, buffer, mtime=0) as file:
        file.write(content)
    return buffer.getvalue()


def _padded_br(content: bytes, padding: bytes) -> bytes:
    """Put *padding* into a metadata block before the end of the stream."""
    compressor = brotli.Compressor(quality=_PAGE_QUALITY[Coding.BR])
    blocks = compressor.process(content) + compressor.flush()  # ends on a byte boundary
    return bytes(blocks + _metadata_block(padding) + compressor.finish())


def _metadata_block(data: bytes) -> bytes:
    """Return a block that decoders skip (RFC 7932, section 9.2), with 1 to 256 bytes of *data*.

    From the lowest bit: not the last block (0), no length of data (11), reserved (0), one byte
    holds the length of the metadata (01), that length less one.
    """
    header = 0b01_0_11_0 | (len(data) - 1) << 6
    return header.to_bytes(2, "little") + data
