"""The job of an import: reads the file, computes the preview, writes the rows, or undoes them."""

from __future__ import annotations

from typing import Final

from django.urls import reverse

from billhook.portal.imports.access import import_to_work_on
from billhook.portal.imports.models import FileImport, ImportState
from billhook.portal.imports.reading.table import UnreadableFile
from billhook.portal.imports.services import (
    carry_out_import,
    end_unfinished_import,
    preview_import,
    read_upload,
    undo_import,
    unfinished_imports,
)
from billhook.portal.jobs.access import latest_job
from billhook.portal.jobs.kind import JobKind
from billhook.portal.jobs.models import Job, JobState
from billhook.portal.jobs.services import enqueue
from billhook.portal.jobs.turn import Turn
from billhook.portal.limits.pace import AT_ONCE, Pace

KIND: Final = "import"
STOPPED: Final = "The import was stopped before its end."
_TITLES: Final = {
    ImportState.RUNNING: "Import of",
    ImportState.UNDOING: "Undo the import of",
}


def work_on_import(turn: Turn) -> None:
    """Do the next part of the work on an import."""
    file_import = import_to_work_on(turn.subject)
    if file_import is None:
        return
    try:
        match ImportState(file_import.state):
            case ImportState.READING:
                read_upload(file_import=file_import, turn=turn)
            case ImportState.CHOSEN if file_import.is_sure and file_import.preview is None:
                preview_import(file_import=file_import, turn=turn)
            case ImportState.RUNNING:
                carry_out_import(file_import=file_import, turn=turn)
            case ImportState.UNDOING:
                undo_import(file_import=file_import, turn=turn)
            case _:
                return
    except UnreadableFile as error:
        turn.fail(str(error))


def job_of_import(file_import: FileImport) -> Job:
    """Return the job that works on an import; enqueue one unless it is there."""
    job = latest_job(KIND, file_import.id)
    return job if job is not None and job.is_open else enqueue_import(file_import)


def enqueue_import(file_import: FileImport) -> Job:
    """Have the next part of the work on an import done."""
    state = ImportState(file_import.state)
    return enqueue(
        KIND,
        organisation=file_import.organisation,
        subject=file_import.id,
        title=f"{_TITLES.get(state, 'Preview of')} {file_import.file_name or 'a file'}",
        chain=f"import:{file_import.organisation_id}",
        user=file_import.user,
    )


def resume_imports(pace: Pace = AT_ONCE) -> None:
    """Enqueue jobs for imports that have none, such as those of an older version."""
    for file_import in unfinished_imports():
        if pace.goes_on:
            job_of_import(file_import)


def _ended(job: Job) -> None:
    if job.state == JobState.FAILED:
        end_unfinished_import(import_id=job.subject, problem=job.reason)
    elif job.state == JobState.STOPPED:
        end_unfinished_import(import_id=job.subject, problem=STOPPED)


def _page(job: Job) -> str:
    return reverse("backoffice:import", args=[job.organisation_id, job.subject])


KINDS: Final = (
    JobKind(
        name=KIND,
        label="Import of a file",
        work=work_on_import,
        is_urgent=True,
        can_be_retried=False,
        page=_page,
        ended=_ended,
    ),
)
