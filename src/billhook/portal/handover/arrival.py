"""An arrival: a person comes with a sign-in token, and is signed in at an entrance or refused."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

import structlog
from asgiref.sync import sync_to_async
from django.urls import Resolver404, resolve
from django.utils.encoding import iri_to_uri

from billhook.engine.command.person import NamedPerson
from billhook.engine.errors import BillhookError, DocumentNotFound, SourceSaidNo
from billhook.portal.accounts.models import User
from billhook.portal.customers.access import user_named_by_source
from billhook.portal.events.facts import note_sign_in
from billhook.portal.fields.converters import EMBEDDED, FROM_SITE
from billhook.portal.handover.asking import TokenQuestion
from billhook.portal.handover.entrance import Entrance
from billhook.portal.handover.services import give_back_token, take_token
from billhook.portal.handover.session import may_be_handed_over
from billhook.portal.invoices.access import invoices_for_contact
from billhook.portal.organisations.models import Organisation

log = structlog.get_logger("billhook.portal")

_LONGEST: Final = 500
_TRUE: Final = frozenset({"true", "1", "yes", "on"})


class NotHandedOver(StrEnum):
    """The reasons why nobody is signed in."""

    INCOMPLETE = "incomplete"
    TOO_MANY = "too-many"
    USED = "used"
    UNKNOWN_TOKEN = "unknown-token"  # noqa: S105 - a reason, no password
    UNKNOWN_PERSON = "unknown-person"
    FAILED = "failed"

    @property
    def status(self) -> int:
        """The status of the page that says so."""
        return {
            NotHandedOver.INCOMPLETE: 400,
            NotHandedOver.TOO_MANY: 429,
            NotHandedOver.FAILED: 502,
        }.get(self, 403)

    def sentence(self, organisation: str) -> str:
        """Return what to do, for the person who came."""
        return _SENTENCES[self].format(organisation=organisation)


_SENTENCES: Final = {
    NotHandedOver.INCOMPLETE: "This link isn't complete. Go back to {organisation}'s site "
    "and follow it from there.",
    NotHandedOver.TOO_MANY: "There were too many attempts. Wait a few minutes, then go back to "
    "{organisation}'s site and follow the link again.",
    NotHandedOver.USED: "This link has been used already, and works only once. Go back to "
    "{organisation}'s site to get a new one.",
    NotHandedOver.UNKNOWN_TOKEN: "This link has expired. Go back to {organisation}'s site to get "
    "a new one.",
    NotHandedOver.UNKNOWN_PERSON: "{organisation}'s site can't sign you in here. If you have been "
    "invited, sign in with your e-mail; otherwise ask {organisation} for access.",
    NotHandedOver.FAILED: "We couldn't ask {organisation} who you are. Nothing is wrong with your "
    "account: go back to {organisation}'s site and try again in a few minutes.",
}


class NotSignedIn(Exception):
    """Nobody is signed in, for a reason."""

    def __init__(self, reason: NotHandedOver) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The parameters of a link that signs in, or of the form that it becomes.

    ``next`` and ``invoice`` say what is shown first: a path of ours, or an invoice's number.
    """

    token: str = field(repr=False)
    next: str = ""
    invoice: str = ""
    no_chrome: bool = False

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Asked:
        """Return what *given*, a query or a form, asks for."""
        return cls(
            token=given.get("authToken", ""),
            next=given.get("next", "")[:_LONGEST],
            invoice=given.get("invoice", "")[:_LONGEST],
            no_chrome=given.get("noChrome", "").lower() in _TRUE,
        )

    @property
    def fields(self) -> dict[str, str]:
        """The same as fields of a form."""
        no_chrome = "true" if self.no_chrome else ""
        texts = {"authToken": self.token, "next": self.next, "invoice": self.invoice}
        return {name: text for name, text in {**texts, "noChrome": no_chrome}.items() if text}

    def entrance_to(self, organisation: Organisation) -> Entrance:
        """Return the entrance to *organisation* that is asked for."""
        kind = EMBEDDED if self.no_chrome else FROM_SITE
        return Entrance(kind=kind, organisation_id=organisation.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcome:
    """A person who is signed in, and the address of the page that is shown first."""

    user: User
    address: str


async def welcome(question: TokenQuestion, asked: Asked) -> Welcome:
    """Return who the token of *question* signs in, which is used up with that.

    Raises NotSignedIn; then the token may be used again, unless it was used before.
    """
    organisation, token = question.organisation, question.token
    if not await _in_thread(take_token)(organisation.id, token):
        raise _refused(question, NotHandedOver.USED)
    try:
        person = await question.ask()
        return await _in_thread(_welcomed)(question, person, asked)
    except (DocumentNotFound, SourceSaidNo):
        reason = NotHandedOver.UNKNOWN_TOKEN
    except BillhookError:
        reason = NotHandedOver.FAILED
    except NotSignedIn as refused:
        reason = refused.reason
    except BaseException:  # the browser left, or the server stops: nobody was signed in
        await asyncio.shield(_in_thread(give_back_token)(organisation.id, token))
        raise
    await _in_thread(give_back_token)(organisation.id, token)
    raise _refused(question, reason)


def _welcomed(question: TokenQuestion, person: NamedPerson, asked: Asked) -> Welcome:
    organisation = question.organisation
    user = person_meant(organisation, person)
    if user is None:
        raise NotSignedIn(NotHandedOver.UNKNOWN_PERSON)
    note_sign_in(user, organisation_id=organisation.id)
    log.info("handed-over", organisation=organisation.id, user=user.id, run=question.run_id)
    return Welcome(user=user, address=_first_page(asked, organisation, user))


def _refused(question: TokenQuestion, reason: NotHandedOver) -> NotSignedIn:
    log.info(
        "not-handed-over",
        organisation=question.organisation.id,
        reason=reason.value,
        run=question.run_id,
    )
    return NotSignedIn(reason)


def person_meant(organisation: Organisation, person: NamedPerson) -> User | None:
    """Return the contact of *organisation* whom its system has named, if they may be signed in."""
    user = user_named_by_source(organisation.id, source_id=person.contact_id, email=person.email)
    return user if user is not None and may_be_handed_over(user, organisation.id) else None


def _first_page(asked: Asked, organisation: Organisation, user: User) -> str:
    """Return the address of the page that *asked* wants first, or of the list of invoices."""
    entrance = asked.entrance_to(organisation)
    if asked.invoice:
        theirs = invoices_for_contact(user).filter(organisation=organisation)
        found = theirs.filter(number=asked.invoice).first()
        return entrance.address("invoice", found.id) if found else entrance.address("home")
    try:
        wanted = urlsplit(asked.next)
    except ValueError:  # brackets that hold no address
        return entrance.address("home")
    is_path = not wanted.scheme and not wanted.netloc and wanted.path.startswith("/")
    path = entrance.path.rstrip("/") + wanted.path
    if not is_path or not _is_page(path):
        return entrance.address("home")
    return iri_to_uri(f"{path}?{wanted.query}" if wanted.query else path)


def _is_page(path: str) -> bool:
    try:
        return resolve(path).namespace == "entrance"
    except Resolver404:
        return False


_in_thread = sync_to_async
