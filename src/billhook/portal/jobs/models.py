"""Jobs and schedules. These rows decide what is done; the engine only says that it is time."""

from __future__ import annotations

from typing import ClassVar, Final

from django.conf import settings
from django.db import models
from django.db.models import Q

from billhook.portal.fields.ids import LENGTH, new_id
from billhook.portal.organisations.models import Organisation


class JobState(models.TextChoices):
    """The states of a job."""

    WAITING = "waiting", "Waiting"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    STOPPED = "stopped", "Stopped"


OPEN: Final = (JobState.WAITING, JobState.RUNNING)
"""The states of jobs that haven't ended."""
_IS_OPEN: Final = Q(state__in=["waiting", "running"])


class Job(models.Model):
    """Work that is done in turns, each by one process that holds the lease of the job.

    A job is running from the beginning of its first turn until its end, also between turns.
    """

    id = models.CharField(primary_key=True, max_length=LENGTH, default=new_id, editable=False)
    kind = models.CharField(max_length=40)
    """The name of a :class:`billhook.portal.jobs.kind.JobKind`."""
    organisation = models.ForeignKey(Organisation, models.CASCADE, null=True, related_name="jobs")
    """None for work of the whole installation."""
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)
    """The person who asked for it; None if nobody did."""
    subject = models.CharField(max_length=40, blank=True)
    """The id of the row that it works on."""
    title = models.CharField(max_length=200, blank=True)
    chain = models.CharField(max_length=60, blank=True)
    """Two jobs with the same chain never run at the same time."""
    rank = models.PositiveSmallIntegerField(default=1)
    """0 for jobs that somebody waits for; they go first."""
    state = models.CharField(max_length=7, choices=JobState.choices, default=JobState.WAITING)
    due_at = models.DateTimeField()
    """The time of the next turn."""
    runs_again = models.BooleanField(default=False)
    """Whether it begins once more at its end: somebody asked for it meanwhile."""
    cursor = models.JSONField(default=dict)
    """The place where the next turn goes on; its meaning is the kind's own."""
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(null=True)
    note = models.CharField(max_length=200, blank=True)
    """The progress in words."""
    attempts = models.PositiveSmallIntegerField(default=0)
    """The failed turns since the last successful one."""
    reason = models.CharField(max_length=500, blank=True)
    """The reason for the last failure, as a sentence for people."""
    token = models.PositiveIntegerField(default=0)
    """Grows with each lease, so that a process whose lease has ended can't commit anything."""
    leased_until = models.DateTimeField(null=True)
    """The time until which a process works on it; None between turns."""
    ticket = models.BigIntegerField(null=True)
    """The key of the engine's row for the next turn."""
    ticketed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["kind", "subject"], condition=_IS_OPEN, name="job_open_once"
            ),
            models.UniqueConstraint(
                fields=["chain"],
                condition=Q(state="running") & ~Q(chain=""),
                name="job_chain_alone",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["rank", "due_at"], condition=_IS_OPEN, name="job_due"),
            models.Index(fields=["kind", "subject", "-created_at"], name="job_of_subject"),
            models.Index(fields=["organisation", "created_at", "id"], name="job_newest"),
            models.Index(fields=["organisation", "state", "created_at", "id"], name="job_in_state"),
            models.Index(
                fields=["chain", "due_at"], condition=_IS_OPEN & ~Q(chain=""), name="job_in_chain"
            ),
            models.Index(fields=["ended_at"], condition=~_IS_OPEN, name="job_ended"),
        ]

    def __str__(self) -> str:
        return self.id

    @property
    def is_open(self) -> bool:
        """Whether it hasn't ended."""
        return self.state in OPEN


class JobSchedule(models.Model):
    """A job that is enqueued again and again."""

    kind = models.CharField(max_length=40)
    organisation = models.ForeignKey(
        Organisation, models.CASCADE, null=True, related_name="job_schedules"
    )
    subject = models.CharField(max_length=40, blank=True)
    title = models.CharField(max_length=200, blank=True)
    chain = models.CharField(max_length=60, blank=True)
    every = models.DurationField()
    next_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "subject"], name="job_schedule_once")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}".rstrip()
