"""Common facts of all pages: our headers, the right host, a calm page for each error."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.staticfiles import finders
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse

from billhook.portal.handover.framing import CONTENT_SECURITY_POLICY
from billhook.portal.project import errors
from billhook.portal.ui import icons
from billhook.portal.ui.statics import STATIC_FOLDER
from portal.cast import Cast, signed_in

PORTAL = Path(errors.__file__).parents[1]
TEMPLATES = sorted((PORTAL / "templates").rglob("*.html"))
MAILS = {PORTAL / "templates" / "notices" / "mail.html"}
"""Shown by programs for mail, which know styles in the text alone."""


@pytest.mark.parametrize(
    ("path", "host"),
    [
        ("/", "localhost"),
        ("/sign-in", "localhost"),
        ("/nothing", "localhost"),
        (f"{django_settings.STATIC_URL}billhook/billhook.css", "localhost"),
        ("/sign-in", "evil.example"),
    ],
)
def test_every_response_has_our_headers(cast: Cast, path: str, host: str) -> None:
    response = Client(headers={"host": host}).get(path)
    assert response.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert response.headers["X-Frame-Options"] == "DENY"
    assert "camera=()" in response.headers["Permissions-Policy"]
    response.close()


def test_the_policy_allows_nothing_from_elsewhere_and_no_inline_scripts() -> None:
    assert "default-src 'none'" in CONTENT_SECURITY_POLICY
    assert "frame-ancestors 'none'" in CONTENT_SECURITY_POLICY
    for word in ("unsafe", "http:", "https:", "*"):
        assert word not in CONTENT_SECURITY_POLICY


def test_pages_are_never_cached_and_files_are_cached_forever(cast: Cast) -> None:
    page = signed_in(cast.carla).get("/")
    assert page.headers["Cache-Control"] == "private, no-store"
    file = Client().get(f"{django_settings.STATIC_URL}billhook/billhook.css")
    assert "immutable" in file.headers["Cache-Control"]
    file.close()


def test_a_page_for_another_host_is_refused(cast: Cast) -> None:
    response = Client(headers={"host": "evil.example"}).get("/sign-in")
    assert response.status_code == 400
    assert b"evil.example" not in response.content


@pytest.mark.parametrize(
    "template", [each for each in TEMPLATES if each not in MAILS], ids=lambda path: path.name
)
def test_no_page_contains_anything_that_the_policy_forbids(template: Path) -> None:
    text = template.read_text(encoding="utf-8")
    assert not re.search(r"""\s(style|on\w+)=["']""", text)
    assert "<style" not in text
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"""(src|href)=["'](https?:)?//""", text)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_every_file_and_icon_that_a_page_names_exists(template: Path) -> None:
    text = template.read_text(encoding="utf-8")
    for file in re.findall(r"""{% static ['"]([^'"]+)['"]""", text):
        assert finders.find(file), file
    for icon in re.findall(r"""{% icon ['"]([\w-]+)['"]""", text):
        assert icons.svg(icon).startswith("<svg")


def test_scripts_build_no_code_from_text() -> None:
    for script in STATIC_FOLDER.rglob("*.js"):
        text = script.read_text(encoding="utf-8")
        assert not re.search(r"\b(eval|Function|document\.write)\(", text), script.name


def test_a_missing_page_is_reported_calmly(cast: Cast) -> None:
    response = signed_in(cast.carla).get("/nothing/here")
    assert response.status_code == 404
    assert b"This page doesn't exist" in response.content
    assert b"nothing/here" not in response.content


def test_a_fault_of_ours_shows_a_page_without_its_text(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(request: HttpRequest) -> HttpResponse:
        raise RuntimeError("canary-in-an-exception")

    pattern = next(p for p in _patterns() if p.name == "settings")
    monkeypatch.setattr(pattern, "callback", fail)
    browser = signed_in(cast.carla)
    browser.raise_request_exception = False
    response = browser.get(reverse("settings"))
    assert response.status_code == 500
    assert b"Something went wrong on our side" in response.content
    assert b"canary" not in response.content


def _patterns() -> Any:
    from billhook.portal.sign_in.urls import urlpatterns

    return urlpatterns


@pytest.mark.parametrize(
    ("page", "status", "says"),
    [
        pytest.param(errors.bad_request, 400, "could not understand", id="400"),
        pytest.param(errors.forbidden, 403, "Your role doesn", id="403"),
        pytest.param(errors.too_many, 429, "Wait a few minutes", id="429"),
    ],
)
def test_each_error_has_its_page(db: None, page: Any, status: int, says: str) -> None:
    response = page(RequestFactory().get("/"), PermissionDenied())
    assert response.status_code == status
    assert says in response.content.decode()


def test_a_form_sent_from_another_site_gets_a_page_that_explains_what_to_do(cast: Cast) -> None:
    response = Client(enforce_csrf_checks=True).post("/sign-in", {"email": "a@b.example"})
    assert response.status_code == 403
    assert b"nothing was changed" in response.content


@pytest.mark.parametrize(
    ("path", "form", "cookie"),
    [
        ("/sign-in?next=%00", None, ""),
        ("/invoices/%00", None, ""),
        ("/sign-in", {"email": "carla\0@acme.example"}, ""),
        ("/sign-in/password", {"login": "carla@acme.example", "password": "a\0b"}, ""),
        ("/sign-in", {"na\0me": "x"}, ""),
        ("/sign-in", None, 'billhook="abcdefgh\\000ijkl"'),
    ],
    ids=["query", "path", "field", "password", "name", "session"],
)
def test_a_nul_anywhere_is_a_bad_request(
    cast: Cast, path: str, form: dict[str, Any] | None, cookie: str
) -> None:
    browser = Client(headers={"cookie": cookie} if cookie else None)
    response = browser.get(path) if form is None else browser.post(path, form)
    assert response.status_code == 400
