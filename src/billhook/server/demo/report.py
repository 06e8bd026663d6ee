"""The demo's report: the facts here, the words in the command line."""

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
    """The people and addresses of the demo. Everybody has the same password.

    ``sample_key`` is the key that the sample system expects, for people who build the integration
    by hand.
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
        """The address at which people sign in with a password."""
        return f"{self.address}/sign-in/password"


class Teller(Protocol):
    """Reports the demo's events, in the order of these methods."""

    def tell_start(self, facts: DemoFacts, *, port_taken: bool) -> None:
        """Everything is made and about to be served."""
        ...

    def tell_view(self, facts: DemoFacts, view: FirstView, *, is_same: bool) -> None:
        """A VIEW is done. *is_same* says that its bytes are those that the sample system made."""
        ...

    def tell_no_view(self, facts: DemoFacts, reason: str) -> None:
        """The VIEW did not work, for *reason*."""
        ...
