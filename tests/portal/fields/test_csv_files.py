"""A CSV file is written in chunks, whatever its length."""

from __future__ import annotations

from billhook.portal.fields.csv_files import chunks_of_table, write_table

HEADER = ["Number"]


def test_pieces_are_given_away_before_all_rows_are_read():
    read = []

    def rows():
        for number in range(100_000):
            read.append(number)
            yield [str(number)]

    pieces = chunks_of_table(HEADER, rows())
    next(pieces)
    first = next(pieces)
    assert first.startswith(b'"Number"\r\n"0"\r\n')
    assert 0 < len(read) < 20_000


def test_the_pieces_are_the_file():
    rows = [[f"é{number}"] for number in range(30_000)]
    pieces = list(chunks_of_table(HEADER, rows))
    assert len(pieces) > 3
    assert b"".join(pieces) == write_table(HEADER, rows)
    assert b"".join(pieces).decode("utf-8-sig").split("\r\n")[1:-1] == [
        f'"{row[0]}"' for row in rows
    ]
