"""A TIFF counts as whole only if every page's directory and pixels are there."""

from __future__ import annotations

import io
import struct

import pytest
from PIL import Image

from billhook.engine.answer.formats.tiff import is_whole_tiff


def tiff(*, pages: int = 1, **options: object) -> bytes:
    gradient = Image.radial_gradient("L").convert("RGB")
    more = [gradient.rotate(90 * page) for page in range(1, pages)]
    file = io.BytesIO()
    gradient.save(file, "TIFF", save_all=True, append_images=more, **options)
    return file.getvalue()


WHOLE = {
    "plain": tiff(),
    "three-pages": tiff(pages=3),
    "deflate": tiff(compression="tiff_deflate"),
    "jpeg": tiff(compression="jpeg"),
    "lzw-in-strips": tiff(compression="tiff_lzw", strip_size=4096),
}


@pytest.mark.parametrize("data", WHOLE.values(), ids=WHOLE.keys())
def test_a_complete_file_is_recognised(data):
    assert is_whole_tiff(data)


@pytest.mark.parametrize("data", WHOLE.values(), ids=WHOLE.keys())
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_truncated_file_is_not_complete(data, share):
    assert not is_whole_tiff(data[: int(len(data) * share)])


def test_big_endian_files_are_read_too():
    strip = b"\0" * 4
    entries = [(256, 4, 1, 2), (257, 4, 1, 2), (273, 4, 1, 8), (279, 4, 1, 4)]
    directory = struct.pack(">H", len(entries))
    directory += b"".join(struct.pack(">HHII", *entry) for entry in entries) + struct.pack(">I", 0)
    data = b"MM\0*" + struct.pack(">I", 12) + strip + directory
    assert is_whole_tiff(data)
    assert not is_whole_tiff(data[:-1])


@pytest.mark.parametrize(
    "data",
    [
        b"II*\0",
        b"II*\0" + struct.pack("<I", 0),
        b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", 0) + struct.pack("<I", 8),
        b"II*\0" + struct.pack("<I", 4_000_000_000),
    ],
    ids=["head-only", "no-directory", "a-directory-that-follows-itself", "far-away"],
)
def test_a_file_that_only_begins_like_a_tiff_is_not_complete(data):
    assert not is_whole_tiff(data)
