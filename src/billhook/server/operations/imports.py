"""Imports of files by the operator, with the columns as they are recognised."""

from __future__ import annotations

from dataclasses import dataclass

from billhook.engine.errors import ConfigurationError, Problem
from billhook.portal.fields.problem import FieldProblem
from billhook.portal.imports import services
from billhook.portal.imports.columns.fields import ImportKind
from billhook.portal.imports.jobs import job_of_import
from billhook.portal.imports.reading.table import UnreadableFile
from billhook.portal.imports.whole_file import Plan, plan_import
from billhook.portal.jobs.waiting import do_job_here
from billhook.portal.jobs.without_job import TurnWithoutJob
from billhook.portal.organisations import access


@dataclass(frozen=True, slots=True, kw_only=True)
class FileResult:
    """The counts of an import, and the lines that were left out with the reasons."""

    new: int
    changed: int
    unchanged: int
    others: dict[str, int]
    left_out: tuple[tuple[int, str], ...]


def import_file(
    *,
    organisation: str,
    kind: ImportKind,
    content: bytes,
    file_name: str,
    skip_refused: bool,
    dry_run: bool,
) -> FileResult:
    """Import a file into an organisation; with *dry_run*, only return what that would do.

    The import is listed in the portal, where it can be undone.

    Raises:
        ConfigurationError: with every row that can't be used, unless such rows are skipped;
            nothing is imported then.
        FieldProblem: if the file as a whole can't be used.
    """
    chosen = access.organisation_for_operator(organisation)
    try:
        plan = plan_import(organisation=chosen, content=content, kind=kind)
    except UnreadableFile as error:
        raise FieldProblem("FILE", str(error)) from None
    if plan.refused and not skip_refused:
        raise ConfigurationError(tuple(_problems(plan)))
    if not dry_run and (plan.created or plan.changed):
        started = services.start_import(
            organisation=chosen, user=None, kind=kind, content=content, file_name=file_name
        )
        services.choose_columns(file_import=started, mapping=plan.mapping, remember=False)
        services.preview_import(file_import=started, turn=TurnWithoutJob(), asks=False)
        services.confirm_import(file_import=started)
        do_job_here(job_of_import(started))
    return FileResult(
        new=len(plan.created),
        changed=len(plan.changed),
        unchanged=len(plan.kept),
        others=plan.others,
        left_out=tuple((row.line, " ".join(row.reasons)) for row in plan.refused),
    )


def _problems(plan: Plan) -> list[Problem]:
    return [
        Problem(code="row", message=" ".join(row.reasons), where="FILE", line=row.line)
        for row in plan.refused
    ]
