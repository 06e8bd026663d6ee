"""The values with which a command is tried: typed ones, those of its subject, and examples."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

from billhook.engine.command.command import Command
from billhook.engine.errors import Problem, TokenError
from billhook.engine.tokens.catalogue import COMMANDS, TokenInfo, Value
from billhook.portal.editor.form import EditorForm
from billhook.portal.trying.subject import TokenUsed, TrySubject


def tokens_used(command: Command, form: EditorForm, subject: TrySubject) -> tuple[TokenUsed, ...]:
    """Return a value for each token of *command*: typed, the subject's own, or an example.

    Raises TokenError with every token that has none, and every line that can't be used.
    """
    typed = dict(_typed_values(form.others))
    given = {each.name: each for each in subject.tokens(command.tokens)}
    examples = {info.name: info for info in _infos(command.name)}
    found: list[TokenUsed] = []
    for name in command.tokens:
        if name in typed:
            found.append(TokenUsed(name=name, value=typed.pop(name), origin="typed"))
        elif name in given:
            found.append(given[name])
        elif name in examples:
            value = _example(examples[name])
            found.append(TokenUsed(name=name, value=value, origin="example"))
    missing = [name for name in command.tokens if name not in {each.name for each in found}]
    _refuse(missing, unknown=[name for name in typed if name not in command.known_tokens])
    return tuple(found)


def _infos(command: str) -> tuple[TokenInfo, ...]:
    known = COMMANDS.get(command)
    return known.tokens if known else ()


def _example(info: TokenInfo) -> Value:
    return Decimal(info.example) if info.kind == "number" else info.example


def _refuse(missing: list[str], *, unknown: list[str]) -> None:
    problems = [
        Problem(
            code="missing-token",
            where=f"tokens.{name}",
            message=f"Give {{{{{name}}}}} a test value: write {name}=… under Other values.",
        )
        for name in missing
    ]
    problems += [
        Problem(
            code="unknown-token",
            where=f"tokens.{name}",
            message=f"Other values: {name} is not a token of this command. Remove its line.",
        )
        for name in unknown
    ]
    if problems:
        raise TokenError(tuple(problems))


def _typed_values(text: str) -> Iterator[tuple[str, Value]]:
    """Read lines of ``Name=text`` or ``Name:=JSON``, as on the command line."""
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if not line.strip():
            continue
        if not equals:
            message = f"Other values: write each line as Name=value, not “{line.strip()[:60]}”."
            problem = Problem(code="other-values", where="tokens", message=message)
            raise TokenError((problem,))
        if name.endswith(":"):
            yield name[:-1].strip(), _from_json(name[:-1].strip(), value)
        else:
            yield name.strip(), value.strip()


def _from_json(name: str, text: str) -> Value:
    try:
        value = json.loads(text, parse_float=Decimal)
    except (ValueError, InvalidOperation, RecursionError):
        value = []
    if isinstance(value, list | dict):
        message = f"Other values: after {name}:= write text in quotes, a number, true or null."
        raise TokenError((Problem(code="other-values", where="tokens", message=message),))
    return value  # type: ignore[no-any-return] # the values of JSON other than lists and objects
