"""Mail that hasn't been sent yet, the last check of the mail server, and the mailbox."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from billhook.portal.fields.ids import LENGTH, new_id


class MailKind(models.TextChoices):
    """The purpose of a mail."""

    INVITATION = "invitation", "Invitation"
    CODE = "code", "Code to sign in"
    SOURCE = "source", "Source that needs somebody"


class MailState(models.TextChoices):
    """The states of a mail that hasn't been sent: it will be tried again, or it won't."""

    WAITING = "waiting", "Waiting"
    FAILED = "failed", "Failed"


class OutgoingMail(models.Model):
    """A mail that still has to be sent, or that couldn't be. It is deleted once it is sent.

    Codes to sign in belong to no organisation. Each is useless after a few minutes, so its text
    goes when the mail fails.
    """

    id = models.CharField(primary_key=True, max_length=LENGTH, default=new_id, editable=False)
    organisation = models.ForeignKey(
        "organisations.Organisation", models.CASCADE, null=True, related_name="outgoing_mail"
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="outgoing_mail")
    kind = models.CharField(max_length=10, choices=MailKind.choices)
    to = models.EmailField()
    reply_to = models.EmailField(blank=True)
    subject = models.CharField(max_length=400)
    body = models.TextField()
    state = models.CharField(max_length=7, choices=MailState.choices, default=MailState.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    """While a process sends the mail, a time at which another may take it over."""
    expires_at = models.DateTimeField()
    failure = models.CharField(max_length=40, blank=True)
    """The code of the last failure; see :mod:`billhook.portal.mail.failure`."""
    reason = models.CharField(max_length=500, blank=True)
    """The sentence of the last failure, which holds no address of a person."""
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-created_at"]
        indexes: ClassVar = [
            models.Index(fields=["state", "next_attempt_at"], name="mail_due"),
        ]

    def __str__(self) -> str:
        return self.id

    @property
    def has_failed(self) -> bool:
        """Whether it won't be tried again automatically."""
        return self.state == MailState.FAILED

    @property
    def can_be_sent_again(self) -> bool:
        """Whether a member may have it sent again: its text is still there."""
        return self.has_failed and bool(self.body)


class MailCheck(models.Model):
    """The last check of the mail server. There is at most one row."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    next_check_at = models.DateTimeField()
    checked_at = models.DateTimeField(null=True)
    failing_since = models.DateTimeField(null=True)
    failure = models.CharField(max_length=40, blank=True)
    reason = models.CharField(max_length=500, blank=True)

    def __str__(self) -> str:
        return self.failure or "works"


class BounceMailbox(models.Model):
    """The mailbox for bounces: the last message that was read, and how it went. One row."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    place = models.CharField(max_length=64, blank=True)
    """The folder that the numbers below are from; see :mod:`billhook.portal.mail.imap`."""
    validity = models.BigIntegerField(default=0)
    number = models.BigIntegerField(default=0)
    """The number (UID) of the last message that was read."""
    read_at = models.DateTimeField(null=True)
    failing_since = models.DateTimeField(null=True)
    failure = models.CharField(max_length=40, blank=True)
    reason = models.CharField(max_length=500, blank=True)

    def __str__(self) -> str:
        return self.failure or "works"

    def last_number(self, *, place: str, validity: int) -> int:
        """Return the number of the last message read in a folder; 0 if none was."""
        return self.number if (self.place, self.validity) == (place, validity) else 0
