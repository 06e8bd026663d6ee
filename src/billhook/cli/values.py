"""The arguments of `fill` and `run`: a file, a command, values, variables and secrets."""

from __future__ import annotations

import json
import os
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

import click

from billhook.engine.command.command import Command
from billhook.engine.config import CommandConfig, IntegrationConfig
from billhook.engine.errors import ConfigurationError, Problem, TokenError
from billhook.engine.integration import CompiledIntegration, compile_integration
from billhook.engine.integration_file.file import (
    MAX_FILE_BYTES,
    decode_file,
    examine_integration,
    locate,
)
from billhook.engine.list_config import LIST_COMMANDS, ListCommandConfig
from billhook.engine.secret import Secret
from billhook.engine.tokens.catalogue import NAME, NAME_RULE, Value, nearest
from billhook.engine.tokens.values import Values

_PKCS12: Final = b"\x30"
"""The first byte of a PKCS#12 file: a SEQUENCE of ASN.1."""
_MAX_SECRET_BYTES: Final = 65_536
_HOW_TO_GIVE: Final = (
    "A secret is given as Name=env:VARIABLE or Name=file:PATH. Its value is never given in an "
    "argument, where other programs of this machine could read it."
)
_Function = TypeVar("_Function", bound=Callable[..., Any])


def command_arguments(function: _Function) -> _Function:
    """Add the arguments and options that `fill` and `run` share, as those of :func:`prepare`."""
    for decorate in (
        click.option(
            "--variable",
            "variables",
            multiple=True,
            metavar="NAME=VALUE",
            help="Give one of the integration's variables another value.",
        ),
        click.option(
            "--secret",
            "secrets",
            multiple=True,
            metavar="NAME=env:VAR|file:PATH",
            help="Where a secret's value is read from.",
        ),
        click.argument("values", nargs=-1, metavar="[NAME=VALUE | NAME:=JSON]..."),
        click.argument("command"),
        click.argument("file", type=click.Path(path_type=Path)),
    ):
        function = decorate(function)
    return function


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedCommand:
    """One command of a file with everything that it takes to fill and to send it.

    ``integration`` has this command alone. ``tokens`` are the values as given, ``values`` the same
    after their check.
    """

    integration: CompiledIntegration
    command: Command
    tokens: Mapping[str, Value]
    values: Values
    secrets: dict[str, Secret]


def prepare(
    *,
    file: Path,
    command: str,
    values: Iterable[str],
    secrets: Iterable[str],
    variables: Iterable[str],
    stand_in: Secret | None = None,
    run_id: str | None = None,
) -> PreparedCommand:
    """Read the file, compile the command and take the values; raise with every problem.

    *stand_in* is taken for secrets that aren't given, where nothing will be sent. *run_id* fills
    ``{{RunId}}``.
    """
    text, integration, problems = read_file(file)
    if problems:
        raise ConfigurationError(problems)
    integration = _with_variables(integration, parse_pairs(variables, "--variable"))
    only = replace(integration, commands=(_find_command(integration, command),))
    compiled = _compile(only, text)
    stored = _read_secrets(integration, secrets)
    if stand_in is not None:
        stored = dict.fromkeys(compiled.secrets, stand_in) | stored
    found, tokens = compiled.commands[command], parse_values(values)
    return PreparedCommand(
        integration=compiled,
        command=found,
        tokens=tokens,
        values=found.values(tokens, secrets=stored, run_id=run_id),
        secrets=stored,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedLists:
    """The list commands of a file with everything that it takes to read them."""

    integration: CompiledIntegration
    secrets: dict[str, Secret]


def prepare_lists(*, file: Path, secrets: Iterable[str], variables: Iterable[str]) -> PreparedLists:
    """Read the file and compile its list commands; raise with every problem."""
    text, integration, problems = read_file(file)
    if problems:
        raise ConfigurationError(problems)
    integration = _with_variables(integration, parse_pairs(variables, "--variable"))
    lists = tuple(each for each in integration.commands if isinstance(each, ListCommandConfig))
    if not lists:
        fail("no-command", f"The file has no command that lists: {', '.join(LIST_COMMANDS)}.")
    compiled = _compile(replace(integration, commands=lists), text)
    stored = _read_secrets(integration, secrets)
    missing = sorted(compiled.secrets - stored.keys())
    if missing:
        raise TokenError(
            tuple(
                Problem(code="missing-secret", message="", where=f"tokens.{name}")
                for name in missing
            )
        )
    return PreparedLists(integration=compiled, secrets=stored)


def read_file(path: Path) -> tuple[str, IntegrationConfig, tuple[Problem, ...]]:
    """Return the text of the integration file at *path*, its content, and its problems."""
    text = decode_file(read_bytes(path, MAX_FILE_BYTES + 1))
    return text, *examine_integration(text)


def read_bytes(path: Path, limit: int) -> bytes:
    """Return the first *limit* bytes of a file."""
    try:
        with path.open("rb") as opened:
            return opened.read(limit)
    except FileNotFoundError:
        fail("file-not-found", f"There is no file {path}.")
    except OSError as error:
        fail("file-unreadable", f"{path} can't be read: {error.strerror or 'it is no file'}.")
    except ValueError:
        fail("file-unreadable", "A file's name can't hold a NUL character.")


def fail(code: str, message: str, *, where: str = "", suggestion: str | None = None) -> NoReturn:
    """Raise the error of one problem in the arguments."""
    raise ConfigurationError(
        (Problem(code=code, message=message, where=where, suggestion=suggestion),)
    )


def _find_command(integration: IntegrationConfig, name: str) -> CommandConfig:
    known = {command.name: command for command in integration.commands}
    if name in LIST_COMMANDS and name in known:
        message = f"{name} lists, so it is read with: billhook sync FILE --dry-run"
        fail("unknown-command", message, where="COMMAND")
    if name in known:
        return known[name]
    near = nearest(name, known)
    advice = f"Did you mean {near}?" if near else f"It has: {', '.join(known) or 'none'}."
    fail(
        "unknown-command",
        f'The file has no command "{name}". {advice}',
        where="COMMAND",
        suggestion=near,
    )


def _compile(integration: IntegrationConfig, text: str) -> CompiledIntegration:
    try:
        return compile_integration(integration)
    except ConfigurationError as error:
        raise ConfigurationError(locate(error.problems, text)) from None


def parse_pairs(arguments: Iterable[str], option: str) -> dict[str, str]:
    """Read ``NAME=VALUE`` arguments; each name may appear once."""
    pairs: dict[str, str] = {}
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if not equals or not NAME.fullmatch(name):
            fail("usage", f"{option} takes NAME=VALUE. {NAME_RULE}", where=option)
        if name in pairs:
            fail("duplicate-name", f"{option} gives {name} twice.", where=option)
        pairs[name] = value
    return pairs


def parse_values(arguments: Iterable[str]) -> dict[str, Value]:
    """Read tokens' values: ``Name=text`` or ``Name:=json``."""
    values: dict[str, Value] = {}
    for argument in arguments:
        name, equals, text = argument.partition("=")
        is_json = name.endswith(":")
        name = name.removesuffix(":")
        if not equals or not NAME.fullmatch(name):
            message = f"A value is given as Name=text or Name:=json. {NAME_RULE}"
            fail("usage", message, where="NAME=VALUE")
        if name in values:
            fail("duplicate-name", f"{name} is given twice.", where=f"tokens.{name}")
        values[name] = _parse_json(name, text) if is_json else text
    return values


def _parse_json(name: str, text: str) -> Value:
    try:
        value: Value = json.loads(text, parse_float=Decimal, parse_constant=_refuse)
    except (ValueError, ArithmeticError, RecursionError):
        fail(
            "invalid-json",
            f"{name}:= takes JSON, such as 42, true, null or a text in double quotes. "
            f"For plain text write {name}=…",
            where=f"tokens.{name}",
        )
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _with_variables(integration: IntegrationConfig, given: dict[str, str]) -> IntegrationConfig:
    for name in given:
        if name not in integration.variables:
            _fail_unknown("variable", name, integration.variables)
    return replace(integration, variables=integration.variables | given)


def _fail_unknown(kind: str, name: str, known: Iterable[str]) -> NoReturn:
    near = nearest(name, known)
    advice = f"Did you mean {near}?" if near else f"It has: {', '.join(known) or 'none'}."
    fail(
        f"unknown-{kind}",
        f"The file has no {kind} {name}. {advice}",
        where=f"--{kind}",
        suggestion=near,
    )


def _read_secrets(integration: IntegrationConfig, arguments: Iterable[str]) -> dict[str, Secret]:
    """Read the secrets' values from where the arguments say. No message repeats an argument."""
    secrets: dict[str, Secret] = {}
    for argument in arguments:
        name, equals, place = argument.partition("=")
        kind, colon, at = place.partition(":")
        if not equals or not colon or kind not in {"env", "file"} or not NAME.fullmatch(name):
            fail("usage", _HOW_TO_GIVE, where="--secret")
        if name not in integration.secrets:
            _fail_unknown("secret", name, integration.secrets)
        if name in secrets:
            fail("duplicate-name", f"--secret gives {name} twice.", where="--secret")
        secrets[name] = _read_secret(kind, at)
    return secrets


def _read_secret(kind: str, at: str) -> Secret:
    option = "--secret"
    is_variable = kind == "env"
    return Secret(
        secret_from_environment(at, option) if is_variable else secret_from_file(at, option)
    )


def secret_from_environment(variable: str, option: str) -> str:
    """Return the value of an environment variable that *option* names."""
    # The member names the variable, so this is an argument and none of the settings.
    value = os.environ.get(variable)  # noqa: TID251
    if value is None:
        message = f"The environment variable {variable} is not set."
        fail("missing-secret", message, where=option)
    return value


def secret_from_file(name: str, option: str) -> str:
    """Return the text of a file that *option* names, without the line end.

    A PKCS#12 file, which isn't text, is returned in base 64.
    """
    data = read_bytes(Path(name), _MAX_SECRET_BYTES + 1)
    if len(data) > _MAX_SECRET_BYTES:
        message = f"The secret's file has more than {_MAX_SECRET_BYTES:,} bytes."
        fail("too-long", message, where=option)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        if data.startswith(_PKCS12):
            return b64encode(data).decode()
        fail("not-text", "The secret's file is not text in UTF-8.", where=option)
    return text.removesuffix("\n").removesuffix("\r")
