"""API keys: made with their scopes, shown once, changed, and revoked."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from billhook.portal.backoffice.pages import ROWS_ON_A_PAGE, confirm, member_for, page
from billhook.portal.compression.pages import never_compressed
from billhook.portal.documents.invoice_document import INVOICE_COMMAND
from billhook.portal.fields.key_scopes import RUN, SCOPES, scopes_from_text
from billhook.portal.fields.names import check_name
from billhook.portal.integrations import access, services
from billhook.portal.integrations.models import ApiKey
from billhook.portal.organisations.models import Member, Role
from billhook.portal.paging.count import count_up_to
from billhook.portal.paging.page import page_of

SECTION: Final = "keys"
_DAY: Final = timedelta(days=1)


class KeyRightsForm(forms.Form):
    """The scopes of a key, and its end."""

    scopes = forms.MultipleChoiceField(
        label="Scopes",
        choices=list(SCOPES.items()),
        initial=[RUN],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose one scope at least."},
    )
    last_day = forms.DateField(
        label="Last day",
        required=False,
        help_text="The last day on which it works, in UTC. Without one, it works until you "
        "revoke it.",
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        error_messages={"invalid": "This isn't a date. Write it as 2027-03-31."},
    )

    def clean_last_day(self) -> date | None:
        """Refuse a day that is over, and one that never is."""
        day: date | None = self.cleaned_data["last_day"]
        if day is not None and day < timezone.now().date():
            raise ValidationError("This day is over. Choose a later one, or none.")
        if day == date.max:  # it has no next day, on which the key would end
            raise ValidationError("This is the last day of all. Choose an earlier one, or none.")
        return day

    @property
    def expires_at(self) -> datetime | None:
        """The end of the last day; for a valid form."""
        day: date | None = self.cleaned_data["last_day"]
        return None if day is None else datetime.combine(day + _DAY, time.min, tzinfo=UTC)

    @classmethod
    def showing(cls, key: ApiKey) -> KeyRightsForm:
        """Return the form with what *key* may do now."""
        last_day = None if key.expires_at is None else (key.expires_at - _DAY).date()
        return cls(initial={"scopes": list(scopes_from_text(key.scopes)), "last_day": last_day})


class KeyForm(KeyRightsForm):
    """The purpose of a new key, and its rights."""

    name = forms.CharField(
        max_length=200,
        validators=[check_name],
        label="Purpose",
        help_text="The program that will use it, such as Web shop.",
    )
    field_order = ("name",)


@require_http_methods(["GET", "HEAD", "POST"])
def keys(request: HttpRequest, organisation_id: str) -> HttpResponse:
    """List the keys, and make one: it is shown on this page, once."""
    member = member_for(request, organisation_id, at_least=Role.EDITOR)
    form = KeyForm(request.POST or None)
    made = None
    if form.is_valid():
        made = services.create_api_key(
            organisation=member.organisation,
            name=form.cleaned_data["name"],
            user=member.user,
            scopes=form.cleaned_data["scopes"],
            expires_at=form.expires_at,
        )
        form = KeyForm()
    rows, address = access.api_keys_for_member(member), request.GET.get("page", "")
    context = {
        "now": timezone.now(),
        "page": page_of(rows, access.NEWEST_KEYS, address, size=ROWS_ON_A_PAGE),
        "count": count_up_to(rows),
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
def change_key(request: HttpRequest, organisation_id: str, key_id: str) -> HttpResponse:
    """Change what a key may do, and its end."""
    member = member_for(request, organisation_id, at_least=Role.EDITOR)
    row = access.api_key_for_member(member, key_id)
    is_sent = request.method == "POST"
    form = KeyRightsForm(request.POST) if is_sent else KeyRightsForm.showing(row)
    if is_sent and form.is_valid():
        services.change_api_key(
            key=row, scopes=form.cleaned_data["scopes"], expires_at=form.expires_at
        )
        messages.success(request, f"The key {row.name} is changed.")
        return HttpResponseRedirect(reverse("backoffice:keys", args=[organisation_id]))
    context = {"form": form, "key": row}
    status = 422 if form.errors else 200
    return page(
        request, member, "backoffice/keys/edit.html", context, section=SECTION, status=status
    )


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
