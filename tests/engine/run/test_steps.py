"""A command of several steps: each has the values of earlier steps, and errors name their step."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billhook.engine.errors import (
    AmbiguousAnswer,
    DocumentNotFound,
    EgressDenied,
    MissingValue,
    SourceRedirected,
    SourceRefused,
    SourceTimeout,
    TokenError,
)
from billhook.engine.testing import FakeTransport, make_response
from step_runs import PDF, SITE, as_json, as_pdf, compile_toml, problems_of, run_toml

FIND_AND_TAKE = """
[[commands.GetInvoiceImage.steps]]
name = "Find"
url = "{{Base}}/invoices?number={{InvoiceNumber}}"
extract = { Id = "$.data[*].id" }
[[commands.GetInvoiceImage.steps]]
name = "Take"
url = "{{Base}}/invoices/{{Find.Id}}/pdf"
"""


def one(**fields: str) -> str:
    """Return a command of one request."""
    lines = {"url": '"{{Base}}/"'} | fields
    return "\n[commands.GetInvoiceImage]\n" + "\n".join(f"{k} = {v}" for k, v in lines.items())


def step(name: str, lines: str) -> str:
    """Return a step with these lines."""
    return f'\n[[commands.GetInvoiceImage.steps]]\nname = "{name}"\n{lines}\n'


def two(first: str, second: str) -> str:
    """Return a command of the steps Find and Take with these lines."""
    return step("Find", first) + step("Take", second)


async def test_a_value_from_one_response_fills_the_next_request():
    run = run_toml(FIND_AND_TAKE, as_json({"data": [{"id": 41}]}), as_pdf(), number="A&B=C")
    with await run.document() as document:
        assert document.body.read() == PDF
    assert run.sent == [
        f"Find GET {SITE}/invoices?number=A%26B%3DC",
        f"Take GET {SITE}/invoices/41/pdf",
    ]
    assert [(each.step, each.outcome) for each in run.trace.attempts] == [
        ("Find", "ok"),
        ("Take", "ok"),
    ]


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
async def test_any_value_from_a_response_is_one_segment_of_the_next_path(value):
    run = run_toml(FIND_AND_TAKE, as_json({"data": [{"id": value}]}), as_pdf())
    try:
        await run.document()
    except MissingValue:
        assert value in {".", ".."} or value.partition(";")[0] in {".", ".."} or "." in value
        return
    target = run.transport.requests[1].target
    assert target.count("/") == 3
    assert target.startswith("/invoices/")
    assert target.endswith("/pdf")


@pytest.mark.parametrize(
    ("answer", "error", "hint"),
    [
        pytest.param(as_json({"data": []}), DocumentNotFound, "no such document", id="none"),
        pytest.param(
            as_json({"data": [{"id": 1}, {"id": 2}]}), AmbiguousAnswer, "2 values", id="several"
        ),
        pytest.param(make_response(b"<html>"), MissingValue, "not JSON", id="no-json"),
        pytest.param(as_json({}, status=401), SourceRefused, "credentials", id="refused"),
        pytest.param(
            as_json({"data": [{"id": ".."}]}), MissingValue, "part of the path", id="dots"
        ),
        pytest.param(as_json({"data": [{"id": ""}]}), MissingValue, "is empty", id="empty"),
    ],
)
async def test_a_response_without_a_usable_value_is_an_error_of_its_step(answer, error, hint):
    run = run_toml(FIND_AND_TAKE, answer)
    failure = await run.failure(error)
    assert hint in failure.public_message
    assert failure.step == ("Take" if hint in {"part of the path", "is empty"} else "Find")
    assert len(run.sent) == 1
    assert run.trace.attempts[-1].outcome == failure.code


async def test_an_invalid_value_from_the_caller_is_reported_as_the_problem_of_the_caller():
    run = run_toml(FIND_AND_TAKE.replace("?number=", "/"), number="..")
    failure = await run.failure(TokenError)
    assert failure.step == "Find"


async def test_every_response_except_the_document_is_closed():
    answers = [as_json({"data": [{"id": 1}]}), as_pdf()]
    document = await run_toml(FIND_AND_TAKE, *answers).document()
    with pytest.raises(ValueError, match="closed"):
        answers[0].body.read()
    assert document.body.read() == PDF
    failed = as_json({"data": []})
    await run_toml(FIND_AND_TAKE, failed).failure(DocumentNotFound)
    with pytest.raises(ValueError, match="closed"):
        failed.body.read()


async def test_one_deadline_covers_all_steps():
    run = run_toml("[commands.GetInvoiceImage]\ntimeout = 0.2\n" + FIND_AND_TAKE)
    run.transport = FakeTransport(as_json({"data": [{"id": 1}]}), as_pdf(), delay=0.15)
    failure = await run.failure(SourceTimeout)
    assert failure.step == "Take"


async def test_a_derived_token_is_computed_before_the_step_is_sent_and_masked_like_its_parts():
    text = two(
        'url = "{{Base}}/"\n'
        'derive = { Auth = { template = "{{User}}:{{ApiKey}}", function = "base64" },'
        ' Twice = "{{Find.Auth}}{{Find.Auth}}" }\n'
        'headers = [["X", "{{Find.Auth}}"]]',
        'url = "{{Base}}/x"\nheaders = [["Y", "{{Find.Twice}}"]]',
    )
    run = run_toml(text, as_json({}), as_pdf())
    await run.document()
    coded = base64.b64encode(b"ann:k3y").decode()
    assert [each.headers for each in run.transport.requests] == [
        (("X", coded),),
        (("Y", coded * 2),),
    ]
    assert all(each.carries_secret for each in run.transport.requests)
    assert run.command.secret_origins == {
        "User": run.command.origins,
        "ApiKey": run.command.origins,
    }
    shown = run.command.preview(
        run.command.values({}, secrets=dict.fromkeys(("ApiKey", "User"), "x"))
    )
    assert shown[0].headers[0][1].text != coded


async def test_a_derived_token_of_a_command_with_one_request_has_the_name_of_the_command():
    text = one(
        derive='{ Day = { template = "{{InvoiceDate}}", function = "date:yyyyMMdd" } }',
        url='"{{Base}}/{{GetInvoiceImage.Day}}"',
    )
    run = run_toml(text, as_pdf(), number="2026-03-31")
    await run.document()
    assert run.sent == [f"GetInvoiceImage GET {SITE}/20260331"]


async def test_a_derived_value_that_cannot_be_computed_is_reported_with_its_location():
    text = one(derive='{ Day = { template = "{{InvoiceDate}}", function = "date:yyyy" } }')
    failure = await run_toml(text, number="soon").failure(TokenError)
    (problem,) = failure.problems
    assert problem.where == "commands.GetInvoiceImage.derive.Day"
    assert "soon" not in failure.public_message


LINK = two(
    'url = "{{Base}}/find"\nextract = { Link = { json = "$.link", url = true } }',
    'url = "{{Find.Link}}"',
)


async def test_a_url_from_a_response_is_requested_unchanged_and_without_credentials():
    signed = "https://files.example/a%2Fb.pdf?X-Sig=a%2Bb&e=1"
    run = run_toml(LINK, as_json({"link": signed}), as_pdf())
    await run.document()
    request = run.transport.requests[1]
    assert (request.url, str(request.origin)) == (signed, "https://files.example")
    assert request.target == "/a%2Fb.pdf?X-Sig=a%2Bb&e=1"
    assert (request.headers, request.authenticate, request.repeatable) == ((), False, False)
    assert not request.carries_secret


@pytest.mark.parametrize(
    ("link", "goes_along"),
    [
        pytest.param(f"{SITE}/x.pdf", True, id="own-origin"),
        pytest.param("https://billing.example.evil.example/x", False, id="other-host"),
        pytest.param(f"{SITE}:8443/x.pdf", False, id="other-port"),
    ],
)
async def test_only_requests_to_the_origin_of_the_command_are_authenticated(link, goes_along):
    run = run_toml(LINK + "authentication = true", as_json({"link": link}), as_pdf())
    await run.document()
    assert run.transport.requests[1].authenticate is goes_along


@pytest.mark.parametrize(
    ("link", "error", "reason"),
    [
        pytest.param("//u:p@files.example/", EgressDenied, "userinfo", id="user-name-relative"),
        pytest.param("file:///etc/passwd", EgressDenied, "scheme", id="file"),
        pytest.param("https://u:p@files.example/", EgressDenied, "userinfo", id="user-name"),
        pytest.param("https://files .example/a", EgressDenied, "control-char", id="space"),
        pytest.param("https://127.1/", EgressDenied, "host-number", id="odd-address"),
        pytest.param("http://files.example/", SourceRedirected, "downgrade", id="http"),
    ],
)
async def test_an_unusable_url_from_a_response_is_refused(link, error, reason):
    run = run_toml(LINK, as_json({"link": link}))
    failure = await run.failure(error)
    assert failure.step == "Take"
    assert len(run.sent) == 1
    assert link not in failure.public_message


async def test_a_source_on_plain_http_may_return_plain_http_urls():
    run = run_toml(
        LINK.replace("{{Base}}", "{{Plain}}"), as_json({"link": "http://b.example/x"}), as_pdf()
    )
    await run.document()
    assert run.sent[1] == "Take GET http://b.example/x"


async def test_a_secret_from_a_response_is_sent_like_any_secret():
    text = two(
        'url = "{{Base}}/login"\nextract = { Key = { header = "X-Session", secret = true } }',
        'url = "{{Base}}/x"\nheaders = [["X-Session", "{{Find.Key}}"]]',
    )
    run = run_toml(text, as_json({}, X_Session="s1"), as_pdf())
    await run.document()
    first, second = run.transport.requests
    assert (first.carries_secret, second.carries_secret) == (False, True)
    assert second.headers == (("X-Session", "s1"),)


SIGNED_IN = """
[authentication]
scheme = "session"
[authentication.request]
url = "{{Base}}/login?key={{ApiKey}}"
extract = { Id = "$.id" }
"""
TAKEN = LINK.replace(
    "url = true }", "url = true, secret = true }, Key = { header = 'X-Key', secret = true }"
)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(TAKEN + 'headers = [["X-Key", "{{Find.Key}}"]]', id="out of an answer"),
        pytest.param(SIGNED_IN + LINK + 'headers = [["X", "{{Session.Id}}"]]', id="session"),
    ],
)
async def test_a_secret_is_not_sent_to_another_origin_that_a_response_names(text):
    there = run_toml(text, as_json({"link": "https://evil.example/x"}, X_Key="k1"))
    failure = await there.failure(MissingValue)
    assert (failure.step, len(there.sent)) == ("Take", 1)
    assert "leads away" in str(failure)
    here = run_toml(text, as_json({"link": f"{SITE}/x"}, X_Key="k1"), as_pdf())
    await here.document()
    assert here.transport.requests[1].carries_secret


async def test_a_secret_url_from_a_response_is_requested():
    run = run_toml(TAKEN, as_json({"link": "https://files.example/x?sig=1"}, X_Key="k1"), as_pdf())
    await run.document()
    assert run.sent[1] == "Take GET https://files.example/x?sig=1"


@pytest.mark.parametrize(
    ("lines", "repeatable"),
    [
        pytest.param("", True, id="get"),
        pytest.param("side_effects = true", False, id="get-with-side-effects"),
        pytest.param('method = "POST"', False, id="post"),
        pytest.param('method = "POST"\nrepeatable = true', True, id="post-that-reads"),
        pytest.param('method = "DELETE"', False, id="delete"),
    ],
)
async def test_only_reading_requests_are_marked_as_repeatable(lines, repeatable):
    run = run_toml(one() + "\n" + lines, as_pdf())
    await run.document()
    assert run.transport.requests[0].repeatable is repeatable


BUILD = """
[[commands.GetInvoiceImage.steps]]
name = "Take"
url = "{{Base}}/documents/{{InvoiceNumber}}"
[[commands.GetInvoiceImage.steps.on_not_found]]
name = "Look"
url = "{{Base}}/templates"
extract = { Template = "$.name" }
[[commands.GetInvoiceImage.steps.on_not_found]]
name = "Build"
method = "PUT"
url = "{{Base}}/build/{{InvoiceNumber}}/{{Look.Template}}"
"""


async def test_a_document_that_does_not_exist_yet_is_generated_and_requested_again():
    run = run_toml(BUILD, as_json({}, status=404), as_json({"name": "std"}), as_json({}), as_pdf())
    await run.document()
    assert run.sent == [
        f"Take GET {SITE}/documents/INV-7",
        f"Look GET {SITE}/templates",
        f"Build PUT {SITE}/build/INV-7/std",
        f"Take GET {SITE}/documents/INV-7",
    ]


async def test_an_existing_document_is_not_generated():
    run = run_toml(BUILD, as_pdf())
    await run.document()
    assert len(run.sent) == 1


@pytest.mark.parametrize(
    ("statuses", "step", "requests"),
    [
        pytest.param([404, 200, 200, 404], "Take", 4, id="still-not-there"),
        pytest.param([404, 200, 404], "Build", 3, id="nothing-to-build"),
    ],
)
async def test_a_document_that_is_missing_after_generation_is_not_found(statuses, step, requests):
    run = run_toml(BUILD, *(as_json({"name": "s"}, status=status) for status in statuses))
    failure = await run.failure(DocumentNotFound)
    assert (failure.step, len(run.sent)) == (step, requests)


def test_later_requests_are_shown_with_unknown_values_marked():
    command = compile_toml(FIND_AND_TAKE + BUILD.replace('"Take"', '"Get"'))
    shown = command.preview(command.values({"InvoiceNumber": "A 1"}))
    assert [(each.step, each.url.text) for each in shown] == [
        ("Find", f"{SITE}/invoices?number=A%201"),
        ("Take", f"{SITE}/invoices/‹Find.Id›/pdf"),
        ("Get", f"{SITE}/documents/A%201"),
        ("Look", f"{SITE}/templates"),
        ("Build", f"{SITE}/build/A%201/‹Look.Template›"),
    ]
    assert compile_toml(LINK).preview(command.values({"InvoiceNumber": "1"}))[1].url.text == (
        "‹Find.Link›"
    )


def test_a_preview_reports_invalid_values_next_to_unknown_ones():
    command = compile_toml(
        FIND_AND_TAKE.replace("/{{Find.Id}}/", "/{{Find.Id}}/{{InvoiceNumber}}/")
    )
    with pytest.raises(TokenError) as refused:
        command.preview(command.values({"InvoiceNumber": ""}))
    assert [problem.where for problem in refused.value.problems] == [
        "commands.GetInvoiceImage.steps[1].url"
    ]


def test_tokens_used_only_in_paths_conditions_and_names_are_required():
    text = two(
        'url = "{{Base}}/"\nextract = { Id = "$[\'{{InvoiceId}}\']" }\n'
        'success_when = [{ json = "$[?@.a == {{Amount}}]", exists = true }]\n'
        'derive = { D = "{{DueDate}}" }',
        'url = "{{Base}}/"\n'
        'answer = { base64 = "$[\'{{Currency}}\']", name = { template = "{{CustomerNumber}}" } }',
    )
    assert set(compile_toml(text).tokens) == {
        "InvoiceId",
        "Amount",
        "DueDate",
        "Currency",
        "CustomerNumber",
    }


@pytest.mark.parametrize(
    ("text", "code", "where", "hint"),
    [
        pytest.param(
            two('url = "{{Base}}/{{Take.Id}}"', 'url = "{{Base}}/"\nextract = { Id = "$.x" }'),
            "later-token",
            "steps[0].url",
            "comes from a later step: move the step Take before this one",
            id="later-step",
        ),
        pytest.param(
            two('url = "{{Base}}/{{Find.Id}}"\nextract = { Id = "$.x" }', 'url = "{{Base}}/"'),
            "later-token",
            "steps[0].url",
            "this step's own response",
            id="own-answer",
        ),
        pytest.param(
            two('url = "{{Base}}/"\nderive = { A = "{{Find.B}}", B = "x" }', 'url = "{{Base}}/"'),
            "later-token",
            "steps[0].derive.A",
            "Derive it first",
            id="cycle",
        ),
        pytest.param(
            BUILD
            + '[[commands.GetInvoiceImage.steps]]\nname = "Z"\nurl = "{{Base}}/{{Look.Template}}"',
            "later-token",
            "steps[1].url",
            "only when another step finds nothing",
            id="step-that-may-not-be-sent",
        ),
        pytest.param(
            two('url = "{{Base}}/"\nextract = { Id = "$.x" }', 'url = "{{Base}}/{{Find.Ids}}"'),
            "unknown-token",
            "steps[1].url",
            "Did you mean {{Find.Id}}?",
            id="near",
        ),
        pytest.param(
            two('url = "{{Base}}/"\nextract = { L = "$.x" }', 'url = "{{Find.L}}"'),
            "forbidden-position",
            "steps[1].url",
            "Say url = true where it is extracted",
            id="url-that-may-not-be-one",
        ),
        pytest.param(
            two(
                'url = "{{Base}}/"\nextract = { L = { json = "$.x", url = true } }',
                'url = "{{Find.L}}/x"',
            ),
            "forbidden-position",
            "steps[1].url",
            "whole URL of a step",
            id="url-with-more",
        ),
        pytest.param(
            LINK + 'headers = [["X", "{{ApiKey}}"]]',
            "secret-to-answered-url",
            "steps[1].url",
            "could go anywhere",
            id="secret-to-any-address",
        ),
        pytest.param(
            two('url = "{{Base}}/"', 'url = "{{Base}}/"\nside_effects = true\nrepeatable = true'),
            "never-repeated",
            "steps[1].repeatable",
            "contradicts",
            id="side-effects-repeatable",
        ),
        pytest.param(
            two(
                'url = "{{Base}}/"\nextract = { A = "$.x" }\nderive = { A = "x" }',
                'url = "{{Base}}/"',
            ),
            "duplicate-name",
            "steps[0].extract.A",
            "Rename one",
            id="one-name-twice",
        ),
        pytest.param(
            two('url = "{{Base}}/"\nextract = { "a b" = "$.x" }', 'url = "{{Base}}/"'),
            "invalid-name",
            "steps[0].extract",
            "can't be the name of a value",
            id="name-of-a-value",
        ),
        pytest.param(
            two(
                'url = "{{Base}}/"\nderive = { A = { template = "x", function = "bse64" } }',
                'url = "{{Base}}/"',
            ),
            "unknown-function",
            "steps[0].derive.A.function",
            "base64",
            id="function",
        ),
        pytest.param(
            two('url = "{{Base}}/"\nanswer = { body = true }', 'url = "{{Base}}/"'),
            "misplaced-key",
            "steps[0].answer",
            "last step",
            id="answer-too-early",
        ),
        pytest.param(
            two('url = "{{Base}}/"\nextract = { Id = "$[\'{{ApiKey}}\']" }', 'url = "{{Base}}/"'),
            "later-token",
            "steps[0].extract.Id",
            "only in a request",
            id="secret-in-a-path",
        ),
        pytest.param(
            BUILD.replace('"Look"', '"Take"'),
            "duplicate-name",
            "steps[0].name",
            "2 steps called Take",
            id="step-name-twice",
        ),
        pytest.param(
            BUILD.replace('"Take"', '"Session"'),
            "reserved-name",
            "steps[0].name",
            "of a session",
            id="reserved-step-name",
        ),
        pytest.param(one() + "\nretries = 9", "invalid-value", "retries", "0 to 5", id="retries"),
    ],
)
def test_a_problem_between_steps_is_reported_when_it_is_saved(text, code, where, hint):
    problem = problems_of(text)[0]
    assert (problem.code, problem.where) == (code, f"commands.GetInvoiceImage.{where}")
    assert hint in problem.message


def test_a_secret_token_of_a_session_is_allowed_only_in_requests():
    session = """
[authentication]
scheme = "session"
[authentication.request]
url = "{{Base}}/login?key={{ApiKey}}"
extract = { Id = "$.id" }
"""
    command = compile_toml(session + one(headers='[["X", "{{Session.Id}}"]]'))
    request = command.steps[0].fill(command.values({}))
    assert request.complete is not None
    assert command.preview(command.values({}))[0].headers[0][1].text == "‹Session.Id›"
    problem = problems_of(session + one(extract="{ A = \"$['{{Session.Id}}']\" }"))[0]
    assert problem.code == "later-token"
    assert "only in a request" in problem.message
