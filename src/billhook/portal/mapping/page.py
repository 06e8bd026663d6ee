"""The result of trying a list command, for its template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from billhook.engine.tokens.masking import mask
from billhook.portal.editor.command_row import LIST_PART, command_kind
from billhook.portal.editor.form import EditorForm
from billhook.portal.editor.lists.rows import LIST
from billhook.portal.editor.lists.words import FIELD_WORDS, FIELDS_OF_LIST, REQUIRED_FIELDS
from billhook.portal.editor.row_views import ShownProblem, problems_in
from billhook.portal.mapping.sample_form import OfferedField, offered_fields, rows_text
from billhook.portal.mapping.trial import ROWS, ListSent
from billhook.portal.trying.page import may_show_list, timed
from billhook.portal.trying.places import look_at

_FACTS: Final = (
    ("number", "Number"),
    ("date", "Date"),
    ("due_date", "Due"),
    ("customer_name", "Customer"),
    ("name", "Name"),
    ("customer", "Customer's id"),
    ("email", "E-mail"),
    ("amount", "Amount"),
    ("open_amount", "Open"),
    ("currency", "Currency"),
    ("status", "Status"),
    ("id", "Id"),
)
"""The columns of mapped rows, as far as the rows have them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSample:
    """The fields of a sample for people: what each may be used as, and where its rows are."""

    form: str
    rows: str
    choices: Sequence[tuple[str, str]]
    fields: Sequence[OfferedField]
    uses: Sequence[tuple[str, str]]
    command: str
    delimiter: str = ""
    encoding: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRows:
    """Mapped rows for people: the columns that any of them has, and a line for each."""

    columns: Sequence[str]
    lines: Sequence[Sequence[str]]


def list_facts(sent: ListSent, form: EditorForm) -> dict[str, Any]:
    """Return the values for the template of the result of *sent*."""
    may_show = may_show_list(sent.trial)
    return {
        "listed": sent,
        "verdict_of_list": _verdict(sent),
        "attempts": timed(sent.attempts),
        "sample": _shown_sample(sent, form) if may_show else None,
        "is_private": not may_show,
        "mapped": _shown_rows(sent) if sent.page is not None else None,
        "map_problems": _problems(sent, form),
        "effects": _effects(sent),
    } | _look(sent, form)


def _verdict(sent: ListSent) -> str:
    if sent.error is not None:
        return sent.error.public_message
    if sent.sample is None or sent.sample.chosen is None:
        return "The response has no list of rows."
    rows = sent.sample.chosen.count
    count = "1 row" if rows == 1 else f"{rows:,} rows"
    if sent.page is None:
        return f"The response has {count}. Choose what each field is, then use them."
    return f"The response has {count}. This is what the portal would make of them."


def _look(sent: ListSent, form: EditorForm) -> dict[str, Any]:
    if sent.error is None:
        return {}
    look = look_at(sent.error, sent.trial, form)
    return {"look": look}


def _shown_sample(sent: ListSent, form: EditorForm) -> ShownSample | None:
    sample = sent.sample
    if sample is None or sample.chosen is None:
        return None
    row = form.commands[form.tried]
    name = command_kind().value(row, "name")
    required = REQUIRED_FIELDS[name]
    return ShownSample(
        form=sample.form,
        rows=rows_text(sample, sample.chosen.path),
        choices=[(each.path, f"{each.path} ({each.count})") for each in sample.found],
        fields=[_masked(each, sent) for each in offered_fields(sample, form)],
        uses=[
            (field, FIELD_WORDS[field] + (" (needed)" if field in required else ""))
            for field in FIELDS_OF_LIST[name]
        ],
        command=f"command-{form.tried}",
        delimiter=sample.delimiter,
        encoding=sample.encoding,
    )


def _masked(field: OfferedField, sent: ListSent) -> OfferedField:
    texts = tuple(mask(text, sent.hidden) for text in field.texts)
    return OfferedField(
        number=field.number,
        path=mask(field.path, sent.hidden),
        shown=mask(field.shown, sent.hidden),
        texts=texts,
        use=field.use,
        is_guess=field.is_guess,
    )


def _shown_rows(sent: ListSent) -> ShownRows:
    rows = sent.page.rows[:ROWS] if sent.page else ()
    facts = [
        (key, label)
        for key, label in _FACTS
        if any(getattr(row, key, None) not in {None, "", ()} for row in rows)
    ]
    return ShownRows(
        columns=[label for _, label in facts],
        lines=[[_text(getattr(row, key, ""), sent) for key, _ in facts] for row in rows],
    )


def _text(value: Any, sent: ListSent) -> str:
    text = ", ".join(value) if isinstance(value, tuple) else "" if value is None else str(value)
    return mask(text, sent.hidden)


def _problems(sent: ListSent, form: EditorForm) -> Sequence[ShownProblem]:
    """Return the problems of the map; that nothing is mapped yet is none of them."""
    mapped = form.commands[form.tried].at(LIST_PART).at("map")
    is_new = LIST.parts["map"].is_untouched(mapped)
    named = [each for each in sent.problems if not (is_new and each.code == "missing-key")]
    return problems_in(form, named, of_try=False).all


def _effects(sent: ListSent) -> dict[str, Any]:
    """Return how many rows would be new, changed and so on, and the reasons of those refused."""
    if sent.page is None or sent.tally is None:
        return {}
    reasons: dict[str, int] = {}
    for problem in (*sent.page.skipped, *sent.page.stops, *sent.page.remarks):
        message = mask(problem.message, sent.hidden)
        reasons[message] = reasons.get(message, 0) + 1
    for number, sentence in sent.tally.reasons.values():
        reasons[mask(sentence, sent.hidden)] = number
    left_out = len(sent.page.skipped) + len(sent.page.stops)
    counts = [(effect, count) for effect, count in sent.tally.effects.items() if count]
    return {"counts": counts, "left_out": left_out, "reasons": list(reasons.items())[:ROWS]}
