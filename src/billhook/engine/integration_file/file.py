"""The integration file: TOML read with every problem, and written without loss."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final, NoReturn, TypeVar

from billhook.engine.config import AuthenticationConfig, CommandConfig, IntegrationConfig, TlsConfig
from billhook.engine.errors import ConfigurationError, Problem
from billhook.engine.integration_file.authentication import (
    authentication_table,
    read_authentication,
    read_tls,
    tls_table,
)
from billhook.engine.integration_file.bounds import MAX_ROWS
from billhook.engine.integration_file.former_keys import (
    rename_in_authentication,
    rename_in_file,
    rename_in_path,
    rename_in_step,
)
from billhook.engine.integration_file.lists import any_command_table, read_any_command
from billhook.engine.integration_file.tables import Table, rename_keys
from billhook.engine.integration_file.toml_text import (
    LINE_LENGTH,
    find_line,
    lines_by_path,
    write_key,
    write_pair,
)

_Config = TypeVar("_Config")
FORMAT: Final = 1
MAX_FILE_BYTES: Final = 1_000_000
MAX_KEY_PARTS: Final = 50
_TOML_PIECE: Final = re.compile(r"""[\w-]+|"[^"\n]*"|'[^'\n]*'|\.|\S|\n""")
"""Keys, texts, dots and other characters of a file; blanks are between them."""
_LISTS_OF_TABLES: Final = ("steps", "on_not_found", "passes")
_TOML_POSITION: Final = re.compile(r"\(at (?:line (\d+), column (\d+)|end of document)\)")
_BINARY: Final = "This is not a text file in UTF-8. An integration file is TOML, saved as UTF-8."


def read_integration(source: str | bytes) -> IntegrationConfig:
    """Read an integration file; raise ConfigurationError with every problem of its structure.

    The meaning of its texts is checked later, when a command is compiled.
    """
    config, problems = examine_integration(decode_file(source))
    if problems:
        raise ConfigurationError(problems)
    return config


def examine_integration(text: str) -> tuple[IntegrationConfig, tuple[Problem, ...]]:
    """Read an integration file as far as it can be read, and return the problems of its structure.

    A mistyped key is read as the nearest known one, so that it hides no other problem.
    Raises ConfigurationError only if the text isn't TOML at all.
    """
    data = rename_in_file(parse_toml(text))
    problems: list[Problem] = []
    config = _read_file(Table(data, "", problems))
    mistyped = [problem for problem in problems if problem.code == "unknown-key"]
    if rename_keys(data, mistyped):
        others: list[Problem] = []
        config = _read_file(Table(data, "", others))
        problems = [*mistyped, *(each for each in others if each.code != "unknown-key")]
    return config, locate(problems, text)


def locate(problems: Iterable[Problem], text: str) -> tuple[Problem, ...]:
    """Return *problems* with their lines in the file *text*, in the order of the file."""
    written = lines_by_path(text)
    lines = {rename_in_path(path): line for path, line in written.items()} | written
    found = [
        problem if problem.line else replace(problem, line=find_line(lines, problem.where))
        for problem in problems
    ]
    return tuple(sorted(found, key=lambda problem: problem.line or 0))


def decode_file(source: str | bytes) -> str:
    """Return the text of a file; raise ConfigurationError if it is too long or isn't text."""
    if len(source) > MAX_FILE_BYTES:
        _fail("too-long", f"An integration file can have at most {MAX_FILE_BYTES:,} bytes.")
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


def parse_toml(text: str) -> dict[str, Any]:
    """Return the tables of *text*; raise ConfigurationError, with the line, if it isn't TOML."""
    line = _line_of_long_key(text)
    if line:
        _fail("too-long", f"A key in line {line} has more than {MAX_KEY_PARTS} parts.", line)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _TOML_POSITION.search(str(error))
        line = int(found[1]) if found and found[1] else text.count("\n") + 1
        column = f", column {found[2]}" if found and found[2] else ""
        cause = _toml_cause(str(error))
        _fail("invalid-toml", f"The file is not valid TOML at line {line}{column}: {cause}", line)
    except RecursionError:
        _fail("invalid-toml", "The file's lists and tables are nested too deep.")
    except ValueError:  # Python's limit of digits, or a date that no calendar has
        _fail("invalid-toml", "The file holds a number or date that can't be read. Shorten it.")


def _line_of_long_key(text: str) -> int:
    """Return the line of a key with too many dots, or 0: reading it takes time by their square."""
    dots, was_dot = 0, True
    for match in _TOML_PIECE.finditer(text):
        is_dot = match[0] == "."
        dots = dots + 1 if is_dot and not was_dot else dots if not is_dot and was_dot else 0
        was_dot = is_dot
        if dots >= MAX_KEY_PARTS:
            return text.count("\n", 0, match.start()) + 1
    return 0


def _toml_cause(message: str) -> str:
    if any(word in message for word in ("twice", "overwrite", "mutate", "Duplicate")):
        return "the same key or table appears a second time. Remove one of the two."
    if "hex" in message or "\\" in message:
        return "in double quotes, write a backslash twice, or use single quotes."
    if "string" in message or "Illegal character" in message:
        return "a text has no end, or contains a character that must be escaped. Check its quotes."
    return "a line is KEY = VALUE, text is in quotes, and brackets are closed."


def _read_file(table: Table) -> IntegrationConfig:
    version = table.value("format")
    if "format" not in table:
        table.report("missing-key", '"format" is missing. Write format = 1 at the top.')
    elif version != FORMAT or type(version) is not int:
        table.report("unknown-format", f"This version reads format = {FORMAT}.", key="format")
    if "integration" not in table:
        message = 'The table [integration] is missing. Write it with a name = "…".'
        table.report("missing-key", message)
    integration = Table(table.value("integration") or {}, "integration", table.problems)
    commands = table.value("commands")
    config = IntegrationConfig(
        name=integration.required_text("name", "Acme billing") if "integration" in table else "",
        variables=integration.text_table("variables"),
        secrets=integration.texts("secrets"),
        authentication=read_authentication(table.table("authentication"))
        if "authentication" in table
        else None,
        tls=read_tls(table.table("tls")) if "tls" in table else None,
        commands=_read_commands(Table(commands or {}, "commands", table.problems), commands or {}),
    )
    for key in (
        "authentication",
        "tls",
        "preset",
    ):  # billhook.engine.integration_file.presets reads the last
        table.value(key)
    integration.end()
    table.end()
    return config


def _read_commands(table: Table, names: Any) -> tuple[CommandConfig, ...]:
    known = list(names if isinstance(names, Mapping) else ())
    if len(known) > MAX_ROWS:
        message = f"There are {len(known):,} commands, and {MAX_ROWS} are allowed."
        table.problems.append(Problem(code="too-many", message=message, where="commands"))
    return tuple(
        read_any_command(name, Table(table.value(name), table.path_of(name), table.problems))
        for name in known[:MAX_ROWS]
    )


def write_integration(config: IntegrationConfig) -> str:
    """Write *config* as an integration file. Reading it gives an equal value."""
    blocks = [f"format = {FORMAT}\n", _integration_block(config)]
    if config.authentication is not None:
        blocks += _blocks("authentication", authentication_table(config.authentication))
    if config.tls is not None:
        blocks += _blocks("tls", tls_table(config.tls))
    for command in config.commands:
        blocks += _blocks(f"commands.{write_key(command.name)}", any_command_table(command))
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


def _blocks(head: str, table: dict[str, Any], *, many: bool = False) -> list[str]:
    """Write *table* with its head; long values in it, and each step or pass, get own tables."""
    lines, inner = [f"[[{head}]]" if many else f"[{head}]"], []
    for key, value in table.items():
        inner_head = f"{head}.{write_key(key)}"
        if key in _LISTS_OF_TABLES:
            for step in value:
                inner += _blocks(inner_head, step, many=True)
        elif isinstance(value, dict) and (key == "request" or not _fits(key, value)):
            inner = [*_blocks(inner_head, value), *inner]
        else:
            lines.append(write_pair(key, value))
    return ["\n".join(lines) + "\n", *inner]


def _fits(key: str, value: dict[str, Any]) -> bool:
    line = write_pair(key, value)
    return len(line) <= LINE_LENGTH and "\n" not in line


def command_to_json(config: CommandConfig) -> dict[str, Any]:
    """Return *config* as plain values for a database or an API: its table, with its name."""
    return {"name": config.name, **any_command_table(config)}


def command_from_json(data: Mapping[str, Any]) -> CommandConfig:
    """Return the command that *data* was written from.

    Raises ConfigurationError with every problem, so *data* may be untrusted.
    """
    name = data.get("name")
    if not isinstance(name, str):
        _fail("missing-key", 'A command needs a "name".')
    rest = rename_in_step({key: value for key, value in data.items() if key != "name"})
    return _read_all(rest, f"commands.{name}", lambda table: read_any_command(name, table))


def authentication_to_json(config: AuthenticationConfig) -> dict[str, Any]:
    """Return *config* as plain values for a database or an API."""
    return authentication_table(config)


def authentication_from_json(data: Mapping[str, Any]) -> AuthenticationConfig:
    """Return the value that *data* was written from; raise ConfigurationError as above."""
    return _read_all(rename_in_authentication(data), "authentication", read_authentication)


def tls_to_json(config: TlsConfig) -> dict[str, Any]:
    """Return *config* as plain values for a database or an API."""
    return tls_table(config)


def tls_from_json(data: Mapping[str, Any]) -> TlsConfig:
    """Return the value that *data* was written from; raise ConfigurationError as above."""
    return _read_all(data, "tls", read_tls)


def _read_all(data: Mapping[str, Any], where: str, read: Callable[[Table], _Config]) -> _Config:
    problems: list[Problem] = []
    config = read(Table(data, where, problems))
    if problems:
        raise ConfigurationError(tuple(problems))
    return config
