"""Broken input is the fault of who sent it: no target raises, whatever the bytes are."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fuzz.fuzzing import CORPUS, MAX_SECONDS, attempt, corpus_of, fuzz
from fuzz.targets import SLOW_TARGETS, TARGETS, read_here, stop

ALL = {**TARGETS, **SLOW_TARGETS}
KEPT = [path for name in ALL for path in sorted((CORPUS / name).iterdir())]


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    read_here(monkeypatch)


@pytest.fixture(autouse=True, scope="module")
def nothing_left() -> Iterator[None]:
    yield
    stop()


@pytest.mark.parametrize("path", KEPT, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_each_file_of_the_corpus_has_a_result(path: Path) -> None:
    name = path.parent.name
    fault = attempt(name, ALL[name], path.read_bytes())
    assert fault is None, fault.reason


@pytest.mark.parametrize("name", TARGETS)
def test_mutated_files_have_a_result_as_well(name: str) -> None:
    count, fault = fuzz(name, TARGETS[name], seconds=1, seed=1)
    assert fault is None, f"{fault.save()}\n{fault.reason}"
    assert count > 10


@pytest.mark.parametrize("name", TARGETS)
def test_the_corpus_reaches_more_than_one_result(name: str) -> None:
    results = {TARGETS[name](data) for data in corpus_of(name)}
    assert len(results) > 1 or name == "file-names"


def test_a_fault_is_noticed() -> None:
    def broken(_: bytes) -> str:
        raise KeyError

    def slow(_: bytes) -> str:
        end = time.thread_time() + MAX_SECONDS
        while time.thread_time() <= end:
            pass
        return ""

    works: list[Callable[[bytes], str]] = [broken, slow]
    faults = [attempt("json", work, b"{}") for work in works]
    assert [fault is not None and fault.reason[:8] for fault in faults] == ["Tracebac", "It took "]


def test_every_target_has_a_corpus() -> None:
    assert {path.name for path in CORPUS.iterdir()} == ALL.keys()
    assert all(corpus_of(name) for name in ALL)
