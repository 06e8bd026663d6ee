"""Adding an integration: the gallery of presets, and a preset's page with its fields alone."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from billhook.engine.errors import ConfigurationError, Problem
from billhook.engine.integration_file.presets import Preset, preset_names, read_preset
from billhook.portal.backoffice.editor import SECTION, Editor
from billhook.portal.backoffice.integrations_page import saved_message
from billhook.portal.backoffice.pages import member_for, page
from billhook.portal.backoffice.views_integrations import try_at_once
from billhook.portal.editor.form import form_of
from billhook.portal.editor.preset_form import (
    PresetForm,
    draft_of_preset,
    missing_fields,
    new_preset_form,
    read_preset_form,
)
from billhook.portal.editor.preset_page import groups_of, preset_view
from billhook.portal.integrations import access, services
from billhook.portal.integrations.connection import callback_address
from billhook.portal.integrations.models import Integration
from billhook.portal.integrations.sealer import Sealer
from billhook.portal.organisations.models import Member, Role

_LONGEST_SEARCH = 100


@require_safe
def gallery(request: HttpRequest, organisation_id: str) -> HttpResponse:
    """Offer an integration of one's own, and the presets."""
    member = member_for(request, organisation_id, at_least=Role.EDITOR)
    search = request.GET.get("q", "")[:_LONGEST_SEARCH]
    context = {"search": search, "groups": groups_of(search)}
    return page(request, member, "backoffice/integrations/add.html", context, section=SECTION)


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def preset(request: HttpRequest, organisation_id: str, preset_name: str) -> HttpResponse:
    """Show a preset's fields, and create an integration from them."""
    member = member_for(request, organisation_id, at_least=Role.EDITOR)
    chosen = _preset(preset_name)
    if request.method != "POST":
        taken = access.integration_names(member)
        return _answer(request, member, new_preset_form(chosen, taken=taken))
    form = read_preset_form(chosen, request.POST.dict(), Sealer(member=member))
    if request.POST.get("do") == "whole":
        return _whole(request, member, form)
    return _saved(request, member, form)


def _preset(name: str) -> Preset:
    if name not in preset_names():
        raise Http404
    return read_preset(name)


def _answer(
    request: HttpRequest, member: Member, form: PresetForm, problems: tuple[Problem, ...] = ()
) -> HttpResponse:
    view = preset_view(form, sealer=Sealer(member=member), problems=problems)
    template = "backoffice/integrations/preset.html"
    status = 422 if problems else 200
    context = {"view": view, "callback": callback_address()}
    return page(request, member, template, context, section=SECTION, status=status)


def _whole(request: HttpRequest, member: Member, form: PresetForm) -> HttpResponse:
    """Show the whole form of the editor, with the input so far."""
    editor = Editor(request=request, member=member)
    return editor.answer(form_of(draft_of_preset(form)), is_preset=True, is_changed=True)


def _saved(request: HttpRequest, member: Member, form: PresetForm) -> HttpResponse:
    missing = tuple(missing_fields(form))
    try:
        services.check_integration(
            organisation=member.organisation, integration=None, draft=draft_of_preset(form)
        )
        if missing:
            return _answer(request, member, form, missing)
        row = services.create_integration(
            organisation=member.organisation, draft=draft_of_preset(form)
        )
    except ConfigurationError as error:
        return _answer(request, member, form, (*missing, *_others(error, missing)))
    messages.success(request, saved_message(row))
    if request.POST.get("do") == "try":
        try_at_once(request, row)
    return HttpResponseRedirect(_address(row))


def _others(error: ConfigurationError, missing: tuple[Problem, ...]) -> tuple[Problem, ...]:
    """Return the problems, except those that only report an empty field."""
    is_whole = not missing
    return tuple(each for each in error.problems if is_whole or each.code == "secret-missing")


def _address(row: Integration) -> str:
    return reverse("backoffice:integration", args=[row.organisation_id, row.id])
