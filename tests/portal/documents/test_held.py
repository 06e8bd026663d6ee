"""A document is held for one person and one invoice, for ten minutes, and for nobody else."""

from __future__ import annotations

import os
import stat
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core import signing

from billhook.engine.body import Body
from billhook.portal.documents import held as held_module
from billhook.portal.documents.held import DocumentGone, Held, Holder, Shelf, ShelfFull, read_token

CARLA = Holder(user_id="carla", subject="invoice:1")


def held(name: str, holder: Holder = CARLA) -> Held:
    return Held(
        name=name,
        user_id=holder.user_id,
        subject=holder.subject,
        run_id="run",
        media_type="application/pdf",
        file_name="INV-1.pdf",
        size=4,
        fetched_at=1_700_000_000.0,
    )


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    made = Shelf(tmp_path / "held", max_bytes=100)
    yield made
    made.close()


def files_of(shelf: Shelf) -> list[Path]:
    return sorted(shelf._folder.iterdir())


def make_older(shelf: Shelf, name: str, seconds: float) -> None:
    moment = time.time() - seconds
    os.utime(shelf._folder / name, (moment, moment))


def test_a_held_document_is_returned_byte_for_byte(shelf: Shelf) -> None:
    name = shelf.hold(Body(b"%PDF"))
    with shelf.open(held(name)) as file:
        assert file.read() == b"%PDF"


def test_a_document_in_a_file_is_held_too(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    content = os.urandom(700_000)
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.flush()
        name = shelf.hold(Body(file=file))
    assert (tmp_path / name).read_bytes() == content
    shelf.close()


def test_held_documents_are_readable_by_their_owner_only(shelf: Shelf) -> None:
    shelf.hold(Body(b"%PDF"))
    [file] = files_of(shelf)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_held_document_knows_when_it_was_fetched() -> None:
    assert held("A" * 32).fetched == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


def test_every_document_has_its_own_name(shelf: Shelf) -> None:
    assert len({shelf.hold(Body(b"x")) for _ in range(20)}) == 20


@pytest.mark.parametrize(
    "name",
    ["../secrets.key", "/etc/passwd", "", ".", "A" * 32 + "/..", "A" * 31, "A" * 32],
    ids=["up", "absolute", "empty", "dot", "longer", "shorter", "unknown"],
)
def test_only_names_that_we_issued_are_opened(shelf: Shelf, name: str) -> None:
    with pytest.raises(DocumentGone):
        shelf.open(held(name))


def test_a_token_names_the_document_to_the_one_it_was_given_to() -> None:
    document = held("A" * 32)
    assert read_token(document.token(), CARLA) == document


@pytest.mark.parametrize(
    "holder",
    [replace(CARLA, user_id="carl"), replace(CARLA, subject="invoice:2")],
    ids=["another person", "another invoice"],
)
def test_a_token_of_another_person_or_document_is_invalid(holder: Holder) -> None:
    with pytest.raises(DocumentGone):
        read_token(held("A" * 32).token(), holder)


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"),
        lambda _: "",
        lambda _: "nonsense",
        lambda _: signing.dumps({"name": "A" * 32}, salt="billhook.held"),
        lambda _: signing.dumps(
            {"name": "A" * 32, "user_id": "carla", "subject": "invoice:1"}, salt="another"
        ),
    ],
    ids=["changed", "empty", "nonsense", "with facts missing", "for another purpose"],
)
def test_a_token_that_we_did_not_issue_is_invalid(change: object) -> None:
    with pytest.raises(DocumentGone):
        read_token(change(held("A" * 32).token()), CARLA)  # type: ignore[operator]


def test_a_token_expires_after_ten_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    token = held("A" * 32).token()
    now = time.time()
    monkeypatch.setattr(signing.time, "time", lambda: now + 599)
    assert read_token(token, CARLA).user_id == "carla"
    monkeypatch.setattr(signing.time, "time", lambda: now + 602)
    with pytest.raises(DocumentGone):
        read_token(token, CARLA)


def test_old_documents_are_deleted_and_recent_ones_stay(shelf: Shelf) -> None:
    old, young = shelf.hold(Body(b"old")), shelf.hold(Body(b"young"))
    make_older(shelf, old, 601)
    make_older(shelf, young, 590)
    assert shelf.sweep() == len(b"young")
    assert [file.name for file in files_of(shelf)] == [young]


def test_the_oldest_documents_make_room(shelf: Shelf) -> None:
    names = [shelf.hold(Body(bytes(40))) for _ in range(2)]
    make_older(shelf, names[0], 20)
    make_older(shelf, names[1], 10)
    newest = shelf.hold(Body(bytes(40)))
    assert {file.name for file in files_of(shelf)} == {names[1], newest}


def test_a_document_larger_than_the_whole_space_is_refused_and_leaves_nothing(shelf: Shelf) -> None:
    with pytest.raises(ShelfFull):
        shelf.hold(Body(bytes(101)))
    assert files_of(shelf) == []


def test_a_document_that_breaks_off_while_it_is_written_leaves_nothing(shelf: Shelf) -> None:
    body = Body(b"%PDF")
    body.close()
    with pytest.raises(ValueError, match="closed"):
        shelf.hold(body)
    assert files_of(shelf) == []


def test_a_document_that_is_being_read_can_be_read_to_its_end(shelf: Shelf) -> None:
    name = shelf.hold(Body(b"%PDF"))
    with shelf.open(held(name)) as file:
        make_older(shelf, name, 700)
        shelf.sweep()
        assert file.read() == b"%PDF"
    with pytest.raises(DocumentGone):
        shelf.open(held(name))


def test_another_process_finds_a_held_document(shelf: Shelf) -> None:
    name = shelf.hold(Body(b"%PDF"))
    other = Shelf(shelf._folder)
    with other.open(held(name)) as file:
        assert file.read() == b"%PDF"


def test_the_folder_is_cleaned_automatically_even_without_visitors(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "held", kept_seconds=-0.9)
    shelf.hold(Body(b"%PDF"))
    while files_of(shelf):
        time.sleep(0.01)
    shelf.close()


def test_a_starting_server_cleans_up_after_an_earlier_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = {name: Shelf(tmp_path / name) for name in ("held", "uploads")}
    for shelf in left.values():
        make_older(shelf, shelf.hold(Body(b"left")), 4000)
        shelf.close()
    monkeypatch.setattr(held_module, "data_path", lambda name: tmp_path / name)
    for cached in (held_module.shelf, held_module.uploads):
        monkeypatch.setattr(held_module, cached.__name__, cached.__wrapped__)
    held_module.sweep_left_behind()
    assert [files_of(shelf) for shelf in left.values()] == [[], []]
