"""One rule says which paths are the API's, however they are written."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from django.test import RequestFactory

from billhook.gateway.route import is_api_path
from billhook.portal.api.problems import is_api


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("/api/v1/jobs", True),
        ("/%61pi/v1/jobs", True),
        ("/api%2fv1/jobs", True),
        ("/backoffice/api/", False),
        ("/apis/", False),
    ],
)
def test_the_server_and_the_portal_agree_on_a_path(written: str, expected: bool) -> None:
    assert is_api(RequestFactory().get(written)) is expected
    assert is_api_path(unquote(written)) is expected
