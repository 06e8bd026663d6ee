"""Every setting of an installation, in one table; the only reader of the environment.

``docs/settings.md`` is generated from this table. Each setting can also come from a file: if
``BILLHOOK_DATABASE_URL_FILE`` names one, its content is the value (Docker and systemd pass secrets
this way).
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from billhook.engine.errors import ConfigurationError, Problem
from billhook.portal.installation import environment_kinds as kinds
from billhook.portal.installation.storage_choice import StorageChoice, storage

PREFIX: Final = "BILLHOOK_"
_FILE: Final = "_FILE"
DEFAULT_PUBLIC_URL: Final = "http://127.0.0.1:8000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting: its name in the environment, its default as text, and its meaning.

    ``read`` converts the text into the value and raises :class:`ValueError` with a sentence that
    describes a valid one. It never gets an empty text: that means the default.
    """

    name: str
    default: str
    meaning: str
    read: Callable[[str], Any]
    secret: bool = False

    @property
    def attribute(self) -> str:
        """The name of the value in :class:`Environment`."""
        return self.name.removeprefix(PREFIX).lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """All settings of one installation, read and checked."""

    data_dir: Path
    database_url: str
    storage: StorageChoice
    node: str
    public_url: str
    allow: tuple[kinds.AllowedSystem, ...]
    ports: frozenset[int]
    deny: tuple[str, ...]
    proxy: tuple[kinds.ProxyChoice, ...]
    proxy_except: tuple[str, ...]
    proxy_by_name: bool
    show_private_answers: bool
    email_url: str
    email_from: str
    bounce_address: str
    bounce_mailbox: str
    notices_per_hour: int
    notice_attachment_bytes: int
    session_days: int
    secrets_keys: str
    signing_key: str
    trusted_proxies: tuple[str, ...]
    page_processes: int
    cache_bytes: int
    cache_seconds: int
    import_rows: int
    zip_invoices: int
    zip_bytes: int
    zip_hours: int
    workers: int
    job_processes: int
    job_lease_seconds: int
    stop_seconds: int
    backup_days: int
    api_rate: int
    api_calls: int
    view_rate: int
    metrics_token: str
    log_format: str
    log_level: str

    @property
    def host(self) -> str:
        """The host name under which people reach this installation."""
        return urlsplit(self.public_url).hostname or "localhost"

    @property
    def is_https(self) -> bool:
        """Whether people reach this installation over https."""
        return self.public_url.startswith("https://")


SETTINGS: Final = (
    Setting(
        name="BILLHOOK_DATA_DIR",
        default="data",
        meaning="The data folder: the SQLite database, the keys, and documents while people view "
        "them. It is created on the first start. Only its owner can read it: a folder that others "
        "can read is closed at the start, or refused.",
        read=kinds.path,
    ),
    Setting(
        name="BILLHOOK_DATABASE_URL",
        default="",
        meaning="The address of the database, as `postgresql://name:password@host/database`. "
        "Without it, Billhook uses a SQLite database in the data folder.",
        read=kinds.database_url,
        secret=True,
    ),
    Setting(
        name="BILLHOOK_STORAGE",
        default="",
        meaning="Where documents that are viewed or kept, and files that are imported, are stored: "
        "`folder` (the data folder: for one node), `database`, or S3-compatible storage as "
        "`s3://KEY:SECRET@bucket/prefix?endpoint=https://storage.example.com&region=eu-central-1` "
        "(special characters in the secret percent-encoded; without `endpoint`, AWS). Without it, "
        "the folder with SQLite and the database with PostgreSQL. Outside the folder, every file "
        "is encrypted with a key that comes from the signing key.",
        read=storage,
        secret=True,
    ),
    Setting(
        name="BILLHOOK_NODE",
        default="",
        meaning="The name of this node in `billhook doctor`, `/metrics` and the log. Without it, "
        "the name of the machine.",
        read=kinds.node_name,
    ),
    Setting(
        name="BILLHOOK_PUBLIC_URL",
        default=DEFAULT_PUBLIC_URL,
        meaning="The address at which people reach Billhook, without a path. "
        "With `https`, cookies are sent only over https.",
        read=kinds.public_url,
    ),
    Setting(
        name="BILLHOOK_ALLOW",
        default="",
        meaning="Private systems that integrations may reach, separated by commas: each "
        "`host:port`, or `host:port=network` for a name that may resolve into that network; with "
        "`@` and the id of an organisation behind it, for that organisation alone. Link-local and "
        "metadata addresses stay denied.",
        read=kinds.allowances,
    ),
    Setting(
        name="BILLHOOK_PORTS",
        default="80,443,8080,8443",
        meaning="The ports that integrations may reach, separated by commas.",
        read=kinds.ports,
    ),
    Setting(
        name="BILLHOOK_DENY",
        default="",
        meaning="Networks that integrations may not reach, in addition to the private and special "
        "ones, separated by commas, such as `192.0.2.0/24,2001:db8::/32`.",
        read=kinds.networks,
    ),
    Setting(
        name="BILLHOOK_PROXY",
        default="",
        meaning="The outgoing proxy: `http://host:port` or `http://user:password@host:port`. "
        "Sources are reached through it by CONNECT, except the systems in `BILLHOOK_ALLOW`. With "
        "`@` and the id of an organisation behind it, it is for that organisation alone, and "
        "`direct@ID` means none; several are separated by commas.",
        read=kinds.proxies,
        secret=True,
    ),
    Setting(
        name="BILLHOOK_PROXY_EXCEPT",
        default="",
        meaning="Hosts that are reached without the proxy, separated by commas; with a dot before "
        "it, such as `.example.com`, a whole domain.",
        read=kinds.proxy_exceptions,
    ),
    Setting(
        name="BILLHOOK_PROXY_BY_NAME",
        default="no",
        meaning="Whether the proxy gets the names of hosts and looks them up itself: `yes` or "
        "`no`. Then the proxy must deny private networks, since Billhook can't judge the "
        "addresses.",
        read=kinds.truth,
    ),
    Setting(
        name="BILLHOOK_SHOW_PRIVATE_ANSWERS",
        default="no",
        meaning="Whether owners and editors may see the first lines of a failed response from a "
        "private system in `BILLHOOK_ALLOW`: `yes` or `no`.",
        read=kinds.truth,
    ),
    Setting(
        name="BILLHOOK_EMAIL_URL",
        default="console:",
        meaning="The mail server: `smtp://name:password@host:587` (with STARTTLS), "
        "`smtps://name:password@host:465`, `smtp+plain://localhost:25` (without TLS, for a "
        "server on this machine), or `console:` to print it.",
        read=kinds.email_url,
        secret=True,
    ),
    Setting(
        name="BILLHOOK_EMAIL_FROM",
        default="Billhook <billhook@localhost>",
        meaning="The sender of e-mails.",
        read=kinds.email_sender,
    ),
    Setting(
        name="BILLHOOK_BOUNCE_ADDRESS",
        default="",
        meaning="The address to which mail servers send notices back that can't be delivered (the "
        "envelope sender); without it, the one in `BILLHOOK_EMAIL_FROM`. A `*` stands for "
        "characters that differ for each mail, as in `bounces+*@acme.example`, if mail to all such "
        "addresses arrives.",
        read=kinds.bounce_address,
    ),
    Setting(
        name="BILLHOOK_BOUNCE_MAILBOX",
        default="",
        meaning="The mailbox in which bounces arrive, which Billhook reads every five minutes: "
        "`imaps://name:password@host:993/INBOX`, `imap://…:143/…` (with STARTTLS), or "
        "`imap+plain://localhost:143/…` (without TLS, for a server on this machine). Special "
        "characters in name, password and folder are percent-encoded.",
        read=kinds.imap_url,
        secret=True,
    ),
    Setting(
        name="BILLHOOK_NOTICES_PER_HOUR",
        default="500",
        meaning="The most mails with notices that one organisation sends its contacts in an hour; "
        "the others wait.",
        read=kinds.whole(least=1, most=1_000_000),
    ),
    Setting(
        name="BILLHOOK_NOTICE_ATTACHMENT_BYTES",
        default="5000000",
        meaning="The size up to which a document is attached to a mail about its invoice; a larger "
        "one is only linked.",
        read=kinds.whole(least=0, most=50_000_000),
    ),
    Setting(
        name="BILLHOOK_SESSION_DAYS",
        default="14",
        meaning="The number of days after which people must sign in again.",
        read=kinds.whole(least=1, most=365),
    ),
    Setting(
        name="BILLHOOK_SECRETS_KEYS",
        default="",
        meaning="The keys that encrypt stored secrets, newest first, separated by commas. "
        "Without it, Billhook creates and uses the file `secrets.key` in the data folder.",
        read=str,
        secret=True,
    ),
    Setting(
        name="BILLHOOK_SIGNING_KEY",
        default="",
        meaning="The key that signs sessions and forms: at least 50 characters. Without it, "
        "Billhook creates and uses the file `signing.key` in the data folder.",
        read=kinds.long_key,
        secret=True,
    ),
    Setting(
        name="BILLHOOK_TRUSTED_PROXIES",
        default="127.0.0.1,::1",
        meaning="The addresses or networks of reverse proxies whose `X-Forwarded-For` and "
        "`X-Forwarded-Proto` Billhook trusts, separated by commas.",
        read=kinds.networks,
    ),
    Setting(
        name="BILLHOOK_PAGE_PROCESSES",
        default="1",
        meaning="The number of separate processes that turn pages of documents into images for one "
        "organisation at the same time; one more is kept for the others.",
        read=kinds.whole(least=1, most=32),
    ),
    Setting(
        name="BILLHOOK_CACHE_BYTES",
        default="256000000",
        meaning="The bytes of documents to keep in the data folder, so that the next click "
        "needn't fetch them again; `0` keeps none. Each integration chooses whether to check "
        "with the source each time (the default), to trust the copy, or to keep nothing.",
        read=kinds.whole(least=0, most=1_000_000_000_000),
    ),
    Setting(
        name="BILLHOOK_CACHE_SECONDS",
        default="3600",
        meaning="The seconds for which a kept document is shown without asking the source, if the "
        "integration allows that. After twice this time it is deleted.",
        read=kinds.whole(least=1, most=604_800),
    ),
    Setting(
        name="BILLHOOK_IMPORT_ROWS",
        default="100000",
        meaning="The most rows that a file to import may have, on each of its sheets. A file has "
        "at most 16 MB.",
        read=kinds.whole(least=100, most=1_000_000),
    ),
    Setting(
        name="BILLHOOK_ZIP_INVOICES",
        default="200",
        meaning="The most invoices whose documents a contact may download as one zip.",
        read=kinds.whole(least=1, most=5_000),
    ),
    Setting(
        name="BILLHOOK_ZIP_BYTES",
        default="250000000",
        meaning="The most bytes of documents in such a zip; documents that don't fit are left out, "
        "and the zip says so. The documents of all zips together may take four times as many, and "
        "at least one GiB.",
        read=kinds.whole(least=1_000_000, most=20_000_000_000),
    ),
    Setting(
        name="BILLHOOK_ZIP_HOURS",
        default="72",
        meaning="The hours for which such a zip can be downloaded. Then it is deleted.",
        read=kinds.whole(least=1, most=720),
    ),
    Setting(
        name="BILLHOOK_WORKERS",
        default="1",
        meaning="How many server processes share the port: one for each core to use.",
        read=kinds.whole(least=1, most=64),
    ),
    Setting(
        name="BILLHOOK_JOB_PROCESSES",
        default="2",
        meaning="How many processes `billhook serve` starts for jobs: imports, mail, and whatever "
        "else outlives a request. `0` leaves them to `billhook work`, which runs nothing else.",
        read=kinds.whole(least=0, most=32),
    ),
    Setting(
        name="BILLHOOK_JOB_LEASE_SECONDS",
        default="60",
        meaning="The seconds after which another process goes on with a job whose process has died "
        "or hangs. One chunk of the work may take two thirds of it. All nodes need the same.",
        read=kinds.whole(least=3, most=3600),
    ),
    Setting(
        name="BILLHOOK_STOP_SECONDS",
        default="20",
        meaning="The seconds within which the server stops. Runs in progress may use them, except "
        "for the last three (or half, if there are fewer than six), in which their records are "
        "written.",
        read=kinds.whole(least=1, most=600),
    ),
    Setting(
        name="BILLHOOK_BACKUP_DAYS",
        default="0",
        meaning="The days without a `billhook backup` after which owners see a warning on Home and "
        "in `billhook doctor`; `0` if backups are made in another way.",
        read=kinds.whole(least=0, most=365),
    ),
    Setting(
        name="BILLHOOK_API_RATE",
        default="100",
        meaning="The runs per second that an API key may start, and the files per second that one "
        "person may open, on average and on all nodes together; twice as many in a burst.",
        read=kinds.whole(least=1, most=100_000),
    ),
    Setting(
        name="BILLHOOK_API_CALLS",
        default="600",
        meaning="The calls of `/api/v1` per minute that an API key may make, on average and on all "
        "nodes together; as many at once. Runs have `BILLHOOK_API_RATE` instead.",
        read=kinds.whole(least=1, most=1_000_000),
    ),
    Setting(
        name="BILLHOOK_VIEW_RATE",
        default="60",
        meaning="The documents per minute that one person may view as pages, on average and on all "
        "nodes together; as many at once. Beyond that, the page asks them to wait.",
        read=kinds.whole(least=1, most=100_000),
    ),
    Setting(
        name="BILLHOOK_METRICS_TOKEN",
        default="",
        meaning="With this token (`Authorization: Bearer TOKEN`), `/metrics` may be read from "
        "other machines. Without it, only from this one and not through a proxy.",
        read=str,
        secret=True,
    ),
    Setting(
        name="BILLHOOK_LOG_FORMAT",
        default="text",
        meaning="The format of log lines: `text` for people or `json` for programs.",
        read=kinds.one_of("text", "json"),
    ),
    Setting(
        name="BILLHOOK_LOG_LEVEL",
        default="info",
        meaning="The least severe lines to log: `debug`, `info`, `warning` or `error`.",
        read=kinds.one_of("debug", "info", "warning", "error"),
    ),
)


def read(environ: Mapping[str, str]) -> Environment:
    """Return the settings in *environ*.

    Raises:
        ConfigurationError: with every problem, each describing a valid value.
    """
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for setting in SETTINGS:
        try:
            values[setting.attribute] = setting.read(_text(setting, environ) or setting.default)
        except ValueError as error:
            message = f"{setting.name}: {error}"
            problems.append(Problem(code="setting", message=message, where=setting.name))
    if problems:
        raise ConfigurationError(tuple(problems))
    return Environment(**values)


def _text(setting: Setting, environ: Mapping[str, str]) -> str:
    text = environ.get(setting.name, "").strip()
    file = environ.get(setting.name + _FILE, "").strip()
    if text and file:
        raise ValueError(f"it is given twice, here and as {setting.name}{_FILE}. Keep one.")
    return _content(setting, file) if file else text


def _content(setting: Setting, file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        name = setting.name + _FILE
        raise ValueError(f"the file that {name} names can't be read as text: {file}") from None


@cache
def current() -> Environment:
    """Return the settings of this process, read once."""
    return read(os.environ)  # noqa: TID251 - the one reader


def given() -> dict[str, str]:
    """Return the settings that the environment gives, as texts by name; also those in files."""
    texts = ((setting.name, _text(setting, os.environ)) for setting in SETTINGS)  # noqa: TID251
    return {name: text for name, text in texts if text}


def put(name: str, value: str) -> None:
    """Set *name* for this process and those that it starts, as an option of the command line does.

    Call this before Django is set up: settings are read only once.
    """
    if name not in {setting.name for setting in SETTINGS}:
        raise ValueError(f"there is no setting {name}")
    os.environ[name] = value  # noqa: TID251 - the one writer
    os.environ.pop(name + _FILE, None)  # noqa: TID251
    current.cache_clear()


def for_child(**more: str) -> dict[str, str]:
    """Return the environment for a process that this one starts, with *more* in it."""
    return {**os.environ, **more}  # noqa: TID251


def notify_socket() -> str:
    """Return where a service manager takes reports, or "" (sd_notify(3))."""
    return os.environ.get("NOTIFY_SOCKET", "")  # noqa: TID251


def watchdog_seconds() -> float:
    """Return the seconds of silence after which the service manager considers this process hung.

    Return 0 if it doesn't watch this process (sd_watchdog_enabled(3)).
    """
    microseconds = os.environ.get("WATCHDOG_USEC", "")  # noqa: TID251
    process = os.environ.get("WATCHDOG_PID") or str(os.getpid())  # noqa: TID251
    is_watched = microseconds.isascii() and microseconds.isdigit() and process == str(os.getpid())
    return int(microseconds) / 1_000_000 if is_watched else 0.0


def name_django_settings() -> None:
    """Tell Django, in this process and those that it starts, where its settings are."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "billhook.portal.project.settings")  # noqa: TID251


def unknown_names(environ: Mapping[str, str] | None = None) -> tuple[Problem, ...]:
    """Return a problem for each variable that starts like a setting but is none: a slip, mostly."""
    given = os.environ if environ is None else environ  # noqa: TID251
    names = [setting.name for setting in SETTINGS]
    known = {*names, *(name + _FILE for name in names)}
    return tuple(
        _unknown(name, names)
        for name in sorted(given)
        if name.startswith(PREFIX) and name not in known
    )


def _unknown(name: str, names: list[str]) -> Problem:
    near = difflib.get_close_matches(name, names, n=1)
    question = f" Did you mean {near[0]}?" if near else ""
    return Problem(
        code="setting",
        message=f"There is no setting {name}.{question}",
        where=name,
        suggestion=near[0] if near else None,
    )


def as_markdown() -> str:
    """Return ``docs/settings.md``: the table of settings for people."""
    rows = [f"| `{s.name}` | {_default(s)} | {s.meaning} |" for s in SETTINGS]
    return "\n".join([*_HEAD, *rows, ""])


def _default(setting: Setting) -> str:
    return f"`{setting.default}`" if setting.default else "(empty)"


_HEAD: Final = (
    "# Settings",
    "",
    "<!-- Made by `python -m billhook.portal.installation.environment`. -->",
    "",
    "Billhook is configured by environment variables. All of them have defaults, so that none is",
    "needed to try it. Instead of a variable, a file may hold the value: put its path in one",
    "of that name with `_FILE`, such as `BILLHOOK_DATABASE_URL_FILE=/run/secrets/database`.",
    "An invalid value stops the start, with a sentence that describes a valid one.",
    "",
    "| name | default | meaning |",
    "|---|---|---|",
)

if __name__ == "__main__":
    print(as_markdown(), end="")  # noqa: T201 - its only purpose
