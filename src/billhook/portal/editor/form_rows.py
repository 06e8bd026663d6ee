"""The rows of the editor's form: what can be typed for commands, steps, answers and sign-in.

Numbers and lists are still text here. What each word means, :mod:`row_configs` says.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from billhook.engine.config import (
    DEFAULT_ACCEPT,
    DEFAULT_MAX_BYTES,
    DEFAULT_RETRIES,
    DEFAULT_TIMEOUT,
)
from billhook.engine.secret import Secret
from billhook.portal.editor.rows import (
    APART,
    EXACT,
    LINES,
    Row,
    row_of,
    rows_of,
    texts_by_name,
)


@dataclass(slots=True, kw_only=True)
class HeaderRow(Row):
    """One header."""

    name: str = ""
    value: str = ""


@dataclass(slots=True, kw_only=True)
class VariableRow(Row):
    """One variable, or another name with its text."""

    name: str = ""
    value: str = field(default="", metadata=EXACT)


@dataclass(slots=True, kw_only=True)
class SecretRow(Row):
    """One secret. ``value`` is what was typed and isn't saved yet."""

    name: str = ""
    stored_id: str = field(default="", metadata={"key": "stored"})
    value: Secret | None = field(default=None, metadata=APART)


@dataclass(slots=True, kw_only=True)
class PathRow(Row):
    """Where something is in an answer; ``namespaces`` are an XPath's: ``s=urn:x t=urn:y``."""

    how: str = "json"
    path: str = field(default="", metadata=LINES)
    namespaces: str = ""


@dataclass(slots=True, kw_only=True)
class ExtractRow(PathRow):
    """One value that is taken out of an answer."""

    name: str = ""
    none: str = "not-found"
    many: str = "error"
    secret: bool = False
    url: bool = False


@dataclass(slots=True, kw_only=True)
class DeriveRow(Row):
    """One value that is made of others."""

    name: str = ""
    template: str = field(default="", metadata=LINES)
    function: str = ""


@dataclass(slots=True, kw_only=True)
class ConditionRow(PathRow):
    """One fact about an answer. Beside the kinds of paths, ``how`` may be status or body."""

    how: str = "status"
    test: str = "equals"
    value: str = field(default="", metadata=EXACT)


@dataclass(slots=True, kw_only=True)
class FactRow(PathRow):
    """A document's name or type. Beside the kinds of paths, ``how`` may be nothing or template."""

    how: str = ""


@dataclass(slots=True, kw_only=True)
class AnswerRow(PathRow):
    """Where the document is in the last answer."""

    kind: str = "body"
    pattern: str = ""
    authentication: bool = False
    name: FactRow = row_of(FactRow)
    type: FactRow = row_of(FactRow)


def _step_row() -> type[Row]:
    return StepRow


@dataclass(slots=True, kw_only=True)
class StepRow(Row):
    """One web request, and what is done before and after it.

    ``breaks`` says how the body's lines end: multipart needs CR LF, and browsers show both alike.
    """

    name: str = ""
    method: str = "GET"
    url: str = ""
    headers: list[HeaderRow] = rows_of(lambda: HeaderRow, "header")
    body: str = field(default="", metadata=LINES)
    breaks: str = "lf"
    authentication: str = ""
    side_effects: bool = False
    repeatable: bool = False
    compressed: bool = False
    derives: list[DeriveRow] = rows_of(lambda: DeriveRow, "derive")
    extracts: list[ExtractRow] = rows_of(lambda: ExtractRow, "extract")
    success: list[ConditionRow] = rows_of(lambda: ConditionRow, "success")
    missing: list[ConditionRow] = rows_of(lambda: ConditionRow, "missing")
    inner: list[StepRow] = rows_of(_step_row, "inner")
    ready: list[ConditionRow] = rows_of(lambda: ConditionRow, "ready")
    pause: str = "1"
    times: str = "20"


@dataclass(slots=True, kw_only=True)
class CommandRow(Row):
    """One command. ``answer`` is that of its last step.

    A command that can't stand in fields stands in ``file`` alone, as in an integration file.
    """

    name: str = ""
    steps: list[StepRow] = rows_of(lambda: StepRow, "step")
    answer: AnswerRow = row_of(AnswerRow)
    tokens: str = ""
    accept: str = ", ".join(DEFAULT_ACCEPT)
    timeout: str = f"{DEFAULT_TIMEOUT:g}"
    max_bytes: str = str(DEFAULT_MAX_BYTES)
    retries: str = str(DEFAULT_RETRIES)
    redirects: str = "follow"
    file: str = field(default="", metadata=LINES)


@dataclass(slots=True, kw_only=True)
class AuthenticationRow(Row):
    """How requests are signed in; no ``scheme`` means: not at all.

    ``field`` holds the texts of the scheme's own fields, and ``stated`` the names of those that
    were given although they are as by default. What other schemes have is kept, but not used.
    """

    scheme: str = ""
    field: dict[str, str] = texts_by_name()
    stated: str = ""
    extra: list[VariableRow] = rows_of(lambda: VariableRow, "extra")
    headers: list[HeaderRow] = rows_of(lambda: HeaderRow, "header")
    refused: list[ConditionRow] = rows_of(lambda: ConditionRow, "refused")
    request: StepRow = row_of(StepRow)


@dataclass(slots=True, kw_only=True)
class TlsRow(Row):
    """A client certificate and authorities."""

    client_certificate: str = ""
    ca: str = field(default="", metadata=LINES)
