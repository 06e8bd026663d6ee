"""The form of an organisation's notices."""

from __future__ import annotations

from functools import cache
from typing import Any, Final
from zoneinfo import available_timezones

from django import forms

from billhook.portal.backoffice.forms import BackofficeForm
from billhook.portal.notices.languages import language_choices
from billhook.portal.notices.models import Frequency, NoticeRules

_PLAIN: Final[dict[str, str]] = {"autocomplete": "off", "inputmode": "numeric"}
_FIELDS: Final = (
    "sends_new",
    "sends_due_soon",
    "days_before",
    "sends_overdue",
    "days_after",
    "counts_from",
    "attaches",
    "usual",
    "digest_hour",
    "time_zone",
    "language",
)


@cache
def _zones() -> list[str]:
    return sorted(name for name in available_timezones() if "/" in name or name == "UTC")


def _hours() -> list[tuple[int, str]]:
    return [(hour, f"{hour:02}:00") for hour in range(24)]


class NoticesForm(BackofficeForm):
    """The notices that an organisation sends to its contacts."""

    sends_new = forms.BooleanField(label="A new invoice", required=False)
    sends_due_soon = forms.BooleanField(label="An invoice is due soon", required=False)
    days_before = forms.IntegerField(
        label="Days before the due date",
        min_value=0,
        max_value=60,
        widget=forms.TextInput(attrs=_PLAIN),
    )
    sends_overdue = forms.BooleanField(label="An invoice is overdue", required=False)
    days_after = forms.IntegerField(
        label="Days after the due date",
        min_value=1,
        max_value=60,
        widget=forms.TextInput(attrs=_PLAIN),
    )
    counts_from = forms.DateField(
        label="Only invoices dated from",
        required=False,
        help_text="Nobody gets mail about an invoice with an earlier date. Empty: from today on.",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": "This isn't a date. Write it as 2026-05-31."},
    )
    attaches = forms.BooleanField(
        label="Attach the document",
        required=False,
        help_text="As VIEW shows it. Where it can't be fetched or is too large, and in a mail "
        "with several invoices, there is only the link.",
    )
    usual = forms.ChoiceField(
        label="Contacts who haven't chosen get mail",
        choices=Frequency.choices,
        help_text="Each contact can choose otherwise under My settings.",
    )
    digest_hour = forms.TypedChoiceField(label="Daily mail at", choices=_hours(), coerce=int)
    time_zone = forms.ChoiceField(
        label="Time zone", help_text="For the daily mail, and for when a day begins."
    )
    language = forms.ChoiceField(
        label="Language of contacts whose own isn't known", choices=language_choices
    )

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.fields["time_zone"].choices = [(name, name) for name in _zones()]  # type: ignore[attr-defined]

    @classmethod
    def showing(cls, rules: NoticeRules) -> NoticesForm:
        """Return the form with the current rules."""
        return cls(initial={name: getattr(rules, name) for name in _FIELDS})
