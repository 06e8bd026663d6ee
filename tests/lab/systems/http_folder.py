"""Folders of files over HTTP: with Basic, with Digest, and Nextcloud's WebDAV."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any, ClassVar, Final

from aiohttp import web

from lab.invoices import NUMBERS
from lab.standin import Call, Refused, StandIn, fact, pdf_answer, route
from lab.strict import check_basic

_USER: Final = "billhook"
_REALM: Final = "invoices"
_NOT_FOUND: Final = "<html><head><title>404 Not Found</title></head></html>"


class FileFolder(StandIn):
    """A web server with one file for each invoice, whose draft is a folder."""

    secrets: ClassVar = {"Password": "p4ss-Word:7%"}
    quoting = "in the path, percent-encoded; slashes separate folders"

    def respond(self, call: Call, path: str) -> web.Response:
        call.no_query()
        invoice = self.find(number=path.removesuffix(".pdf"))
        if invoice is None or invoice.is_draft or not path.endswith(".pdf"):
            raise self.not_found()
        return pdf_answer(invoice.pdf, headers={"ETag": f'"{invoice.key}"'})

    def not_found(self) -> Refused:
        return Refused(404, "no such file", body=_NOT_FOUND.encode(), content_type="text/html")


class HttpFolder(FileFolder):
    preset = "http-folder"
    row = "Folder over HTTP"

    def variables(self) -> dict[str, str]:
        return {"BaseUrl": f"{self.api}/invoices", "User": _USER}

    @route("GET", "/invoices/{path:*}")
    def get_file(self, call: Call, path: str) -> web.Response:
        check_basic(call, _USER, self.secrets["Password"])
        return self.respond(call, path)

    @fact("A slash in a number separates folders; a number can't lead out of the folder.")
    async def stays_in_the_folder(self, world: Any) -> None:
        await world.fetch_right("INV/2024/0001")
        assert self.calls[-1].raw_path == "/invoices/INV/2024/0001.pdf"
        calls = len(self.calls)
        assert await world.outcome("../INV0000001") == "token"
        assert len(self.calls) == calls


class WebDavWithDigest(FileFolder):
    preset = "webdav-digest"
    row = "Nextcloud / WebDAV"

    def __init__(self) -> None:
        super().__init__()
        self.nonces: set[str] = set()
        self.ends_nonces = False
        self.used: set[tuple[str, str]] = set()

    def variables(self) -> dict[str, str]:
        return {"BaseUrl": f"{self.api}/dav", "User": _USER}

    @route("GET", "/dav/{path:*}")
    def get_file(self, call: Call, path: str) -> web.Response:
        if "Authorization" not in call.headers:
            return self._challenge("").answer()
        self._check_digest(call)
        return self.respond(call, path)

    def _check_digest(self, call: Call) -> None:
        """Check the response to a challenge (RFC 7616, 3.4.1), each nonce count used once."""
        given = call.header("Authorization")
        if not given.startswith("Digest "):
            raise self._challenge("there is no response to a challenge")
        fields = web_fields(given.removeprefix("Digest "))
        if fields["nonce"] not in self.nonces:
            raise self._challenge("the nonce has ended", stale=True)
        password = self.secrets["Password"]
        first = _sha256(f"{_USER}:{_REALM}:{password}")
        second = _sha256(f"{call.method}:{call.target}")
        parts = (fields["nonce"], fields["nc"], fields["cnonce"], "auth")
        wanted = _sha256(":".join((first, *parts, second)))
        if fields["uri"] != call.target or fields["response"] != wanted:
            raise self._challenge("the response to the challenge is another")
        if (fields["nonce"], fields["nc"]) in self.used:
            raise self._challenge("the request is a replay")
        self.used.add((fields["nonce"], fields["nc"]))
        if self.ends_nonces:
            self.nonces.clear()

    def _challenge(self, why: str, *, stale: bool = False) -> Refused:
        nonce = secrets.token_hex(16)
        self.nonces.add(nonce)
        challenge = f'Digest realm="{_REALM}", nonce="{nonce}", qop="auth", algorithm=SHA-256'
        headers = {"WWW-Authenticate": f"{challenge}, stale=true" if stale else challenge}
        return Refused(401, why, body=b"", content_type="text/html", headers=headers)

    @fact("The first request gets the challenge; later ones are signed at once.")
    async def asks_once(self, world: Any) -> None:
        await world.fetch_right(NUMBERS[0])
        await world.fetch_right(NUMBERS[1])
        assert len(self.calls) == 3

    @fact("A nonce that has ended is replaced, and the document still arrives.")
    async def goes_on_with_a_new_nonce(self, world: Any) -> None:
        self.ends_nonces = True
        await world.fetch_all()


class Nextcloud(FileFolder):
    preset = "nextcloud"
    row = "Nextcloud / WebDAV"
    is_locked = False

    def variables(self) -> dict[str, str]:
        return {"BaseUrl": self.api, "User": _USER, "Folder": "Shared%20Invoices/2026"}

    @route("GET", "/remote.php/dav/files/{user}/Shared%20Invoices/2026/{path:*}")
    def get_file(self, call: Call, user: str, path: str) -> web.Response:
        check_basic(call, _USER, self.secrets["Password"])
        if user != _USER:
            raise self.not_found()
        if self.is_locked:
            body = _sabre("Locked", "The file is locked by Dana").encode()
            raise Refused(423, "locked", body=body, content_type="application/xml")
        return self.respond(call, path)

    def not_found(self) -> Refused:
        body = _sabre("NotFound", "File could not be located").encode()
        return Refused(404, "no such file", body=body, content_type="application/xml")

    @fact("Nextcloud's own sentence is shown to members.")
    async def shows_the_reason(self, world: Any) -> None:
        self.is_locked = True
        assert await world.reason(NUMBERS[0]) == "The file is locked by Dana"


def _sabre(exception: str, message: str) -> str:
    inside = f"<s:exception>Sabre\\DAV\\Exception\\{exception}</s:exception>"
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<d:error xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns">'
        f"{inside}<s:message>{message}</s:message></d:error>"
    )


def web_fields(text: str) -> dict[str, str]:
    """Return the parameters of a header such as ``nonce="a", nc=00000001``."""
    pairs = (part.strip().partition("=") for part in text.split(","))
    return {name: value.strip('"') for name, _, value in pairs}


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
