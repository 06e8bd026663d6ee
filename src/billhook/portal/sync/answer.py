"""The turns of the job that does what a member answered to the safeguard's question."""

from __future__ import annotations

from billhook.portal.jobs.turn import Turn
from billhook.portal.sync.access import answered_run
from billhook.portal.sync.models import Question, WaitsFor
from billhook.portal.sync.runs import wiring_of
from billhook.portal.sync.scope import INVOICES
from billhook.portal.sync.settling import Settling
from billhook.portal.sync.work import ActiveRun, Steps


def answer_turn(turn: Turn) -> None:
    """Write what waited, and hide what is absent, if the answer was to apply it."""
    run = answered_run(turn.subject)
    wiring = wiring_of(run.source) if run is not None else None
    if run is None or wiring is None or INVOICES not in wiring.integration.lists:
        turn.finish(note="There is nothing to do any more.")
        return
    active = ActiveRun.of(turn, run.source, run, wiring.integration)
    settling = Settling(writer=active.writer(), tally=active.tally_of(INVOICES))
    steps = _steps(active, settling, is_applied=run.question == Question.APPLIED)
    has_more = True
    while has_more and turn.goes_on:
        has_more = active.do_next(steps)
        turn.rest()
    with turn.saving():
        active.save()
        if has_more:
            turn.again()


def _steps(active: ActiveRun, settling: Settling, *, is_applied: bool) -> Steps:
    """Return the steps in their order; the last one forgets what hiding needs."""
    doubted = active.progress.doubted if is_applied else []
    kinds = [kind for kind in WaitsFor if kind.value in doubted]
    lists = [each for each in doubted if each not in WaitsFor.values]
    return [
        ("1 write", lambda: any(settling.apply(kind) for kind in kinds)),
        ("2 hide", lambda: any(settling.hide(list_) for list_ in lists)),
        ("3 seen", settling.forget_seen),
    ]
