"""Filled requests, as they go on the wire, and their limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from billhook.engine.egress.url import Origin
from billhook.engine.tokens.values import Given


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class WebRequest:
    """A step with its tokens filled: exactly what is sent.

    ``url`` is ASCII, with the path as configured; ``target`` is path and query as on the wire.
    ``authenticate`` says that the integration's credentials may be added, ``repeatable`` that
    sending it twice does no harm, ``compressed`` that gzip is asked for. ``sign_again`` signs the
    request that a redirect asks for, if a signature is good for one address only. ``complete``, if
    there is one, makes the rest of it out of the session's values: only the step, the method and
    the origin count until then. ``led_from`` is the origin whose response chose the URL, by a
    redirect or a link; None for the integration's own URL.
    """

    step: str
    method: str
    url: str
    origin: Origin
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes | None
    carries_secret: bool
    authenticate: bool = True
    repeatable: bool = False
    compressed: bool = False
    led_from: Origin | None = None
    sign_again: Callable[[WebRequest], WebRequest] | None = field(default=None, compare=False)
    complete: Callable[[Mapping[str, Given]], WebRequest] | None = field(
        default=None, compare=False
    )

    @property
    def is_led_away(self) -> bool:
        """Whether another place than the one that it goes to chose the URL."""
        led_from, origin = self.led_from, self.origin
        return led_from is not None and (led_from.host, led_from.port) != (origin.host, origin.port)

    @property
    def is_led_to_other_origin(self) -> bool:
        """Whether the response of another origin chose the URL."""
        return self.led_from is not None and self.led_from != self.origin

    def __repr__(self) -> str:
        return f"WebRequest(step={self.step!r}, method={self.method!r}, origin='{self.origin}')"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of one command: times in seconds, sizes in bytes.

    ``timeout`` covers the whole command, from the first lookup to the last byte. ``read_timeout``
    is the longest silence. Over each ``throughput_window`` at least ``least_throughput`` bytes a
    second have to come. A repeatable request is repeated at most ``retries`` times.
    """

    timeout: float
    max_bytes: int
    connect_timeout: float = 10.0
    lookup_timeout: float = 5.0
    read_timeout: float = 30.0
    least_throughput: int = 500
    throughput_window: float = 10.0
    retries: int = 0
