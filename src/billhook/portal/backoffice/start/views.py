"""The first steps: one's own first document, and the sample."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from billhook.engine.errors import ConfigurationError, Problem
from billhook.engine.secret import Secret
from billhook.portal.backoffice.pages import frame_of, member_for, page
from billhook.portal.backoffice.start.first_view import save_first_view
from billhook.portal.backoffice.start.form import FirstContactForm, FirstDocumentForm
from billhook.portal.backoffice.start.sample import add_sample, remove_sample
from billhook.portal.backoffice.views_integrations import tried
from billhook.portal.documents.response import DocumentResponse
from billhook.portal.editor.form import form_of
from billhook.portal.integrations.access import integration_names
from billhook.portal.integrations.drafts import Draft
from billhook.portal.integrations.sealer import Sealer
from billhook.portal.limits.rates import limited
from billhook.portal.organisations.models import Member, Role
from billhook.portal.trying.page import TryResult
from billhook.portal.trying.trial import prepare_trial

SECTION: Final = "home"
_TEMPLATE: Final = "backoffice/start.html"
_OWN_FIELDS: Final = {"-url": "address", "header": "key", "secret": "key"}
"""This page's field, by a part of the id that the field has in the editor."""


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@limited("try", "120/m/user")
def start(request: HttpRequest, organisation_id: str) -> HttpResponse:
    """Fetch one document by an address and a key; then save all that its first VIEW takes."""
    member = member_for(request, organisation_id, at_least=Role.EDITOR)
    if request.method != "POST":
        return page(request, member, _TEMPLATE, {"form": FirstDocumentForm()}, section=SECTION)
    form, key = FirstDocumentForm(request.POST), _key_of(request, member)
    if not form.is_valid():
        return _answer(request, member, form, key, status=422)
    draft = form.draft(key, taken=integration_names(member))
    if request.POST.get("do") == "save":
        return _saved(request, member, form, key, draft)
    return _fetched(request, member, form, key, draft)


def _key_of(request: HttpRequest, member: Member) -> Secret | None:
    typed, held = request.POST.get("key", "").strip(), request.POST.get("key-held", "")
    return Secret(typed) if typed else Sealer(member=member).open(held) if held else None


def _context(form: FirstDocumentForm, key: Secret | None, member: Member) -> dict[str, Any]:
    return {"form": form, "held": Sealer(member=member).seal(key) if key else ""}


def _answer(
    request: HttpRequest,
    member: Member,
    form: FirstDocumentForm,
    key: Secret | None,
    *,
    status: int,
    **more: Any,
) -> HttpResponse:
    context = _context(form, key, member) | more
    return page(request, member, _TEMPLATE, context, section=SECTION, status=status)


def _fetched(
    request: HttpRequest, member: Member, form: FirstDocumentForm, key: Secret | None, draft: Draft
) -> HttpResponse:
    editor = form_of(draft)
    editor.number = form.cleaned_data["number"]
    trial = prepare_trial(member=member, integration=None, form=editor, sending=True)
    if not trial.can_be_sent:
        return _answer(request, member, form, key, status=422, problems=trial.problems)
    context = _context(form, key, member) | {"contact": FirstContactForm()}
    context |= frame_of(member, section=SECTION)
    return DocumentResponse(
        lambda: tried(request, trial, editor, _TEMPLATE, context, shown_there=_with_own_field)
    )


def _with_own_field(verdict: TryResult) -> TryResult:
    """Return *verdict* with this page's field in place of the editor's; none if it has none."""
    name = next((own for part, own in _OWN_FIELDS.items() if part in verdict.field), "")
    label = FirstDocumentForm.base_fields[name].label if name else ""
    return replace(verdict, field=f"id_{name}" if name else "", field_label=str(label))


def _saved(
    request: HttpRequest, member: Member, form: FirstDocumentForm, key: Secret | None, draft: Draft
) -> HttpResponse:
    who, problems = FirstContactForm(request.POST), tuple[Problem, ...]()
    if who.is_valid():
        try:
            contact = save_first_view(
                member=member,
                draft=draft,
                number=form.cleaned_data["number"],
                customer_name=who.cleaned_data["customer"],
                email=who.cleaned_data["email"],
            )
        except ConfigurationError as error:
            problems = error.problems
        else:
            return HttpResponseRedirect(reverse("as:home", args=[contact.id]))
    more = {"contact": who, "is_to_save": True, "problems": problems}
    return _answer(request, member, form, key, status=422, **more)


@require_POST
def sample(request: HttpRequest, organisation_id: str) -> HttpResponse:
    """Add the sample, and show it as its contact sees it; or remove all of it."""
    member = member_for(request, organisation_id, at_least=Role.EDITOR)
    if request.POST.get("to") == "remove":
        remove_sample(member)
        messages.success(request, "The sample is removed.")
        return HttpResponseRedirect(reverse("backoffice:home", args=[organisation_id]))
    return HttpResponseRedirect(reverse("as:home", args=[add_sample(member).id]))
