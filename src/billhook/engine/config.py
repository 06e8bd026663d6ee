"""What is typed in a form or a file, before it is compiled: plain frozen values, no rule in them.

:mod:`billhook.engine.integration_file.file` reads and writes them as TOML;
:mod:`billhook.engine.command.compile` compiles them and reports every problem.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

DEFAULT_ACCEPT: Final = ("application/pdf",)
DEFAULT_TIMEOUT: Final = 30.0
DEFAULT_MAX_BYTES: Final = 25_000_000
DEFAULT_RETRIES: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class PathConfig:
    """Where a value is in an answer. ``kind`` is json, xpath, header or regex; ``text`` is typed.

    ``namespaces`` are the prefixes of an XPath. The text of a json path and an xpath may hold
    tokens.
    """

    kind: str
    text: str
    namespaces: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractConfig:
    """One token taken out of a step's answer: ``{{StepName.Name}}``.

    ``none`` says what it means when there is no value: not-found, failed or empty. ``many`` says
    which of several is taken: error, first or last. ``url`` allows it to be a later step's whole
    URL; ``secret`` masks it.
    """

    name: str
    path: PathConfig
    none: str = "not-found"
    many: str = "error"
    secret: bool = False
    url: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DeriveConfig:
    """One token made of others before its step is sent: a template, then perhaps a function."""

    name: str
    template: str
    function: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionConfig:
    """One fact about an answer: its status, or what stands at a path, or a text in its body.

    Exactly one of ``status``, ``path`` and ``body_contains`` is given; with a path, exactly one of
    the comparisons.
    """

    status: tuple[int, ...] = ()
    path: PathConfig | None = None
    body_contains: str = ""
    equals: str | int | float | bool | None = None
    not_equals: str | int | float | bool | None = None
    one_of: tuple[str | int | float | bool, ...] = ()
    matches: str = ""
    exists: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatConfig:
    """A step that is sent again after ``pause`` seconds until ``when`` holds, ``times`` at most."""

    when: tuple[ConditionConfig, ...]
    pause: float = 1.0
    times: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class FactConfig:
    """A document's name or media type: at a path of the answer, or a template."""

    path: PathConfig | None = None
    template: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerConfig:
    """Where the document is in the last answer.

    ``kind`` is body, base64, url, zip or link. ``path`` is where the base 64, URL or link stands
    (None: it is the whole body). ``pattern`` names the file inside a zip. ``sign_in`` sends the
    credentials to the URL as well.
    """

    kind: str = "body"
    path: PathConfig | None = None
    pattern: str = ""
    sign_in: bool = False
    name: FactConfig | None = None
    type: FactConfig | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepConfig:
    """One request as typed: every text may hold tokens.

    ``sign_in`` None means: yes, unless the URL is wholly one that an earlier step gave.
    ``compressed`` asks for an answer in gzip, and unpacks it.
    """

    name: str = ""
    method: str = "GET"
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""
    sign_in: bool | None = None
    side_effects: bool = False
    repeatable: bool = False
    compressed: bool = False
    derive: tuple[DeriveConfig, ...] = ()
    extract: tuple[ExtractConfig, ...] = ()
    success_when: tuple[ConditionConfig, ...] = ()
    not_found_when: tuple[ConditionConfig, ...] = ()
    on_not_found: tuple[StepConfig, ...] = ()
    repeat_until: RepeatConfig | None = None
    answer: AnswerConfig | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandConfig:
    """One command as typed. ``timeout`` is in seconds and covers the whole command."""

    name: str
    steps: tuple[StepConfig, ...]
    tokens: tuple[str, ...] = ()
    accept: tuple[str, ...] = DEFAULT_ACCEPT
    redirects: str = "follow"
    timeout: float = DEFAULT_TIMEOUT
    max_bytes: int = DEFAULT_MAX_BYTES
    retries: int = DEFAULT_RETRIES


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInConfig:
    """How every request of an integration is signed in.

    ``fields`` are the scheme's own, as typed, by name; ``request`` is the step that opens a
    session, for that scheme alone.
    """

    scheme: str
    fields: dict[str, str | bool | float] = field(default_factory=dict)
    extra: dict[str, str] = field(default_factory=dict)
    headers: tuple[tuple[str, str], ...] = ()
    request: StepConfig | None = None
    refused_when: tuple[ConditionConfig, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsConfig:
    """A client certificate (the token of a secret: PEM, with its key) and authorities (PEM)."""

    client_certificate: str = ""
    ca: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrationConfig:
    """One integration as typed. ``secrets`` are names only; their values are never in a file."""

    name: str
    variables: dict[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    sign_in: SignInConfig | None = None
    tls: TlsConfig | None = None
    commands: tuple[CommandConfig, ...] = ()
