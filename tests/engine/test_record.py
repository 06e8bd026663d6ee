"""Run ids, and the trace from which a record is created."""

from __future__ import annotations

import os
from collections import Counter

from billhook.engine.http.trace import Trace
from billhook.engine.record import ID_LENGTH, new_run_id


def test_a_run_id_has_twelve_unambiguous_characters() -> None:
    ids = [new_run_id() for _ in range(5000)]
    assert {len(one) for one in ids} == {ID_LENGTH}
    assert len(set(ids)) == 5000
    counted = Counter("".join(ids))
    assert set(counted) == set("0123456789abcdefghjkmnpqrstvwxyz")
    assert max(counted.values()) < 2 * min(counted.values()), "each character is as likely"


def test_a_forked_process_never_gives_the_ids_of_its_parent() -> None:
    new_run_id()  # others are ready now
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, " ".join(new_run_id() for _ in range(300)).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        theirs = pipe.read().decode().split()
    assert len(theirs) == 300
    assert not set(theirs) & {new_run_id() for _ in range(300)}


def test_an_attempt_in_progress_is_unfinished_and_measures_its_time() -> None:
    trace = Trace()
    assert trace.attempts == ()
    trace.conclude("ok")
    progress = trace.begin("One", "GET")
    (attempt,) = trace.attempts
    assert (attempt.outcome, attempt.status, attempt.received_bytes) == ("unfinished", None, 0)
    assert attempt.milliseconds > 0
    progress.end("ok")
    assert trace.attempts[0].milliseconds == trace.attempts[0].milliseconds


def test_only_the_last_attempt_gets_the_outcome_and_a_failure_is_kept() -> None:
    trace = Trace()
    trace.begin("One", "GET").end("ok")
    trace.begin("Two", "GET").end("ok")
    trace.conclude("not-a-document")
    assert [attempt.outcome for attempt in trace.attempts] == ["ok", "not-a-document"]
    trace.conclude("ok")
    assert trace.attempts[1].outcome == "not-a-document"
