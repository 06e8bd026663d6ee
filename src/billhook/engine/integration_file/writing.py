"""Commands and steps as the tables that stand in a file, without what is as by default."""

from __future__ import annotations

from typing import Any, Final

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

_SETTINGS: Final = ("tokens", "accept", "redirects", "timeout", "max_bytes", "retries")
_SWITCHES: Final = ("side_effects", "repeatable", "compressed")
_COMPARISONS: Final = ("equals", "not_equals", "exists")


def command_table(config: CommandConfig) -> dict[str, Any]:
    """Return *config* as the table that stands in a file, without what is as by default."""
    if len(config.steps) == 1 and not config.steps[0].name:
        table = step_table(config.steps[0])
    else:
        table = {"steps": [step_table(step) for step in config.steps]}
    defaults = CommandConfig(name="", steps=())
    for key in _SETTINGS:
        value = getattr(config, key)
        if value != getattr(defaults, key):
            table[key] = list(value) if isinstance(value, tuple) else value
    return table


def step_table(step: StepConfig) -> dict[str, Any]:
    """Return *step* as its table."""
    table: dict[str, Any] = {"name": step.name} if step.name else {}
    table |= {"method": step.method, "url": step.url}
    if step.headers:
        table["headers"] = [list(pair) for pair in step.headers]
    if step.body:
        table["body"] = step.body
    if step.sign_in is not None:
        table["sign_in"] = step.sign_in
    table |= {key: True for key in _SWITCHES if getattr(step, key)}
    return table | _parts_of_step(step)


def _parts_of_step(step: StepConfig) -> dict[str, Any]:
    parts: dict[str, Any] = {
        "derive": {each.name: _derive_value(each) for each in step.derive},
        "extract": {each.name: _extract_value(each) for each in step.extract},
        "success_when": [condition_table(each) for each in step.success_when],
        "not_found_when": [condition_table(each) for each in step.not_found_when],
        "on_not_found": [step_table(each) for each in step.on_not_found],
    }
    parts = {key: value for key, value in parts.items() if value}
    if step.repeat_until is not None:
        parts["repeat_until"] = _repeat_table(step.repeat_until)
    if step.answer is not None:
        parts["answer"] = _answer_table(step.answer)
    return parts


def _derive_value(config: DeriveConfig) -> str | dict[str, Any]:
    if not config.function:
        return config.template
    return {"template": config.template, "function": config.function}


def _extract_value(config: ExtractConfig) -> str | dict[str, Any]:
    table = path_table(config.path)
    defaults = ExtractConfig(name="", path=config.path)
    for key in ("none", "many", "secret", "url"):
        value = getattr(config, key)
        if value != getattr(defaults, key):
            table[key] = value
    return config.path.text if list(table) == ["json"] else table


def path_table(path: PathConfig) -> dict[str, Any]:
    """Return *path* as the keys that say it."""
    table: dict[str, Any] = {path.kind: path.text}
    return table | {"namespaces": dict(path.namespaces)} if path.namespaces else table


def _path_value(path: PathConfig) -> str | dict[str, Any]:
    table = path_table(path)
    return path.text if list(table) == ["json"] else table


def condition_table(config: ConditionConfig) -> dict[str, Any]:
    """Return *config* as its table."""
    table: dict[str, Any] = {"status": list(config.status)} if config.status else {}
    if config.path is not None:
        table |= path_table(config.path)
    table |= {
        key: getattr(config, key) for key in ("body_contains", "matches") if getattr(config, key)
    }
    if config.one_of:
        table["one_of"] = list(config.one_of)
    return table | {
        key: getattr(config, key) for key in _COMPARISONS if getattr(config, key) is not None
    }


def _repeat_table(config: RepeatConfig) -> dict[str, Any]:
    return {
        "when": [condition_table(each) for each in config.when],
        "pause": config.pause,
        "times": config.times,
    }


def _answer_table(config: AnswerConfig) -> dict[str, Any]:
    place = True if config.path is None else _path_value(config.path)
    table: dict[str, Any] = {config.kind: config.pattern if config.kind == "zip" else place}
    if config.sign_in:
        table["sign_in"] = True
    for key, fact in (("name", config.name), ("type", config.type)):
        if fact is not None:
            table[key] = _fact_value(fact)
    return table


def _fact_value(fact: FactConfig) -> str | dict[str, Any]:
    if fact.path is not None and not fact.template:
        return _path_value(fact.path)
    table = {} if fact.path is None else path_table(fact.path)
    return table | ({"template": fact.template} if fact.template else {})
