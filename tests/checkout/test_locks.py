"""The lock files agree with one another and with pyproject.toml."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from checkout.package_index import locked_here

ROOT = Path(__file__).resolve().parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = {file.stem: locked_here(file) for file in (ROOT / "requirements").glob("*.txt")}
GROUPS = {
    "build": ["build"],
    "develop": ["build", "test", "check"],
    "bench": ["bench"],
    "lab": ["lab"],
}
APART = {"build", "lab"}
"""Locks without the requirements of Billhook."""


def asked_for(lock: str) -> list[Requirement]:
    texts = [] if lock in APART else list(PROJECT["project"]["dependencies"])
    for group in GROUPS.get(lock, []):
        texts += [text for text in PROJECT["dependency-groups"][group] if isinstance(text, str)]
    requirements = [Requirement(text) for text in texts]
    return [one for one in requirements if one.marker is None or one.marker.evaluate()]


@pytest.mark.parametrize("lock", sorted(LOCKS))
def test_a_lock_file_satisfies_pyproject(lock):
    lock_here = LOCKS[lock]
    missing = [
        str(one)
        for one in asked_for(lock)
        if (name := canonicalize_name(one.name)) not in lock_here
        or not one.specifier.contains(lock_here[name])
    ]
    assert missing == []


def test_the_locks_agree_on_every_version():
    versions: dict[str, set[str]] = {}
    for lock in (each for name, each in LOCKS.items() if name != "lab"):
        for name, version in lock.items():
            versions.setdefault(name, set()).add(version)
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


@pytest.mark.parametrize("lock", ["develop", "bench"])
def test_every_larger_lock_includes_the_requirements_of_billhook(lock):
    assert LOCKS["runtime"].keys() - LOCKS[lock].keys() == set()


@pytest.mark.parametrize("library", ["aiohttp", "jsonpath-rfc9535"])
def test_a_library_whose_internals_are_used_has_an_upper_bound(library):
    [requirement] = [one for one in asked_for("runtime") if one.name == library]
    assert any(one.operator == "<" for one in requirement.specifier)
