"""Documents of every kind that a billing system might send: good, broken and hostile ones."""

from __future__ import annotations

import io
import struct
import zlib

from PIL import Image
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

A4 = (595.28, 841.89)


def good_pdf(
    pages: int = 1, *, size: tuple[float, float] = A4, password: str | None = None
) -> bytes:
    """Return a PDF whose pages have a red square of 100 points in the corner at the top left."""
    written = io.BytesIO()
    encryption = StandardEncryption(password) if password else None
    canvas = Canvas(written, pagesize=size, encrypt=encryption)
    for number in range(1, pages + 1):
        canvas.setFillColorRGB(1, 0, 0)
        canvas.rect(0, size[1] - 100, 100, 100, stroke=0, fill=1)
        canvas.setFillColorRGB(0, 0, 0)
        canvas.drawString(150, size[1] / 2, f"Page {number}")
        canvas.showPage()
    canvas.save()
    return written.getvalue()


def text_pdf(*lines: tuple[float, float, str], turned: int = 0) -> bytes:
    """Return an A4 page with *lines*: how far from the left and from the top, and the text."""
    written = io.BytesIO()
    canvas = Canvas(written, pagesize=A4)
    canvas.setPageRotation(turned)
    for left, top, text in lines:
        canvas.drawString(left, A4[1] - top, text)
    canvas.save()
    return written.getvalue()


def raw_pdf(
    content: bytes = b"1 0 0 rg 0 0 300 300 re f",
    *,
    box: str = "[0 0 300 300]",
    page: str = "",
    catalog: str = "",
    kids: str = "[3 0 R]",
    count: int = 1,
    more: tuple[bytes, ...] = (),
    stream: str = "",
    xref: bool = True,
) -> bytes:
    """Return a PDF written by hand: each part of it can be wrong. *more* starts at 5 0 obj."""
    objects = [
        f"<< /Type /Catalog /Pages 2 0 R {catalog} >>".encode(),
        f"<< /Type /Pages /Kids {kids} /Count {count} >>".encode(),
        f"<< /Type /Page /Parent 2 0 R /MediaBox {box} /Contents 4 0 R {page} >>".encode(),
        f"<< /Length {len(content)} {stream} >>\nstream\n".encode() + content + b"\nendstream",
        *more,
    ]
    written = bytearray(b"%PDF-1.7\n")
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(written) if xref else 7)
        written += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    start = len(written) if xref else 99_999_999
    written += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    written += b"".join(f"{offset:010} 00000 n \n".encode() for offset in offsets)
    written += f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\n".encode()
    return bytes(written + f"startxref\n{start}\n%%EOF\n".encode())


def action_pdf(action: str) -> bytes:
    """Return a PDF that asks its viewer to do *action* when it is opened and when a page is."""
    return raw_pdf(catalog=f"/OpenAction {action}", page=f"/AA << /O {action} >>")


def endless_pdf() -> bytes:
    """Return a small PDF that takes minutes to draw: lines of 20,000 dashes, 400,000 times."""
    content = b"[0.01 0.01] 0 d 0.1 w " + b"0 0 m 300 299 l 0 7 l 300 3 l S " * 400_000
    return raw_pdf(zlib.compress(content), stream="/Filter /FlateDecode")


def bomb_pdf(gigabytes: int = 2) -> bytes:
    """Return a PDF whose page unpacks to *gigabytes*, in two layers."""
    packer = zlib.compressobj(9, wbits=-15)
    block = packer.compress(bytes(1 << 24)) + packer.flush(zlib.Z_FULL_FLUSH)
    packed = b"\x78\xda" + block * (gigabytes * 64) + packer.flush()
    twice = zlib.compress(packed, 9)
    return raw_pdf(twice, stream="/Filter [/FlateDecode /FlateDecode]")


def deep_array_pdf(depth: int = 500_000) -> bytes:
    """Return a PDF with an array in an array in an array."""
    return raw_pdf(page=f"/Deep {'[' * depth}{']' * depth}")


def deep_tree_pdf(depth: int = 20_000) -> bytes:
    """Return a PDF whose page tree is a chain."""
    chain = tuple(
        f"<< /Type /Pages /Parent {number - 1} 0 R /Kids [{number + 1} 0 R] /Count 1 >>".encode()
        for number in range(5, 5 + depth)
    )
    return raw_pdf(kids="[5 0 R]", more=(*chain, b"<< /Type /Page /MediaBox [0 0 9 9] >>"))


def circular_tree_pdf() -> bytes:
    """Return a PDF whose page tree is its own child."""
    return raw_pdf(kids="[2 0 R 2 0 R 3 0 R]", count=3)


def circular_form_pdf() -> bytes:
    """Return a PDF with a form that draws itself twice, and so on."""
    form = (
        b"<< /Type /XObject /Subtype /Form /BBox [0 0 300 300] /Length 12"
        b" /Resources << /XObject << /A 5 0 R >> >> >>\nstream\n/A Do /A Do \nendstream"
    )
    return raw_pdf(b"/A Do", page="/Resources << /XObject << /A 5 0 R >> >>", more=(form,))


def huge_png(width: int = 60_000, height: int = 60_000) -> bytes:
    """Return a PNG of a few bytes that says it is *width* by *height*."""

    def chunk(name: bytes, data: bytes) -> bytes:
        checksum = zlib.crc32(name + data)
        return struct.pack("!I", len(data)) + name + data + struct.pack("!I", checksum)

    header = struct.pack("!IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


def image(kind: str, *, size: tuple[int, int] = (60, 30), orientation: int | None = None) -> bytes:
    """Return an image, blue in its left half and see-through (PNG) or green in its right half."""
    made = Image.new("RGBA", size, (0, 0, 0, 0) if kind == "PNG" else (0, 128, 0, 255))
    made.paste((0, 0, 255, 255), (0, 0, size[0] // 2, size[1]))
    written = io.BytesIO()
    options: dict[str, object] = {}
    if orientation:
        exif = Image.Exif()
        exif[0x0112] = orientation
        options["exif"] = exif
    (made if kind == "PNG" else made.convert("RGB")).save(written, kind, **options)
    return written.getvalue()
