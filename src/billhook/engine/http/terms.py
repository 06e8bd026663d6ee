"""The terms on which the requests of one run are sent."""

from __future__ import annotations

from dataclasses import dataclass

from billhook.engine.http.request import Limits
from billhook.engine.http.trace import Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTerms:
    """Limits, redirects, deadline and trace of the run that sends a request.

    ``redirects`` is ``follow`` or ``deny``. ``deadline`` is a time of the running loop's clock.
    """

    limits: Limits
    redirects: str
    deadline: float
    trace: Trace
