"""An import whose process is killed goes on: no row is missing, and none is written twice."""

from __future__ import annotations

import signal

from server.jobs.nodes import is_done

ROWS = 1500


def test_a_kill_in_each_part_of_an_import_loses_and_doubles_nothing(job_installation, start):
    import_id = job_installation.ask("take_in", rows=ROWS)
    expected = [
        {"state": "chosen", "previewed": {"create": ROWS}, "invoices": 0, "recorded": 0},
        {"state": "done", "previewed": {"create": ROWS}, "invoices": ROWS, "recorded": ROWS},
        {"state": "undone", "previewed": {"create": ROWS}, "invoices": 0, "recorded": ROWS + 50},
    ]
    node = start()
    for after in expected:
        job_id = job_installation.ask("go_on", import_id=import_id)
        begun = job_installation.wait_until(job_id, lambda job: job["held"] or is_done(job))
        assert not is_done(begun)
        node.signal_all(signal.SIGKILL)
        node = start()
        assert job_installation.wait_until(job_id, is_done)["token"] > 2
        found = job_installation.ask("look_at_import", import_id=import_id)
        assert found.pop("done") >= ROWS
        after["recorded"] = after["recorded"] and ROWS + 50  # the customers are recorded, too
        assert found == after
