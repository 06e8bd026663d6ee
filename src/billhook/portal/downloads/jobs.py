"""The kind of jobs that fetches the documents of a download."""

from __future__ import annotations

from typing import Final

from billhook.portal.downloads.making import make_download
from billhook.portal.downloads.services import ZIP, end_download
from billhook.portal.jobs.kind import JobKind
from billhook.portal.jobs.models import Job, JobState


def _ended(job: Job) -> None:
    end_download(download_id=job.subject, job_state=JobState(job.state))


KINDS: Final = (
    JobKind(name=ZIP, label="Download of several documents", work=make_download, ended=_ended),
)
