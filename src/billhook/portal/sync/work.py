"""The story of a sync, in turns of its job.

A run reads the parts of the lists that are due, page by page; each page is written at once, with
the place where to go on. Then it settles: invoices whose customer has become known are assigned,
rows that waited are written, absent rows are hidden, or a member is asked.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import structlog
from django.utils import timezone

from billhook.engine.errors import BillhookError, ListParked
from billhook.engine.integration import CompiledIntegration
from billhook.engine.listing.pace import ListPace
from billhook.engine.listing.page import ListedPage
from billhook.engine.listing.plan import FULL, ListMemory
from billhook.engine.listing.rules import remember, remember_slice
from billhook.portal.documents.invoice_document import INVOICE_COMMAND
from billhook.portal.jobs.turn import Turn
from billhook.portal.nodes.pauses import pause_board
from billhook.portal.sync.access import customer_ids, other_integrations, source_to_work_on
from billhook.portal.sync.effects import Tally
from billhook.portal.sync.failures import has_failed, has_succeeded
from billhook.portal.sync.member_mail import mail_members
from billhook.portal.sync.models import (
    Question,
    RememberedList,
    SyncRun,
    SyncSource,
    SyncState,
    WaitsFor,
)
from billhook.portal.sync.pages import PageWriter
from billhook.portal.sync.position import open_position, seal_position
from billhook.portal.sync.progress import PlannedPart, SyncProgress
from billhook.portal.sync.reader import (
    PageTooSlow,
    SeenCertificates,
    SourceReader,
    open_reader,
    short_pause,
)
from billhook.portal.sync.runs import begin_run, memory_of, wiring_of
from billhook.portal.sync.scope import CONTACTS, INVOICES, SyncScope
from billhook.portal.sync.settling import (
    Settling,
    command_of,
    count_absent,
    doubts_about_absence,
    doubts_about_changes,
    lists_that_ended,
)

log = structlog.get_logger("billhook.sync")
_PACED_KEPT: Final = 1000
_REASONS_KEPT: Final = 50
Steps = list[tuple[str, Callable[[], bool]]]
"""Steps with their names, in order; each is repeated as long as it returns True."""
_HELD: Final = (WaitsFor.AMOUNT, WaitsFor.MOVE, WaitsFor.CONTACT)


def sync_turn(turn: Turn) -> None:
    """Do one turn of the sync of an integration: read pages, or settle the run."""
    source = source_to_work_on(turn.subject)
    wiring = wiring_of(source) if source is not None else None
    if source is None or wiring is None or INVOICES not in wiring.integration.lists:
        turn.finish(note="There is no list to sync.")
        return
    if source.is_stopped or not source.is_on:
        turn.finish(note="It waits for a member." if source.is_stopped else "It isn't started.")
        return
    run = begin_run(source, wiring.integration, now=timezone.now())
    active = ActiveRun.of(turn, source, run, wiring.integration)
    if active.still_waits():
        return
    pause = pause_board().pause_of(source.integration_id, INVOICE_COMMAND)
    if pause is not None and run.resume_at is None:  # once: a source that stays away is a failure
        active.park(pause.until - time.time(), note="The source has failed: it is left alone.")
        return
    try:
        if not active.progress.is_read:
            with open_reader(wiring) as reader:
                active.read(reader)
        while turn.goes_on and active.progress.is_read and active.settle():
            turn.rest()
    except ListParked as parked:
        active.park(parked.seconds)
    except (BillhookError, PageTooSlow) as error:
        active.fail(error)
    else:
        active.end_turn()


@dataclass(slots=True, kw_only=True)
class ActiveRun:
    """One run of a sync during one turn of its job."""

    turn: Turn
    source: SyncSource
    run: SyncRun
    scope: SyncScope
    progress: SyncProgress
    tallies: dict[str, Tally] = field(default_factory=dict)
    is_settled: bool = False

    @classmethod
    def of(
        cls, turn: Turn, source: SyncSource, run: SyncRun, integration: CompiledIntegration
    ) -> ActiveRun:
        """Return *run* as it goes on in this turn."""
        scope = SyncScope(
            organisation=source.integration.organisation,
            integration_id=source.integration_id,
            lists=integration.lists,
            takes_over=source.takes_over,
            now=timezone.now(),
            others=other_integrations(source),
        )
        progress = SyncProgress.from_json(run.progress)
        return cls(turn=turn, source=source, run=run, scope=scope, progress=progress)

    # -- reading -----------------------------------------------------------------------------

    def read(self, reader: SourceReader) -> None:
        """Read the parts that are due, as long as the turn goes on."""
        pace = self._pace()
        try:
            while not self.progress.is_read and self.turn.goes_on:
                if self.progress.part >= len(self.run.parts):
                    self._end_reading()
                else:
                    self.read_part(reader, pace)
        finally:
            self._note_pace(pace)
            self._note_certificates(reader.certificates)

    def read_part(self, reader: SourceReader, pace: ListPace) -> None:
        """Read pages of one part, and write them."""
        planned = PlannedPart.from_json(self.run.parts[self.progress.part])
        pages = reader.pages(
            planned.command,
            planned.part,
            position=open_position(self.source, self.run),
            customers=self.customers(planned),
            pace=pace,
            run_id=self.run.id,
        )
        self.take_pages(planned, pages)

    def take_pages(self, planned: PlannedPart, pages: Generator[ListedPage, None, None]) -> None:
        """Take pages as long as the turn goes on."""
        requests, is_empty = 0, True
        with closing(pages):
            for page in pages:
                is_empty = False
                self.run.requests += page.requests - requests
                requests = page.requests
                self.write(planned, page)
                self.turn.rest()
                if page.is_last or not self.turn.goes_on:
                    break
        if is_empty:  # a list for each customer, and there are none
            self.progress.next_part()

    def customers(self, planned: PlannedPart) -> list[str]:
        """Return the customers whose contacts are asked for one by one."""
        if planned.command != CONTACTS or not self.scope.lists[CONTACTS].for_each:
            return []
        return customer_ids(self.scope.organisation, self.scope.integration_id)

    def write(self, planned: PlannedPart, page: ListedPage) -> None:
        """Write the rows of *page*, and then the place where to go on."""
        is_full = planned.part.kind == FULL
        writer = self.writer(counts_absent=is_full)
        writer.write(planned.command, page.rows, self.tally_of(planned.command))
        if is_full:
            writer.note_skipped(planned.command, page)
        for problem in (*page.skipped, *page.remarks):
            self.tally_of(planned.command).note(problem.code, problem.message)
        self.note_page(planned, page)

    def note_page(self, planned: PlannedPart, page: ListedPage) -> None:
        """Store that *page* was taken, with the place where to go on."""
        self.run.rows += len(page.rows) + len(page.skipped)
        progress = self.progress
        progress.pages += 1
        progress.began = page.began
        if page.newest_change is not None:
            progress.newest = max(filter(None, (progress.newest, page.newest_change)))
        is_again = page.is_last and self.reads_again(planned, page)  # it may count for long
        with self.turn.saving():
            self._remember(planned, page, is_again=is_again)
            self.save()
            self.turn.report(
                done=self.run.rows, total=_total(self.run, page), note=_note(planned, page)
            )

    def _remember(self, planned: PlannedPart, page: ListedPage, *, is_again: bool) -> None:
        """Remember how far the list has been read; its rows are stored."""
        self.run.position = seal_position(self.source, page.position)
        memory = memory_of(self.source, planned.command)
        if page.is_last:
            self._end_part(planned, page, memory, is_again=is_again)
        elif page.slice_is_over:
            self.keep(planned.command, remember_slice(memory, planned.part, page.slice))

    def _end_part(
        self, planned: PlannedPart, page: ListedPage, memory: ListMemory, *, is_again: bool
    ) -> None:
        self.run.position = b""
        if is_again:
            self.progress.is_second = True
            self.progress.begin_part()
            return
        listing = self.scope.lists[planned.command]
        memory = remember(
            memory,
            listing,
            planned.part,
            newest=self.progress.newest,
            began=page.began,
            now=self.run.started_at,
            validators=page.validators,
        )
        self.keep(planned.command, memory)
        self.progress.next_part()

    def reads_again(self, planned: PlannedPart, page: ListedPage) -> bool:
        """Compare a whole list that was read to its end; return whether to read it once more.

        Rows that move between pages can be missed, so a list of several pages is read twice before
        anything that it lacks is hidden.
        """
        if page.not_modified or not planned.part.can_hide:
            return False
        if not page.complete:
            sentence = "The list ended before its own total, so nothing was hidden."
            self.tally_of(planned.command).note("list-incomplete", sentence)
            return False
        lists = lists_that_ended(self.scope, planned.command)
        if self.progress.pages > 1 and not self.progress.is_second:
            writer = self.writer(counts_absent=True)
            if any(count_absent(writer, list_)[0] for list_ in lists):
                return True
        self.progress.ended += lists
        return False

    def keep(self, command: str, memory: ListMemory) -> None:
        """Remember how far a list has been read."""
        RememberedList.objects.update_or_create(
            source=self.source, command=command, defaults={"memory": memory.to_json()}
        )

    def _end_reading(self) -> None:
        self.progress.is_read = True
        with self.turn.saving():
            self.save()

    # -- settling ----------------------------------------------------------------------------

    def settle(self) -> bool:
        """Do the next step of the end; return whether there is more to do."""
        if self.do_next(self._steps(Settling(writer=self.writer(), tally=self.tally_of(INVOICES)))):
            return True
        self._end()
        return False

    def do_next(self, steps: Steps) -> bool:
        """Do a little of the first step that isn't done; return False if all of them are.

        A step that is done isn't begun again: the next ones may forget what it needs.
        """
        for name, step in steps:
            if self.progress.settled >= name:
                continue
            if not step():
                self.progress.settled = name
                with self.turn.saving():
                    self.save()
            return True
        return False

    def _steps(self, settling: Settling) -> Steps:
        """Return the steps of the end in their order; each is repeated while it has more to do."""
        return [
            ("1 assign", settling.assign),
            ("2 ask", self._ask),
            ("3 write", lambda: any(settling.apply(kind) for kind in self._undoubted())),
            ("4 hide", lambda: any(map(settling.hide, self.progress.ended))),
            ("5 drop", lambda: any(map(settling.drop_absent_waiting, self._ended_commands()))),
            ("6 seen", settling.forget_seen),
            ("7 old", settling.forget_old),
        ]

    def _ended_commands(self) -> list[str]:
        return [list_ for list_ in self.progress.ended if list_ == command_of(list_)]

    def _undoubted(self) -> list[WaitsFor]:
        return [kind for kind in _HELD if kind.value not in self.progress.doubted]

    def _ask(self) -> bool:
        """Ask a member about what looks wrong; it waits, and the rest is done."""
        writer = self.writer()
        doubts = []
        for kind, sentence in doubts_about_changes(writer):
            self.progress.doubted.append(kind.value)
            doubts.append(sentence)
        for list_ in list(self.progress.ended):
            for sentence in doubts_about_absence(writer, list_):
                self.progress.ended.remove(list_)
                self.progress.doubted.append(list_)
                doubts.append(sentence)
        with self.turn.saving():
            others = SyncRun.objects.filter(source=self.source, question=Question.OPEN)
            if doubts:
                is_known = others.exclude(id=self.run.id).update(question=Question.NONE)
                self.run.question, self.run.doubts = Question.OPEN, doubts
                if not is_known:
                    subject = "{name}: is this right?"
                    mail_members(
                        self.source, subject=subject, template="sync_asks.txt", doubts=doubts
                    )
            self.save()
        return False

    def _end(self) -> None:
        self.run.state, self.run.ended_at = SyncState.DONE, timezone.now()
        is_full = any(each["part"]["kind"] == FULL for each in self.run.parts)
        self.is_settled = True
        with self.turn.saving():
            self.save()
            has_succeeded(self.source, self.run, is_full=is_full)
            self.turn.finish(note=f"{self.run.rows} rows")

    # -- the end of a turn -------------------------------------------------------------------

    def end_turn(self) -> None:
        """Ask for another turn unless the run has ended."""
        if self.is_settled:
            log.info("sync-ended", integration=self.source.integration_id, rows=self.run.rows)
            return
        with self.turn.saving():
            self.save()
            self.turn.again()

    def still_waits(self) -> bool:
        """Go on later where the source may not be asked yet; return whether that is so."""
        if self.run.resume_at is None or self.run.resume_at <= timezone.now():
            return False
        self.turn.again(after=self.run.resume_at - timezone.now())
        return True

    def park(self, seconds: float, *, note: str = "The source asks for a pause.") -> None:
        """Go on when the source may be asked again."""
        wait = timedelta(seconds=max(1.0, seconds))
        with self.turn.saving():
            self.run.resume_at = timezone.now() + wait
            self.save()
            self.turn.report(note=note)
            self.turn.again(after=wait)

    def fail(self, error: Exception) -> None:
        """Keep the place, and the reason for members; the next run goes on from there."""
        with self.turn.saving():
            self.run.state, self.run.ended_at = SyncState.FAILED, timezone.now()
            self.save()
            reason = has_failed(self.source, self.run, error)
            self.turn.fail(reason)
        log.warning("sync-failed", integration=self.source.integration_id, code=self.run.code)

    # -- the parts of all this ---------------------------------------------------------------

    def tally_of(self, command: str) -> Tally:
        """Return the tally of this turn; effects are counted by command when it is stored."""
        return self.tallies.setdefault(command, Tally())

    def writer(self, *, counts_absent: bool = False) -> PageWriter:
        """Return what writes rows in this turn."""
        return PageWriter(
            source=self.source,
            run=self.run,
            scope=self.scope,
            saving=self.turn.saving,
            fitting=self.turn.fitting,
            rest=self.turn.rest,
            counts_absent=counts_absent,
        )

    def _pace(self) -> ListPace:
        """Return the pace towards the source, with the requests of the turns before."""
        today, now = timezone.now().date(), time.time()
        return ListPace(
            self.scope.lists[INVOICES].limits,
            used_today=self.source.used_today if self.source.used_on == today else 0,
            sent_ago=[now - at for at in self.progress.paced],
            sleep=short_pause,
        )

    def _note_pace(self, pace: ListPace) -> None:
        now = time.time()
        self.progress.paced = [now - ago for ago in pace.sent_ago()][-_PACED_KEPT:]
        self.source.used_on, self.source.used_today = timezone.now().date(), pace.used_today
        self.source.save(update_fields=["used_on", "used_today"])

    def _note_certificates(self, seen: SeenCertificates | None) -> None:
        if seen is not None:
            source = self.source
            source.certificate_ends, source.certificate_seen_at = seen.end, timezone.now()
            source.save(update_fields=["certificate_ends", "certificate_seen_at"])

    def save(self) -> None:
        """Store the run with what was counted since; the caller has the transaction."""
        for command, tally in self.tallies.items():
            add_to_run(self.run, command, tally)
        self.tallies.clear()
        self.run.progress = self.progress.to_json()
        self.run.save()


def add_to_run(run: SyncRun, command: str, tally: Tally) -> None:
    """Add what was counted for *command* to the counts of *run*."""
    before: dict[str, dict[str, int]] = run.counts.get(command, {})
    run.counts = {
        **run.counts,
        command: {
            name: dict(Counter(before.get(name, {})) + Counter(counted))
            for name, counted in tally.to_json().items()
        },
    }
    reasons = dict(run.reasons)
    for code, (number, sentence) in tally.reasons.items():
        known, first = reasons.get(code, (0, sentence))
        if code in reasons or len(reasons) < _REASONS_KEPT:
            reasons[code] = [known + number, first]
    run.reasons = reasons


def _total(run: SyncRun, page: ListedPage) -> int | None:
    """Return the rows of *run* so far, with those that its present list still has."""
    return None if page.total is None else run.rows + max(0, page.total - page.seen)


def _note(planned: PlannedPart, page: ListedPage) -> str:
    return f"{planned.command}, page {page.number}"
