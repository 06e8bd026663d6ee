"""The pages of integrations: the list, the editor with Try it, and deleting and moving them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billhook.engine.errors import ConfigurationError, Problem
from billhook.portal.backoffice.editor import EDITOR_TEMPLATE, SECTION, Editor
from billhook.portal.backoffice.integrations_page import list_of_integrations, saved_message
from billhook.portal.backoffice.pages import confirm, frame_of, member_for, page
from billhook.portal.backoffice.views_held import holder_of
from billhook.portal.documents.invoice_document import INVOICE_COMMAND
from billhook.portal.documents.response import DocumentResponse
from billhook.portal.documents.viewer import show
from billhook.portal.editor.clear_keys import hide_key
from billhook.portal.editor.editing import edit_form, looks_again, use_suggestion
from billhook.portal.editor.form import (
    EditorForm,
    form_of,
    form_problems,
    new_form,
    to_draft,
)
from billhook.portal.editor.page import editor_view
from billhook.portal.editor.read_only import read_only_facts
from billhook.portal.handover.arrival import person_meant
from billhook.portal.integrations import access, services
from billhook.portal.integrations.drafts import draft_of
from billhook.portal.integrations.models import Integration
from billhook.portal.limits.rates import limited
from billhook.portal.mapping.page import list_facts
from billhook.portal.mapping.sample_form import use_sample
from billhook.portal.mapping.trial import send_list_trial
from billhook.portal.organisations.models import Member, Role
from billhook.portal.trying.page import TryResult, facts_of, timed, verdict_of
from billhook.portal.trying.steps import steps_of
from billhook.portal.trying.trial import Trial, send_trial

_PREVIEW: Final = "backoffice/integrations/parts/preview.html"
_READ_ONLY: Final = "backoffice/integrations/read_only.html"
_RESULT: Final = "backoffice/integrations/parts/result.html"
_TRIED_AT_ONCE: Final = "try_at_once"


@require_safe
def integrations(request: HttpRequest, organisation_id: str) -> HttpResponse:
    """List the integrations in their order, each with its last run."""
    member = member_for(request, organisation_id)
    search = request.GET.get("q", "").strip()
    context = list_of_integrations(member, search=search, address=request.GET.get("page", ""))
    return page(request, member, "backoffice/integrations/list.html", context, section=SECTION)


@looks_again
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def new_integration(request: HttpRequest, organisation_id: str) -> HttpResponse:
    """Make an integration: its name and the command in one page."""
    member = member_for(request, organisation_id, at_least=Role.EDITOR)
    editor = Editor(request=request, member=member)
    if request.method == "POST":
        return _edited(editor)
    return editor.answer(new_form(command=INVOICE_COMMAND))


@looks_again
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def integration(request: HttpRequest, organisation_id: str, integration_id: str) -> HttpResponse:
    """Show an integration, and change it. A viewer gets a page without a form."""
    is_sent = request.method == "POST"
    role = Role.EDITOR if is_sent else Role.VIEWER
    member = member_for(request, organisation_id, at_least=role)
    row = access.integration_for_member(member, integration_id)
    if member.role == Role.VIEWER:
        return page(request, member, _READ_ONLY, read_only_facts(row), section=SECTION)
    editor = Editor(request=request, member=member, integration=row)
    if is_sent:
        return _edited(editor)
    is_tried = request.session.pop(_TRIED_AT_ONCE, "") == row.id
    return editor.answer(_form_of_row(row), is_tried=is_tried)


def try_at_once(request: HttpRequest, row: Integration) -> None:
    """Have *row* tried as soon as its page is opened: this person just asked for that."""
    request.session[_TRIED_AT_ONCE] = row.id


def _form_of_row(row: Integration) -> EditorForm:
    return form_of(draft_of(row), version=row.version)


def _edited(editor: Editor) -> HttpResponse:
    """Do what the button says: save, or change the rows of the form."""
    form, do = editor.posted(), editor.request.POST.get("do", "save")
    if do == "save":
        return _saved(editor, form)
    if do.startswith("use:"):
        focus = _suggestion_used(editor, form, do.removeprefix("use:"))
    elif do.startswith("use-sample:"):
        focus = use_sample(form, do.removeprefix("use-sample:"))
        return editor.answer(form, focus=focus, is_changed=True, is_tried=True)
    elif do.startswith("hide:"):
        focus = hide_key(form, do.removeprefix("hide:"))
    else:
        focus = edit_form(form, do)
    return editor.answer(form, focus=focus, is_changed=True)


def _suggestion_used(editor: Editor, form: EditorForm, number: str) -> str:
    """Put the suggestion of a problem into the form; the problems are found again for that."""
    is_of_try = number.startswith("try:")
    problems = editor.trial(form).problems if is_of_try else _problems(editor, form)
    index = number.removeprefix("try:")
    if not index.isascii() or not index.isdecimal() or int(index) >= len(problems):
        return ""
    return use_suggestion(form, problems[int(index)])


def _problems(editor: Editor, form: EditorForm) -> tuple[Problem, ...]:
    found = tuple(form_problems(form))
    try:
        services.check_integration(
            organisation=editor.member.organisation,
            integration=editor.integration,
            draft=to_draft(form),
        )
    except ConfigurationError as error:
        found += error.problems
    return found


def _saved(editor: Editor, form: EditorForm) -> HttpResponse:
    if any(form_problems(form)):
        return editor.answer(form, problems=_problems(editor, form), status=422)
    try:
        row = _save(editor, form)
    except ConfigurationError as error:
        return editor.answer(form, problems=error.problems, status=422)
    except services.EditedMeanwhile:
        return editor.answer(form, is_overtaken=True, is_changed=True, status=409)
    messages.success(editor.request, saved_message(row))
    return HttpResponseRedirect(_address(row))


def _save(editor: Editor, form: EditorForm) -> Integration:
    draft = to_draft(form)
    if editor.integration is None:
        return services.create_integration(organisation=editor.member.organisation, draft=draft)
    return services.save_integration(
        integration=editor.integration,
        draft=draft,
        version=form.version,
        user=editor.member.user,
    )


@sensitive_post_parameters()
@require_POST
def preview(
    request: HttpRequest, organisation_id: str, integration_id: str | None = None
) -> HttpResponse:
    """Respond with the preview of the request for the current form."""
    editor = _editor_of(request, organisation_id, integration_id)
    return render(request, _PREVIEW, editor.preview(editor.posted()))


@sensitive_post_parameters()
@require_POST
@limited("try", "120/m/user")
def send(
    request: HttpRequest, organisation_id: str, integration_id: str | None = None
) -> HttpResponse:
    """Send the request as it is typed, and respond with the result."""
    editor = _editor_of(request, organisation_id, integration_id)
    form = editor.posted()
    trial = editor.trial(form, sending=True)
    is_part = "part" in request.GET
    context = {"trial": trial} if is_part else editor.context(form) | {"is_changed": True}
    view = editor_view(form, sealer=editor.sealer, problems=trial.problems)
    context |= {"tried": view, "organisation": editor.member.organisation}
    template = _RESULT if is_part else EDITOR_TEMPLATE
    if not is_part:
        context |= frame_of(editor.member, section=SECTION)
    if not trial.can_be_sent:
        return render(request, template, context | {"refused": trial}, status=422)
    return DocumentResponse(lambda: tried(request, trial, form, template, context))


async def tried(
    request: HttpRequest,
    trial: Trial,
    form: EditorForm,
    template: str,
    context: dict[str, Any],
    *,
    shown_there: Callable[[TryResult], TryResult] | None = None,
) -> HttpResponse:
    """Send *trial* on the event loop, and render its result with *template*.

    *shown_there* gives the verdict as a page shows it that has other fields than the editor.
    """
    if trial.is_list:
        facts = list_facts(await send_list_trial(trial, form), form)
        return HttpResponse(await _rendered(template, context | facts, request))
    sent = await send_trial(trial)
    shown = None
    if sent.document is not None:
        name = f"try-{trial.subject.called}"
        shown = await show(
            sent.document,
            holder=holder_of(trial.member),
            run_id=sent.run_id,
            file_name=f"{name}.{sent.document.extension}",
        )
    meant = None
    if sent.person is not None:
        meant = await _meant(trial.member.organisation, sent.person)
    verdict = verdict_of(sent, shown, form, meant=meant)
    result = {
        "sent": sent,
        "shown": shown,
        "verdict": shown_there(verdict) if shown_there else verdict,
        "attempts": timed(sent.attempts),
        "steps": steps_of(sent),
        "facts": facts_of(sent),
    }
    text = await _rendered(template, context | result, request)
    return HttpResponse(text)


_rendered = sync_to_async(render_to_string, thread_sensitive=True)
_meant = sync_to_async(person_meant, thread_sensitive=True)


def _editor_of(request: HttpRequest, organisation_id: str, integration_id: str | None) -> Editor:
    member = member_for(request, organisation_id, at_least=Role.EDITOR)
    row = access.integration_for_member(member, integration_id) if integration_id else None
    return Editor(request=request, member=member, integration=row)


@require_http_methods(["GET", "HEAD", "POST"])
def delete_integration(
    request: HttpRequest, organisation_id: str, integration_id: str
) -> HttpResponse:
    """Delete an integration, after a question."""
    member = member_for(request, organisation_id, at_least=Role.EDITOR)
    row = access.integration_for_member(member, integration_id)
    if request.method == "POST":
        services.delete_integration(integration=row)
        messages.success(request, f"{row.name} is deleted.")
        return HttpResponseRedirect(_list_address(member))
    return confirm(
        request,
        member,
        question=f"Delete {row.name}?",
        consequence="Its commands and secrets are deleted. Customers get no documents from it; "
        "its runs stay in the list.",
        button="Delete",
        back=_address(row),
        section=SECTION,
    )


@require_POST
def switch_integration(
    request: HttpRequest, organisation_id: str, integration_id: str
) -> HttpResponse:
    """Switch an integration on or off."""
    member = member_for(request, organisation_id, at_least=Role.EDITOR)
    row = access.integration_for_member(member, integration_id)
    is_on = request.POST.get("to") == "on"
    services.set_enabled(integration=row, enabled=is_on)
    messages.success(request, f"{row.name} is switched {'on' if is_on else 'off'}.")
    return HttpResponseRedirect(_same_list(request, member))


@require_POST
def move_integration(
    request: HttpRequest, organisation_id: str, integration_id: str
) -> HttpResponse:
    """Move an integration one place up or down."""
    member = member_for(request, organisation_id, at_least=Role.EDITOR)
    row = access.integration_for_member(member, integration_id)
    places = -1 if request.POST.get("to") == "up" else 1
    number = services.move_integration(integration=row, places=places)
    messages.success(request, f"{row.name} is now number {number}.")
    return HttpResponseRedirect(_same_list(request, member))


def _address(row: Integration) -> str:
    return reverse("backoffice:integration", args=[row.organisation_id, row.id])


def _list_address(member: Member) -> str:
    return reverse("backoffice:integrations", args=[member.organisation_id])


def _same_list(request: HttpRequest, member: Member) -> str:
    """Return the address of the part of the list that the button was on."""
    query = request.GET.urlencode()
    return f"{_list_address(member)}?{query}" if query else _list_address(member)
