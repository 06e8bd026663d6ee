"""From the rows of a form to what the engine compiles, and back, without loss."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from billhook.engine.config import (
    AnswerConfig,
    CommandConfig,
    ConditionConfig,
    DeriveConfig,
    ExtractConfig,
    FactConfig,
    PathConfig,
    RepeatConfig,
    StepConfig,
)
from billhook.portal.editor.form_rows import (
    AnswerRow,
    CommandRow,
    ConditionRow,
    DeriveRow,
    ExtractRow,
    FactRow,
    HeaderRow,
    PathRow,
    StepRow,
)
from billhook.portal.editor.rows import Row

Scalar = str | int | float | bool
_SEPARATORS: Final = re.compile(r"[\s,;]+")
_LISTED: Final = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[^,]+)\s*(?:,|$)')
_AUTHENTICATION: Final = {"": None, "yes": True, "no": False}


def touched(rows: Iterable[Row]) -> Iterable[Row]:
    """Return the rows into which something was typed."""
    return (row for row in rows if not row.is_untouched)


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a text with commas or spaces between them."""
    return tuple(word for word in _SEPARATORS.split(text) if word)


def number_of(text: str, *, otherwise: float = 0.0) -> float:
    """Return the number in *text*, or *otherwise*: something that the engine refuses."""
    plain = text.strip().replace(",", "").replace("_", "").replace(" ", "")
    return float(plain) if re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,6})?", plain) else otherwise


def number_text(number: float) -> str:
    """Return *number* as people write it: ``30`` and not ``30.0``."""
    return str(number).removesuffix(".0")


def command_config(row: CommandRow) -> CommandConfig:
    """Return the command that stands in the fields of *row*."""
    steps = [step_config(step) for step in row.steps]
    if steps and (answer := answer_config(row.answer)) is not None:
        steps[-1] = step_config(row.steps[-1], answer)
    return CommandConfig(
        name=row.name,
        steps=tuple(steps),
        tokens=words_of(row.tokens),
        accept=words_of(row.accept),
        redirects=row.redirects,
        timeout=number_of(row.timeout),
        max_bytes=int(number_of(row.max_bytes)),
        retries=int(number_of(row.retries, otherwise=-1)),
    )


def command_row(config: CommandConfig) -> CommandRow:
    """Return the fields for *config*, as far as they can hold it."""
    answer = config.steps[-1].answer if config.steps else None
    return CommandRow(
        name=config.name,
        steps=[step_row(step) for step in config.steps],
        answer=AnswerRow() if answer is None else answer_row(answer),
        tokens=", ".join(config.tokens),
        accept=", ".join(config.accept),
        timeout=number_text(config.timeout),
        max_bytes=str(config.max_bytes),
        retries=str(config.retries),
        redirects=config.redirects,
    )


def step_config(row: StepRow, answer: AnswerConfig | None = None) -> StepConfig:
    """Return the step in *row*."""
    ready = conditions_of(row.ready)
    return StepConfig(
        name=row.name,
        method=row.method,
        url=row.url,
        headers=pairs_of(row.headers),
        body=row.body.replace("\n", "\r\n") if row.breaks == "crlf" else row.body,
        authentication=_AUTHENTICATION.get(row.authentication),
        side_effects=row.side_effects,
        repeatable=row.repeatable,
        compressed=row.compressed,
        derive=tuple(
            DeriveConfig(name=each.name, template=each.template, function=each.function)
            for each in row.derives
            if not each.is_untouched
        ),
        extract=tuple(_extract(each) for each in row.extracts if not each.is_untouched),
        success_when=conditions_of(row.success),
        not_found_when=conditions_of(row.missing),
        on_not_found=tuple(step_config(each) for each in row.inner),
        repeat_until=_repeat(row, ready) if ready else None,
        answer=answer,
    )


def step_row(config: StepConfig) -> StepRow:
    """Return the fields for *config*, but for its answer."""
    repeat = config.repeat_until or RepeatConfig(when=())
    return StepRow(
        name=config.name,
        method=config.method,
        url=config.url,
        headers=header_rows(config.headers),
        body=config.body.replace("\r\n", "\n"),
        breaks="crlf" if "\r\n" in config.body else "lf",
        authentication={None: "", True: "yes", False: "no"}[config.authentication],
        side_effects=config.side_effects,
        repeatable=config.repeatable,
        compressed=config.compressed,
        derives=[
            DeriveRow(name=each.name, template=each.template, function=each.function)
            for each in config.derive
        ],
        extracts=[_extract_row(each) for each in config.extract],
        success=condition_rows(config.success_when),
        missing=condition_rows(config.not_found_when),
        inner=[step_row(each) for each in config.on_not_found],
        ready=condition_rows(repeat.when),
        pause=number_text(repeat.pause),
        times=str(repeat.times),
    )


def _repeat(row: StepRow, when: tuple[ConditionConfig, ...]) -> RepeatConfig:
    return RepeatConfig(
        when=when,
        pause=number_of(row.pause, otherwise=float("nan")),
        times=int(number_of(row.times)),
    )


def pairs_of(rows: Iterable[HeaderRow]) -> tuple[tuple[str, str], ...]:
    """Return headers as name and value."""
    return tuple((row.name, row.value) for row in rows if not row.is_untouched)


def header_rows(pairs: Iterable[tuple[str, str]]) -> list[HeaderRow]:
    """Return the rows for headers."""
    return [HeaderRow(name=name, value=value) for name, value in pairs]


def path_config(row: PathRow) -> PathConfig:
    """Return the path in *row*."""
    return PathConfig(kind=row.how, text=row.path, namespaces=_namespaces(row.namespaces))


def _namespaces(text: str) -> dict[str, str]:
    return {
        prefix: uri for prefix, _, uri in (word.partition("=") for word in text.split()) if prefix
    }


def _namespaces_text(namespaces: dict[str, str]) -> str:
    return " ".join(f"{prefix}={uri}" for prefix, uri in namespaces.items())


def _extract(row: ExtractRow) -> ExtractConfig:
    return ExtractConfig(
        name=row.name,
        path=path_config(row),
        none=row.none,
        many=row.many,
        secret=row.secret,
        url=row.url,
    )


def _extract_row(config: ExtractConfig) -> ExtractRow:
    return ExtractRow(
        name=config.name,
        how=config.path.kind,
        path=config.path.text,
        namespaces=_namespaces_text(config.path.namespaces),
        none=config.none,
        many=config.many,
        secret=config.secret,
        url=config.url,
    )


def conditions_of(rows: Iterable[ConditionRow]) -> tuple[ConditionConfig, ...]:
    """Return the conditions in *rows*."""
    return tuple(_condition(row) for row in rows if not row.is_untouched)


def _condition(row: ConditionRow) -> ConditionConfig:
    if row.how == "status":
        numbers = (int(number_of(word)) for word in words_of(row.value))
        return ConditionConfig(status=tuple(numbers))
    if row.how == "body":
        return ConditionConfig(body_contains=row.value)
    return replace(_TESTS.get(row.test, _equals)(row.value), path=path_config(row))


def _equals(value: str) -> ConditionConfig:
    return ConditionConfig(equals=_scalar(value))


_TESTS: Final[dict[str, Callable[[str], ConditionConfig]]] = {
    "equals": _equals,
    "not_equals": lambda value: ConditionConfig(not_equals=_scalar(value)),
    "one_of": lambda value: ConditionConfig(one_of=_scalars(value)),
    "matches": lambda value: ConditionConfig(matches=value),
    "exists": lambda _: ConditionConfig(exists=True),
    "missing": lambda _: ConditionConfig(exists=False),
}


def condition_rows(configs: Iterable[ConditionConfig]) -> list[ConditionRow]:
    """Return the rows for conditions."""
    return [_condition_row(config) for config in configs]


def _condition_row(config: ConditionConfig) -> ConditionRow:
    if config.path is None:
        if config.body_contains:
            return ConditionRow(how="body", value=config.body_contains)
        return ConditionRow(how="status", value=", ".join(str(each) for each in config.status))
    test, value = _test_of(config)
    return ConditionRow(
        how=config.path.kind,
        path=config.path.text,
        namespaces=_namespaces_text(config.path.namespaces),
        test=test,
        value=value,
    )


def _test_of(config: ConditionConfig) -> tuple[str, str]:
    if config.exists is not None:
        return ("exists" if config.exists else "missing"), ""
    if config.one_of:
        return "one_of", ", ".join(_scalar_text(each, listed=True) for each in config.one_of)
    if config.matches:
        return "matches", config.matches
    if config.not_equals is not None:
        return "not_equals", _scalar_text(config.not_equals)
    return "equals", "" if config.equals is None else _scalar_text(config.equals)


def _scalar(text: str) -> Scalar:
    """Return what is compared: true, false and numbers are meant as such, unless in quotes."""
    try:
        value = json.loads(text, parse_constant=str)  # NaN and Infinity are no JSON
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, str | int | float) else text


def _scalars(text: str) -> tuple[Scalar, ...]:
    return tuple(_scalar(match[1].strip()) for match in _LISTED.finditer(text))


def _scalar_text(value: Scalar, *, listed: bool = False) -> str:
    if not isinstance(value, str):
        return json.dumps(value)
    is_plain = _scalar(value) == value and not value.startswith('"') and value.isprintable()
    fits_list = value and value == value.strip() and "," not in value
    return value if is_plain and (fits_list or not listed) else json.dumps(value)


def answer_config(row: AnswerRow) -> AnswerConfig | None:
    """Return where the document is; None if it is simply the body."""
    has_path = row.kind in {"base64", "url", "link"} and row.path.strip() != ""
    config = AnswerConfig(
        kind=row.kind,
        path=path_config(row) if has_path else None,
        pattern=row.pattern if row.kind == "zip" else "",
        authentication=row.authentication and row.kind == "url",
        name=None if row.kind == "link" else _fact(row.name),
        type=None if row.kind == "link" else _fact(row.type),
    )
    return None if config == AnswerConfig() else config


def answer_row(config: AnswerConfig) -> AnswerRow:
    """Return the fields for *config*."""
    path = config.path or PathConfig(kind="json", text="")
    return AnswerRow(
        kind=config.kind,
        how=path.kind,
        path=path.text,
        namespaces=_namespaces_text(path.namespaces),
        pattern=config.pattern,
        authentication=config.authentication,
        name=_fact_row(config.name),
        type=_fact_row(config.type),
    )


def _fact(row: FactRow) -> FactConfig | None:
    if not row.how:
        return None
    if row.how == "template":
        return FactConfig(template=row.path)
    return FactConfig(path=path_config(row))


def _fact_row(config: FactConfig | None) -> FactRow:
    if config is None:
        return FactRow()
    if config.path is None:
        return FactRow(how="template", path=config.template)
    return FactRow(
        how=config.path.kind,
        path=config.path.text,
        namespaces=_namespaces_text(config.path.namespaces),
    )
