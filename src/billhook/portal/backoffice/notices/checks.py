"""The nightly check of one integration: turned on and off, with its invoice and last result."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_http_methods

from billhook.portal.backoffice.forms import BackofficeForm
from billhook.portal.backoffice.pages import member_for, page
from billhook.portal.integrations.access import integration_for_member
from billhook.portal.integrations.models import Integration
from billhook.portal.notices import access, services
from billhook.portal.organisations.models import Role
from billhook.portal.runs.outcomes import sentence_of

SECTION: Final = "integrations"


class CheckForm(BackofficeForm):
    """The switch and the invoice of a nightly check."""

    is_on = forms.BooleanField(label="Check every night", required=False)
    number = forms.CharField(
        label="Invoice",
        required=False,
        max_length=100,
        help_text="The number of an invoice that always has a document. Empty: the last one whose "
        "document came.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *arguments: Any, integration: Integration, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._integration = integration

    def clean_number(self) -> str:
        """Refuse the number of an invoice that doesn't exist here."""
        number: str = self.cleaned_data["number"].strip()
        if number and access.invoice_to_check(self._integration, number) is None:
            raise forms.ValidationError(
                f"There is no invoice {number}. Write a number from the list of invoices."
            )
        return number


@require_http_methods(["GET", "HEAD", "POST"])
def nightly_check(request: HttpRequest, organisation_id: str, integration_id: str) -> HttpResponse:
    """Show the last check of an integration, and change when and with what it is done."""
    member = member_for(request, organisation_id, at_least=Role.EDITOR)
    integration = integration_for_member(member, integration_id)
    check = access.check_of(integration)
    if request.method == "POST":
        form = CheckForm(request.POST, integration=integration)
    else:
        form = CheckForm(
            initial={"is_on": check.is_on, "number": check.number}, integration=integration
        )
    if form.is_valid():
        services.save_check(check=check, **form.cleaned_data)
        messages.success(request, "Saved.")
        return HttpResponseRedirect(request.path)
    sentence = sentence_of(check.outcome, check.reason) if check.has_failed else ""
    context = {"integration": integration, "check": check, "form": form, "sentence": sentence}
    return page(request, member, "backoffice/notices/check.html", context, section=SECTION)
