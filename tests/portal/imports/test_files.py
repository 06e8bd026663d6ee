"""Files are read whatever program wrote them, or refused with a sentence; never do they do harm."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

import pytest
import xlsxwriter

from billhook.portal.fields.csv_files import guarded, write_table
from billhook.portal.imports.columns.guess import is_heading
from billhook.portal.imports.reading import workbook
from billhook.portal.imports.reading.file import open_table, read_file
from billhook.portal.imports.reading.table import (
    Cell,
    FileTable,
    Sheet,
    UnreadableFile,
    unpack_table,
)

MEGABYTE = 1024 * 1024


def read(content: bytes, *, max_rows: int = 20_000) -> FileTable:
    return open_table(read_file(content, is_heading=is_heading, max_rows=max_rows))


def only_sheet(content: bytes) -> Sheet:
    [sheet] = read(content).sheets
    return sheet


def cells_of(content: bytes) -> list[tuple[Cell, ...]]:
    return [row.cells for row in only_sheet(content).rows]


def lines_of(content: bytes) -> list[int]:
    return [row.line for row in only_sheet(content).rows]


# Text files.


@pytest.mark.parametrize(
    "content",
    [
        "Number,Name\nINV-1,Müller\n".encode(),
        "\ufeffNumber,Name\r\nINV-1,Müller\r\n".encode(),
        "Number;Name\nINV-1;Müller".encode("cp1252"),
        "Number\tName\nINV-1\tMüller\n".encode("utf-16"),
        "Number\tName\nINV-1\tMüller\n".encode("utf-16-be"),
        '"Number","Name"\n"INV-1","Müller"\n\n,,\n'.encode(),
        "Number|Name\nINV-1|Müller\n".encode(),
        "sep=|\nNumber|Name\nINV-1|Müller\n".encode(),
    ],
    ids=["UTF-8", "with mark", "cp1252", "UTF-16", "UTF-16 without mark", "quoted", "bars", "sep"],
)
def test_a_text_file_is_read_regardless_of_the_program_that_wrote_it(content: bytes) -> None:
    assert cells_of(content) == [("Number", "Name"), ("INV-1", "Müller")]


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    assert lines_of(b'sep=;\n\nNumber;Name\n"A\nB";C\nD;E\n') == [3, 5, 6]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"a\x81b", "neither a spreadsheet"),
        (b"\x89PNG\r\n\x1a\n\0\0", "neither a spreadsheet"),
        (b'a,b\n"unfinished', "Line 2 has a misplaced quotation mark"),
        (b"a\n" * 20_051, "more than 20,000 rows"),
        (b"a," * 201, "more than 200 columns"),
        (b"a\n" + b"x" * 32_768, "Line 2 has a field of more than 32,767 characters"),
        (b"a\n" + b"x" * 200_000, "Line 2 has a field of more than 32,767 characters"),
        (b"x" * (16 * MEGABYTE + 1), "larger than 16 MB"),
        ("Zoë,Müller\n".encode() + b"M\xfcller\n", "UTF-8, except for line 2"),
    ],
)
def test_an_unreadable_file_is_refused_with_a_sentence(content: bytes, sentence: str) -> None:
    with pytest.raises(UnreadableFile, match=sentence):
        read(content)


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\tx", "=cmd|' /C calc'!A0", "--1", "-"]
)
def test_no_cell_is_written_as_a_formula_and_an_import_reads_it_as_it_was(cell: str) -> None:
    written = write_table([cell], [[cell]])
    text = written.decode("utf-8-sig")
    assert text.count(f"'{cell}".strip()) == 2
    assert cells_of(written) == [(cell,), (cell,)]


@pytest.mark.parametrize(
    "cell",
    [
        "x;=1+1;y",
        'Acme "; ;=1+1;"',
        ";@SUM(A1)",
        "x\n=1+1\ny",
        "x\r\n-1+1",
        "＝1+1",
        "x;＋1",
        "\t=1",
    ],
)
def test_no_spreadsheet_that_divides_at_semicolons_finds_a_formula(cell: str) -> None:
    written = write_table(["Number", "Name", "Note"], [["1", cell, "z"]])
    for separator in (";", ",", "\t"):
        for line in csv.reader(io.StringIO(written.decode("utf-8-sig")), delimiter=separator):
            assert not any(found.startswith(("=", "+", "-", "@", "＝", "＋")) for found in line)
    assert cells_of(written)[1] == ("1", cell, "z")


@pytest.mark.parametrize("cell", ["-5.00", "5.00", "INV-1", "'tis", "", "a;b - c", "a; -5"])
def test_a_harmless_cell_is_written_unchanged(cell: str) -> None:
    assert guarded(cell) == cell


# Spreadsheets.


def xlsx(*sheets: list[list[object]], hidden: int | None = None) -> bytes:
    written = io.BytesIO()
    with xlsxwriter.Workbook(written) as book:
        day = book.add_format({"num_format": "dd.mm.yyyy"})
        for number, rows in enumerate(sheets):
            sheet = book.add_worksheet()
            for line, cells in enumerate(rows):
                for column, cell in enumerate(cells):
                    if isinstance(cell, date):
                        sheet.write_datetime(line, column, cell, day)
                    else:
                        sheet.write(line, column, cell)
            if number == hidden:
                sheet.hide()
    return written.getvalue()


def ods(rows: list[list[object]], *, repeated: int = 1) -> bytes:
    def cell(value: object) -> str:
        if isinstance(value, date):
            kind = f'office:value-type="date" office:date-value="{value.isoformat()}"'
        elif isinstance(value, int | float):
            kind = f'office:value-type="float" office:value="{value}"'
        else:
            kind = 'office:value-type="string"'
        return f"<table:table-cell {kind}><text:p>{value}</text:p></table:table-cell>"

    table = "".join(
        f'<table:table-row table:number-rows-repeated="{repeated}">'
        f"{''.join(map(cell, row))}</table:table-row>"
        for row in rows
    )
    name = "urn:oasis:names:tc:opendocument:xmlns"
    content = (
        f'<office:document-content xmlns:office="{name}:office:1.0" xmlns:table="{name}:table:1.0" '
        f'xmlns:text="{name}:text:1.0"><office:body><office:spreadsheet><table:table '
        f'table:name="Rechnungen">{table}</table:table></office:spreadsheet></office:body>'
        "</office:document-content>"
    )
    return packed(
        {
            "mimetype": b"application/vnd.oasis.opendocument.spreadsheet",
            "META-INF/manifest.xml": b"<manifest/>",
            "content.xml": content.encode(),
        }
    )


def packed(parts: dict[str, bytes]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return written.getvalue()


def changed(content: bytes, name: str, part: bytes) -> bytes:
    """Return a spreadsheet with another part."""
    archive = zipfile.ZipFile(io.BytesIO(content))
    return packed({each: archive.read(each) for each in archive.namelist()} | {name: part})


ROWS: list[list[object]] = [
    ["Rechnungsnummer", "Datum", "Betrag"],
    ["00123", date(2025, 12, 31), 1240.5],
    [4711, datetime(2025, 12, 31, 14, 3), 0.1 + 0.2],  # noqa: DTZ001 - a spreadsheet has no zone
]
READ = [
    ("Rechnungsnummer", "Datum", "Betrag"),
    ("00123", date(2025, 12, 31), Decimal("1240.5")),
    (Decimal(4711), date(2025, 12, 31), Decimal("0.3")),
]


@pytest.mark.parametrize("content", [xlsx(ROWS), ods(ROWS)], ids=["XLSX", "ODS"])
def test_a_spreadsheet_is_read_with_the_numbers_and_days_that_it_stores(content: bytes) -> None:
    assert cells_of(content) == READ


def test_lines_of_a_spreadsheet_are_those_that_its_program_shows() -> None:
    content = xlsx([[], ["", "Titel"], [], ["", "Nummer"], ["", "A"]])
    assert lines_of(content) == [2, 4, 5]
    assert cells_of(content)[0] == ("", "Titel")


def test_only_sheets_that_are_shown_and_hold_anything_are_read() -> None:
    table = read(xlsx([["Nummer"]], [["secret"]], [], hidden=1))
    assert [sheet.name for sheet in table.sheets] == ["Sheet1"]


def test_a_large_number_keeps_the_digits_that_the_spreadsheet_has() -> None:
    assert cells_of(xlsx([[2.4952e19, 123456789012345]])) == [
        (Decimal("2.4952E+19"), Decimal(123456789012345))
    ]


def with_formats(*cells: tuple[object, str]) -> bytes:
    """Return a spreadsheet with a row of numbers, each with its format."""
    written = io.BytesIO()
    with xlsxwriter.Workbook(written) as book:
        sheet = book.add_worksheet("Nummern & mehr")
        for column, (value, code) in enumerate(cells):
            sheet.write(2, column + 1, value, book.add_format({"num_format": code}))
    return written.getvalue()


@pytest.mark.parametrize(
    ("number", "code", "shown"),
    [
        (123, "00000", "00123"),
        (1234567, "00000", "1234567"),
        (123, '"RE-"00000', "RE-00123"),
        (202500123, r"0000\-00000", "2025-00123"),
        (20250123, "0000-0000", "2025-0123"),
        (7, '"K"0', "K7"),
        (123, "0", Decimal(123)),
        (123, "General", Decimal(123)),
        (1240.5, '#,##0.00 "€"', Decimal("1240.5")),
        (12.5, "00000", Decimal("12.5")),
        (46022, "dd.mm.yyyy", date(2025, 12, 31)),
    ],
)
def test_a_number_is_read_as_its_format_shows_it(number: float, code: str, shown: Cell) -> None:
    assert cells_of(with_formats((number, code), ("x", "@"))) == [("", shown, "x")]


def test_a_failed_formula_is_read_as_it_is_shown() -> None:
    written = io.BytesIO()
    with xlsxwriter.Workbook(written) as book:
        book.add_worksheet().write_formula(0, 0, "=NA()", None, "#N/A")
    assert cells_of(written.getvalue()) == [("#N/A",)]


def bomb() -> bytes:
    large = b"<worksheet>" + b" " * (300 * MEGABYTE) + b"</worksheet>"
    return changed(xlsx(ROWS), "xl/worksheets/sheet1.xml", large)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: xlsx(ROWS)[:2000], "damaged"),
        (lambda: b"PK\x03\x04\x00\x00", "damaged"),
        (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "damaged"),
        (lambda: packed({"word/document.xml": b"<w/>"}), "damaged"),
        (
            lambda: changed(xlsx(ROWS), "xl/worksheets/sheet1.xml", b"<worksheet><sheetData><row"),
            "damaged",
        ),
        (bomb, "too much memory"),
        (lambda: xlsx([["a"]] * 151), "more than 100 rows"),
        (lambda: xlsx([["a"] * 201]), "more than 200 columns"),
        (lambda: xlsx([[], []]), "is empty"),
        (lambda: ods([["a"]], repeated=1_000_000_000), "more than 100 rows|too much memory"),
    ],
    ids=[
        "cut short",
        "a zip file's beginning",
        "an old file's beginning",
        "a text document",
        "broken XML",
        "a zip bomb",
        "rows",
        "columns",
        "empty",
        "a row that is repeated a billion times",
    ],
)
def test_a_spreadsheet_that_cannot_be_read_is_refused_with_a_sentence(
    make: Callable[[], bytes], sentence: str
) -> None:
    with pytest.raises(UnreadableFile, match=sentence):
        read(make(), max_rows=100)


def test_a_spreadsheet_that_names_a_huge_size_costs_only_its_process() -> None:
    sheet = (
        b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        b'<row r="1"><c r="A1"><v>1</v></c></row>'
        b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData></worksheet>'
    )
    with pytest.raises(UnreadableFile, match=r"damaged|too much memory|more than"):
        read(changed(xlsx(ROWS), "xl/worksheets/sheet1.xml", sheet), max_rows=100)


def test_entities_that_multiply_are_not_expanded() -> None:
    lol = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 12))
    part = (
        b'<!DOCTYPE x [<!ENTITY l0 "lol">' + lol + b"]>"
        b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        b"<si><t>&l11;</t></si></sst>"
    )
    try:
        cells = cells_of(changed(xlsx(ROWS), "xl/sharedStrings.xml", part))
    except UnreadableFile:
        return
    assert all(len(str(cell)) < 1000 for row in cells for cell in row)


def test_a_spreadsheet_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "_COMMAND", ("/bin/sleep", "60"))
    with pytest.raises(UnreadableFile, match="too much memory or time"):
        workbook.read_workbook(xlsx(ROWS), max_rows=100, seconds=0.3)


def test_one_organisation_does_not_keep_others_from_reading(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workbook, "_PATIENCE", 0.05)
    places = workbook._ReadingPlaces(2)
    with places.place("a"):
        with places.place("b"), pytest.raises(UnreadableFile, match="busy"), places.place("c"):
            pass
        with pytest.raises(UnreadableFile, match="busy"), places.place("a"):
            pass
        with places.place("c"):
            pass


@pytest.mark.parametrize(
    "kept", [b"{}", b"[1]", b'[1,["a"]]', b'{"sheet":"a"}\n[1,[{"day":"x"}]]', b"x"]
)
def test_a_reader_that_was_taken_over_cannot_pass_anything_else(kept: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        unpack_table(kept)
