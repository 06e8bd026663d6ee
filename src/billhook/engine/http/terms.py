"""The terms on which the requests of one run are sent."""

from __future__ import annotations

from dataclasses import dataclass, field

from billhook.engine.http.cookies import CookieJar
from billhook.engine.http.request import Limits
from billhook.engine.http.trace import Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTerms:
    """Limits, redirects, deadline, trace and cookies of the run that sends a request.

    ``share`` names the organisation whose run it is, where several have runs in one process: each
    gets its part of what they share. ``redirects`` is ``follow`` or ``deny``. ``deadline`` is a
    time of the running loop's clock. ``cookies`` are those that redirects have set. ``command`` is
    the name of the run's command, which may have a client certificate of its own.
    """

    limits: Limits
    redirects: str
    deadline: float
    trace: Trace
    cookies: CookieJar = field(default_factory=CookieJar)
    share: str = ""
    command: str = ""
