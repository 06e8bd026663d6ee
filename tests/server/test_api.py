"""The API as it is served: the examples of its page, and the judgement of bodies."""

import contextlib
import json
import re
import subprocess
from http.client import HTTPConnection
from os import environ  # noqa: TID251 - the examples read the key from their environment
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
EXAMPLES = re.findall(r"^```sh\n(curl .+?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_the_examples_of_the_page_work_and_long_bodies_need_a_key(start, tmp_path):
    server, seeded = start()
    run_examples(server, seeded, tmp_path)
    judge_bodies(server, seeded)


def run_examples(server, seeded, folder):
    assert len(EXAMPLES) == 6
    answers = []
    for example in EXAMPLES:
        command = example.replace("https://invoices.example.com", f"http://127.0.0.1:{server.port}")
        env = {**environ, "BILLHOOK_KEY": seeded["api_key"]}
        done = subprocess.run(
            ["bash", "-c", command], env=env, cwd=folder, capture_output=True, check=False
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        answers.append(done.stdout)
    customers, saved, bulk, checked = map(json.loads, answers[:4])
    assert [each["name"] for each in customers["items"]] == ["Bolt"]
    assert (saved["number"], saved["source_id"]) == ("INV-1001", "80231")
    assert [each["result"] for each in bulk["results"]] == ["changed", "refused"]
    assert checked["problems"][0]["suggestion"] == "{{InvoiceNumber}}"
    assert (folder / "INV0000001.pdf").read_bytes().startswith(b"%PDF")


def judge_bodies(server, seeded):
    rows = [
        {"number": f"B-{n}", "customer_number": "C-1", "amount": "1.00", "currency": "EUR"}
        | {"issued_on": "2026-03-31"}
        for n in range(1_000)
    ]
    long = json.dumps({"rows": rows}).encode()
    assert len(long) > 64_000
    status, document = call(server, long, seeded["api_key"])
    assert (status, document["counts"]["created"]) == (200, 1_000)
    assert call(server, long, None)[1]["code"] == "key-missing"
    assert call(server, b"x" * 2_100_000, seeded["api_key"])[1]["code"] == "body-too-large"


def call(server, body, key):
    connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
    headers = {"Content-Type": "application/json"}
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    with contextlib.closing(connection):
        with contextlib.suppress(OSError):  # it may be refused before all of it was sent
            connection.request("POST", "/api/v1/invoices/bulk", body, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
