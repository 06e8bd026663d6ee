"""Notices: an organisation's rules, people's choices, and the mail that is announced and sent."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from billhook.portal.fields.ids import LENGTH, new_id
from billhook.portal.integrations.models import Integration
from billhook.portal.invoices.models import Invoice
from billhook.portal.organisations.models import Organisation


class NoticeKind(models.TextChoices):
    """The reasons to write to a contact about an invoice."""

    NEW = "new", "New invoice"
    DUE_SOON = "due-soon", "Due soon"
    OVERDUE = "overdue", "Overdue"


class Frequency(models.TextChoices):
    """The times at which a person gets notices."""

    AT_ONCE = "at-once", "At once"
    DAILY = "daily", "Once a day, in one mail"
    OFF = "off", "Never"


class NoticeRules(models.Model):
    """The notices that an organisation sends. Everything is off until a member turns it on."""

    organisation = models.OneToOneField(
        Organisation, models.CASCADE, primary_key=True, related_name="notice_rules"
    )
    sends_new = models.BooleanField(default=False)
    sends_due_soon = models.BooleanField(default=False)
    sends_overdue = models.BooleanField(default=False)
    days_before = models.PositiveSmallIntegerField(default=3)
    """Days before the due date from which on an invoice is due soon."""
    days_after = models.PositiveSmallIntegerField(default=1)
    """Days after the due date from which on an invoice is announced as overdue."""
    counts_from = models.DateField(null=True)
    """Invoices with an earlier date are never announced."""
    attaches = models.BooleanField(default=False)
    """Whether the document of an invoice is attached."""
    usual = models.CharField(
        max_length=7, choices=Frequency.choices, default=Frequency.AT_ONCE, db_default="at-once"
    )
    """The frequency for people who haven't chosen one."""
    digest_hour = models.PositiveSmallIntegerField(default=8)
    time_zone = models.CharField(max_length=64, default="UTC")
    language = models.CharField(max_length=8, default="en")
    """The language for people whose own isn't known."""
    changed_at = models.DateTimeField(null=True)
    """The time of the last change by a member."""
    new_since = models.DateTimeField(null=True)
    """The time at which notices about new invoices were turned on: earlier ones aren't new."""
    new_until = models.DateTimeField(null=True)
    """The time up to which changed invoices were examined."""
    days_at = models.DateTimeField(null=True)
    """The time at which due dates were examined last."""

    def __str__(self) -> str:
        return f"notices of {self.organisation_id}"

    @property
    def is_on(self) -> bool:
        """Whether any notice is sent."""
        return self.sends_new or self.sends_due_soon or self.sends_overdue


class NoticeChoice(models.Model):
    """The choices of one person for the notices of one organisation."""

    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="notice_choices")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="notice_choices"
    )
    frequency = models.CharField(max_length=7, choices=Frequency.choices, blank=True)
    """Empty for the organisation's usual one."""
    language = models.CharField(max_length=8, blank=True)
    """Empty for the customer's, or else the organisation's."""
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organisation", "user"], name="notice_choice_once")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.frequency}"


class MailingState(models.TextChoices):
    """The states of a mail with notices."""

    WAITING = "waiting", "Waiting"
    SENDING = "sending", "Being sent"
    SENT = "sent", "Sent"
    FAILED = "failed", "Not sent"
    UNCERTAIN = "uncertain", "Perhaps sent"
    BOUNCED = "bounced", "Came back"
    DROPPED = "dropped", "Not needed any more"


class Enclosure(models.TextChoices):
    """The result of attaching the document to a mail."""

    NONE = "", "No document"
    ATTACHED = "attached", "With the document"
    TOO_LARGE = "too-large", "With a link: the document is too large"
    FAILED = "failed", "With a link: the document couldn't be fetched"


class NoticeMailing(models.Model):
    """One mail to one person, with one or more notices.

    It is written when the notices are, and each state is committed before the next thing is done.
    """

    id = models.CharField(primary_key=True, max_length=LENGTH, default=new_id, editable=False)
    organisation = models.ForeignKey(
        Organisation, models.CASCADE, related_name="notice_mailings", db_index=False
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="notice_mailings"
    )
    to = models.EmailField(blank=True)
    """The address that it was sent to."""
    state = models.CharField(
        max_length=9, choices=MailingState.choices, default=MailingState.WAITING
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField()
    enclosure = models.CharField(max_length=9, choices=Enclosure.choices, blank=True)
    failure = models.CharField(max_length=40, blank=True)
    """The code of the last failure; see :mod:`billhook.portal.mail.failure`."""
    reason = models.CharField(max_length=500, blank=True)
    """A sentence about the last failure, without the address of a person."""
    created_at = models.DateTimeField(auto_now_add=True)
    began_at = models.DateTimeField(null=True)
    """The beginning of the last attempt, for the limit of mail in an hour."""
    sent_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["organisation", "due_at"],
                condition=models.Q(state__in=["waiting", "sending"]),
                name="notice_mailing_due",
            ),
            models.Index(fields=["organisation", "began_at"], name="notice_mailing_began"),
            models.Index(fields=["organisation", "created_at"], name="notice_mailing_newest"),
        ]

    def __str__(self) -> str:
        return self.id


class Notice(models.Model):
    """A message to one person about one invoice: once, whatever happens."""

    organisation = models.ForeignKey(
        Organisation, models.CASCADE, related_name="notices", db_index=False
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notices")
    invoice = models.ForeignKey(Invoice, models.CASCADE, related_name="notices", db_index=False)
    kind = models.CharField(max_length=8, choices=NoticeKind.choices)
    mailing = models.ForeignKey(NoticeMailing, models.SET_NULL, null=True, related_name="notices")
    """The mail that it is in, if there is one and it isn't forgotten yet."""
    is_for_daily = models.BooleanField(default=False)
    """Whether it waits for the daily mail."""
    is_muted = models.BooleanField(default=False)
    """Whether it isn't sent: the person, or the organisation, wanted none at that time."""
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["invoice", "user", "kind"], name="notice_once")
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["organisation", "user", "created_at"],
                condition=models.Q(is_for_daily=True),
                name="notice_for_daily_mail",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.invoice_id}"


class NoticeText(models.Model):
    """An organisation's own subject and text of one kind of mail, in one language."""

    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="notice_texts")
    kind = models.CharField(max_length=8)
    """A :class:`NoticeKind`, or ``list`` for a mail with several invoices."""
    language = models.CharField(max_length=8)
    subject = models.CharField(max_length=200)
    body = models.TextField(max_length=10_000)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organisation", "kind", "language"], name="notice_text_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.language}"


class IncidentKind(models.TextChoices):
    """The things that go wrong with a source, of which members get mail."""

    NEEDS_MEMBER = "needs-member", "Gives nothing until a member changes something"
    FAILS = "fails", "Fails"
    CHECK = "check", "The nightly check fails"
    CERTIFICATE = "certificate", "The client certificate ends"
    SERVER_CERTIFICATE = "server-cert", "The server's certificate ends"


class Incident(models.Model):
    """Something is wrong with a source, from a time on and until it is over: one mail for each."""

    id = models.CharField(primary_key=True, max_length=LENGTH, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="incidents")
    integration = models.ForeignKey(Integration, models.CASCADE, related_name="incidents")
    kind = models.CharField(max_length=12, choices=IncidentKind.choices)
    text = models.CharField(max_length=500)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["integration", "kind"],
                condition=models.Q(closed_at=None),
                name="incident_open_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.integration_id}"


class SourceCheck(models.Model):
    """The nightly check of a source with an invoice whose document is known to be there."""

    integration = models.OneToOneField(
        Integration, models.CASCADE, primary_key=True, related_name="nightly_check"
    )
    is_on = models.BooleanField(default=False)
    number = models.CharField(max_length=100, blank=True)
    """The invoice to ask for; empty for the last one whose document came."""
    checked_at = models.DateTimeField(null=True)
    checked_number = models.CharField(max_length=100, blank=True)
    run_id = models.CharField(max_length=LENGTH, blank=True)
    outcome = models.CharField(max_length=40, blank=True)
    """The run's outcome; empty if there was no invoice to ask for."""
    reason = models.CharField(max_length=40, blank=True)

    def __str__(self) -> str:
        return f"check of {self.integration_id}"

    @property
    def has_failed(self) -> bool:
        """Whether the last check gave no document."""
        return self.outcome not in {"", "ok"}
