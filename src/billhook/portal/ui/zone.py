"""The time zone of the reader: their browser says it in a cookie, and pages show times in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

COOKIE: Final = "billhook-zone"
"""The cookie that ``zone.js`` sets, with a name such as ``Europe/Berlin``."""
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,3}")


class ReaderZone:
    """Show times in the reader's zone, and take their days for days there; without it in UTC."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Respond to *request*."""
        with timezone.override(zone_named(request.COOKIES.get(COOKIE, ""))):
            return self.get_response(request)


def zone_named(name: str) -> tzinfo:
    """Return the zone with that name, or UTC if there is none."""
    if len(name) > 64 or not _NAME.fullmatch(name):  # noqa: PLR2004 - longer than any name
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder of zones is no zone
        return UTC
