"""The data folder and its files can be read by their owner only, also those made before."""

from __future__ import annotations

import os
import stat
from dataclasses import replace

import pytest

from billhook.portal.installation import environment
from billhook.server import data_folder
from billhook.server.data_folder import OTHERS, check_data_folder
from billhook.server.django_setup import OWNER_ONLY
from billhook.server.errors import CannotStart


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A data folder that was made before the first start, as mkdir makes it."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    settings = replace(environment.current(), data_dir=folder)
    monkeypatch.setattr(environment, "current", lambda: settings)
    return folder


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("before", [0o755, 0o750, 0o711, 0o770, 0o777])
def test_an_empty_folder_that_others_can_read_is_closed(folder, before):
    folder.chmod(before)

    check_data_folder()

    assert mode(folder) == 0o700


@pytest.mark.parametrize("name", ["billhook.sqlite3", "signing.key", "secrets.key", "start.lock"])
def test_the_folder_of_an_installation_is_closed_with_its_files(folder, name):
    (folder / name).touch(mode=0o644)
    (folder / "billhook.sqlite3-wal").touch(mode=0o664)
    (folder / "cache").mkdir(mode=0o755)

    check_data_folder()

    assert mode(folder) == 0o700
    assert not any(mode(path) & OTHERS for path in folder.iterdir())


def test_files_in_a_closed_folder_are_closed_too(folder):
    folder.chmod(0o700)
    (folder / "billhook.sqlite3").touch(mode=0o644)

    check_data_folder()

    assert mode(folder / "billhook.sqlite3") == 0o600


def test_the_folder_of_a_new_file_system_counts_as_empty(folder):
    (folder / "lost+found").mkdir()

    check_data_folder()

    assert mode(folder) == 0o700


def test_a_folder_of_other_programs_is_refused_and_stays_as_it_is(folder):
    (folder / "letter.txt").touch()
    (folder / "letter.txt").chmod(0o644)

    with pytest.raises(CannotStart, match=f"chmod 700 {folder}"):
        check_data_folder()

    assert mode(folder) == 0o755
    assert mode(folder / "letter.txt") == 0o644


def test_a_folder_that_cannot_be_closed_is_refused(folder, monkeypatch):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(data_folder.Path, "chmod", refuse)

    with pytest.raises(CannotStart, match=f"chmod o= {folder}"):
        check_data_folder()


def test_a_link_leads_nobody_to_change_another_file(folder, tmp_path):
    outside = tmp_path / "outside"
    outside.touch(mode=0o644)
    outside.chmod(0o644)
    (folder / "billhook.sqlite3").symlink_to(outside)

    check_data_folder()

    assert mode(outside) == 0o644


def test_the_tests_have_the_umask_of_who_runs_them():
    mask = os.umask(0)
    os.umask(mask)
    assert mask != OWNER_ONLY


def test_new_files_get_no_rights_for_others(tmp_path):
    from billhook.server.django_setup import set_up_django  # the database of the tests is set up

    before = os.umask(0o022)
    try:
        set_up_django()
        (tmp_path / "new").touch()
    finally:
        os.umask(before)

    assert mode(tmp_path / "new") == 0o600
