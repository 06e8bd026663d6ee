"""The job processes of one node: turns that end, that don't, and workers that die."""

from __future__ import annotations

import os
import signal
import time

from server.jobs.nodes import begin_long_work, is_done, results, wait_until


def test_a_job_is_done_by_the_processes_of_a_node(job_installation, node):
    job_id = job_installation.ask("enqueue", kind="slow", subject="plain")
    job = job_installation.wait_until(job_id, is_done)
    assert (job["done"], job["written"], job["attempts"]) == (10, 10, 0)
    assert wait_until(lambda: results(node, job_id)[9:])
    assert results(node, job_id) == ["again"] * 9 + ["done"]


def test_a_worker_that_is_killed_is_replaced_and_its_turn_done_again(job_installation, node):
    job_id, process = begin_long_work(job_installation, "worker")
    os.kill(process, signal.SIGKILL)
    job = job_installation.wait_until(job_id, is_done)
    assert (job["written"], job["token"] > 2) == (1, True)
    assert wait_until(lambda: results(node, job_id)) == ["done"]


def test_workers_that_can_get_no_tickets_any_more_are_replaced(job_installation, node):
    """A worker that is killed while it waits for a ticket leaves its lock behind."""
    job_id, process = begin_long_work(job_installation, "before")
    job_installation.wait_until(job_id, is_done)
    time.sleep(0.5)
    os.kill(process, signal.SIGKILL)
    job_id = job_installation.ask("enqueue", kind="long", subject="after")
    assert job_installation.wait_until(job_id, is_done)["written"] == 1
    assert node.process.poll() is None
    assert node.lines("job-processes-died")


def test_a_turn_that_takes_too_long_is_cut_off(job_installation, node):
    job_id = job_installation.ask("enqueue", kind="endless", subject="endless")
    job = job_installation.wait_until(job_id, lambda job: job["state"] == "failed")
    assert job["reason"] == "One part of the work took too long, so it was cut off."
    assert wait_until(lambda: results(node, job_id)) == ["attempt-failed"]


def test_a_person_stops_a_job_in_the_middle_of_a_turn(job_installation, node):
    job_id, _ = begin_long_work(job_installation, "person")
    assert job_installation.ask("stop", job_id=job_id)
    wait_until(lambda: results(node, job_id))
    assert results(node, job_id) == ["lost"]
    assert job_installation.ask("look", job_id=job_id)["written"] == 0
