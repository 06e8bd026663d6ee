"""A file is held for its organisation, for a while, within limits: on every kind of shelf."""

from __future__ import annotations

import os
import tempfile
import time
from datetime import timedelta

import pytest
from django.db.models import F

from billhook.engine.body import Body
from billhook.portal.storage.folder_shelf import FolderShelf
from billhook.portal.storage.models import StoredFile
from billhook.portal.storage.shared_shelf import SharedShelf
from billhook.portal.storage.shelf import FileGone, Holder, ShelfFull

CARLA = Holder(user_id="carla", subject="invoice:1", organisation_id="harper")
NORA = Holder(user_id="nora", subject="invoice:1", organisation_id="northwind")
NOTE = "n" * 40


@pytest.fixture
def shelf(shelves) -> FolderShelf | SharedShelf:
    return shelves.make()


def make_older(shelf, name: str, seconds: float) -> None:
    folder = shelf if isinstance(shelf, FolderShelf) else shelf._copies
    file = folder._folder / name
    if file.exists():
        moment = file.stat().st_mtime - seconds
        os.utime(file, (moment, moment))
    earlier = timedelta(seconds=seconds)
    rows = StoredFile.objects.filter(name=name)
    rows.update(stored_at=F("stored_at") - earlier, expires_at=F("expires_at") - earlier)


def read(shelf, name: str, holder: Holder = CARLA) -> bytes:
    with shelf.open_file(name, holder.organisation_id) as file:
        return file.read()


def held(shelf, *names: str) -> list[bool]:
    organisations = (CARLA.organisation_id, NORA.organisation_id)
    return [any(shelf.has_file(name, each) for each in organisations) for name in names]


def test_a_held_file_is_returned_byte_for_byte(shelf) -> None:
    assert read(shelf, shelf.hold(Body(b"%PDF"), CARLA)) == b"%PDF"


def test_an_empty_file_is_a_file(shelf) -> None:
    assert read(shelf, shelf.hold(Body(b""), CARLA)) == b""


@pytest.mark.parametrize("size", [256 * 1024, 256 * 1024 + 1, 3_000_000])
def test_a_large_file_is_found_by_another_node(shelves, size: int) -> None:
    one, other = (shelves.make(max_bytes=10_000_000) for _ in range(2))
    content = os.urandom(size)
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.flush()
        name = one.hold(Body(file=file), CARLA)
    assert other.has_file(name, "harper")
    assert read(other, name) == content
    with other.open_file(name, "harper") as file:
        assert os.pread(file.fileno(), 10, 0) == content[:10]


def test_another_organisation_has_no_file_of_that_name(shelves) -> None:
    one, other = shelves.make(), shelves.make()
    name = one.hold(Body(b"%PDF"), CARLA)
    for shelf in (one, other):
        assert not shelf.has_file(name, "northwind")
        with pytest.raises(FileGone):
            read(shelf, name, NORA)
        shelf.remove(name, "northwind")
    assert read(other, name) == b"%PDF"


@pytest.mark.parametrize(
    "name",
    ["../secrets.key", "/etc/passwd", "", ".", "A" * 32 + "/..", "A" * 31, "A" * 32],
    ids=["up", "absolute", "empty", "dot", "longer", "shorter", "unknown"],
)
def test_only_names_that_we_issued_are_opened(shelf, name: str) -> None:
    assert not shelf.has_file(name, "harper")
    with pytest.raises(FileGone):
        shelf.open_file(name, "harper")


def test_every_file_has_its_own_name(shelf) -> None:
    assert len({shelf.hold(Body(b"x"), CARLA) for _ in range(20)}) == 20


def test_a_removed_file_is_gone_for_all_nodes(shelves) -> None:
    one, other = shelves.make(), shelves.make()
    name = one.hold(Body(b"%PDF"), CARLA)
    one.remove(name, "harper")
    assert held(other, name) == [False]


def test_old_files_are_deleted_and_recent_ones_stay(shelf) -> None:
    old, young = shelf.hold(Body(b"old"), CARLA), shelf.hold(Body(b"young"), CARLA)
    make_older(shelf, old, 601)
    make_older(shelf, young, 590)
    assert shelf.sweep() == len(b"young")
    assert held(shelf, old, young) == [False, True]


def test_a_file_that_is_touched_begins_its_time_again(shelf) -> None:
    name = shelf.hold(Body(b"%PDF"), CARLA)
    make_older(shelf, name, 590)
    shelf.touch(name, "harper")
    make_older(shelf, name, 590)
    shelf.sweep()
    assert held(shelf, name) == [True]


def test_the_oldest_files_make_room(shelf) -> None:
    names = [shelf.hold(Body(bytes(40)), CARLA) for _ in range(2)]
    make_older(shelf, names[0], 20)
    make_older(shelf, names[1], 10)
    newest = shelf.hold(Body(bytes(40)), CARLA)
    assert held(shelf, *names, newest) == [False, True, True]


def test_who_fills_the_shelf_pushes_out_their_own_files(shelf) -> None:
    mine = shelf.hold(Body(bytes(20)), CARLA)
    make_older(shelf, mine, 100)
    theirs = [shelf.hold(Body(bytes(20)), NORA) for _ in range(20)]
    assert held(shelf, mine, theirs[-1]) == [True, True]
    assert sum(held(shelf, *theirs)) <= 4


def test_in_an_organisation_who_takes_most_makes_room(shelf) -> None:
    mine = shelf.hold(Body(bytes(20)), CARLA)
    make_older(shelf, mine, 100)
    for _ in range(20):
        shelf.hold(Body(bytes(20)), Holder(user_id="carl", subject="x", organisation_id="harper"))
    assert held(shelf, mine) == [True]


def test_a_large_file_takes_the_space_of_its_own_organisation(shelf) -> None:
    mine = shelf.hold(Body(bytes(30)), CARLA)
    theirs = shelf.hold(Body(bytes(60)), NORA)
    larger = shelf.hold(Body(bytes(50)), NORA)
    assert held(shelf, mine, theirs, larger) == [True, False, True]


def test_a_file_larger_than_the_whole_space_is_refused_and_leaves_nothing(shelf) -> None:
    with pytest.raises(ShelfFull):
        shelf.hold(Body(bytes(101)), CARLA)
    assert shelf.sweep() == 0


def test_a_file_that_breaks_off_while_it_is_written_leaves_nothing(shelf) -> None:
    body = Body(b"%PDF")
    body.close()
    with pytest.raises(ValueError, match="closed"):
        shelf.hold(body, CARLA)
    assert shelf.sweep() == 0


def test_a_file_that_is_being_read_can_be_read_to_its_end(shelf) -> None:
    name = shelf.hold(Body(b"%PDF"), CARLA)
    with shelf.open_file(name, "harper") as file:
        make_older(shelf, name, 700)
        shelf.sweep()
        assert file.read() == b"%PDF"
    with pytest.raises(FileGone):
        shelf.open_file(name, "harper")


def test_a_note_is_replaced_and_found_by_another_node(shelves) -> None:
    one, other = shelves.make(), shelves.make()
    one.write_note(NOTE, b"first", CARLA)
    one.write_note(NOTE, b"second", CARLA)
    assert other.read_note(NOTE, CARLA) == b"second"
    other.remove_note(NOTE, CARLA)
    assert one.read_note(NOTE, CARLA) is None


def test_a_note_is_of_one_holder(shelf) -> None:
    shelf.write_note(NOTE, b"for Carla", CARLA)
    assert shelf.read_note(NOTE, NORA) is None
    shelf.remove_note(NOTE, NORA)
    assert shelf.read_note(NOTE, CARLA) == b"for Carla"


@pytest.mark.parametrize("name", ["", "short", "../" * 12, "n" * 65, "a.b" * 12])
def test_a_note_has_a_plain_name(shelf, name: str) -> None:
    with pytest.raises(ValueError, match="letters"):
        shelf.write_note(name, b"", CARLA)


def test_a_followed_shelf_knows_which_notes_it_has_not(shelves) -> None:
    one, other = shelves.make(), shelves.make()
    if isinstance(other, SharedShelf):
        assert other.may_have_note(NOTE, CARLA)  # nobody follows yet, so it can't be excluded
        other.follow()
    assert not other.may_have_note(NOTE, CARLA)
    one.write_note(NOTE, b"x", CARLA)
    if isinstance(other, SharedShelf):
        other.follow()
    assert other.may_have_note(NOTE, CARLA)
    assert not other.may_have_note(NOTE, NORA)


def test_the_shelf_is_cleaned_automatically_even_without_visitors(
    tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = FolderShelf(tmp_path / "held", kept_seconds=-0.9)
    shelf.hold(Body(b"%PDF"), CARLA)
    while list((tmp_path / "held").iterdir()):
        time.sleep(0.01)
    shelf.close()
