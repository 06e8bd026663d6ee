"""What the demo tells whoever started it: the facts here, the words in the command line."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from billhook.server.demo.first_view import FirstView


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPerson:
    """A person who can look at the demo. ``what`` is a customer's name or a member's role."""

    name: str
    what: str
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoFacts:
    """What there is to look at. Everybody has the same password.

    ``sample_key`` is what the sample system wants to be shown: whoever builds the integration by
    hand has to type it.
    """

    address: str
    sample_address: str
    data_dir: Path
    invoices: int
    customers: int
    contact: DemoPerson
    member: DemoPerson
    password: str = field(repr=False)
    sample_key: str = field(repr=False)

    @property
    def sign_in_address(self) -> str:
        """Where people sign in with a password."""
        return f"{self.address}/sign-in/password"


class Teller(Protocol):
    """Tells it, in the order of these methods."""

    def tell_start(self, facts: DemoFacts, *, port_taken: bool) -> None:
        """Everything is made and about to be served."""
        ...

    def tell_view(self, facts: DemoFacts, view: FirstView, *, is_same: bool) -> None:
        """A VIEW is done. *is_same* says that its bytes are those that the sample system made."""
        ...

    def tell_no_view(self, facts: DemoFacts, reason: str) -> None:
        """The VIEW did not work, for *reason*."""
        ...
