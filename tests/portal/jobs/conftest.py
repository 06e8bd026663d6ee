"""The kinds of jobs of these tests."""

from __future__ import annotations

from typing import Any

import pytest

from portal.jobs import job_kinds


@pytest.fixture(autouse=True)
def kinds(settings: Any) -> None:
    """Register the tests' own kinds, and forget what they did before."""
    settings.JOB_KINDS = ("portal.jobs.job_kinds.KINDS",)
    job_kinds.WORKED.clear()
    job_kinds.ENDED.clear()
