"""A list command as typed: where the rows are, which field is which, how to page and what changed.

The fields are described like those in :mod:`billhook.engine.config`;
:mod:`billhook.engine.listing.compile.command` compiles them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from billhook.engine.config import (
    DEFAULT_ACCEPT,
    DEFAULT_MAX_BYTES,
    DEFAULT_RETRIES,
    CommandConfig,
    ConditionConfig,
    PathConfig,
    Scalar,
)
from billhook.engine.field import boolean, describe, described, fields_of

LIST_COMMANDS: Final = (
    "ListCustomers",
    "ListContacts",
    "ListInvoices",
    "ListCreditNotes",
    "ListRemovedInvoices",
)
"""The list commands, in the order in which a sync runs them."""
ROW_PATH_KINDS: Final = ("json", "xpath", "column")
PAGE_KINDS: Final = ("none", "number", "offset", "last-id", "token", "next-url", "link")
PARAM_PLACES: Final = ("query", "header", "json")
CHANGE_KINDS: Final = ("none", "changed", "created")
NEVER: Final = "never"
INVOICE_FIELDS: Final = (
    "id",
    "number",
    "customer",
    "amount",
    "open_amount",
    "currency",
    "date",
    "due_date",
    "status",
    "type",
    "po_number",
    "link",
    "changed",
    "customer_number",
    "customer_name",
    "contact_email",
    "contact_name",
)
CUSTOMER_FIELDS: Final = ("id", "number", "name", "email", "locale", "active", "changed")
CONTACT_FIELDS: Final = (
    "id",
    "customer",
    "name",
    "first_name",
    "last_name",
    "email",
    "active",
    "role",
    "changed",
)
REMOVED_FIELDS: Final = ("id", "changed")
ROW_FIELDS: Final = tuple(
    dict.fromkeys((*INVOICE_FIELDS, *CUSTOMER_FIELDS, *CONTACT_FIELDS, *REMOVED_FIELDS))
)
"""The names of all fields that a map may have, in the order in which they are written."""
FROM_AMOUNTS: Final = "from-amounts"


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvConfig:
    """The form of a CSV file."""

    delimiter: str = described("Delimiter", "The sign between two fields.", default=",")
    header: bool = described(
        "First line has names",
        "The first line has the names of the columns. Without it, they are called 1, 2, 3 …",
        kind="yes",
        default=True,
    )
    encoding: str = described("Encoding", "The charset of the file.", default="utf-8")
    quote: str = described(
        "Quote", "The sign around a field that holds a delimiter or a line break.", default='"'
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsConfig:
    """The location of a page's rows, and which of them count. Either *path* or *csv* is given."""

    path: PathConfig | None = described(
        "Rows",
        'The path to the rows: `json = "$.data[*]"`, or `xpath = "//ARINVOICE"`, perhaps with '
        "`namespaces`.",
        kind="path",
        default=None,
        example="$.data[*]",
    )
    csv: CsvConfig | None = described(
        "CSV", "The response is a CSV file, each line of which is a row.", kind="csv", default=None
    )
    record: PathConfig | None = described(
        "Record",
        "The path to the record within the row. `map` reads the record; the conditions here, "
        "`pages.id` and `changes.field` read the row.",
        kind="row-path",
        default=None,
        example="$.invoice",
    )
    include_when: tuple[ConditionConfig, ...] = described(
        "Only rows for which",
        "Conditions that must all hold, otherwise the row is left out. It isn't hidden.",
        kind="row-conditions",
        default=(),
    )
    removed_when: tuple[ConditionConfig, ...] = described(
        "Removed when",
        "Conditions, any of which means that the row is removed.",
        kind="row-conditions",
        default=(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalConfig:
    """The number of all rows, or of pages, at a path of each page."""

    path: PathConfig = described("Path", kind="path", default=PathConfig(kind="json", text="$"))
    of: str = described(
        "Number of",
        "The number counts all rows, or all pages.",
        kind="choice",
        default="rows",
        choices=("rows", "pages"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PagesConfig:
    """The way from one page to the next."""

    kind: str = described(
        "Kind",
        "How the next page is requested.",
        kind="choice",
        default="none",
        choices=PAGE_KINDS,
        words=(
            "There is one page",
            "By its number",
            "By an offset",
            "After the last id",
            "With a token from the response",
            "At a URL in the response",
            "At the Link header",
        ),
    )
    param: str = described(
        "Parameter",
        "The parameter that carries the position. Without it, the URL or body has the token, "
        "such as `{{Offset}}`. It is left out on the first page of `token` and `last-id`.",
        default="",
        example="page",
    )
    in_: str = described(
        "Where it goes",
        "Where `param` goes. In `json`, it is a JSONPath to set in the body.",
        kind="choice",
        default="query",
        choices=PARAM_PLACES,
        words=("Query", "Header", "JSON body"),
    )
    first_page: int | None = described(
        "First page",
        "The number of the first page: 1, and 0 for `offset`, unless given.",
        kind="optional-whole-number",
        default=None,
    )
    size: int = described(
        "Rows per page", "How many rows to ask for.", kind="whole-number", default=100
    )
    size_param: str = described(
        "Parameter for the size",
        "The parameter that carries the size, at the same place as `param`.",
        default="",
        example="per_page",
    )
    next: PathConfig | None = described(
        "Next",
        "The path, or header, with the next token or URL.",
        kind="path-at-key",
        default=None,
        example="$.next",
    )
    id: PathConfig | None = described(
        "Id for the next page",
        "The path to the id in the row for `last-id`. Unless given, it is that of `map.id`.",
        kind="row-path",
        default=None,
        example="$.id",
    )
    more_when: tuple[ConditionConfig, ...] = described(
        "There are more when",
        "Conditions on the page; if all hold, there is another page. They override `total`, "
        "`next` and `last_page`.",
        kind="conditions",
        default=(),
    )
    total: TotalConfig | None = described(
        "Total",
        'The path to the number of all rows, or of pages with `of = "pages"`.',
        kind="total",
        default=None,
        example="$.total",
    )
    last_page: str = described(
        "Last page",
        "Without `more_when`, `total` and `next`: the page that ends the list, an `empty` one or "
        "the first that isn't full (`short`).",
        kind="choice",
        default="empty",
        choices=("empty", "short"),
    )
    max_pages: int = described(
        "Most pages", "More pages than this are a failure.", kind="whole-number", default=10_000
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseConfig:
    """A status, and the conditions on the row that must all hold for it."""

    value: str = field(metadata=describe("Status", kind="text", required=True, example="paid"))
    when: tuple[ConditionConfig, ...] = field(
        metadata=describe("When", kind="row-conditions", required=True)
    )


MinorUnits = bool | int | dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedFieldConfig:
    """The source of one field: one of *path*, *value*, *template* and *first_of*, and its form."""

    name: str = field(metadata=describe("Field", kind="name", example="number"))
    path: PathConfig | None = described(
        "Path",
        "The path in the row: `json`, `xpath` or, of a CSV file, `column`.",
        kind="row-path-here",
        default=None,
        example="$.number",
    )
    value: Scalar | None = described(
        "Fixed value", "The same value for every row.", kind="scalar", default=None
    )
    template: str = described(
        "Template",
        "A text made from other fields, such as `https://pay.example.com/{{id}}`.",
        kind="lines",
        default="",
    )
    first_of: tuple[PathConfig, ...] = described(
        "First of", "Paths; the first that isn't empty counts.", kind="row-paths", default=()
    )
    format: str = described(
        "Format",
        "Of a date or time: `iso`, `unix`, `unix-ms`, `dotnet` or a pattern such as `dd.MM.yyyy`.",
        default="",
        example="dd.MM.yyyy",
    )
    zone: str = described(
        "Time zone",
        "The zone of the time; a date read from it is the day in that zone. An IANA name, an "
        "offset or a variable.",
        default="",
        example="Europe/Berlin",
    )
    minor_units: MinorUnits | None = described(
        "Minor units",
        "The amount is in whole minor units: `true` by the currency (ISO 4217), a number of "
        "digits, or a table with exceptions by currency.",
        kind="minor-units",
        default=None,
    )
    decimal: str = described("Decimal sign", "Of an amount that is text.", default="")
    group: str = described(
        "Group sign", "Between thousands, of an amount that is text.", default=""
    )
    minus: tuple[PathConfig, ...] = described(
        "Minus", "One or more paths to subtract.", kind="row-paths", default=()
    )
    zero: str = described(
        "Zero",
        '`"empty"`: 0 counts as no value.',
        kind="choice",
        default="",
        choices=("", "empty"),
        words=("is an amount", "is no value"),
    )
    negative: str = described(
        "Negative",
        '`"credit-note"`: a negative amount makes the row a credit note.',
        kind="choice",
        default="",
        choices=("", "credit-note"),
        words=("is an amount", "is a credit note"),
    )
    values: dict[str, Scalar] | None = described(
        "Values",
        "A table from the system's value to Billhook's.",
        kind="scalar-table",
        default=None,
    )
    cases: tuple[CaseConfig, ...] = described(
        "Cases",
        "Of a status: the first case whose conditions all hold counts.",
        kind="cases",
        default=(),
    )
    unknown: str = described(
        "Unlisted status",
        "The meaning of a status that isn't listed: `stop`, `open` or `hidden`.",
        kind="choice",
        default="stop",
        choices=("stop", "open", "hidden"),
    )
    none: str = described(
        "If there is no value",
        "`empty`, `skip` (the row is skipped and counted) or `failed`.",
        kind="choice",
        default="empty",
        choices=("empty", "skip", "failed"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MapConfig:
    """The fields of a row, by name, and the contacts within the row of a customer."""

    fields: tuple[MappedFieldConfig, ...] = ()
    contacts: InnerRowsConfig | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InnerRowsConfig:
    """Rows within a row, with their own map."""

    path: PathConfig
    map: MapConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangesConfig:
    """The question what changed."""

    kind: str = described(
        "Kind",
        "Whether the source can be asked for rows `changed` or `created` since a time. With "
        "`none`, every sync is a full run.",
        kind="choice",
        default="none",
        choices=CHANGE_KINDS,
        words=("Can't be asked", "Changed since", "Created since"),
    )
    param: str = described(
        "Parameter",
        "The parameter that carries the time. Without it, the URL, a header or the body has "
        "`{{ChangedSince}}`.",
        default="",
        example="updated_since",
    )
    in_: str = described(
        "Where it goes",
        "Where `param` goes. In `json`, it is a JSONPath to set in the body.",
        kind="choice",
        default="query",
        choices=PARAM_PLACES,
        words=("Query", "Header", "JSON body"),
    )
    until_param: str = described(
        "Parameter for the end",
        "The parameter that carries the end of a slice, at the same place. Without it, the text "
        "has `{{ChangedUntil}}`.",
        default="",
    )
    format: str = described(
        "Format",
        "`iso`, `iso-seconds`, `unix`, `unix-ms`, or a pattern such as `MM/dd/yyyy HH:mm:ss`. A "
        "pattern without hours means whole days.",
        default="iso",
    )
    zone: str = described(
        "Time zone",
        "The zone of the time: UTC unless given, and needed by a pattern. An IANA name, an offset "
        "or a variable.",
        default="",
        example="Europe/Berlin",
    )
    field: MappedFieldConfig | None = described(
        "The row's own time",
        "Where the row says when it changed. Unless given, it is `map.changed`.",
        kind="mapped-field",
        default=None,
    )
    retention: str = described(
        "Remembered for",
        "How far back the system remembers changes. An older watermark forces a full run.",
        kind="duration",
        default="",
        example="30 days",
    )
    overlap: str = described(
        "Overlap",
        "How much to ask for again each time: 10 minutes, or 2 days where only days can be asked "
        "for, unless given.",
        kind="duration",
        default="",
        example="10 minutes",
    )
    slice: str = described(
        "Slice",
        "Splits a long span into slices. Needs `until_param` or `{{ChangedUntil}}`.",
        kind="duration",
        default="",
        example="31 days",
    )
    start: str = described(
        "Start",
        "The date where first and full runs begin. What is older is neither fetched nor "
        "considered missing.",
        kind="day",
        default="",
        example="2024-01-01",
    )
    may_be_missing: bool = boolean(
        "Rows may lack the time",
        "First and full runs then leave out the filter.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PassConfig:
    """A further request with the same map. What isn't given is the command's own."""

    name: str = field(metadata=describe("Name", required=True, example="Open"))
    every: str = described(
        "Every", "How often it runs.", kind="duration", default="", example="1 hour"
    )
    full_run: bool = boolean(
        "For full runs", "Used instead of the command's own request in full runs."
    )
    url: str = described("URL", "Replaces the command's own URL.", default="")
    body: str = described("Body", "Replaces the command's own body.", kind="body", default="")
    rows: RowsConfig | None = described("Rows", "Replaces `rows`.", kind="rows", default=None)
    pages: PagesConfig | None = described("Pages", "Replaces `pages`.", kind="pages", default=None)
    changes: ChangesConfig | None = described(
        "Changes", "Replaces `changes`.", kind="changes", default=None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RemainingConfig:
    """A header with the requests that are left, and how many of them to keep."""

    header: str = field(
        metadata=describe(
            "Header",
            "The header with the number of requests left.",
            required=True,
            example="X-DayLimit-Remaining",
        )
    )
    reserve: int = described(
        "Reserve", "How many of them to keep for documents.", kind="whole-number", default=0
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsConfig:
    """The source's limits for requests."""

    rate: str = described(
        "Rate", "The most requests in a time, such as `50/minute`.", default="60/minute"
    )
    per_day: int | None = described(
        "Per day", "The most requests in a day.", kind="optional-whole-number", default=None
    )
    pause: str = described(
        "Pause", "The least time between two requests.", kind="duration", default=""
    )
    remaining: RemainingConfig | None = described(
        "Remaining",
        "The header with the number of requests left, and how many to keep for documents.",
        kind="remaining",
        default=None,
    )
    max_wait: str = described(
        "Longest wait",
        "How long the run waits when the source asks it to; for longer, it stops and goes on "
        "later.",
        kind="duration",
        default="15 minutes",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SafeguardConfig:
    """The changes of one run before which the sync stops and asks."""

    hidden: str = described(
        "Hidden", "The most of the shown rows that a run may hide.", kind="percent", default="20%"
    )
    min_rows: int = described(
        "At least", "So many may be hidden in any case.", kind="whole-number", default=10
    )
    moved: int = described(
        "Moved",
        "So many invoices may change their customer without asking.",
        kind="whole-number",
        default=0,
    )
    amounts: str = described(
        "Amounts",
        "The most of the rows whose amount, currency or customer may change.",
        kind="percent",
        default="50%",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class NudgeConfig:
    """The signature of a nudge: a header with the HMAC-SHA256 of its body."""

    header: str = field(metadata=describe("Header", required=True, example="x-xero-signature"))
    hmac: str = field(
        metadata=describe(
            "Key",
            "The token of the secret that is the key of the HMAC-SHA256.",
            required=True,
            example="{{WebhookKey}}",
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ListCommandConfig(CommandConfig):
    """A list command. Its last request is paged; the document's settings don't apply to it."""

    accept: tuple[str, ...] = DEFAULT_ACCEPT
    max_bytes: int = DEFAULT_MAX_BYTES
    retries: int = DEFAULT_RETRIES
    tokens: tuple[str, ...] = ()
    payment_hosts: tuple[str, ...] = ()
    rows: RowsConfig | None = described(
        "Rows", "Where a page's rows are.", kind="rows", default=None
    )
    map: MapConfig | None = described("Map", "Which field is which.", kind="map", default=None)
    pages: PagesConfig = described("Pages", "How to page.", kind="pages", default=PagesConfig())
    changes: ChangesConfig = described(
        "Changes",
        "How to ask what changed. Without it, every sync is a full run.",
        kind="changes",
        default=ChangesConfig(),
    )
    passes: tuple[PassConfig, ...] = described(
        "Passes",
        'Further requests with the same map, for "open ones again" or "all".',
        kind="passes",
        default=(),
    )
    full_run_every: str = described(
        "Full run every",
        'How often to run without the filter; rows then not found are missing. `"never"` is '
        "allowed.",
        kind="duration",
        default="1 day",
    )
    empty_when: tuple[ConditionConfig, ...] = described(
        "Empty when",
        "Conditions, any of which means that there are no rows.",
        kind="conditions",
        default=(),
    )
    conditional: bool = boolean(
        "Ask whether it changed",
        "Sends If-None-Match and If-Modified-Since; 304 means nothing new. Only with a single "
        "page.",
    )
    limits: LimitsConfig = described(
        "Limits", "The source's limits for requests.", kind="limits", default=LimitsConfig()
    )
    safeguard: SafeguardConfig = described(
        "Safeguard",
        "When to stop and ask.",
        kind="safeguard",
        default=SafeguardConfig(),
    )
    same_number: str = described(
        "Two ids with one number",
        "A `remark`, or `replace`: the newer replaces the older.",
        kind="choice",
        default="remark",
        choices=("remark", "replace"),
    )
    nudge: NudgeConfig | None = described(
        "Nudge", "The signature that a nudge must carry.", kind="nudge", default=None
    )
    for_each: str = described(
        "For each",
        'Only in ListContacts: `"customer"`, one request per customer.',
        kind="choice",
        default="",
        choices=("", "customer"),
        words=("One list", "One request per customer"),
    )
    batch: int = described(
        "Batch",
        "With `for_each`: so many ids in one request, separated by commas.",
        kind="whole-number",
        default=1,
    )


@dataclass(slots=True, kw_only=True)
class ListConfigTypes:
    """The classes whose descriptions make the file, the form and the docs of list commands."""

    command: type[ListCommandConfig] = ListCommandConfig


LIST_TYPES: Final = ListConfigTypes()
"""Those that are used; a test adds a field of its own."""
LIST_KEYS: Final = tuple(
    each.key
    for each in fields_of(ListCommandConfig)
    if each.key not in {info.key for info in fields_of(CommandConfig)}
)
"""The keys that only list commands have."""
