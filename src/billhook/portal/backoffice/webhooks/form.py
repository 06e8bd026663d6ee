"""The forms of webhooks."""

from __future__ import annotations

from datetime import datetime

from django import forms

from billhook.portal.events.models import EventKind, WebhookEndpoint
from billhook.portal.fields.names import check_name


class EndpointForm(forms.Form):
    """The address of an endpoint, and the events that it gets."""

    url = forms.CharField(
        label="Address",
        max_length=2000,
        validators=[check_name],
        help_text="Where Billhook sends events with POST, such as https://example.com/webhooks.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": "Address is missing. Fill it in."},
    )
    kinds = forms.MultipleChoiceField(
        label="Events",
        choices=EventKind.choices,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose one event at least."},
    )

    @classmethod
    def showing(cls, endpoint: WebhookEndpoint) -> EndpointForm:
        """Return the form with the settings of *endpoint*."""
        return cls(initial={"url": endpoint.url, "kinds": endpoint.kinds})


class ReplayForm(forms.Form):
    """The time from which events are sent again."""

    since = forms.DateTimeField(
        label="Since",
        help_text="In UTC.",
        widget=forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"}),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
        error_messages={
            "required": "Since is missing. Choose a time.",
            "invalid": "This isn't a time. Write it as 2026-03-31 09:30.",
        },
    )

    @property
    def time(self) -> datetime:
        """The time; for a valid form."""
        chosen: datetime = self.cleaned_data["since"]
        return chosen
