"""Nodes that are killed, frozen or stopped: nothing is lost, and nothing is done twice."""

from __future__ import annotations

import signal
import time

from server.jobs.nodes import begin_long_work, has_begun, is_done, results, wait_until


def test_a_node_that_is_killed_leaves_no_process_and_another_goes_on(job_installation, start):
    node = start()
    job_id = job_installation.ask("enqueue", kind="slow", subject="killed")
    job_installation.wait_until(job_id, has_begun)
    node.process.kill()
    node.process.wait(60)
    wait_until(lambda: node.processes() == [])
    start()
    job = job_installation.wait_until(job_id, is_done)
    assert (job["done"], job["written"]) == (10, 10)


def freeze(node, installation, job_id) -> bool:
    """Stop all processes of *node*; say whether none of them was stopped as it wrote.

    SQLite has one writer, which nobody could help; a database server ends such a connection.
    """
    node.signal_all(signal.SIGSTOP)
    return installation.ask("is_writable", job_id=job_id)


def test_a_frozen_node_that_wakes_up_commits_nothing(job_installation, start):
    frozen = start()
    job_id, _ = begin_long_work(job_installation, "frozen")
    while not freeze(frozen, job_installation, job_id):
        frozen.signal_all(signal.SIGCONT)
        time.sleep(0.1)
    other = start()
    job = job_installation.wait_until(job_id, is_done)
    assert (job["written"], job["token"] > 2) == (1, True)
    assert wait_until(lambda: results(other, job_id)) == ["done"]
    frozen.signal_all(signal.SIGCONT)
    wait_until(lambda: results(frozen, job_id))
    assert results(frozen, job_id) == ["lost"]
    assert job_installation.ask("look", job_id=job_id)["written"] == 1


def test_a_stop_lets_the_turn_in_progress_end(job_installation, start):
    node = start()
    job_id, _ = begin_long_work(job_installation, "stopped")
    node.process.send_signal(signal.SIGTERM)
    assert node.process.wait(60) == 0
    job = job_installation.ask("look", job_id=job_id)
    assert (job["state"], job["written"], job["held"]) == ("done", 1, False)
    assert "Traceback" not in node.log.read_text()
    assert node.processes() == []
