"""The page Jobs shows what runs, waits and has failed, and lets members act on it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from billhook.portal.jobs.models import Job
from billhook.portal.jobs.run import run_due_jobs, run_job
from billhook.portal.jobs.services import enqueue
from portal.cast import Cast, signed_in


@pytest.fixture(autouse=True)
def kinds(settings: Any) -> None:
    settings.JOB_KINDS = ("portal.jobs.job_kinds.KINDS",)


def address(cast: Cast, route: str = "jobs", job: Job | None = None) -> str:
    return reverse(f"backoffice:{route}", args=[cast.harper.id, *([job.id] if job else [])])


def shown(client: Client, address: str) -> str:
    """Return the text of the list, without its markup."""
    main = client.get(address).content.decode().split("<main")[1].split("</main>")[0]
    return " ".join(re.sub("<[^>]+>", " ", main).replace("&#x27;", "'").split())


def test_every_state_is_shown_in_words(cast: Cast) -> None:
    def job(kind: str, **facts: Any) -> Job:
        return enqueue(kind, organisation=cast.harper, title=f"A {kind} job", **facts)

    job("refused"), job("away"), job("count", subject="done")
    run_due_jobs()
    begun = job("slow", subject="begun", user=cast.bob.user)
    run_job(begun.id)
    job("count", subject="waiting")
    enqueue("count", organisation=cast.northwind, title="Another organisation's job")
    text = shown(signed_in(cast.vera), address(cast))
    assert "A refused job" in text
    assert "Failed The source has no list of invoices." in text
    assert "Will try again The source doesn't respond." in text
    assert "Done 3 of 3" in text
    assert "Running 1 of 10" in text
    assert "Bob" in text
    assert "Waiting –" in text
    assert "Another organisation" not in text
    assert "Stop" not in text.replace("Stopped", "")  # a viewer may look, and change nothing


@pytest.mark.parametrize(
    ("state", "count"), [("open", 1), ("failed", 1), ("done", 1), ("stopped", 0), ("made-up", 3)]
)
def test_the_list_can_be_narrowed_to_a_state(cast: Cast, state: str, count: int) -> None:
    enqueue("refused", organisation=cast.harper)
    enqueue("count", organisation=cast.harper, subject="done")
    run_due_jobs()
    enqueue("count", organisation=cast.harper, subject="waiting")
    page = signed_in(cast.bob).get(f"{address(cast)}?state={state}")
    assert len(page.context["lines"]) == count


def test_an_editor_stops_a_job_and_tries_it_again(cast: Cast) -> None:
    bob = signed_in(cast.bob)
    job = enqueue("count", organisation=cast.harper, subject="a")
    assert "Stopped." in bob.post(address(cast, "job-stop", job), follow=True).content.decode()
    assert run_due_jobs() == 0
    assert (
        "is tried again" in bob.post(address(cast, "job-retry", job), follow=True).content.decode()
    )
    assert run_due_jobs() == 3
    again = bob.post(address(cast, "job-stop", job), follow=True).content.decode()
    assert "nothing was changed" in again


def test_an_editor_lets_a_pause_end(cast: Cast) -> None:
    job = enqueue("later", organisation=cast.harper, after=timedelta(hours=1))
    bob = signed_in(cast.bob)
    assert "Next at" in shown(bob, address(cast))
    bob.post(address(cast, "job-run", job))
    assert run_due_jobs() == 1


def test_a_job_of_a_kind_that_only_a_newer_version_has_is_shown(cast: Cast, settings: Any) -> None:
    enqueue("count", organisation=cast.harper, subject="a")
    settings.JOB_KINDS = ()
    assert "count" in shown(signed_in(cast.bob), address(cast))


def test_the_page_is_read_again_only_while_something_goes_on(cast: Cast) -> None:
    bob = signed_in(cast.bob)
    assert "data-live" not in bob.get(address(cast)).content.decode()
    enqueue("count", organisation=cast.harper, subject="a")
    assert "data-live" in bob.get(address(cast)).content.decode()
