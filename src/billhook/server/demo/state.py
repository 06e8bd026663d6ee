"""The state of the demo in its data folder, so that it can be started again."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Final

from billhook.portal.installation.data_folder import data_path, read_or_make
from billhook.server.errors import CannotStart

_FILE: Final = "demo.json"
_WORDS: Final = (
    "alder", "amber", "aspen", "badger", "barley", "beech", "birch", "bramble", "cedar", "clover",
    "copper", "curlew", "elder", "falcon", "fern", "garnet", "hazel", "heron", "juniper", "linnet",
    "maple", "martin", "otter", "plover", "quince", "rowan", "sorrel", "swift", "thistle", "willow",
    "wren", "yarrow",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoState:
    """The facts that stay the same as long as the data folder does. A port of 0 is still open."""

    today: str
    sample_port: int
    sample_key: str = field(repr=False)
    password: str = field(repr=False)


def load_state() -> DemoState:
    """Return what this data folder's demo remembers, or, for a new folder, a new state.

    Raises:
        CannotStart: where the folder holds an installation that isn't a demo.
    """
    if not data_path(_FILE).exists():
        if data_path("billhook.sqlite3").exists():
            raise CannotStart(
                "That data folder holds an installation that isn't a demo, and stays as it is. "
                "Give the demo a folder of its own with --data-dir, or none."
            )
        return _new_state()
    try:
        return DemoState(**json.loads(data_path(_FILE).read_text(encoding="ascii")))
    except (ValueError, TypeError):
        raise CannotStart(
            f"The file {_FILE} in the data folder can't be read. Start with another folder."
        ) from None


def keep_state(state: DemoState) -> None:
    """Write *state* into the data folder, unless it is there already."""
    read_or_make(_FILE, lambda: json.dumps(asdict(state)))


def _new_state() -> DemoState:
    return DemoState(
        today=datetime.now(UTC).date().isoformat(),
        sample_port=0,
        sample_key=secrets.token_urlsafe(18),
        password=_new_password(),
    )


def _new_password() -> str:
    """Make a password that is easily typed, as hard to guess as a rate-limited page needs."""
    words = "-".join(secrets.choice(_WORDS) for _ in range(3))
    return f"{words}-{secrets.randbelow(900) + 100}"
