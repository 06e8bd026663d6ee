"""``billhook work`` alone: it is a node that is known to be alive, and shows its counters."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from http.client import HTTPConnection
from urllib.parse import urlsplit

import forked
from server.jobs.nodes import is_done, wait_until


def get(address: str, path: str, **headers: str) -> tuple[int, str]:
    connection = HTTPConnection(urlsplit(address).netloc, timeout=30)
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    content = response.read().decode()
    connection.close()
    return response.status, content


def test_it_is_alive_for_the_others_and_counts_its_turns(job_installation):
    doctor = [*forked.BILLHOOK, "doctor", "--json"]
    settings = job_installation.environment(BILLHOOK_NODE="worker")
    command = [*forked.BILLHOOK, "work", "--processes", "1", "--metrics", "127.0.0.1:0"]
    process = forked.start(command, env=settings, stdout=subprocess.PIPE, text=True)
    try:
        line = next(line for line in process.stdout if line.startswith("Metrics at "))
        address = re.search(r"http://[\d.:]+", line)[0]
        job_id = job_installation.ask("enqueue", kind="import", subject="gone")
        job_installation.wait_until(job_id, is_done)
        done = 'billhook_job_turns_total{kind="import",result="done"} 1.0'
        assert wait_until(lambda: done in get(address, "/metrics")[1])
        assert 'billhook_node_info{node="worker"' in get(address, "/metrics")[1]
        assert get(address, "/metrics", **{"X-Forwarded-For": "192.0.2.1"})[0] == 404
        assert get(address, "/")[0] == 404
        ready = json.loads(get(address, "/readyz")[1])
        assert (ready["ready"], ready["node"]) == (True, "worker")
        assert wait_until(lambda: job_installation.ask("nodes_at_work")) == ["worker"]
        found = forked.run(doctor, env=settings)
        [nodes] = [
            each for each in json.loads(found.stdout)["findings"] if each["check"] == "nodes"
        ]
        assert nodes["message"].startswith("Running: worker")
    finally:
        process.send_signal(signal.SIGTERM)
        with process.stdout:
            assert process.wait(60) == 0
    assert job_installation.ask("nodes_at_work") == []
