"""The document out of the last response: as its body, in base 64, in a zip, at a URL, or a link."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from billhook.engine.answer.content import Content
from billhook.engine.answer.document import Document, recognise
from billhook.engine.answer.kinds import SYNONYMS
from billhook.engine.answer.place import BASE64, BODY, LINK, URL, ZIP, AnswerPlace, Fact
from billhook.engine.answer.status import judge_status
from billhook.engine.answer.unwrapping import decode_base64, is_zip, take_from_zip, text_at
from billhook.engine.body import Body, collect
from billhook.engine.command.step import Step, read_link
from billhook.engine.conversation import Conversation, ReadableResponse
from billhook.engine.egress.guard import judge
from billhook.engine.egress.policy import EgressPolicy
from billhook.engine.egress.url import (
    MAX_LOCATION_LENGTH,
    Origin,
    encode_target,
    holds_control_or_space,
    parse_url,
)
from billhook.engine.errors import NotADocument, denied
from billhook.engine.http.request import WebRequest
from billhook.engine.safe_name import safe_name
from billhook.engine.tokens.values import Values
from billhook.engine.verdict import Verdict

LINK_TYPE: Final = "text/uri-list"
"""The media type of a document that is only a link (RFC 2483, 5)."""
_LINK_EXTENSION: Final = "uri"
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
    delivery = _Delivery(step, response, values, conversation)
    try:
        if delivery.place.kind == LINK:
            return await delivery.link()
        return await delivery.document(accept)
    finally:
        delivery.close()


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

    async def document(self, accept: tuple[str, ...]) -> Document:
        """Find the document, what it is called and what it is said to be, and judge its bytes."""
        holder = await self._follow() if self.place.kind == URL else self._response
        name = await self._fact(self.place.name, holder)
        said_type = await self._fact(self.place.type, holder)
        body = await self._unwrap(holder)
        document = recognise(body, _narrowed(accept, said_type))
        self._bodies.remove(body)
        if name is None:
            return document
        return replace(document, name=safe_name(name, document.extension))

    def _text(self, content: Content, values: Values) -> str:
        """Return the text where the document or its address is."""
        return text_at(self.place.path, content, values, what=f"{self._step.name}.answer")

    async def _address(self) -> str:
        return await self._conversation.read(self._response, self._text, self._values)

    async def _follow(self) -> ReadableResponse:
        """Fetch the URL in the response: once, since it may be good for one use."""
        origin, url, target = read_link(await self._address(), self._step.trusted)
        request = WebRequest(
            step=self._step.name,
            method="GET",
            url=url,
            origin=origin,
            target=target,
            headers=(),
            body=None,
            carries_secret=False,
            authenticate=self.place.authenticate and origin in self._step.trusted,
            repeatable=False,
        )
        holder = ReadableResponse(await self._conversation.send(request))
        self._bodies.append(holder.response.body)
        judge_status(holder.response.status)
        return holder

    async def _fact(self, fact: Fact | None, holder: ReadableResponse) -> str | None:
        if fact is None:
            return None
        source = holder if fact.is_header else self._response
        read = self._conversation.read
        return await read(source, fact.find, self._values, inside=fact.looks_inside)

    async def _unwrap(self, holder: ReadableResponse) -> Body:
        """Return the bytes of the document itself.

        Some systems send a zip for several documents and the document itself for one, so what is
        no zip is judged as it is.
        """
        whole = holder.response.body
        if self.place.kind not in {BASE64, ZIP} or (self.place.kind == ZIP and not is_zip(whole)):
            return whole
        take = self._take_base64 if self.place.kind == BASE64 else self._take_file
        body = await self._conversation.read(holder, take, self._values)
        self._bodies.append(body)
        return body

    def _take_base64(self, content: Content, values: Values) -> Body:
        most = self._conversation.terms.limits.max_bytes
        return collect([decode_base64(self._text(content, values), max_bytes=most)])

    def _take_file(self, content: Content, values: Values) -> Body:  # noqa: ARG002 - as all reading
        most = self._conversation.terms.limits.max_bytes
        whole = self._response.response.body
        return collect(take_from_zip(whole, self.place.pattern, max_bytes=most))

    async def link(self) -> Document:
        """Return the address of a page as a document of its own kind."""
        address = judge_link(await self._address(), self._step.trusted)
        return Document(
            media_type=LINK_TYPE, extension=_LINK_EXTENSION, body=Body(address.encode())
        )

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
    address, mark, fragment = text.strip().partition("#")
    url = parse_url(address, limit=MAX_LOCATION_LENGTH)
    if isinstance(url, Verdict):
        raise denied(url)
    if url.scheme != "https" or holds_control_or_space(fragment) or "\\" in fragment:
        raise NotADocument(
            "The source gave a link that isn't a plain https address, so nobody is sent there. "
            "Compare the path with the response."
        )
    if url.origin not in trusted:
        verdict = judge(url, _STRANGERS)
        if not verdict.allowed:
            raise denied(verdict)
    return f"{url.text}{mark}{encode_target(fragment)}"
