"""Parts of every stand-in: routes over the raw path, calls as received, and refusals.

A stand-in behaves as the vendor's system does. Whatever the real one refuses it refuses, in the
same words if they are known, and keeps why: a test that fetched a document asks that nothing was
refused on the way.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import parse_qsl, quote, unquote_to_bytes

from aiohttp import web

from lab.invoices import Invoice, make_invoices

API, FILES = "api", "files"
"""A stand-in has two origins: the system itself, and the store to which its links lead."""


class Refused(Exception):
    """A refusal of the system: *why* is for the test's reader, the rest is the response."""

    def __init__(
        self,
        status: int,
        why: str,
        *,
        data: Any = None,
        body: bytes | None = None,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status}: {why}")
        self.why = str(self)
        self.status = status
        self.headers = {"Content-Type": content_type, **(headers or {})}
        self.body = body if body is not None else json.dumps(data or {"error": why}).encode()

    def answer(self) -> web.Response:
        return web.Response(status=self.status, headers=self.headers, body=self.body)


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request exactly as it came on the wire; its requirements are checked strictly."""

    site: str
    method: str
    raw_path: str
    raw_query: str
    headers: Any  # a CIMultiDict
    body: bytes

    @property
    def target(self) -> str:
        return f"{self.raw_path}?{self.raw_query}" if self.raw_query else self.raw_path

    def header(self, name: str, *, status: int = 400, data: Any = None) -> str:
        """Return the one header called *name*, or refuse."""
        values = self.headers.getall(name, [])
        if len(values) != 1:
            raise Refused(status, f"{name} appears {len(values)} times", data=data)
        return str(values[0])

    def needs(self, name: str, value: str, *, status: int = 400, data: Any = None) -> None:
        """Refuse what hasn't exactly this header."""
        if self.header(name, status=status, data=data) != value:
            raise Refused(status, f"{name} is another", data=data)

    def query(
        self, *required: str, optional: tuple[str, ...] = (), status: int = 400, data: Any = None
    ) -> dict[str, str]:
        """Read the query as a form: all of *required*, nothing else, nothing twice."""
        return _pairs(self.raw_query, required, optional, status, data)

    def form(
        self, *required: str, optional: tuple[str, ...] = (), status: int = 400, data: Any = None
    ) -> dict[str, str]:
        """Read the body as a form, which its Content-Type has to say."""
        self._needs_type("application/x-www-form-urlencoded")
        return _pairs(self.body.decode("ascii"), required, optional, status, data)

    def json(self, *, status: int = 400, content_type: str = "application/json") -> Any:
        """Read the body as JSON, which its Content-Type has to say."""
        self._needs_type(content_type)
        try:
            return json.loads(self.body)
        except ValueError:
            raise Refused(status, "the body isn't JSON") from None

    def no_query(self) -> None:
        """Refuse a query where the system knows none."""
        if self.raw_query:
            raise Refused(400, "there is a query")

    def no_body(self) -> None:
        """Refuse a body where none belongs."""
        if self.body:
            raise Refused(400, "there is a body")

    def _needs_type(self, wanted: str) -> None:
        given = self.header("Content-Type", status=415).partition(";")[0].strip().lower()
        if given != wanted:
            raise Refused(415, f"the Content-Type is {given}, not {wanted}")


def _pairs(
    text: str, required: tuple[str, ...], optional: tuple[str, ...], status: int, data: Any
) -> dict[str, str]:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text), errors="strict")
    except ValueError:
        raise Refused(status, "a query or form is no list of name=value", data=data) from None
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Refused(status, "a parameter appears twice", data=data)
    if missing := set(required) - set(found):
        raise Refused(status, f"parameters are missing: {sorted(missing)}", data=data)
    if extra := set(found) - {*required, *optional}:
        raise Refused(status, f"parameters are unknown: {sorted(extra)}", data=data)
    return found


Handler = Callable[..., web.StreamResponse | Awaitable[web.StreamResponse]]


@dataclass(frozen=True, kw_only=True)
class Route:
    """A handler's place: ``{name}`` in *path* is one segment, decoded; ``{name:*}`` is the rest."""

    method: str
    path: str
    site: str
    is_sign_in: bool
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        pattern = re.sub(r"\\\{(\w+):\\\*\\\}", r"(?P<\1>.*)", re.escape(self.path))
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]*)", pattern)
        object.__setattr__(self, "pattern", re.compile(pattern))


def route(method: str, path: str, *, site: str = API, sign_in: bool = False) -> Any:
    """Make a method of a stand-in answer at *path*. One method may have several.

    ``sign_in`` marks what goes on working when the system fails: where sessions and tokens come
    from.
    """

    def mark(handler: Handler) -> Handler:
        entry = Route(method=method, path=path, site=site, is_sign_in=sign_in)
        handler.__dict__.setdefault("routes", []).append(entry)
        return handler

    return mark


def fact(sentence: str) -> Any:
    """Make an async method of a stand-in one more thing that is shown of its preset.

    It gets the :class:`lab.world.World` and asserts. *sentence* is the test's name and appears in
    the table of the docs.
    """

    def mark(check: Any) -> Any:
        check.fact = sentence
        return check

    return mark


class StandIn:
    """A system of the laboratory. One subclass per preset; its attributes are facts for the tests.

    ``secrets`` are the right ones, by the preset's names. ``documentless`` says that the system
    has only a link to give. ``wrong_secret_does_nothing`` names secrets whose change isn't noticed
    by themselves, with the reason.
    """

    preset: ClassVar[str]
    row: ClassVar[str]
    """The first cell of the system's row in the project's list of sources."""
    secrets: ClassVar[Mapping[str, str]] = {}
    draft_outcome: ClassVar[str] = "document-not-found"
    unknown_outcome: ClassVar[str] = "document-not-found"
    broken_outcome: ClassVar[str] = "source-status"
    refused_outcome: ClassVar[str] = "source-refused"
    """The outcome of a wrong secret, unless authentication itself fails."""
    impossible: ClassVar[Mapping[str, str]] = {}
    """Those of the ten numbers that the system can't store, each with the outcome of its run."""
    quoting: ClassVar[str] = "percent-encoding"
    """The position of the number, and how it is quoted there: for the table of the docs."""
    optional: ClassVar[Mapping[str, str]] = {}
    """Headers of the preset without which the system answers as well, each with the reason."""

    def __init__(self) -> None:
        self.invoices = make_invoices()
        self.origins: dict[str, str] = {}
        self.calls: list[Call] = []
        self.refusals: list[str] = []
        self.bugs: list[Exception] = []
        self.is_failing = False

    @classmethod
    def wrong(cls, name: str) -> str:
        """Return a wrong value for a secret: of the same form, its last character another."""
        return f"{cls.secrets[name][:-1]}~"

    # for subclasses

    @property
    def api(self) -> str:
        """The system's own origin, such as http://127.0.0.1:40001."""
        return self.origins[API]

    @property
    def files(self) -> str:
        """The origin to which links to files lead."""
        return self.origins[FILES]

    def variables(self) -> dict[str, str]:
        """Return the preset's variables as a member would fill them in for this system."""
        return {"BaseUrl": self.api}

    def tokens(self, number: str) -> dict[str, str]:
        """Return what the portal gives for the invoice with this number."""
        return {"InvoiceNumber": number}

    def expected(self, invoice: Invoice) -> bytes:
        """Return the document that has to come for *invoice*."""
        return invoice.pdf

    def find(self, **wanted: Any) -> Invoice | None:
        """Return the one invoice with this number, serial, uuid or key, or None."""
        [(name, value)] = wanted.items()
        return next((each for each in self.invoices if getattr(each, name) == value), None)

    def get(self, why: str = "there is no such invoice", **wanted: Any) -> Invoice:
        """Return the one invoice with this number, serial, uuid or key, or refuse with 404."""
        found = self.find(**wanted)
        if found is None:
            raise Refused(404, why)
        return found

    def secret_texts(self) -> Iterator[str]:
        """Give every text that may never reach another origin than the system's own."""
        yield from self.secrets.values()

    # for the world

    async def handle(self, site: str, request: web.Request) -> web.StreamResponse:
        """Answer one request, and keep it."""
        raw_path, _, raw_query = request.raw_path.partition("?")
        call = Call(
            site=site,
            method=request.method,
            raw_path=raw_path,
            raw_query=raw_query,
            headers=request.headers,
            body=await request.read(),
        )
        self.calls.append(call)
        try:
            if site == FILES:
                self._refuse_credentials(call)
            return await self._dispatch(call)
        except Refused as refused:
            self.refusals.append(refused.why)
            return refused.answer()
        except Exception as bug:  # noqa: BLE001 - a bug of the stand-in, which the world raises again
            self.bugs.append(bug)
            return web.Response(status=500, text="bug")

    async def _dispatch(self, call: Call) -> web.StreamResponse:
        methods = set()
        for handler, entry in self._routes():
            match = entry.pattern.fullmatch(call.raw_path)
            if entry.site != call.site or match is None:
                continue
            methods.add(entry.method)
            if entry.method == call.method:
                if self.is_failing and not entry.is_sign_in:
                    return json_answer({"error": "internal"}, status=500)
                parts = {name: decode(text) for name, text in match.groupdict().items()}
                response = handler(call, **parts)
                return await response if inspect.isawaitable(response) else response
        if methods:
            raise Refused(405, f"{call.method} isn't {' or '.join(methods)}")
        raise Refused(404, f"no such path: {call.raw_path}")

    def _routes(self) -> Iterator[tuple[Handler, Route]]:
        for name in dir(type(self)):
            for entry in getattr(getattr(type(self), name), "routes", ()):
                yield getattr(self, name), entry

    def _refuse_credentials(self, call: Call) -> None:
        """Refuse as pre-signed stores do: a second authentication makes a request invalid."""
        for name in ("Authorization", "Cookie", "Proxy-Authorization"):
            if name in call.headers:
                raise Refused(400, f"{name} was sent to a link that carries its own signature")
        wire = "\n".join(
            [call.target, *map(str, call.headers.values()), call.body.decode("latin1")]
        )
        for text in self.secret_texts():
            if text in wire or quote(text, safe="") in wire:
                raise Refused(400, "a secret was sent to another origin")


def decode(raw: str) -> str:
    """Percent-decode one path segment strictly: a stray % or bad UTF-8 is refused."""
    if re.search(r"%(?![0-9A-Fa-f]{2})", raw):
        raise Refused(400, "a % in the path begins no escape")
    try:
        return unquote_to_bytes(raw).decode()
    except UnicodeDecodeError:
        raise Refused(400, "the path isn't UTF-8") from None


def json_answer(
    data: Any, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Answer with JSON."""
    return web.Response(
        status=status,
        body=json.dumps(data, ensure_ascii=False).encode(),
        headers={"Content-Type": "application/json; charset=utf-8", **(headers or {})},
    )


def pdf_answer(
    document: bytes,
    *,
    content_type: str = "application/pdf",
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """Answer with a document."""
    return web.Response(body=document, headers={"Content-Type": content_type, **(headers or {})})


def xml_answer(text: str, *, status: int = 200, content_type: str = "text/xml") -> web.Response:
    """Answer with XML."""
    headers = {"Content-Type": f"{content_type}; charset=utf-8"}
    return web.Response(status=status, body=text.encode(), headers=headers)


def html_answer(text: str, *, status: int = 200) -> web.Response:
    """Answer with a web page."""
    page = f"<!DOCTYPE html><html><body>{text}</body></html>"
    return web.Response(status=status, text=page, content_type="text/html")


def moved(location: str, *, status: int = 302) -> web.Response:
    """Answer with a redirect."""
    return web.Response(status=status, headers={"Location": location})
