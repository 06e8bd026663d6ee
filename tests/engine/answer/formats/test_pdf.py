"""A PDF is found among other bytes only where it is whole, and a shell without pages is known."""

from __future__ import annotations

import io
import time
import zlib

import pypdfium2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

from billhook.engine.answer.formats.pdf import HEADER_WINDOW, MOST_BEHIND, is_xfa_shell, pdf_in
from billhook.engine.answer.formats.pdf_catalogue import catalogue_of
from billhook.engine.testing import make_pdf

PDF = make_pdf(3_000)
PAGE = b"\r\n<!DOCTYPE html><html><body>" + b"<p>Invoice list</p>" * 300 + b"</body></html>"


def drawn(*, password: str | None = None) -> bytes:
    """Return a PDF as reportlab writes it, encrypted if there is a *password*, an empty one too."""
    encryption = None if password is None else StandardEncryption(password, ownerPassword="owner")
    file = io.BytesIO()
    canvas = Canvas(file, encrypt=encryption)
    canvas.drawString(100, 700, "Invoice INV-7")
    canvas.save()
    return file.getvalue()


@pytest.mark.parametrize(
    "pdf", [PDF, drawn(), drawn(password="")], ids=["plain", "drawn", "locked"]
)
@pytest.mark.parametrize(
    "before",
    [b"", b"\n", b"\r\n\r\n", b" \t", b"\xef\xbb\xbf", b"\0\0", b"<br />\n<b>Notice</b>: x\n"],
    ids=["nothing", "line-break", "line-breaks", "spaces", "mark", "nul", "notice"],
)
@pytest.mark.parametrize(
    "behind",
    [b"", PAGE, b"\0" * 80_508, b"\n", b"x" * 150_000],
    ids=["0", "html", "nul", "lf", "x"],
)
def test_a_whole_pdf_is_found_and_opens(before, pdf, behind):
    found = pdf_in(before + pdf + behind)
    assert found is not None
    assert found.startswith(pdf)
    assert not found[len(pdf) :].strip(b"\r\n")
    assert len(pypdfium2.PdfDocument(found)) == 1


def test_offsets_may_count_from_the_first_byte():
    before = b"\r\n" * 20
    table = PDF.rindex(b"\nxref") + 1 + len(before)
    moved = PDF[: PDF.rindex(b"startxref")] + b"startxref\n%d\n%%%%EOF\n" % table
    assert pdf_in(before + moved) == moved


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(PDF[:-30], id="cut"),
        pytest.param(PDF[:-30] + PAGE, id="cut-with-html-behind"),
        pytest.param(PDF[:-30] + b"%%EOF", id="cut-with-a-mark"),
        pytest.param(PDF[:900] + PDF[1_000:], id="a-hole"),
        pytest.param(PDF + b"9 0 obj\n<< /Type /XRef >>\n", id="changed-and-cut"),
        pytest.param(PDF + b"9 0 obj\n<< /Type /XRef >>\n" + PAGE, id="changed-and-cut-with-html"),
        pytest.param(b"x" * (HEADER_WINDOW + 1) + PDF, id="too-much-before"),
        pytest.param(PDF + b"x" * (MOST_BEHIND + 1), id="too-much-behind"),
        pytest.param(b"%PDF-1.7\nnothing\n%%EOF\n" + PAGE, id="no-table"),
        pytest.param(b"%PDF-1.7\nstartxref\n0\n%%EOF\n" + PAGE, id="no-offset"),
        pytest.param(b"%PDF-1.7\nstartxref\n99999\n%%EOF\n", id="offset-beyond"),
        pytest.param(b"<html>%%EOF %PDF-", id="wrong-order"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_a_pdf_that_is_not_whole_is_not_found(data):
    assert pdf_in(data) is None


@given(st.binary(max_size=400))
def test_any_bytes_are_a_pdf_or_not(data):
    pdf_in(b"%PDF-" + data + b"\nstartxref\n9\n%%EOF")
    is_xfa_shell(data)


def with_catalogue(text: bytes, page: bytes = b"") -> bytes:
    """Return a PDF as a tool writes it that has a table of objects and *text* in its catalogue."""
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R %b >>" % text,
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] %b >>" % page,
    )
    data, offsets = b"%PDF-1.7\n", []
    for number, each in enumerate(objects, start=1):
        offsets.append(len(data))
        data += b"%d 0 obj\n%b\nendobj\n" % (number, each)
    entries = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    table = b"xref\n0 4\n0000000000 65535 f \n%btrailer\n<< /Size 4 /Root 1 0 R >>\n" % entries
    return data + table + b"startxref\n%d\n%%%%EOF\n" % len(data)


def packed(text: bytes, *, predicted: bool) -> bytes:
    """Return a PDF whose catalogue is in an object stream, found by a table that is a stream."""
    objects = [b"<</Type/Catalog/Pages 2 0 R%b>>" % text, b"<</Type/Pages/Kids[]/Count 0>>"]
    pairs = b"1 0 2 %d " % (len(objects[0]) + 1)
    inside = zlib.compress(pairs + b" ".join(objects))
    data = b"%PDF-1.7\n"
    at = len(data)
    data += b"4 0 obj\n<</Type/ObjStm/N 2/First %d/Filter/FlateDecode/Length %d>>stream\r\n" % (
        len(pairs),
        len(inside),
    )
    data += inside + b"\nendstream\nendobj\n"
    rows = [b"\0\0\0\xff", b"\2\0\4\0", b"\2\0\4\1", b"\0\0\0\0", bytes([1, 0, at, 0])]
    extra = b""
    if predicted:
        before = [b"\0\0\0\0", *rows]
        rows = [
            b"\2" + bytes((new - old) & 0xFF for new, old in zip(row, last, strict=True))
            for row, last in zip(rows, before, strict=False)
        ]
        extra = b"/DecodeParms<</Columns 4/Predictor 12>>"
    table = zlib.compress(b"".join(rows))
    head = (
        b"5 0 obj\n<</Type/XRef/Size 5/W[1 2 1]/Root 1 0 R%b/Filter/FlateDecode>>stream\n" % extra
    )
    return data + head + table + b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF" % len(data)


SHELL = b"/AcroForm 9 0 R /NeedsRendering true"
WAITS = b"/XFA (Please wait...)"


@pytest.mark.parametrize(
    ("data", "is_shell"),
    [
        pytest.param(PDF, False, id="plain"),
        pytest.param(drawn(), False, id="drawn"),
        pytest.param(with_catalogue(SHELL), True, id="shell"),
        pytest.param(with_catalogue(b"/NeedsRendering  true/AcroForm<</XFA[]>>"), True, id="order"),
        pytest.param(with_catalogue(b"/AcroForm << /XFA 9 0 R >>"), False, id="form-with-pages"),
        pytest.param(with_catalogue(b"/NeedsRendering false"), False, id="not-needed"),
        pytest.param(with_catalogue(b"/AcroForm 9 0 R", WAITS), True, id="its-words"),
        pytest.param(with_catalogue(b"", WAITS), False, id="words-without-a-form"),
        pytest.param(packed(SHELL, predicted=False), True, id="packed"),
        pytest.param(packed(SHELL, predicted=True), True, id="packed-and-predicted"),
        pytest.param(packed(b"/Lang(de)", predicted=True), False, id="packed-without-a-form"),
        pytest.param(b"%PDF-1.7\nstartxref\n0\n%%EOF", False, id="no-table"),
        pytest.param(b"%PDF-1.7\nxref\n0 4\nstartxref\n9\n%%EOF", False, id="broken-table"),
    ],
)
def test_a_shell_of_xfa_is_known(data, is_shell):
    assert is_xfa_shell(data) is is_shell


@given(st.binary(max_size=300))
def test_any_table_is_read_or_not(data):
    catalogue_of(data + b"\nstartxref\n0\n%%EOF")
    catalogue_of(b"xref\n0 9\n" + data + b"trailer /Root 1 0 R\nstartxref\n0\n%%EOF")
    head = b"5 0 obj<</Size 9/W[1 2 1]/Root 1 0 R>>stream\n"
    catalogue_of(head + zlib.compress(data) + b"\nstartxref\n0\n%%EOF")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"xref\n" + b"0 1\n" * 200_000 + b"startxref\n0\n%%EOF", id="sections"),
        pytest.param(b"/NeedsRendering " * 60_000, id="words"),
        pytest.param(b"%PDF-" + b"1 " * 500_000 + b"startxref 5 %%EOF" + b"1   " * 200_000, id="1"),
        pytest.param(b"%PDF-" + b"%%EOF" * 200_000, id="ends"),
        pytest.param((b"/ObjStm stream\n" + zlib.compress(b"x" * 10_000_000)) * 20, id="bombs"),
    ],
)
def test_odd_bytes_are_judged_in_linear_time(data):
    began = time.process_time()
    pdf_in(data)
    is_xfa_shell(data)
    assert time.process_time() - began < 1
