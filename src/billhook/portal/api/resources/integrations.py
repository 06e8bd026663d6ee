"""Integrations as files: read and written as the command line and the editor do."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Final, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from billhook.engine.errors import ConfigurationError, Problem
from billhook.engine.integration_file.file import read_integration, write_integration
from billhook.engine.secret import Secret
from billhook.portal.api.access import hold
from billhook.portal.api.answers import nothing, require_match, shown
from billhook.portal.api.calling_key import key_of
from billhook.portal.api.fields import ApiFields, ShownFields, ShownMoment, example
from billhook.portal.api.lists import ApiPage, PageQuery, page_shown
from billhook.portal.api.problems import ApiProblem, invalid
from billhook.portal.api.resources.jobs import JobShown
from billhook.portal.api.scope import NeedsScope
from billhook.portal.integrations import access, services
from billhook.portal.integrations.drafts import Draft, SecretEntry, draft_of, draft_of_file
from billhook.portal.integrations.models import Integration
from billhook.portal.sync.access import sources_for_member
from billhook.portal.sync.services import sync_now

TAG: Final = "Integrations"
router: Final = Router()
_READ, _WRITE = NeedsScope("integrations:read"), NeedsScope("integrations:write")
_FILE: Final = """\
format = 1

[integration]
name = "Acme billing"
secrets = ["ApiKey"]

[commands.GetInvoiceImage]
method = "GET"
url = "https://billing.example.com/items/{{InvoiceNumber}}"
headers = [["X-Api-Key", "{{ApiKey}}"]]
"""
_SHOWN: Final = {
    "id": "7x2k9d4mq1zt",
    "name": "Acme billing",
    "enabled": True,
    "commands": ["GetInvoiceImage"],
    "secrets": ["ApiKey"],
    "preset": "",
    "on_failure": "stop",
    "keeping": "checked",
    "version": 1,
    "created_at": "2026-03-31T09:30:00Z",
    "changed_at": "2026-03-31T09:30:00Z",
}
OnFailureName = Literal["stop", "next"]
KeepingName = Literal["checked", "trusted", "off"]
_Secrets = Annotated[
    dict[str, str],
    Field(max_length=100, description="Values of secrets by name. None is ever returned."),
]
_Text = Annotated[
    str,
    Field(max_length=500_000, description="The integration file, as `billhook check` reads it."),
]


class IntegrationShown(ShownFields):
    """An integration. Of its secrets, only the names are shown."""

    model_config = example(_SHOWN)

    id: str
    name: str
    enabled: bool
    commands: list[str]
    secrets: list[str]
    preset: str
    on_failure: Annotated[
        OnFailureName, Field(description="Whether VIEW tries the next integration after a failure.")
    ]
    keeping: Annotated[KeepingName, Field(description="Whether documents are kept.")]
    version: int
    created_at: ShownMoment
    changed_at: ShownMoment

    @classmethod
    def of(cls, row: Integration) -> IntegrationShown:
        """Return the fields of *row*."""
        return cls(**_fields_of(row))


class IntegrationFileShown(IntegrationShown):
    """An integration with its file."""

    model_config = example({**_SHOWN, "file": _FILE})

    file: str

    @classmethod
    def of(cls, row: Integration) -> IntegrationFileShown:
        """Return the fields of *row*, and its file."""
        return cls(**_fields_of(row), file=write_integration(draft_of(row).config()))


class IntegrationNew(ApiFields):
    """A new integration."""

    model_config = example({"file": _FILE, "secrets": {"ApiKey": "the value"}}, is_request=True)

    file: _Text
    secrets: _Secrets = Field(default_factory=dict)
    on_failure: OnFailureName = "stop"
    keeping: KeepingName = "checked"


class IntegrationChange(ApiFields):
    """Another file for an integration. Secrets that aren't given keep their values."""

    model_config = example({"file": _FILE}, is_request=True)

    file: _Text
    secrets: _Secrets = Field(default_factory=dict)
    on_failure: OnFailureName | None = None
    keeping: KeepingName | None = None


class IntegrationSwitch(ApiFields):
    """Whether an integration is used."""

    model_config = example({"enabled": False}, is_request=True)

    enabled: bool


class FileToCheck(ApiFields):
    """An integration file that isn't saved."""

    model_config = example({"file": _FILE}, is_request=True)

    file: _Text


class FileProblem(ShownFields):
    """One problem in a file: where it is, and how to fix it."""

    code: str
    where: str
    message: str
    suggestion: str | None = None


class FileProblems(ShownFields):
    """Every problem in a file; none if it can be saved."""

    model_config = example({"problems": []})

    problems: list[FileProblem]


@router.get("/integrations", auth=_READ, response=ApiPage[IntegrationShown])
def list_integrations(request: HttpRequest, query: Query[PageQuery]) -> HttpResponse:
    """List integrations, in the order in which VIEW tries them."""
    rows = access.integrations_for_member(key_of(request).member)
    rows = rows.prefetch_related("stored_secrets")
    return page_shown(rows, access.IN_ORDER, query, IntegrationShown.of)


@router.post("/integrations", auth=_WRITE, response={201: IntegrationFileShown})
def create_integration(request: HttpRequest, integration: IntegrationNew) -> HttpResponse:
    """Create an integration from a file, last in the order."""
    draft = replace(
        _draft(integration.file, integration.secrets),
        on_failure=integration.on_failure,
        keeping=integration.keeping,
    )
    row = services.create_integration(organisation=key_of(request).organisation, draft=draft)
    location = f"/api/v1/integrations/{row.id}"
    return shown(IntegrationFileShown.of(_found(request, row.id)), status=201, location=location)


@router.post("/integrations/check", auth=_READ, response=FileProblems)
def check_file(request: HttpRequest, integration: FileToCheck) -> HttpResponse:
    """Return every problem that would keep a file from being saved, except missing secrets."""
    problems: tuple[Problem, ...] = ()
    try:
        config = read_integration(integration.file)
        draft = _draft(integration.file, dict.fromkeys(config.secrets, "given later"))
        services.check_integration(
            organisation=key_of(request).organisation, integration=None, draft=draft
        )
    except ConfigurationError as error:
        problems = error.problems
    found = [
        FileProblem(
            code=each.code, where=each.where, message=each.message, suggestion=each.suggestion
        )
        for each in problems
    ]
    return shown(FileProblems(problems=found), with_etag=False)


@router.get("/integrations/{integration_id}", auth=_READ, response=IntegrationFileShown)
def read_integration_file(request: HttpRequest, integration_id: str) -> HttpResponse:
    """Return an integration with its file."""
    return shown(IntegrationFileShown.of(_found(request, integration_id)))


@router.put("/integrations/{integration_id}", auth=_WRITE, response=IntegrationFileShown)
def change_integration(
    request: HttpRequest, integration_id: str, integration: IntegrationChange
) -> HttpResponse:
    """Give an integration another file. It is used from then on."""
    row = _to_change(request, integration_id)
    before = draft_of(row)
    draft = replace(
        _draft(integration.file, integration.secrets, before),
        preset=before.preset,
        on_failure=integration.on_failure or before.on_failure,
        keeping=integration.keeping or before.keeping,
    )
    try:
        services.save_integration(integration=row, draft=draft, version=row.version)
    except services.EditedMeanwhile:
        detail = "It was changed meanwhile. Read it again."
        raise ApiProblem("changed-meanwhile", detail) from None
    return shown(IntegrationFileShown.of(_found(request, integration_id)))


@router.patch("/integrations/{integration_id}", auth=_WRITE, response=IntegrationFileShown)
def switch_integration(
    request: HttpRequest, integration_id: str, integration: IntegrationSwitch
) -> HttpResponse:
    """Switch an integration on or off."""
    row = _to_change(request, integration_id)
    services.set_enabled(integration=row, enabled=integration.enabled)
    return shown(IntegrationFileShown.of(_found(request, integration_id)))


@router.delete("/integrations/{integration_id}", auth=_WRITE, response={204: None})
def delete_integration(request: HttpRequest, integration_id: str) -> HttpResponse:
    """Delete an integration with its secrets. Its runs are kept."""
    services.delete_integration(integration=_to_change(request, integration_id))
    return nothing()


@router.post("/integrations/{integration_id}/sync", auth=_WRITE, response={202: JobShown})
def start_sync(request: HttpRequest, integration_id: str) -> HttpResponse:
    """Read the list of a source soon, if the integration is synced. Returns the job."""
    row = _found(request, integration_id)
    source = sources_for_member(key_of(request).member).filter(integration=row, is_on=True).first()
    if source is None:
        raise ApiProblem("not-possible", f"{row.name} isn't synced. Start its sync first.")
    job = sync_now(source=source)
    return shown(JobShown.of(job), status=202, location=f"/api/v1/jobs/{job.id}", with_etag=False)


def _found(request: HttpRequest, integration_id: str) -> Integration:
    return access.integration_for_member(key_of(request).member, integration_id)


def _to_change(request: HttpRequest, integration_id: str) -> Integration:
    hold(Integration, integration_id)
    row = _found(request, integration_id)
    require_match(request, IntegrationFileShown.of(row))
    return row


def _draft(text: str, values: dict[str, str], before: Draft | None = None) -> Draft:
    """Return what the file *text* says, with the *values* of its secrets, or those of *before*."""
    draft = draft_of_file(read_integration(text))
    names = {entry.name for entry in draft.secrets}
    for name in values:
        if name not in names:
            raise invalid(f"secrets.{name}", f"The file has no secret {name}.")
    stored = {entry.name: entry.stored_id for entry in before.secrets} if before else {}
    entries = (
        SecretEntry(
            name=entry.name,
            value=Secret(values[entry.name]) if entry.name in values else None,
            stored_id=stored.get(entry.name, ""),
        )
        for entry in draft.secrets
    )
    return replace(draft, secrets=tuple(entries))


def _fields_of(row: Integration) -> dict[str, Any]:
    names = (
        "id",
        "name",
        "enabled",
        "preset",
        "on_failure",
        "keeping",
        "version",
        "created_at",
        "changed_at",
    )
    return {
        **{name: getattr(row, name) for name in names},
        "commands": [command["name"] for command in row.commands],
        "secrets": [secret.name for secret in row.stored_secrets.all()],
    }
