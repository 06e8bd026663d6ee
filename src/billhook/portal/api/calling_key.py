"""The API key of a call: whose it is, and what it may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest
from django.utils import timezone

from billhook.engine.secret import Secret
from billhook.portal.api import access
from billhook.portal.api.problems import ApiProblem
from billhook.portal.fields.key_scopes import allows, scopes_from_text
from billhook.portal.integrations.models import ApiKey
from billhook.portal.integrations.store import get_store
from billhook.portal.organisations.models import Member, Organisation, Role

_BEARER: Final = "bearer "
_LONGEST: Final = 200
_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="Billhook"'}


@dataclass(frozen=True, slots=True, kw_only=True)
class CallingKey:
    """A valid key. Within its scopes it may do what an editor of its organisation may."""

    row: ApiKey
    value: Secret

    @property
    def organisation(self) -> Organisation:
        """The organisation that the key belongs to."""
        return self.row.organisation

    @property
    def scopes(self) -> frozenset[str]:
        """The scopes that it has."""
        return scopes_from_text(self.row.scopes)

    @property
    def member(self) -> Member:
        """The key as the doors of the rooms know those who ask. It isn't a row."""
        return Member(organisation=self.organisation, role=Role.EDITOR)

    def needs(self, scope: str) -> None:
        """Raise ApiProblem unless the key has *scope*."""
        if not allows(self.scopes, scope):
            raise ApiProblem(
                "scope-missing",
                f"This API key has no scope `{scope}`. Use a key that has it: an owner or editor "
                "of the organisation can create one, or add the scope, in the backoffice.",
            )


def authenticate(request: HttpRequest) -> CallingKey:
    """Return the key that *request* was sent with.

    Raises:
        ApiProblem: 401, if there is none, or none that works.
    """
    text = _text_of(request)
    row = access.key_of_value(text)
    if row is None:
        raise _refused(
            "key-unknown",
            "This API key is unknown: it was mistyped or revoked. "
            "An owner or editor of the organisation can create a new one in the backoffice.",
        )
    if row.expires_at is not None and row.expires_at <= timezone.now():
        raise _refused(
            "key-expired",
            "This API key has expired. "
            "An owner or editor of the organisation can create a new one in the backoffice.",
        )
    get_store().count_use(row.id)
    return CallingKey(row=row, value=Secret(text))


def key_of(request: HttpRequest) -> CallingKey:
    """Return the key of a call that was let in."""
    key: CallingKey = request.calling_key  # type: ignore[attr-defined]
    return key


def _text_of(request: HttpRequest) -> str:
    header = request.headers.get("Authorization", "")
    text = header[len(_BEARER) :].strip()
    if header[: len(_BEARER)].lower() != _BEARER or not text or len(text) > _LONGEST:
        raise _refused(
            "key-missing",
            "No API key was sent. Send one, in one header: Authorization: Bearer KEY. "
            "An owner or editor of the organisation can create keys in the backoffice.",
        )
    return text


def _refused(code: str, detail: str) -> ApiProblem:
    return ApiProblem(code, detail, headers=_CHALLENGE)
