"""The document out of the last response: as its body, in base 64, in a zip, at a URL, or a link."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Final, cast

from billhook.engine.answer.content import Content
from billhook.engine.answer.document import Document, has_to_be_read, recognise
from billhook.engine.answer.inside import (
    decode_at,
    document_inside,
    is_of_kind,
    may_hold,
    part_of,
    xml_in_zip,
    xml_of_zip,
)
from billhook.engine.answer.kinds import SYNONYMS, XML
from billhook.engine.answer.place import (
    BASE64,
    BODY,
    LINK,
    PART,
    URL,
    ZIP,
    AnswerPlace,
    Fact,
)
from billhook.engine.answer.status import judge_status
from billhook.engine.answer.unwrapping import file_in, is_zip, text_at
from billhook.engine.body import Body
from billhook.engine.command.step import Step, read_link
from billhook.engine.conversation import Conversation, ReadableResponse
from billhook.engine.egress.guard import judge
from billhook.engine.egress.page_hosts import PageHosts
from billhook.engine.egress.policy import EgressPolicy
from billhook.engine.egress.url import Origin, parse_page_url
from billhook.engine.errors import (
    RESPONSE,
    BillhookError,
    DeniedPlace,
    DocumentNotFound,
    NoPaymentLink,
    NotADocument,
    SourceCutShort,
    SourceError,
    StillWorking,
    denied,
)
from billhook.engine.http.request import WebRequest
from billhook.engine.http.transport import Response
from billhook.engine.safe_name import safe_name
from billhook.engine.tokens.values import Values
from billhook.engine.verdict import Verdict

LINK_TYPE: Final = "text/uri-list"
"""The media type of a document that is only a link (RFC 2483, 5)."""
_LINK_EXTENSION: Final = "uri"
_DEPTH: Final = 2
"""So deep is a document looked for: a PDF with something behind it, in a zip."""
_ACCEPTED: Final = 202
_LOCATED: Final = frozenset({201, 202})
"""Created and Accepted: the document may be elsewhere."""
_STRANGERS: Final = EgressPolicy()
"""The policy for links outside the command's own origins: public addresses only."""


async def deliver(
    step: Step,
    response: ReadableResponse,
    values: Values,
    conversation: Conversation,
    *,
    accept: tuple[str, ...],
) -> Document:
    """Return the document that *response*, the one to *step*, has or leads to; use it up.

    Raises DocumentNotFound where there is none yet, and what fetching it and
    :func:`billhook.engine.answer.document.recognise` raise.
    """
    document = _whole_body(step, response.response, accept)
    if document is not None:
        return document
    delivery = _Delivery(step, response, values, conversation)
    try:
        if delivery.place.kind == LINK:
            return await delivery.link()
        return await delivery.document(accept)
    finally:
        delivery.close()


def _whole_body(step: Step, response: Response, accept: tuple[str, ...]) -> Document | None:
    """Return the document if it is the body of *response*, as a look at both ends shows.

    So it is for most; all others are looked at more closely.
    """
    if step.answer is not None or response.status in _LOCATED or has_to_be_read(response.body):
        return None
    try:
        return recognise(response.body, accept)
    except BillhookError:
        return None


class _Delivery:
    """One document being fetched. :meth:`close` closes every body except the document's."""

    def __init__(
        self, step: Step, response: ReadableResponse, values: Values, conversation: Conversation
    ) -> None:
        self.place = step.answer or AnswerPlace(kind=BODY)
        self._step = step
        self._response = response
        self._values = values
        self._conversation = conversation
        self._bodies = [response.response.body]
        self._zip: Content | None = None

    async def document(self, accept: tuple[str, ...]) -> Document:
        """Find the document, what it is called and what it is said to be, and judge its bytes."""
        holder = await self._holder(accept)
        name = await self._fact(self.place.name, holder)
        said_type = await self._fact(self.place.type, holder)
        content = await self._unwrap(holder)
        document = await self._recognise(content, _narrowed(accept, said_type))
        if self._zip is not None:
            document = replace(document, attachments=await self._attachments(self._zip))
        self._bodies.remove(document.body)
        if name is None:
            return document
        return replace(document, name=safe_name(name, document.extension))

    def _note_zip(self, content: Content) -> None:
        self._zip = content if is_zip(content.body) else self._zip

    async def _attachments(self, archive: Content) -> tuple[Document, ...]:
        """Return the XML in the zip that the document was in; none if one can't be read."""
        attachments: list[Document] = []
        try:
            for name in await self._conversation.look(archive, xml_in_zip):
                body = await self._conversation.take(archive, partial(xml_of_zip, name))
                self._bodies.append(body)
                found = await self._conversation.recognise(body, (XML.media_type,))
                attachments.append(replace(found, name=safe_name(name, XML.extension)))
        except (SourceError, DocumentNotFound):
            return ()
        for each in attachments:
            self._bodies.remove(each.body)
        return tuple(attachments)

    async def _holder(self, accept: tuple[str, ...]) -> ReadableResponse:
        """Return the response that has the document, or has it inside."""
        if self.place.kind == URL:
            return await self._follow(await self._address(), authenticate=self.place.authenticate)
        location = self._location_of_created(accept)
        if location is None:
            return self._response
        address = self._response.content.absolute(location)
        holder = await self._follow(address, authenticate=self._step.authenticate)
        if holder.content.status == _ACCEPTED and not is_of_kind(holder.content, accept):
            raise StillWorking
        return holder

    def _location_of_created(self, accept: tuple[str, ...]) -> str | None:
        """Return where the document is that the response says was created, or will be.

        A Location in a 201 or 202 is the address of what was made (RFC 9110, 15.3.2 and 15.3.3).
        """
        content = self._response.content
        if content.status not in _LOCATED or self.place.kind != BODY:
            return None
        if self._conversation.terms.redirects != "follow" or is_of_kind(content, accept):
            return None
        return next(iter(content.header("Location")), None)

    async def _recognise(
        self, content: Content, accept: tuple[str, ...], *, depth: int = _DEPTH
    ) -> Document:
        """Judge the bytes of *content*; where they are no document, one may be inside."""
        try:
            return await self._conversation.recognise(cast("Body", content.body), accept)
        except (NotADocument, SourceCutShort):
            if depth == 0 or not may_hold(content, accept):
                raise
            most = self._conversation.terms.limits.max_bytes
            work = partial(document_inside, accept=accept, max_bytes=most)
            found = await self._conversation.take(content, work)
            self._bodies.append(found)
            self._note_zip(content)
            if found.size == 0:
                raise
        inside = Content(content.status, (), found)
        return await self._recognise(inside, accept, depth=depth - 1)

    @property
    def _what(self) -> str:
        return f"{self._step.name}.answer"

    async def _address(self) -> str:
        """Return the address in the response as a whole URL, with its fragment if it has one."""
        work = partial(text_at, self.place.path, what=self._what)
        text = await self._conversation.read(self._response, work, self._values, self.place)
        address, mark, fragment = text.strip().partition("#")
        return f"{self._response.content.absolute(address)}{mark}{fragment}"

    async def _follow(self, address: str, *, authenticate: bool) -> ReadableResponse:
        """Fetch the URL in the response: once, since it may be good for one use."""
        origin, url, target = read_link(address.partition("#")[0], self._step.trusted)
        request = WebRequest(
            step=self._step.name,
            method="GET",
            url=url,
            origin=origin,
            target=target,
            headers=(),
            body=None,
            carries_secret=False,
            authenticate=authenticate and origin in self._step.trusted,
            repeatable=False,
            led_from=self._response.response.origin,
        )
        holder = ReadableResponse(await self._conversation.send(request))
        self._bodies.append(holder.response.body)
        judge_status(holder.response.status)
        return holder

    async def _fact(self, fact: Fact | None, holder: ReadableResponse) -> str | None:
        if fact is None:
            return None
        source = holder if fact.is_header else self._response
        return await self._conversation.read(source, fact.find, self._values, fact)

    async def _unwrap(self, holder: ReadableResponse) -> Content:
        """Return the content that is the document itself.

        Some systems send a zip for several documents and the document itself for one, so what is
        no zip is judged as it is.
        """
        kind, whole = self.place.kind, holder.response.body
        if kind not in {BASE64, ZIP, PART} or (kind == ZIP and not is_zip(whole)):
            return holder.content
        most = self._conversation.terms.limits.max_bytes
        work: Callable[[Content, Values], Iterable[bytes]]
        if kind == ZIP:
            work = partial(file_in, self.place.pattern, max_bytes=most)
            self._note_zip(holder.content)
        elif kind == PART:
            work = partial(part_of, self.place.pattern, max_bytes=most)
        else:
            work = partial(decode_at, self.place.path, what=self._what, max_bytes=most)
        body = await self._conversation.unwrap(holder, work, self._values, self.place)
        self._bodies.append(body)
        return Content(holder.content.status, (), body)

    async def link(self) -> Document:
        """Return the address of a page as a document of its own kind."""
        hosts = self.place.hosts
        if hosts is None:
            address = judge_link(await self._address(), self._step.trusted)
        else:
            address = await self._payment_link(hosts)
        return Document(
            media_type=LINK_TYPE, extension=_LINK_EXTENSION, body=Body(address.encode())
        )

    async def _payment_link(self, hosts: PageHosts) -> str:
        try:
            address = await self._address()
        except DocumentNotFound:
            raise NoPaymentLink from None
        response = self._response.response
        return hosts.judge(address, plain=response.origin if response.is_allowed_by_name else None)

    def close(self) -> None:
        """Let go of every response that didn't become the document."""
        for body in self._bodies:
            body.close()


def _narrowed(accept: tuple[str, ...], said_type: str | None) -> tuple[str, ...]:
    """Return *accept*, or the one type of it that the source itself names."""
    said = (said_type or "").partition(";")[0].strip().lower()
    named = [each for each in accept if SYNONYMS.get(each, each) == SYNONYMS.get(said, said)]
    return tuple(named) or accept


def judge_link(text: str, trusted: frozenset[Origin]) -> str:
    """Return the address of a page that a person may be sent to, in ASCII.

    It is https, and at one of the *trusted* origins or a public place. It isn't dialled here.
    Unlike in a request, a fragment may follow: it is for the browser. Raises EgressDenied or
    NotADocument.
    """
    page = parse_page_url(text.strip())
    if isinstance(page, Verdict):
        raise denied(page, came_from=RESPONSE)
    url, fragment = page
    if url.scheme != "https":
        raise NotADocument(
            "The source gave a link that isn't a plain https address, so nobody is sent there. "
            "Compare the path with the response."
        )
    if url.origin not in trusted:
        verdict = judge(url, _STRANGERS)
        if not verdict.allowed:
            place = DeniedPlace(host=url.host, port=url.port)
            raise denied(verdict, place, came_from=RESPONSE)
    return f"{url.text}{fragment}"
