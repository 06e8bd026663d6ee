"""The renderer process: draws pages of untrusted documents, each in its own child process.

It is started as ``python -I -m billhook.portal.documents.renderer_process`` with no environment. It
loads PDFium once and then forks: each child reads one request from standard input, limits itself,
draws, writes the response to standard output, and ends. So no document shares memory with another,
and whatever a hostile one breaks ends with it. A child that is killed, by its limits or by a fault,
ends the whole process with a status that shows which; the server starts another.

As no child may open a file, fonts that a document names without holding them are drawn with those
that are part of PDFium.
"""

from __future__ import annotations

import codecs
import io
import math
import os
import signal
import sys
from collections.abc import Callable
from ctypes import c_ulong
from typing import BinaryIO, Final, NoReturn

import pypdfium2
import pypdfium2.raw as pdfium
from PIL import Image, ImageChops, ImageOps, MpoImagePlugin, TiffImagePlugin

from billhook.engine.isolation.confinement import Fence, confine_this_process
from billhook.portal.documents.frames import BrokenFrame, read_exactly, read_head, write_head
from billhook.portal.documents.limits import (
    E_INVOICE_NAMES,
    EXIT_BROKEN,
    EXIT_TOO_SLOW,
    MAX_ADDRESS_SPACE,
    MAX_ATTACHMENTS,
    MAX_CPU_SECONDS,
    MAX_DOCUMENT,
    MAX_E_INVOICE,
    MAX_PAGES,
    MAX_PIXELS,
    MAX_SOURCE_PIXELS,
    Reason,
)
from billhook.portal.documents.renderer_text import text_of_pages

# Pillow imports these when it meets an image that needs them: too late, no file can be opened then.
_NEEDED_LATER: Final = (MpoImagePlugin, TiffImagePlugin)
_FENCE: Final = Fence(address_space=MAX_ADDRESS_SPACE, cpu_seconds=MAX_CPU_SECONDS)
_NO_MORE_REQUESTS: Final = 64
_PNG_LEVEL: Final = 3
"""Twice as fast as 6, and for drawn pages no larger."""

Answer = tuple[dict[str, object], bytes]


class _Refused(Exception):
    """The document can't be shown, for a reason that the server has a sentence for."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


def main() -> NoReturn:
    """Serve until standard input ends or a child is killed."""
    _load_everything()
    while True:
        child = os.fork()
        if child == 0:
            _serve_one()
        _, status = os.waitpid(child, 0)
        if status:
            sys.exit(_exit_status(status))


def _load_everything() -> None:
    """Do once the work of a first document, so that no child has to repeat it."""
    Image.preinit()
    document = pypdfium2.PdfDocument.new()
    _png(document.new_page(10, 10).render().to_pil())
    document.close()
    codecs.lookup("utf-16-le")  # names of files inside a PDF: a codec is a file of Python's, too


def _exit_status(status: int) -> int:
    if os.WIFEXITED(status):
        return 0 if os.WEXITSTATUS(status) == _NO_MORE_REQUESTS else EXIT_BROKEN
    # Beyond its seconds a child gets SIGXCPU; the kernel sends SIGKILL when it holds on to life.
    out_of_time = os.WTERMSIG(status) in {signal.SIGXCPU, signal.SIGKILL}
    return EXIT_TOO_SLOW if out_of_time else EXIT_BROKEN


def _serve_one() -> NoReturn:
    """Be the child: respond to one request and end without running anything else."""
    status = EXIT_BROKEN
    try:
        status = _answer_one(sys.stdin.buffer, sys.stdout.buffer)
    finally:
        os._exit(status)


def _answer_one(requests: BinaryIO, answers: BinaryIO) -> int:
    try:
        request, size = read_head(requests, max_body=MAX_DOCUMENT)
    except BrokenFrame:
        return _NO_MORE_REQUESTS
    confine_this_process(_FENCE)
    document = read_exactly(requests, size)
    facts, image = _answer(request, document)
    write_head(answers, facts | {"asked": request["asked"]}, len(image))
    answers.write(image)
    answers.flush()
    return 0


def _answer(request: dict[str, object], document: bytes) -> Answer:
    work: dict[object, Callable[[dict[str, object], bytes], Answer]] = {
        ("pages", "application/pdf"): _pdf_pages,
        ("page", "application/pdf"): _pdf_page,
        ("e-invoice", "application/pdf"): _pdf_e_invoice,
        ("text", "application/pdf"): _pdf_text,
        ("pages", "image"): _image_pages,
        ("page", "image"): _image_page,
    }
    try:
        return work[request["ask"], request["kind"]](request, document)
    except _Refused as refused:
        return {"refused": refused.reason}, b""
    except MemoryError:
        return {"refused": Reason.TOO_LARGE}, b""


def _pdf_pages(_request: dict[str, object], data: bytes) -> Answer:
    document = _open_pdf(data)
    count = len(document)
    if count < 1:
        raise _Refused(Reason.DAMAGED)
    sizes = [_size_in_points(document, index) for index in range(min(count, MAX_PAGES))]
    return {"count": count, "sizes": sizes, "e_invoice": _find_e_invoice(document) is not None}, b""


def _pdf_text(request: dict[str, object], data: bytes) -> Answer:
    return {}, text_of_pages(_open_pdf(data), pages=_whole(request["pages"]))


def _pdf_e_invoice(_request: dict[str, object], data: bytes) -> Answer:
    attachment = _find_e_invoice(_open_pdf(data))
    if attachment is None:
        raise _Refused(Reason.NO_E_INVOICE)
    length = c_ulong()
    pdfium.FPDFAttachment_GetFile(attachment, None, 0, length)
    if length.value > MAX_E_INVOICE:
        raise _Refused(Reason.TOO_LARGE)
    try:
        return {}, bytes(attachment.get_data())
    except pypdfium2.PdfiumError as error:
        raise _Refused(Reason.NO_E_INVOICE) from error


def _find_e_invoice(document: pypdfium2.PdfDocument) -> pypdfium2.PdfAttachment | None:
    """Return the file inside *document* that is its invoice as XML, by its name."""
    for index in range(min(document.count_attachments(), MAX_ATTACHMENTS)):
        try:
            attachment = document.get_attachment(index)
            is_e_invoice = attachment.get_name() in E_INVOICE_NAMES
        except (pypdfium2.PdfiumError, UnicodeDecodeError):
            continue
        if is_e_invoice:
            return attachment
    return None


def _open_pdf(data: bytes) -> pypdfium2.PdfDocument:
    try:
        return pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        protected = error.err_code in {pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY}
        raise _Refused(Reason.PROTECTED if protected else Reason.DAMAGED) from error


def _size_in_points(document: pypdfium2.PdfDocument, index: int) -> tuple[float, float]:
    try:
        width, height = document.get_page_size(index)
    except pypdfium2.PdfiumError as error:
        raise _Refused(Reason.DAMAGED) from error
    if not (math.isfinite(width) and math.isfinite(height) and width > 0 and height > 0):
        raise _Refused(Reason.DAMAGED)
    return width, height


def _pdf_page(request: dict[str, object], data: bytes) -> Answer:
    document = _open_pdf(data)
    index = _whole(request["page"]) - 1
    if not 0 <= index < len(document):
        raise _Refused(Reason.NO_SUCH_PAGE)
    width, height = _size_in_points(document, index)
    wanted = scaled_size(width, height, _whole(request["width"]))
    document.init_forms()  # filled form fields belong to what a page shows; scripts are never run
    try:
        page = document[index]
    except pypdfium2.PdfiumError as error:
        raise _Refused(Reason.DAMAGED) from error
    return {}, _png(_draw(page, wanted))


def _draw(page: pypdfium2.PdfPage, wanted: tuple[int, int]) -> Image.Image:
    """Draw the whole page into exactly *wanted* pixels, on white."""
    bitmap = pypdfium2.PdfBitmap.new_native(*wanted, pdfium.FPDFBitmap_BGRx, rev_byteorder=True)
    bitmap.fill_rect((255, 255, 255, 255), 0, 0, *wanted)
    flags = pdfium.FPDF_ANNOT | pdfium.FPDF_REVERSE_BYTE_ORDER
    place = (bitmap, page, 0, 0, *wanted, 0, flags)
    pdfium.FPDF_RenderPageBitmap(*place)
    if page.formenv:
        pdfium.FPDF_FFLDraw(page.formenv, *place)
    drawn: Image.Image = bitmap.to_pil()
    return drawn


def _image_pages(_request: dict[str, object], data: bytes) -> Answer:
    image = _open_image(data)
    count = getattr(image, "n_frames", 1)  # a TIFF may have several pages
    sizes = [_upright_size(_at_page(image, index)) for index in range(min(count, MAX_PAGES))]
    return {"count": count, "sizes": sizes}, b""


def _upright_size(image: Image.Image) -> tuple[int, int]:
    width, height = image.size
    lies_on_its_side = image.getexif().get(0x0112) in {5, 6, 7, 8}
    return (height, width) if lies_on_its_side else (width, height)


def _image_page(request: dict[str, object], data: bytes) -> Answer:
    image = _at_page(_open_image(data), _whole(request["page"]) - 1)
    try:
        upright = ImageOps.exif_transpose(image)
        opaque = _on_white(upright)
    except (OSError, ValueError, SyntaxError) as error:  # what Pillow raises for broken data
        raise _Refused(Reason.DAMAGED) from error
    wanted = scaled_size(*opaque.size, min(_whole(request["width"]), opaque.width))
    return {}, _png(opaque.resize(wanted, Image.Resampling.LANCZOS))


def _at_page(image: Image.Image, index: int) -> Image.Image:
    if not 0 <= index < getattr(image, "n_frames", 1):
        raise _Refused(Reason.NO_SUCH_PAGE)
    try:
        image.seek(index)
    except (EOFError, OSError, ValueError, SyntaxError) as error:
        raise _Refused(Reason.DAMAGED) from error
    if image.width * image.height > MAX_SOURCE_PIXELS:
        raise _Refused(Reason.TOO_LARGE)
    return image


def _open_image(data: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=["PNG", "JPEG", "TIFF"])
    except Image.DecompressionBombError as error:
        raise _Refused(Reason.TOO_LARGE) from error
    except (OSError, ValueError, SyntaxError) as error:
        raise _Refused(Reason.DAMAGED) from error


def _on_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert("RGB")
    seen = image.convert("RGBA")
    white = Image.new("RGBA", seen.size, "white")
    return Image.alpha_composite(white, seen).convert("RGB")


def scaled_size(width: float, height: float, wanted_width: int) -> tuple[int, int]:
    """Return the pixels for a page of this shape: *wanted_width* wide, within ``MAX_PIXELS``."""
    scale = wanted_width / width
    pixels = (width * scale) * (height * scale)
    if pixels > MAX_PIXELS:
        scale *= math.sqrt(MAX_PIXELS / pixels)
    longest = MAX_PIXELS // 100  # a strip of one pixel by millions isn't a picture of anything
    return (
        max(1, min(longest, round(width * scale))),
        max(1, min(longest, round(height * scale))),
    )


def _png(image: Image.Image) -> bytes:
    written = io.BytesIO()
    _without_needless_colour(image.convert("RGB")).save(written, "PNG", compress_level=_PNG_LEVEL)
    return written.getvalue()


def _without_needless_colour(image: Image.Image) -> Image.Image:
    """Return a page in black, white and grey with one channel: half the bytes and the time."""
    red, green, blue = image.split()
    is_grey = all(ImageChops.difference(red, other).getbbox() is None for other in (green, blue))
    return red if is_grey else image


def _whole(value: object) -> int:
    if isinstance(value, int):
        return value
    raise BrokenFrame


if __name__ == "__main__":
    main()
