"""Invoices and contacts come from files by commands, as they do in the portal."""

from __future__ import annotations

from pathlib import Path

from cli.operator import Installation

GERMAN = (
    "Rechnungsnummer;Kundennummer;Firma;Datum;Betrag\n"
    "00123;K1;Müller;31.12.2025;1.240,50 €\n"
    "00124;K1;;31.12.2025;fünf\n"
).encode("cp1252")


def test_invoices_are_imported_from_a_file(installation: Installation, tmp_path: Path) -> None:
    file = tmp_path / "rechnungen.csv"
    file.write_bytes(GERMAN)
    refused = installation.refused("invoices", "import", file)
    [problem] = refused["problems"]
    assert (problem["where"], problem["line"]) == ("FILE", 3)
    assert "fünf isn't an amount" in problem["message"]
    for dry_run in (True, False):
        options = ("--skip", "--dry-run") if dry_run else ("--skip",)
        done = installation.json("invoices", "import", file, *options)
        assert done["dry_run"] is dry_run
        assert done["invoices"] == {"new": 1, "changed": 0, "unchanged": 0, "new_customers": 1}
        assert [each["line"] for each in done["left_out"]] == [3]
    again = installation.run("invoices", "import", file, "--skip")
    assert "0 new invoices, 0 changed, 1 unchanged, 0 new customers." in again.stdout


def test_a_day_that_nothing_proves_is_refused_as_nobody_can_be_asked(
    installation: Installation, tmp_path: Path
) -> None:
    file = tmp_path / "a.csv"
    head = "Number;Customer number;Customer name;Date;Amount;Currency\n"
    file.write_text(f"{head}A-1;K1;Acme;2025-01-31;5;EUR\nA-2;K1;;03/04/2025;5;EUR\n")
    done = installation.json("invoices", "import", file, "--skip")
    assert "two ways" in done["left_out"][0]["message"]
    again = installation.json("invoices", "import", file, "--skip")
    assert again["invoices"]["unchanged"] == 1


def test_a_file_whose_columns_are_not_recognised_is_refused_with_their_names(
    installation: Installation, tmp_path: Path
) -> None:
    file = tmp_path / "a.csv"
    file.write_text("foo;bar\n1;2\n")
    refused = installation.refused("invoices", "import", file)
    assert "Invoice number (also: Invoice number, Rechnungsnummer" in refused["message"]
