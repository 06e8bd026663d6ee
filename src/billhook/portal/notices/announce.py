"""Finds the invoices that a contact must hear about, and writes one row for each.

A pair of person and invoice is decided once for each kind: the row says so whatever was decided,
and the database has it only once. So neither a second node, a job that was killed, nor a second
look sends anything again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import (
    Case,
    DateTimeField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    When,
)

from billhook.portal.customers.models import Contact
from billhook.portal.imports.columns.fields import ImportKind
from billhook.portal.imports.models import FileImport, ImportState
from billhook.portal.invoices.models import Invoice, InvoiceType, Status
from billhook.portal.invoices.shown_status import is_open
from billhook.portal.notices.access import choices_for, frequency_for
from billhook.portal.notices.calendar import (
    NEW_FOR,
    DueDates,
    due_soon,
    last_daily_time,
    overdue,
    zone_of,
)
from billhook.portal.notices.models import (
    Frequency,
    Notice,
    NoticeKind,
    NoticeMailing,
    NoticeRules,
)
from billhook.portal.sync.models import SyncRun

AT_ONCE: Final = 200
"""Pairs that are written in one transaction."""
MOST_MAILS: Final = 5
"""Invoices that one person hears about in mails of their own; more at once are one mail."""
_LATE_CONTACT: Final = timedelta(days=1)
"""A contact who is added later than this after an invoice gets no mail that it is new."""
_OVERLAP: Final = timedelta(hours=1)
"""Rows are written a little later than their times say."""
_DAYS_EVERY: Final = timedelta(minutes=30)
_WRITTEN: Final = (ImportState.RUNNING, ImportState.DONE, ImportState.UNDOING, ImportState.UNDONE)
Saving = Callable[[], AbstractContextManager[None]]
"""Begins a transaction that is committed only by the holder of the job."""
_ANNOUNCED: Final = (Status.OPEN, Status.PART_PAID, Status.PAID)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A person, and an invoice that they may see."""

    user_id: str
    invoice_id: str
    is_quiet: bool
    """Whether the person gets no mail about it."""


def announce(rules: NoticeRules, kind: NoticeKind, *, now: datetime, saving: Saving) -> bool:
    """Write the next notices of a kind, and the mail for those who get it at once.

    Return whether there may be more.
    """
    pairs = _next_pairs(rules, kind, now)
    if pairs:
        with saving():
            _decide(rules, kind, pairs, now)
    return len(pairs) == AT_ONCE


def is_days_due(rules: NoticeRules, *, now: datetime) -> bool:
    """Return whether due dates must be examined: every half hour, and after a change."""
    return rules.days_at is None or now - rules.days_at >= _DAYS_EVERY


def mail_daily(rules: NoticeRules, *, now: datetime, saving: Saving) -> bool:
    """Write the daily mail of the people whose notices have waited for its time.

    Return whether there may be more.
    """
    zone = zone_of(rules.time_zone)
    until = last_daily_time(now, hour=rules.digest_hour, zone=zone)
    waiting = Notice.objects.filter(
        organisation_id=rules.organisation_id, is_for_daily=True, created_at__lte=until
    )
    users = list(waiting.order_by().values_list("user_id", flat=True).distinct()[:AT_ONCE])
    if not users:
        return False
    mailings = {user: _mailing(rules, user, now) for user in users}
    with saving():
        NoticeMailing.objects.bulk_create(mailings.values())
        for user, mailing in mailings.items():
            waiting.filter(user_id=user).update(mailing=mailing, is_for_daily=False)
    return len(users) == AT_ONCE


def mute_waiting(rules: NoticeRules) -> None:
    """Send nothing of what waits for the daily mail: the organisation wants none any more."""
    waiting = Notice.objects.filter(organisation_id=rules.organisation_id, is_for_daily=True)
    waiting.update(is_for_daily=False, is_muted=True)


def _next_pairs(rules: NoticeRules, kind: NoticeKind, now: datetime) -> list[Pair]:
    """Return the next pairs that nothing was decided about."""
    decided = Notice.objects.filter(
        invoice=OuterRef("id"), user=OuterRef("customer__contacts__user"), kind=kind
    )
    is_quiet = _came_quietly(rules) if kind == NoticeKind.NEW else Q(pk=None)
    rows = (
        _announced(rules, kind, now)
        .filter(~Exists(decided), customer__contacts__isnull=False)  # in one: a second joins again
        .annotate(is_quiet=Case(When(is_quiet, then=True), default=False))
        .order_by()
        .values_list("customer__contacts__user_id", "id", "is_quiet")
        .distinct()
    )
    return [
        Pair(user_id=user, invoice_id=invoice, is_quiet=is_quiet)
        for user, invoice, is_quiet in rows[:AT_ONCE]
    ]


def _announced(rules: NoticeRules, kind: NoticeKind, now: datetime) -> QuerySet[Invoice]:
    """Return the invoices that are announced as *kind* now."""
    today = now.astimezone(zone_of(rules.time_zone)).date()
    shown = Invoice.objects.filter(
        organisation_id=rules.organisation_id,
        type=InvoiceType.INVOICE,
        hidden_at=None,
        status__in=_ANNOUNCED,
        amount__gte=0,
        issued_on__gte=rules.counts_from,
    )
    match kind:
        case NoticeKind.NEW:
            return _new(shown, rules, now)
        case NoticeKind.DUE_SOON:
            return _due(shown, due_soon(today, days_before=rules.days_before))
        case NoticeKind.OVERDUE:
            return _due(shown, overdue(today, days_after=rules.days_after))


def _new(shown: QuerySet[Invoice], rules: NoticeRules, now: datetime) -> QuerySet[Invoice]:
    """Narrow *shown* to new invoices that changed, or whose customer got a contact, since then."""
    since = rules.new_since or now
    seen = max(since, (rules.new_until or since) - _OVERLAP)
    added = Contact.objects.filter(
        customer__organisation_id=rules.organisation_id, created_at__gte=seen
    )
    return shown.filter(
        Q(changed_at__gte=seen) | Q(customer_id__in=added.values("customer_id")),
        issued_on__gte=(now - NEW_FOR).date(),
        created_at__gte=since,
    )


def _came_quietly(rules: NoticeRules) -> Q:
    """Return the condition for a new invoice that its contact gets no mail about.

    It came with a first sync or the first file: it was in the billing system before. Or the contact
    was added much later than the invoice.
    """
    late = ExpressionWrapper(F("created_at") + _LATE_CONTACT, output_field=DateTimeField())
    quiet = Q(customer__contacts__created_at__gt=late)
    first_runs = SyncRun.objects.filter(
        Q(ended_at=None) | Q(ended_at__gte=OuterRef("created_at")),
        source_id=OuterRef("integration_id"),
        started_at__lte=OuterRef("created_at"),
        is_first=True,
        is_dry=False,
    )
    files = FileImport.objects.filter(
        organisation_id=rules.organisation_id, kind=ImportKind.INVOICES, state__in=_WRITTEN
    )
    first = files.order_by("created_at").first()
    quiet |= Q(Exists(first_runs))
    if first is None:
        return quiet
    came = Q(integration_id=None, created_at__gte=first.created_at)
    if first.finished_at is not None:
        came &= Q(created_at__lte=first.finished_at)
    return quiet | came


def _due(shown: QuerySet[Invoice], dates: DueDates) -> QuerySet[Invoice]:
    return shown.filter(is_open(), due_on__gte=dates.first, due_on__lte=dates.last)


def _decide(rules: NoticeRules, kind: NoticeKind, pairs: Sequence[Pair], now: datetime) -> None:
    """Write a row for each pair, with its mail for those who get it at once."""
    chosen = choices_for(rules, {pair.user_id for pair in pairs})
    wishes = {
        pair: Frequency.OFF if pair.is_quiet else frequency_for(rules, chosen.get(pair.user_id))
        for pair in pairs
    }
    at_once = [pair for pair in pairs if wishes[pair] == Frequency.AT_ONCE]
    mailings = _mailings(rules, at_once, now)
    NoticeMailing.objects.bulk_create(dict.fromkeys(mailings.values()))
    Notice.objects.bulk_create(
        Notice(
            organisation_id=rules.organisation_id,
            user_id=pair.user_id,
            invoice_id=pair.invoice_id,
            kind=kind,
            mailing=mailings.get(pair),
            is_for_daily=wishes[pair] == Frequency.DAILY,
            is_muted=wishes[pair] == Frequency.OFF,
        )
        for pair in pairs
    )


def _mailings(
    rules: NoticeRules, pairs: Sequence[Pair], now: datetime
) -> dict[Pair, NoticeMailing]:
    """Return a mail for each pair; one for all of a person who would get many."""
    by_user: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        by_user[pair.user_id].append(pair)
    mailings = {}
    for user, theirs in by_user.items():
        shared = _mailing(rules, user, now) if len(theirs) > MOST_MAILS else None
        for pair in theirs:
            mailings[pair] = shared or _mailing(rules, user, now)
    return mailings


def _mailing(rules: NoticeRules, user_id: str, now: datetime) -> NoticeMailing:
    return NoticeMailing(organisation_id=rules.organisation_id, user_id=user_id, due_at=now)
