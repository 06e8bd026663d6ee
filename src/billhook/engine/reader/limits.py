"""Limits for looking into one response."""

from __future__ import annotations

from typing import Final

from billhook.engine.isolation.confinement import Fence

MAX_SECONDS: Final = 10
"""Seconds of computing for one response; the run's own deadline may end it earlier."""
MAX_ADDRESS_SPACE: Final = 768 * 1024 * 1024
"""Bytes, of which an idle process has about a third: they hold libraries, not memory in use."""
MAX_FILE: Final = 1024 * 1024 * 1024
"""Bytes of a document that comes out of a response; the command's own limit is smaller."""
FENCE: Final = Fence(address_space=MAX_ADDRESS_SPACE, cpu_seconds=MAX_SECONDS, file_size=MAX_FILE)
PLACES: Final = 2
"""Responses of one share that are looked into at the same time; one more is for others."""
EXIT_LIMITS: Final = 3
EXIT_BROKEN: Final = 4
