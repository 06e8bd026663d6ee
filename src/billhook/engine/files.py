"""The integration file: TOML to and from what was typed, loss-free, with every mistake told."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final, NoReturn

from billhook.engine.config import (
    DEFAULT_ACCEPT,
    DEFAULT_MAX_BYTES,
    DEFAULT_TIMEOUT,
    CommandConfig,
    IntegrationConfig,
    StepConfig,
)
from billhook.engine.errors import ConfigurationError, Problem
from billhook.engine.tables import Table
from billhook.engine.toml_text import LINE_LENGTH, find_line, lines_by_path, write_key, write_pair

FORMAT: Final = 1
MAX_FILE_BYTES: Final = 1_000_000
STEP_KEYS: Final = ("method", "url", "headers", "body")
_TOML_PLACE: Final = re.compile(r"\(at (?:line (\d+), column (\d+)|end of document)\)")
_BINARY: Final = "This is not a text file in UTF-8. An integration file is TOML, saved as UTF-8."


def read_integration(source: str | bytes) -> IntegrationConfig:
    """Read an integration file; raise ConfigurationError with every mistake of its form.

    What the texts inside mean is judged later, when a command is compiled.
    """
    config, problems = examine_integration(decode_file(source))
    if problems:
        raise ConfigurationError(problems)
    return config


def examine_integration(text: str) -> tuple[IntegrationConfig, tuple[Problem, ...]]:
    """Read an integration file as far as it can be read, and return the mistakes of its form.

    Raises ConfigurationError only if it isn't TOML at all.
    """
    problems: list[Problem] = []
    config = _read_file(Table(_parse(text), "", problems))
    return config, locate(problems, text)


def locate(problems: Iterable[Problem], text: str) -> tuple[Problem, ...]:
    """Return *problems* with their lines in the file *text*, in the order of the file."""
    lines = lines_by_path(text)
    found = [
        problem if problem.line else replace(problem, line=find_line(lines, problem.where))
        for problem in problems
    ]
    return tuple(sorted(found, key=lambda problem: problem.line or 0))


def decode_file(source: str | bytes) -> str:
    """Return the text of a file; raise ConfigurationError if it is too long or none."""
    if len(source) > MAX_FILE_BYTES:
        _fail("too-long", f"An integration file may have {MAX_FILE_BYTES:,} bytes at most.")
    if isinstance(source, str):
        return source.removeprefix("\ufeff")
    try:
        text = source.decode("utf-8-sig")
    except UnicodeDecodeError:
        _fail("not-text", _BINARY)
    if "\0" in text:
        _fail("not-text", _BINARY)
    return text


def _fail(code: str, message: str, line: int | None = None) -> NoReturn:
    raise ConfigurationError((Problem(code=code, message=message, line=line),))


def _parse(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = _TOML_PLACE.search(str(error))
        line = int(place[1]) if place and place[1] else text.count("\n") + 1
        column = f", column {place[2]}" if place and place[2] else ""
        cause = _toml_cause(str(error))
        _fail("invalid-toml", f"The file is not valid TOML at line {line}{column}: {cause}", line)
    except RecursionError:
        _fail("invalid-toml", "The file's lists and tables are nested too deep.")


def _toml_cause(message: str) -> str:
    if any(word in message for word in ("twice", "overwrite", "mutate", "Duplicate")):
        return "the same key or table stands there a second time. Remove one of the two."
    if "hex" in message or "\\" in message:
        return "in double quotes, a backslash is written twice. Or use single quotes."
    if "string" in message or "Illegal character" in message:
        return "a text has no end, or holds what must be escaped. Check its quotes."
    return "a line is KEY = VALUE, text stands in quotes, and brackets are closed."


def _read_file(table: Table) -> IntegrationConfig:
    version = table.value("format")
    if "format" not in table:
        table.complain("missing-key", '"format" is missing. Write format = 1 at the top.')
    elif version != FORMAT or type(version) is not int:
        table.complain("unknown-format", f"This version reads format = {FORMAT}.", key="format")
    if "integration" not in table:
        message = 'The table [integration] is missing. Write it with a name = "…".'
        table.complain("missing-key", message)
    integration = Table(table.value("integration") or {}, "integration", table.problems)
    commands = table.value("commands")
    config = IntegrationConfig(
        name=integration.required_text("name", "Acme billing") if "integration" in table else "",
        variables=integration.text_table("variables"),
        secrets=integration.texts("secrets"),
        commands=_read_commands(Table(commands or {}, "commands", table.problems), commands or {}),
    )
    integration.end()
    table.end()
    return config


def _read_commands(table: Table, names: Any) -> tuple[CommandConfig, ...]:
    return tuple(
        read_command(name, Table(table.value(name), table.place(name), table.problems))
        for name in (names if isinstance(names, Mapping) else ())
    )


def read_command(name: str, table: Table) -> CommandConfig:
    """Read one command's table."""
    config = CommandConfig(
        name=name,
        steps=_read_steps(table),
        tokens=table.texts("tokens"),
        accept=table.texts("accept", DEFAULT_ACCEPT),
        redirects=table.text("redirects", "follow"),
        timeout=table.number("timeout", DEFAULT_TIMEOUT),
        max_bytes=table.integer("max_bytes", DEFAULT_MAX_BYTES),
    )
    table.end()
    return config


def _read_steps(table: Table) -> tuple[StepConfig, ...]:
    if "steps" not in table:
        return (_read_step(table),)
    for key in STEP_KEYS:
        if table.value(key) is not None:
            message = f'With [[steps]], "{key}" stands in a step, not beside the steps. Move it.'
            table.complain("misplaced-key", message, key=key)
    steps = table.tables("steps")
    configs = tuple(_read_step(step, name=step.text("name")) for step in steps)
    for step in steps:
        step.end()
    return configs


def _read_step(table: Table, name: str = "") -> StepConfig:
    return StepConfig(
        name=name,
        method=table.text("method", "GET"),
        url=table.required_text("url", "https://billing.example.com/items/{{InvoiceNumber}}"),
        headers=table.pairs("headers"),
        body=table.text("body"),
    )


def write_integration(config: IntegrationConfig) -> str:
    """Write *config* as an integration file. Reading it gives an equal value."""
    blocks = [f"format = {FORMAT}\n", _integration_block(config)]
    blocks += [_command_block(command) for command in config.commands]
    return "\n".join(blocks)


def _integration_block(config: IntegrationConfig) -> str:
    lines = ["[integration]", write_pair("name", config.name)]
    inline = write_pair("variables", config.variables)
    fits = len(inline) <= LINE_LENGTH and "\n" not in inline
    if config.variables and fits:
        lines.append(inline)
    if config.secrets:
        lines.append(write_pair("secrets", list(config.secrets)))
    if config.variables and not fits:
        pairs = [write_pair(name, value) for name, value in config.variables.items()]
        lines += ["", "[integration.variables]", *pairs]
    return "\n".join(lines) + "\n"


def _command_block(config: CommandConfig) -> str:
    table = command_table(config)
    steps = table.pop("steps", [])
    head = f"commands.{write_key(config.name)}"
    blocks = [[f"[{head}]", *(write_pair(key, value) for key, value in table.items())]]
    blocks += [
        [f"[[{head}.steps]]", *(write_pair(key, value) for key, value in step.items())]
        for step in steps
    ]
    return "\n".join("\n".join(lines) + "\n" for lines in blocks)


def command_table(config: CommandConfig) -> dict[str, Any]:
    """Return *config* as the table that stands in a file, without what is as by default."""
    if len(config.steps) == 1 and not config.steps[0].name:
        table = _step_table(config.steps[0])
    else:
        table = {"steps": [_step_table(step) for step in config.steps]}
    defaults = CommandConfig(name="", steps=())
    settings = {
        "tokens": list(config.tokens),
        "accept": list(config.accept),
        "redirects": config.redirects,
        "timeout": config.timeout,
        "max_bytes": config.max_bytes,
    }
    for key, value in settings.items():
        default = getattr(defaults, key)
        if value != (list(default) if isinstance(default, tuple) else default):
            table[key] = value
    return table


def _step_table(step: StepConfig) -> dict[str, Any]:
    table: dict[str, Any] = {"name": step.name} if step.name else {}
    table |= {"method": step.method, "url": step.url}
    if step.headers:
        table["headers"] = [list(pair) for pair in step.headers]
    if step.body:
        table["body"] = step.body
    return table


def command_to_json(config: CommandConfig) -> dict[str, Any]:
    """Return *config* as plain values for a database or an API: its table, with its name."""
    return {"name": config.name, **command_table(config)}


def command_from_json(data: Mapping[str, Any]) -> CommandConfig:
    """Return the command that :func:`command_to_json` made *data* of.

    Raises ConfigurationError with every mistake, so *data* may come from outside.
    """
    problems: list[Problem] = []
    name = data.get("name")
    if not isinstance(name, str):
        _fail("missing-key", 'A command needs a "name".')
    rest = {key: value for key, value in data.items() if key != "name"}
    config = read_command(name, Table(rest, f"commands.{name}", problems))
    if problems:
        raise ConfigurationError(tuple(problems))
    return config
