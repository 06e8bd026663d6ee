"""Syncs: the memory of each source, its runs, and the rows that wait for something."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from billhook.portal.fields.ids import LENGTH, new_id
from billhook.portal.integrations.models import Integration

KEY_LENGTH = 220
"""The longest source id, and the type in front of it."""


class Reported(models.TextChoices):
    """The failures of a sync of which members have had a mail, until one that it works again."""

    NOTHING = "", "Nothing"
    FAILS = "fails", "It fails"
    REFUSED = "refused", "Its credentials are refused"


class SyncSource(models.Model):
    """The sync of one integration that lists invoices, and how it gets on."""

    integration = models.OneToOneField(
        Integration, models.CASCADE, primary_key=True, related_name="sync"
    )
    is_on = models.BooleanField(default=False)
    """Whether a member has started it: before that, it can only be tried."""
    takes_over = models.BooleanField(default=False)
    """Whether customers and invoices that were imported are taken over, by their numbers."""
    full_wanted = models.BooleanField(default=False)
    """Whether the next run reads everything, whatever is due."""
    nudge_digest = models.CharField(max_length=64, blank=True)
    """The SHA-256 of the secret in the nudge URL; empty while there is none."""
    nudged_at = models.DateTimeField(null=True)
    good_at = models.DateTimeField(null=True)
    """The beginning of the last run that ended well: the list is as of then."""
    full_at = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)
    """The failed runs since the last good one."""
    failed_at = models.DateTimeField(null=True)
    """The end of the last failed run."""
    code = models.CharField(max_length=40, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    """The last failure: its code, and a sentence for members."""
    stopped_at = models.CharField(max_length=32, blank=True)
    """The stamp of the integration whose credentials the source refused; it waits for another."""
    reported = models.CharField(
        max_length=8, choices=Reported.choices, blank=True, default="", db_default=""
    )
    certificate_ends = models.DateField(null=True)
    """The day on which the certificate of a server that was asked ends; None if that isn't soon."""
    certificate_seen_at = models.DateTimeField(null=True)
    used_on = models.DateField(null=True)
    used_today = models.PositiveIntegerField(default=0)
    """Requests on the day above (UTC), for the source's daily quota."""

    def __str__(self) -> str:
        return f"sync of {self.integration_id}"

    @property
    def stamp(self) -> str:
        """Another text after each change of the integration, or of its connection."""
        return f"{self.integration.version}.{self.integration.connection}"

    @property
    def is_stopped(self) -> bool:
        """Whether it waits for a member: the source refused our credentials."""
        return self.stopped_at == self.stamp


class RememberedList(models.Model):
    """The memory of one list command: see :class:`billhook.engine.listing.plan.ListMemory`."""

    source = models.ForeignKey(SyncSource, models.CASCADE, related_name="lists")
    command = models.CharField(max_length=64)
    memory = models.JSONField(default=dict)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["source", "command"], name="sync_list_once")
        ]

    def __str__(self) -> str:
        return f"{self.command} of {self.source_id}"


class SyncState(models.TextChoices):
    """The states of a sync's run."""

    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"


class Question(models.TextChoices):
    """The states of the safeguard's question about a run."""

    NONE = "", "No question"
    OPEN = "open", "Waits for a member"
    APPLIED = "applied", "Applied"
    DISCARDED = "discarded", "Discarded"


class SyncRun(models.Model):
    """One run of a sync: all lists that were due, or, as a dry run, nothing that is written."""

    id = models.CharField(primary_key=True, max_length=LENGTH, default=new_id, editable=False)
    source = models.ForeignKey(SyncSource, models.CASCADE, related_name="runs")
    is_dry = models.BooleanField(default=False)
    is_first = models.BooleanField(default=False)
    state = models.CharField(max_length=8, choices=SyncState.choices, default=SyncState.RUNNING)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    resume_at = models.DateTimeField(null=True)
    """The time before which the source may not be asked again."""
    fingerprint = models.CharField(max_length=400, blank=True)
    parts = models.JSONField(default=list)
    """The parts to read, in order: command and :class:`billhook.engine.listing.plan.ListPart`."""
    progress = models.JSONField(default=dict)
    """The place where it goes on: see :mod:`billhook.portal.sync.progress`."""
    position = models.BinaryField(default=b"")
    """The position in the source's list, encrypted: it may hold a token of the source."""
    counts = models.JSONField(default=dict)
    """The numbers of rows by command and effect."""
    reasons = models.JSONField(default=dict)
    """The rows that were left out, and the remarks, by code: their number and a sentence."""
    report = models.JSONField(default=dict)
    """The findings of a dry run."""
    requests = models.PositiveIntegerField(default=0)
    rows = models.PositiveIntegerField(default=0)
    code = models.CharField(max_length=40, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    question = models.CharField(
        max_length=9, choices=Question.choices, default=Question.NONE, blank=True
    )
    doubts = models.JSONField(default=list)
    """The reasons for the question, each a sentence."""
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    answered_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-started_at", "-id"]
        indexes: ClassVar = [
            models.Index(fields=["source", "is_dry", "-started_at"], name="sync_run_newest")
        ]

    def __str__(self) -> str:
        return self.id


class SeenRow(models.Model):
    """A row that a full run has found in the source's list, until the run has ended."""

    run = models.ForeignKey(SyncRun, models.CASCADE, related_name="seen")
    command = models.CharField(max_length=64)
    key = models.CharField(max_length=KEY_LENGTH)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "command", "key"], name="sync_seen_once")
        ]

    def __str__(self) -> str:
        return self.key


class WaitsFor(models.TextChoices):
    """The thing that a row waits for."""

    CUSTOMER = "customer", "Its customer isn't known"
    MOVE = "move", "It would move to another customer"
    AMOUNT = "amount", "Its amount or currency would change"
    CONTACT = "contact", "Its e-mail would be a contact of many customers"


class WaitingRow(models.Model):
    """A row of the source that isn't in the portal's lists yet, or not in this version.

    Nobody but members sees it.
    """

    source = models.ForeignKey(SyncSource, models.CASCADE, related_name="waiting")
    run = models.ForeignKey(SyncRun, models.SET_NULL, null=True, related_name="+")
    """The run that found it last."""
    waits_for = models.CharField(max_length=8, choices=WaitsFor.choices)
    command = models.CharField(max_length=64)
    key = models.CharField(max_length=KEY_LENGTH)
    customer = models.CharField(max_length=200, blank=True)
    """The source's id of its customer."""
    row = models.JSONField()
    change = models.JSONField(default=list)
    """The changes that wait: name, before and after."""
    is_discarded = models.BooleanField(default=False)
    """Whether a member wants no question about this version of the row."""
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["source", "command", "key"], name="sync_waiting_once")
        ]
        indexes: ClassVar = [
            models.Index(fields=["source", "waits_for", "id"], name="sync_waiting_listed"),
            models.Index(fields=["source", "customer"], name="sync_waiting_customer"),
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def label(self) -> str:
        """The words by which people know the row: its number, its name or its addresses."""
        known = (self.row.get(name) for name in ("number", "name", "email"))
        found = next((each for each in known if each), self.key)
        return ", ".join(found) if isinstance(found, list) else str(found)
