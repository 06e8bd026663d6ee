"""An integration as typed in a form or a file, before it is compiled: frozen values.

Each field is described where it is defined: the reader and the writer of files, the form and the
tables of the docs come from that description. :mod:`billhook.engine.integration_file.file` reads
and writes the values as TOML; :mod:`billhook.engine.command.compile` compiles them and reports
every problem.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from billhook.engine.field import boolean, describe, described

DEFAULT_ACCEPT: Final = ("application/pdf",)
DEFAULT_TIMEOUT: Final = 30.0
DEFAULT_MAX_BYTES: Final = 25_000_000
DEFAULT_RETRIES: Final = 2
METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
REDIRECTS: Final = ("follow", "deny")
NONE_MEANS: Final = ("not-found", "failed", "empty")
MANY_MEAN: Final = ("error", "first", "last")
PATH_KINDS: Final = ("json", "xpath", "header", "cookie", "regex")
ANSWER_KINDS: Final = ("body", "base64", "url", "zip", "part", "link")
PATTERN_KINDS: Final = ("zip", "part")
"""Locations that are named by a pattern rather than a path."""

Scalar = str | int | float | bool
_STEPS: Final = ("step", "inner")
"""Places of a step that has a name: in the list of steps, or inside ``on_not_found``."""
_RUNS: Final = ("command", *_STEPS)
"""Every place of a step except the requests that open a session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathConfig:
    """The location of a value in a response: ``kind`` is one of :data:`PATH_KINDS`.

    ``namespaces`` are the prefixes of an XPath. The text of a json path and an xpath may hold
    tokens.
    """

    kind: str
    text: str
    namespaces: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractConfig:
    """One token extracted from a step's response: ``{{StepName.Name}}``."""

    name: str = field(metadata=describe("Name", kind="name", example="Id"))
    path: PathConfig = field(
        metadata=describe("Path", kind="path", required=True, example="$.data[0].id")
    )
    none: str = described(
        "If there is no value",
        "The meaning of a missing value, or of null.",
        kind="choice",
        default="not-found",
        choices=NONE_MEANS,
        words=("there is no such document", "the source has failed", "use an empty text"),
    )
    many: str = described(
        "If there are several",
        "The way to handle several different values.",
        kind="choice",
        default="error",
        choices=MANY_MEAN,
        words=("fail, and say how many", "use the first", "use the last"),
    )
    secret: bool = boolean("It is a secret", "The value is masked wherever it would be shown.")
    url: bool = boolean(
        "It is a URL",
        "The value may be the whole URL of a later request. An empty text then counts as missing.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeriveConfig:
    """One token made from others before its step is sent: a template, then perhaps a function."""

    name: str = field(metadata=describe("Name", kind="name", example="Basic"))
    template: str = field(
        metadata=describe(
            "Text",
            "A text with tokens, filled as it is.",
            kind="lines",
            required=True,
            example="{{User}}:{{ApiKey}}",
        )
    )
    function: str = described(
        "Function", "A function that is applied to the filled text.", default="", example="base64"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionConfig:
    """One statement about a response: about its status, a path, or a text in its body.

    Exactly one of ``status``, ``path`` and ``body_contains`` is given; with a path, exactly one of
    the comparisons.
    """

    status: tuple[int, ...] = described(
        "Status", "A status, or several.", kind="whole-numbers", default=()
    )
    path: PathConfig | None = described("Path", kind="path", default=None)
    body_contains: str = described("Body", "A text in the body.", default="")
    equals: Scalar | None = described(
        "is",
        "A value found is this one; 1 is 1.0, and the text `true` is true.",
        kind="scalar",
        default=None,
    )
    not_equals: Scalar | None = described(
        "is not", "No value found is this one.", kind="scalar", default=None
    )
    one_of: tuple[Scalar, ...] = described(
        "is one of", "A value found is one of these.", kind="scalars", default=()
    )
    matches: str = described(
        "matches", "The regular expression (RE2) matches part of a value found.", default=""
    )
    exists: bool | None = described(
        "exists",
        "Something is found (true), or nothing (false).",
        kind="optional-boolean",
        default=None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatConfig:
    """A step that is sent again after ``pause`` seconds until ``when`` holds."""

    when: tuple[ConditionConfig, ...] = field(
        metadata=describe("Ready when", "Conditions that must all hold.", kind="conditions")
    )
    pause: float = described(
        "Pause", "Seconds between two requests, at most 60.", kind="number", default=1.0
    )
    times: int = described(
        "Times",
        "The most times that the request is sent, at most 200.",
        kind="whole-number",
        default=20,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FactConfig:
    """A document's name or media type: at a path of the response, or a template."""

    path: PathConfig | None = described("Path", kind="path", default=None)
    template: str = described("Template", "A text with tokens.", kind="lines", default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerConfig:
    """The location of the document in the last response.

    ``kind`` is body, base64, url, zip, part or link. ``path`` is where the base 64, URL or link is
    (None: it is the whole body). ``pattern`` names the file inside a zip, or the part.
    """

    kind: str = "body"
    path: PathConfig | None = None
    pattern: str = ""
    authentication: bool = boolean(
        "Authenticate this request, too",
        "With `url`: the request for the document is authenticated as well, if its URL is at an "
        "origin of the command's own URLs.",
        allowed_in=("url",),
    )
    name: FactConfig | None = described(
        "The document's name",
        'A path, `{ header = "Content-Disposition" }` or `{ template = "{{InvoiceNumber}}.pdf" }`.',
        kind="fact",
        default=None,
    )
    type: FactConfig | None = described(
        "The document's media type",
        "Like the name. It only narrows the accepted types: the bytes decide.",
        kind="fact",
        default=None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StepConfig:
    """One request as typed: every text may hold tokens."""

    name: str = described(
        "Name",
        "The step's name, unique in its command. `{{Find.Id}}` is a value from the step Find.",
        default="",
        example="Find",
        allowed_in=_STEPS,
    )
    method: str = described(
        "Method",
        "The method of the request.",
        kind="choice",
        default="GET",
        choices=METHODS,
    )
    url: str = field(
        metadata=describe(
            "URL",
            "The address of the request. In a later step, it may be a single token that was "
            "extracted with `url = true`.",
            required=True,
            example="https://billing.example.com/items/{{InvoiceNumber}}",
        )
    )
    headers: tuple[tuple[str, str], ...] = described(
        "Headers", "The name and value of each header, in order.", kind="pairs", default=()
    )
    body: str = described(
        "Body",
        "The body, exactly as written. Only with POST, PUT and PATCH.",
        kind="body",
        default="",
    )
    authentication: bool | None = described(
        "Authenticate this request?",
        "Whether the integration's authentication applies. Default: yes, unless the URL comes "
        "from a response.",
        kind="optional-boolean",
        default=None,
        allowed_in=_RUNS,
    )
    side_effects: bool = boolean(
        "It changes something",
        "The request has side effects, so it is never repeated automatically.",
        allowed_in=_RUNS,
    )
    repeatable: bool = boolean(
        "It only reads",
        "The request may be repeated after a failure, although its method isn't GET.",
        allowed_in=_RUNS,
    )
    compressed: bool = boolean(
        "Ask for a compressed response",
        "The response is requested in gzip, and unpacked up to the same limit.",
    )
    derive: tuple[DeriveConfig, ...] = described(
        "Values made from others",
        "Tokens made from others before the request is sent.",
        kind="derives",
        default=(),
    )
    extract: tuple[ExtractConfig, ...] = described(
        "Values extracted", "Tokens extracted from the response.", kind="extracts", default=()
    )
    success_when: tuple[ConditionConfig, ...] = described(
        "It succeeded when",
        "Conditions that must all hold; otherwise, the source has failed.",
        kind="conditions",
        default=(),
    )
    not_found_when: tuple[ConditionConfig, ...] = described(
        "There is no such document when",
        "Conditions, any of which means that there is no such document.",
        kind="conditions",
        default=(),
        allowed_in=_RUNS,
    )
    reason: PathConfig | None = described(
        "The source's own reason",
        "A path to the sentence with which the source explains a failure. Try it shows it.",
        kind="reason",
        default=None,
    )
    on_not_found: tuple[StepConfig, ...] = described(
        "If there is none",
        "Steps that are sent when there is no such document yet.",
        kind="steps",
        default=(),
        allowed_in=_RUNS,
    )
    repeat_until: RepeatConfig | None = described(
        "Repeat until ready",
        "Sends the request again until conditions hold.",
        kind="repeat",
        default=None,
        allowed_in=_RUNS,
    )
    answer: AnswerConfig | None = described(
        "The document",
        "The location of the document in the response. Only in the last step. By default, the "
        "body is the document.",
        kind="answer",
        default=None,
        allowed_in=("command", "step"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandConfig:
    """One command as typed. ``timeout`` is in seconds and covers the whole command."""

    name: str = field(metadata=describe("Command", "Its name, such as GetStatement.", kind="name"))
    steps: tuple[StepConfig, ...] = field(
        metadata=describe("Requests", "The requests, if there are several.", kind="requests")
    )
    accept: tuple[str, ...] = described(
        "Accepted types",
        "The media types that count as a document, such as application/pdf or image/png.",
        kind="words",
        default=DEFAULT_ACCEPT,
    )
    timeout: float = described(
        "Time limit",
        "Seconds for the whole command, at most 300.",
        kind="number",
        default=DEFAULT_TIMEOUT,
    )
    max_bytes: int = described(
        "Size limit",
        "The most bytes of a document. A larger response is refused.",
        kind="whole-number",
        default=DEFAULT_MAX_BYTES,
    )
    retries: int = described(
        "Retries",
        "How often a request that only reads is repeated after a failure, at most 5.",
        kind="whole-number",
        default=DEFAULT_RETRIES,
    )
    redirects: str = described(
        "Redirects",
        "Whether redirects are followed. Each is judged like the URL itself.",
        kind="choice",
        default="follow",
        choices=REDIRECTS,
        words=("Follow, at most three", "Deny"),
    )
    client_certificate: str = described(
        "Client certificate",
        "The token of a secret, as in `[tls]`: this command presents it instead of the "
        "integration's.",
        default="",
    )
    passphrase: str = described(
        "Passphrase",
        "The token of a secret with the passphrase of this command's client certificate.",
        default="",
    )
    payment_hosts: tuple[str, ...] = described(
        "Payment page hosts",
        "For GetPaymentLink: the only hosts that Pay leads to, such as pay.example.com, "
        "pay.example.com:8443 or *.example.com. A variable with a URL stands for its host and "
        "port.",
        kind="words",
        default=(),
        example="pay.example.com",
    )
    tokens: tuple[str, ...] = described(
        "Own tokens",
        "Names of tokens that the caller must give, in addition to the catalogue's. "
        "VIEW has no values for them.",
        kind="words",
        default=(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticationConfig:
    """The authentication of every request of an integration.

    ``fields`` are the scheme's own, as typed, by name. For a session alone: ``requests`` are the
    steps that open it, and ``derive`` are values made from those in their responses.
    """

    scheme: str
    fields: dict[str, str | bool | float] = field(default_factory=dict)
    extra: dict[str, str] = field(default_factory=dict)
    headers: tuple[tuple[str, str], ...] = ()
    requests: tuple[StepConfig, ...] = ()
    derive: tuple[DeriveConfig, ...] = ()
    refused_when: tuple[ConditionConfig, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsConfig:
    """A client certificate, with its passphrase, and CA certificates."""

    client_certificate: str = described(
        "Client certificate",
        "The token of a secret that holds a certificate and its private key: both in PEM, or a "
        "PKCS#12 file in base 64.",
        default="",
        example="{{Certificate}}",
    )
    passphrase: str = described(
        "Passphrase",
        "The token of a secret with the passphrase of the key or of the PKCS#12 file.",
        default="",
        example="{{Passphrase}}",
    )
    ca: str = described(
        "CA certificates",
        "In PEM. They are trusted in addition to the system's.",
        kind="lines",
        default="",
        example="-----BEGIN CERTIFICATE-----",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrationConfig:
    """One integration as typed. ``secrets`` are names only; their values are never in a file."""

    name: str
    variables: dict[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    authentication: AuthenticationConfig | None = None
    tls: TlsConfig | None = None
    commands: tuple[CommandConfig, ...] = ()


@dataclass(slots=True, kw_only=True)
class ConfigTypes:
    """The classes whose descriptions make the file, the form and the docs."""

    command: type[CommandConfig] = CommandConfig
    step: type[StepConfig] = StepConfig
    extract: type[ExtractConfig] = ExtractConfig
    derive: type[DeriveConfig] = DeriveConfig
    condition: type[ConditionConfig] = ConditionConfig
    repeat: type[RepeatConfig] = RepeatConfig
    fact: type[FactConfig] = FactConfig
    answer: type[AnswerConfig] = AnswerConfig


TYPES: Final = ConfigTypes()
