"""Steps and authentication are edited without JavaScript; each problem appears at its field."""

from __future__ import annotations

import pytest

from billhook.engine.config import ExtractConfig, PathConfig
from billhook.portal.integrations.drafts import draft_of
from billhook.portal.integrations.models import Integration
from portal.cast import Cast
from portal.editor.editor_page import Page, new_page

BASE = "https://a.example"
FIND, DOCUMENT = "command-0-steps-0", "command-0-steps-1"


def press(page: Page, do: str, typed: dict[str, str] | None = None) -> Page:
    """Type into fields and press a button."""
    page.press(do, **(typed or {}))
    return page


def two_steps(cast: Cast) -> Page:
    """Build a look-up and the document, as a person does: from one request, by buttons."""
    page = new_page(cast)
    press(page, "add-step:command-0:before", {f"{FIND}-url": BASE + "/{{Find.Id}}"})
    press(page, f"add:{FIND}-extract", {f"{FIND}-url": f"{BASE}/find?n={{{{InvoiceNumber}}}}"})
    page.fields |= {"name": "Two", f"{FIND}-extract-0-name": "Id"}
    page.fields[f"{FIND}-extract-0-path"] = "$.data[0].id"
    return page


def test_a_look_up_is_added_before_the_request_without_javascript(cast: Cast) -> None:
    page = two_steps(cast)
    assert page.fields[f"{FIND}-name"] == "Find"
    assert page.fields[f"{DOCUMENT}-name"] == "Document"
    press(page, "save")
    assert page.response.status_code == 302, page.text
    find, document = draft_of(Integration.objects.get()).commands[0].steps
    path = PathConfig(kind="json", text="$.data[0].id")
    assert find.extract == (ExtractConfig(name="Id", path=path),)
    assert document.url == BASE + "/{{Find.Id}}"


def test_steps_are_moved_and_removed_and_the_rest_stays_unchanged(cast: Cast) -> None:
    page = press(two_steps(cast), f"down:{FIND}")
    assert page.fields[f"{DOCUMENT}-name"] == "Find"
    assert page.fields[f"{DOCUMENT}-extract-0-path"] == "$.data[0].id"
    press(page, f"up:{DOCUMENT}")
    assert page.fields[f"{FIND}-name"] == "Find"
    press(page, f"remove:{FIND}")
    assert page.fields[f"{FIND}-name"] == "Document"
    assert f"{DOCUMENT}-name" not in page.fields


def test_a_request_is_offered_values_of_earlier_requests_only(
    cast: Cast,
) -> None:
    page = press(two_steps(cast), "look")
    offers = page.html.split('data-offer="')
    offered = {text.partition('"')[0]: text for text in offers[1:]}
    assert 'data-token="Find.Id"' in offered[DOCUMENT]
    assert 'data-token="Find.Id"' not in offered[FIND]


def test_a_plain_request_looks_as_simple_as_before(cast: Cast) -> None:
    page = new_page(cast)
    assert '<details class="more" id="fold-command-0-more">' in page.html
    for fold in ("authentication", "tls", "view"):
        assert f'id="fold-{fold}">' in page.html


@pytest.mark.parametrize(
    ("typed", "field", "sentence"),
    [
        pytest.param({f"{FIND}-extract-0-path": "data"}, f"{FIND}-extract-0-path", "", id="path"),
        pytest.param({f"{FIND}-extract-0-path": ""}, f"{FIND}-extract-0-path", "", id="no path"),
        pytest.param(
            {f"{FIND}-extract-0-name": "I d"}, f"{FIND}-extract-0-name", "can't be", id="name"
        ),
        pytest.param(
            {f"{FIND}-extract-0-none": "x"}, f"{FIND}-extract-0-none", "is nothing", id="choice"
        ),
        pytest.param({f"{DOCUMENT}-name": "Find"}, f"{FIND}-name", "2 steps", id="name twice"),
        pytest.param({f"{DOCUMENT}-name": ""}, f"{DOCUMENT}-name", "needs a name", id="no name"),
        pytest.param(
            {f"{FIND}-url": BASE + "/{{Document.Id}}"}, f"{FIND}-url", "", id="a later token"
        ),
        pytest.param(
            {"command-0-steps-1-answer-kind": "zip", "command-0-steps-1-answer-pattern": "a/b"},
            "command-0-steps-1-answer-pattern",
            "one file of the zip",
            id="zip",
        ),
        pytest.param(
            {"command-0-steps-1-answer-kind": "base64", "command-0-steps-1-answer-path": "nothing"},
            "command-0-steps-1-answer-path",
            "",
            id="answer",
        ),
        pytest.param({"command-0-retries": "x"}, "command-0-retries", "from 0 to 5", id="retries"),
        pytest.param(
            {"authentication-scheme": "header"},
            "authentication-field-name",
            "Header is missing",
            id="scheme",
        ),
        pytest.param({"tls-ca": "x"}, "tls-ca", "", id="authorities"),
    ],
)
def test_a_problem_is_reported_at_its_field(
    cast: Cast, typed: dict[str, str], field: str, sentence: str
) -> None:
    page = press(two_steps(cast), "save", typed)
    assert page.response.status_code == 422
    assert f'href="#{field}"' in page.html
    assert f'id="{field}-error"' in page.html
    assert sentence in page.text
    assert page.names >= {name for name in typed if not name.startswith("authentication-field")}


@pytest.mark.parametrize("key", ["success_when", "not_found_when", "repeat_until-when"])
def test_an_invalid_condition_is_reported_at_its_input(cast: Cast, key: str) -> None:
    page = press(two_steps(cast), f"add:{FIND}-{key}")
    start = f"{FIND}-{key}-0"
    press(page, "save", {f"{start}-value": "99"})
    assert f'id="{start}-value-error"' in page.html
    press(page, "save", {f"{start}-how": "json", f"{start}-path": "x"})
    assert f'id="{start}-path-error"' in page.html
    broken = {f"{start}-path": "$.x", f"{start}-test": "matches", f"{start}-value": "("}
    press(page, "save", broken)
    assert f'id="{start}-value-error"' in page.html
    press(page, "save", {f"{start}-value": "^ok$"})
    assert page.response.status_code == 302, page.text


def test_a_problem_in_an_inner_step_is_reported_at_its_field(cast: Cast) -> None:
    page = press(two_steps(cast), f"add:{DOCUMENT}-on_not_found")
    inner = f"{DOCUMENT}-on_not_found-0"
    typed = {f"{inner}-name": "Build", f"{inner}-method": "PUT"}
    press(page, "save", typed | {f"{inner}-url": BASE + "/{{invoiceNumber}}"})
    assert f'id="{inner}-url-error"' in page.html
    press(page, "use:0")
    assert page.fields[f"{inner}-url"] == BASE + "/{{InvoiceNumber}}"
    press(page, "save")
    assert page.response.status_code == 302, page.text


def test_a_mistyped_function_is_fixed_by_its_button(cast: Cast) -> None:
    page = press(two_steps(cast), f"add:{DOCUMENT}-derive")
    start = f"{DOCUMENT}-derive-0"
    typed = {f"{start}-name": "A", f"{start}-template": "{{InvoiceNumber}}"}
    press(page, "save", typed | {f"{start}-function": "base46"})
    assert f'id="{start}-function-error"' in page.html
    press(page, "use:0")
    assert page.fields[f"{start}-function"] == "base64"


def test_the_fields_of_a_scheme_follow_its_choice_and_nothing_typed_is_lost(cast: Cast) -> None:
    page = press(two_steps(cast), "look", {"authentication-scheme": "basic"})
    page.press("look", **{"authentication-field-username": "me", "authentication-scheme": "hmac"})
    assert "authentication-field-digest" in page.fields
    page.press("look", **{"authentication-scheme": "session"})
    assert "authentication-requests-0-url" in page.fields
    press(
        page,
        "add:authentication-requests-0-extract",
        {"authentication-requests-0-url": "https://l.example"},
    )
    page.press(
        "look",
        **{"authentication-scheme": "basic", "authentication-requests-0-extract-0-name": "Id"},
    )
    assert page.fields["authentication-field-username"] == "me"
    page.press("look", **{"authentication-scheme": "session"})
    assert page.fields["authentication-requests-0-url"] == "https://l.example"
    assert page.fields["authentication-requests-0-extract-0-name"] == "Id"


@pytest.mark.parametrize(
    "do",
    [
        "add:nothing",
        "add:command-0",
        "add:command-9-step",
        "add-step:command-0-steps-0",
        "up:command-0-steps-7",
        "remove:command-0-steps-1-answer",
        "content-type:command-0:x",
        "remove:command-0-steps-x",
        "down:name",
    ],
)
def test_a_button_for_a_missing_row_changes_nothing(cast: Cast, do: str) -> None:
    page = two_steps(cast)
    before = dict(page.fields)
    press(page, do)
    assert page.response.status_code == 200
    changed = {key for key, text in page.fields.items() if before.get(key) != text}
    assert changed <= {"csrfmiddlewaretoken"}


def test_a_session_is_opened_with_several_requests(cast: Cast) -> None:
    page = press(two_steps(cast), "look", {"authentication-scheme": "session"})
    first, second = "authentication-requests-0", "authentication-requests-1"
    press(page, "add:authentication-requests", {f"{first}-url": "https://l.example/login"})
    press(page, f"add:{first}-extract")
    press(page, "add:authentication-derive")
    typed = {
        "authentication-field-cookies": "yes",
        f"{first}-extract-0-name": "Csrf",
        f"{first}-extract-0-how": "regex",
        f"{first}-extract-0-path": 'value="([^"]+)"',
        f"{second}-method": "POST",
        f"{second}-url": "https://l.example/{{InvoiceNumber}}",
        f"{second}-body": "csrf={{Session.Csrf}}",
        "authentication-derive-0-name": "Both",
        "authentication-derive-0-template": "{{Session.Csrf}}:{{Session.Csrf}}",
    }
    press(page, "save", typed)
    assert f'id="{second}-url-error"' in page.html
    press(page, f"up:{second}")
    assert page.fields[f"{first}-body"] == "csrf={{Session.Csrf}}"
    press(page, f"down:{first}", {f"{first}-url": "https://l.example/login"})
    press(page, "save")
    assert page.response.status_code == 302, page.text
    config = draft_of(Integration.objects.get())
    authentication = config.authentication
    assert authentication is not None
    assert [each.method for each in authentication.requests] == ["GET", "POST"]
    assert authentication.fields == {"cookies": True}
    assert authentication.derive[0].name == "Both"
