"""Entrances: where the pages are for a person whom an organisation's own site has handed over.

An organisation vouches for its own people, and for nobody else's invoices. So such a session isn't
the person's own sign-in: its pages have addresses of their own, which begin with the organisation,
its cookies are sent to these addresses alone, and they show that organisation's invoices alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from django.urls import reverse

from billhook.portal.fields.converters import EMBEDDED, EntranceConverter, IdConverter

_PATH: Final = re.compile(rf"/({EntranceConverter.regex})/({IdConverter.regex})(?:/.*)?", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """The entrance to one organisation's invoices: ``embedded`` in a page of its site, or ``from``.

    The pages of an embedded one have no frame, and the organisation's pages may embed them.
    """

    kind: str
    organisation_id: str

    @property
    def is_embedded(self) -> bool:
        """Whether the pages are shown inside a page of the organisation's site."""
        return self.kind == EMBEDDED

    @property
    def path(self) -> str:
        """The beginning of the addresses of its pages."""
        return f"/{self.kind}/{self.organisation_id}/"

    def address(self, name: str, *arguments: object) -> str:
        """Return the address of a page of contacts at this entrance."""
        return reverse(f"entrance:{name}", args=[self.kind, self.organisation_id, *arguments])


def entrance_of(path: str) -> Entrance | None:
    """Return the entrance that the page at *path* belongs to, if it does to one."""
    found = _PATH.fullmatch(path)
    return Entrance(kind=found[1], organisation_id=found[2]) if found else None
