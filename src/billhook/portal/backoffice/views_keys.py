"""API keys for the gateway: made, shown once, and revoked."""

from __future__ import annotations

from typing import Final

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from billhook.portal.backoffice.pages import confirm, member_for, page
from billhook.portal.compression.pages import never_compressed
from billhook.portal.documents.invoice_document import INVOICE_COMMAND
from billhook.portal.fields.names import check_name
from billhook.portal.integrations import access, services
from billhook.portal.organisations.models import Member, Role

SECTION: Final = "keys"


class KeyForm(forms.Form):
    """The purpose of a key."""

    name = forms.CharField(
        max_length=200,
        validators=[check_name],
        label="Purpose",
        help_text="The program that will use it, such as Web shop.",
    )


@require_http_methods(["GET", "HEAD", "POST"])
def keys(request: HttpRequest, organisation_id: str) -> HttpResponse:
    """List the keys, and make one: it is shown on this page, once."""
    member = member_for(request, organisation_id, at_least=Role.EDITOR)
    form = KeyForm(request.POST or None)
    made = None
    if form.is_valid():
        made = services.create_api_key(
            organisation=member.organisation, name=form.cleaned_data["name"], user=member.user
        )
        form = KeyForm()
    context = {
        "keys": access.api_keys_for_member(member),
        "form": form,
        "made": made,
        "curl": _curl(member, made.value.reveal()) if made else "",
    }
    status = 422 if form.errors else 200
    response = page(
        request, member, "backoffice/keys/list.html", context, section=SECTION, status=status
    )
    return never_compressed(response) if made else response


@require_http_methods(["GET", "HEAD", "POST"])
def revoke_key(request: HttpRequest, organisation_id: str, key_id: str) -> HttpResponse:
    """End a key for good, after a question."""
    member = member_for(request, organisation_id, at_least=Role.EDITOR)
    row = access.api_key_for_member(member, key_id)
    back = reverse("backoffice:keys", args=[organisation_id])
    if request.method == "POST":
        services.revoke_api_key(key=row)
        messages.success(request, f"The key {row.name} is revoked and no longer works.")
        return HttpResponseRedirect(back)
    return confirm(
        request,
        member,
        question=f"Revoke the key {row.name}?",
        consequence=f"Programs that use the key {row.hint} will get no more documents. "
        "A revoked key can't be restored.",
        button="Revoke",
        back=back,
        section=SECTION,
    )


def _curl(member: Member, key: str) -> str:
    """Return a command that can be pasted into a terminal: it gets an invoice's document."""
    first = access.first_enabled(member)
    integration = first.id if first else "INTEGRATION"
    path = f"/api/v1/integrations/{integration}/commands/{INVOICE_COMMAND}/run"
    return (
        f"curl -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' \\\n"
        '  -d \'{"tokens": {"InvoiceNumber": "INV0000001"}}\' \\\n'
        f"  -o invoice.pdf {settings.PUBLIC_URL}{path}"
    )
