"""Acts as the user who owns a data folder, so that root leaves no file that the server can't open.

An operator types ``sudo billhook …``. SQLite would then make the files next to the database as
root, and the server, which is another user, could not open the database any more.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

import billhook
from billhook.server.errors import Refusal

_ROOT: Final = 0
_DATA_DIR: Final = "--data-dir"


def unreadable(folder: Path) -> Refusal:
    """Return the refusal of a folder that this user may not read or write."""
    try:
        owner = name_of_user(folder.stat().st_uid)
    except OSError:  # a folder above it is closed
        owner = ""
    belongs = f", which belongs to {owner}" if owner else ""
    return Refusal(
        "data-folder-unreadable",
        f"This user may not read and write the data folder {folder}{belongs}. Run the command as "
        f"the user that runs the server: sudo -u {owner or 'USER'} billhook …",
        where=_DATA_DIR,
    )


def name_of_user(number: int) -> str:
    """Return the name of a user, or the number where there is no name."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


@contextmanager
def acting_as_owner(folder: Path) -> Iterator[None]:
    """Be the owner of *folder* within the block, where root runs the command.

    Anybody else stays who they are, and must be allowed to read and write there.

    Raises:
        Refusal: where this user may not.
    """
    facts = folder.stat()
    if os.geteuid() != _ROOT or facts.st_uid == _ROOT:
        _check_access(folder)
        yield
        return
    groups, group = os.getgroups(), os.getegid()
    try:
        os.setgroups(_groups_of(facts.st_uid, facts.st_gid))
        os.setegid(facts.st_gid)
        os.seteuid(facts.st_uid)
    except PermissionError:
        raise _cannot_become_owner(folder) from None
    try:
        yield
    except ImportError:
        _check_program(facts.st_uid)
        raise
    finally:
        os.seteuid(_ROOT)
        os.setegid(group)
        os.setgroups(groups)


def _check_program(user: int) -> None:
    """Raise :class:`Refusal` where the owner may not read Billhook's, or Python's, own files."""
    for file in (billhook.__file__, click.__file__, os.__file__):
        if not os.access(file, os.R_OK, effective_ids=True):
            owner = name_of_user(user)
            raise Refusal(
                "program-unreadable",
                f"The data folder belongs to {owner}, who may not read the program at "
                f"{Path(file).parent}. Run the billhook that the server runs, which {owner} may "
                f"use: sudo -u {owner} PATH/billhook …",
                where=_DATA_DIR,
            )


@contextmanager
def acting_as_caller() -> Iterator[None]:
    """Be the user who runs the command again, within :func:`acting_as_owner`: for their files.

    Where they are that user already, nothing is changed: a service may be forbidden to.
    """
    user, group = os.geteuid(), os.getegid()
    if (user, group) == (os.getuid(), os.getgid()):
        yield
        return
    os.seteuid(os.getuid())
    os.setegid(os.getgid())
    try:
        yield
    finally:
        os.setegid(group)
        os.seteuid(user)


def _groups_of(user: int, group: int) -> list[int]:
    try:
        return os.getgrouplist(pwd.getpwuid(user).pw_name, group)
    except KeyError:
        return [group]


def _check_access(folder: Path) -> None:
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise unreadable(folder)


def _cannot_become_owner(folder: Path) -> Refusal:
    owner = name_of_user(folder.stat().st_uid)
    return Refusal(
        "data-folder-unreadable",
        f"The data folder {folder} belongs to {owner}, and root can't become that user here. "
        f"Run this as {owner}.",
        where=_DATA_DIR,
    )
