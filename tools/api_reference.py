"""Writes docs/api-reference.md from the OpenAPI document: ``make tables`` does, too."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

if __name__ == "__main__":  # the tests have set Django up, and keep their umask
    from billhook.server.django_setup import set_up_django

    set_up_django()

from billhook.portal.api.description.openapi import openapi_document
from billhook.portal.api.problems import CODES
from billhook.portal.fields.key_scopes import SCOPES

PAGE: Final = Path(__file__).parents[1] / "docs" / "api-reference.md"
_HEAD: Final = """\
# API reference

<!-- Made by `make tables` from the OpenAPI document. -->

Every call under `/api/v1`. [The guide](api.md) explains keys, lists, errors and repeated calls.
"""
_SHARED: Final = frozenset({"Idempotency-Key", "If-Match", "If-None-Match"})


def reference_page() -> str:
    """Return the page: the scopes, the calls by their subject, the fields, and the errors."""
    document = openapi_document()
    calls: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            section = calls.setdefault(operation["tags"][0], [])
            section.append(_call(f"{method.upper()} {path}", operation))
    parts = [_HEAD, _scopes()]
    parts += [f"## {tag}\n\n{''.join(section)}" for tag, section in sorted(calls.items())]
    return "\n".join([*parts, _fields(document["components"]["schemas"]), _errors()])


def _scopes() -> str:
    rows = "".join(f"| `{name}` | {label} |\n" for name, label in SCOPES.items())
    return f"## Scopes\n\n| scope | a key with it may |\n|---|---|\n{rows}"


def _call(title: str, operation: dict[str, Any]) -> str:
    text = f"### `{title}`\n\n{operation['description']}\n\n"
    own = [each for each in operation.get("parameters", []) if each["name"] not in _SHARED]
    if own:
        rows = "".join(f"| `{each['name']}` | {each['in']} | {_about(each)} |\n" for each in own)
        text += f"| parameter | in | meaning |\n|---|---|---|\n{rows}\n"
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    if body:
        text += f"Body: {_kind(body['schema'])}. "
    return f"{text}Response: {_responses(operation['responses'])}.\n\n"


def _about(parameter: dict[str, Any]) -> str:
    text = parameter.get("description", "The id.")
    choices = parameter.get("schema", {}).get("enum")
    return text + (f" {_choices(choices)}" if choices else "")


def _responses(responses: dict[str, Any]) -> str:
    good = [(status, each) for status, each in responses.items() if status.startswith("2")]
    return ", ".join(f"{status} {_content(each)}".strip() for status, each in good)


def _content(response: dict[str, Any]) -> str:
    kinds = [_kind(each["schema"]) for each in response.get("content", {}).values()]
    return ", ".join(kinds)


def _kind(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        inner = name.removeprefix("ApiPage_").removesuffix("_")
        return f"a page of [{inner}](#{inner.lower()})" if inner != name else _link(name)
    if schema.get("format") == "binary":
        return "the document"
    return '`{"tokens": {…}}`'


def _link(name: str) -> str:
    return f"[{name}](#{name.lower()})"


def _fields(schemas: dict[str, Any]) -> str:
    text = "## Fields\n\n"
    for name, schema in sorted(schemas.items()):
        if name.startswith("ApiPage"):
            continue
        required = set(schema.get("required", []))
        about = " ".join(schema.get("description", "").split())
        rows = "".join(
            f"| `{field}` | {_type(each)} | {_meaning(each, is_required=field in required)} |\n"
            for field, each in schema["properties"].items()
        )
        text += f"### {name}\n\n{about}\n\n| field | type | meaning |\n|---|---|---|\n{rows}\n"
    return text


def _type(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type(each) for each in schema["anyOf"]))
    if "$ref" in schema:
        return _link(schema["$ref"].rpartition("/")[2])
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    return {"string": "text", "integer": "number"}.get(
        schema.get("type", ""), schema.get("type", "")
    )


def _meaning(schema: dict[str, Any], *, is_required: bool) -> str:
    parts = [schema["description"]] if "description" in schema else []
    for each in schema.get("anyOf", [schema]):
        if "enum" in each:
            parts.append(_choices(each["enum"]))
        if "maxLength" in each:
            parts.append(f"At most {each['maxLength']} characters.")
        if "maxItems" in each:
            parts.append(f"At most {each['maxItems']:,} items.")
    return " ".join([*parts, *(["Always there."] if is_required else [])])


def _choices(choices: list[str]) -> str:
    return f"One of {', '.join(f'`{each}`' for each in choices if each)}."


def _errors() -> str:
    rows = "".join(
        f"| {code.status} | `{name}` | {code.title}. |\n" for name, code in CODES.items()
    )
    head = "A call that runs a command has [codes of its own](api.md#in-a-run), too.\n"
    return f"## Errors\n\n{head}\n| status | code | meaning |\n|---|---|---|\n{rows}"


if __name__ == "__main__":
    PAGE.write_text(reference_page(), encoding="utf-8")
