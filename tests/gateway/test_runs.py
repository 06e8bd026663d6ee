"""A key, a command and tokens come in; a document goes out, and a record stays."""

import asyncio
import json
import logging

import pytest

from asgi_client import Browser, ask, scope
from billhook.engine.errors import (
    DeniedPlace,
    DocumentNotFound,
    EgressDenied,
    SourceTimeout,
    SourceTooSlow,
    SourceUnreachable,
    denied,
)
from billhook.engine.verdict import Verdict
from billhook.gateway.doorkeeper import RateLimits
from gateway.gateway_cast import (
    ALICES_KEY,
    BOBS_KEY,
    CANARY,
    PDF,
    RUN_PATH,
    Store,
    bearer,
    make_gateway,
    tokens,
)


async def run(gateway, *, path=RUN_PATH, headers=None, pieces=None, method="POST", **more):
    return await ask(
        gateway,
        method,
        path,
        headers=bearer() if headers is None else headers,
        pieces=tokens() if pieces is None else pieces,
        **more,
    )


def problem(response):
    assert response.header("content-type") == "application/problem+json"
    assert response.header("content-length") == str(len(response.body))
    document = json.loads(response.body)
    assert document["status"] == response.status
    assert document["type"] == f"urn:billhook:problem:{document['code']}"
    assert document["title"]
    assert document["detail"]
    return document


async def test_a_payment_link_is_returned_as_an_address_of_a_listed_host():
    gateway, source, recorder = make_gateway()
    path = RUN_PATH.replace("GetInvoiceImage", "GetPaymentLink")
    links = iter(["https://pay.example.com/i/1", "https://evil.example/i/1"])

    async def answer():
        return 200, json.dumps({"PaymentLink": next(links)}).encode()

    source.answer = answer
    response = await run(gateway, path=path)
    assert (response.status, response.body) == (200, b"https://pay.example.com/i/1")
    assert response.header("content-type").startswith("text/uri-list")
    assert response.header("cache-control") == "private, no-store"
    refused = await run(gateway, path=path)
    assert problem(refused)["code"] == "payment-link-refused"
    assert b"evil" not in refused.body
    assert [each.outcome for each in recorder.runs] == ["ok", "payment-link-refused"]


async def test_a_statement_is_run_with_its_own_tokens_and_named_after_them():
    gateway, source, recorder = make_gateway()
    path = RUN_PATH.replace("GetInvoiceImage", "GetStatement")
    march = {"StatementStart": "2026-03-01", "StatementEnd": "2026-03-31"}

    response = await run(gateway, path=path, pieces=tokens(CustomerNumber="C/1", **march))

    assert (response.status, response.body) == (200, PDF)
    name = b'attachment; filename="statement-C-1-2026-03-01-2026-03-31.pdf"'
    assert response.header("content-disposition") == name.decode()
    assert source.requests[0].url.endswith("/statements/C%2F1?from=2026-03-01&to=2026-03-31")
    assert (recorder.runs[0].command, recorder.runs[0].outcome) == ("GetStatement", "ok")

    refused = problem(await run(gateway, path=path, pieces=tokens(InvoiceNumber="INV-1")))
    assert refused["code"] == "token"
    assert {each["where"] for each in refused["problems"]} >= {
        "tokens.InvoiceNumber",
        "tokens.StatementStart",
    }


def assert_recorded(response, recorder, outcome):
    (record,) = recorder.runs
    assert (record.outcome, record.reason, record.attempts) == (outcome, "", ())
    assert (record.kind, record.api_key_id, record.command) == ("api", "alices", "GetInvoiceImage")
    assert problem(response)["run"] == response.header("billhook-run") == record.id


async def test_the_document_is_returned_with_our_headers_only():
    gateway, _, recorder = make_gateway()

    response = await run(gateway)

    assert (response.status, response.body) == (200, PDF)
    assert dict(response.headers) == {
        b"content-type": b"application/pdf",
        b"content-length": b"%d" % len(PDF),
        b"content-disposition": b'attachment; filename="INV-1.pdf"',
        b"billhook-run": recorder.runs[0].id.encode(),
        b"cache-control": b"private, no-store",
        b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'; sandbox",
        b"cross-origin-resource-policy": b"same-origin",
        b"referrer-policy": b"no-referrer",
        b"x-content-type-options": b"nosniff",
    }


async def test_the_request_to_the_source_contains_the_tokens_the_secret_and_the_run():
    gateway, source, recorder = make_gateway()

    await run(gateway, pieces=tokens(InvoiceNumber="A/1"))

    (request,) = source.requests
    run_id = recorder.runs[0].id
    assert request.url == f"https://billing.example.com/items/A%2F1?run={run_id}"
    assert ("X-Api-Key", CANARY) in request.headers


async def test_a_run_leaves_one_record_with_its_details():
    gateway, _, recorder = make_gateway()

    await run(gateway)

    (record,) = recorder.runs
    assert (record.outcome, record.kind, record.command) == ("ok", "api", "GetInvoiceImage")
    assert (record.organisation_id, record.integration_id) == ("alice", "acme1")
    assert (record.api_key_id, record.user_id, record.invoice_id) == ("alices", None, None)
    assert (record.document_bytes, record.media_type) == (len(PDF), "application/pdf")
    (attempt,) = record.attempts
    assert (attempt.method, attempt.status, attempt.received_bytes) == ("GET", 200, len(PDF))
    assert record.milliseconds > 0
    assert record.started_at.tzinfo is not None


async def test_an_integration_may_be_named_instead():
    gateway, _, _ = make_gateway()

    path = "/api/v1/integrations/Acme%20billing%2F2/commands/GetInvoiceImage/run"
    response = await run(gateway, path=path)

    assert response.status == 200


async def test_a_key_and_an_integration_that_are_not_in_memory_are_read():
    gateway, _, recorder = make_gateway(store=Store(cold=True))
    assert (await run(gateway)).status == 200
    assert len(recorder.runs) == 1
    assert problem(await run(gateway, headers=bearer("bhk_wrong")))["code"] == "key-unknown"


async def test_what_cannot_be_read_now_may_be_tried_again_soon():
    gateway, _, recorder = make_gateway(store=Store(cold=True, away=True))
    response = await run(gateway)
    assert (response.status, problem(response)["code"]) == (503, "database-away")
    assert response.header("retry-after") == "5"
    assert CANARY not in response.body.decode()
    assert recorder.runs == []


async def test_the_bytes_are_released_after_the_response():
    gateway, source, _ = make_gateway()

    await run(gateway)

    with pytest.raises(ValueError, match="closed"):
        source.bodies[0].read()


async def test_a_large_document_is_sent_in_chunks():
    gateway, source, _ = make_gateway()
    large = PDF.replace(b"endobj", b"endobj" * 400_000)
    source.says(200, large)

    response = await run(gateway)

    assert response.body == large
    assert response.header("content-length") == str(len(large))
    assert response.ended
    with pytest.raises(ValueError, match="closed"):
        source.bodies[0].read()


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        pytest.param([], "key-missing", id="none"),
        pytest.param([(b"authorization", b"Bearer ")], "key-missing", id="an empty one"),
        pytest.param([(b"authorization", b"Basic YTpi")], "key-missing", id="another scheme"),
        pytest.param([(b"authorization", b"Bearer " + b"x" * 300)], "key-missing", id="too long"),
        pytest.param(bearer() + bearer(), "key-missing", id="two"),
        pytest.param(bearer("bhk_" + "x" * 43), "key-unknown", id="an unknown one"),
        pytest.param(bearer(ALICES_KEY[:-1]), "key-unknown", id="a part of one"),
        pytest.param([(b"authorization", b"Bearer \xff\xfe")], "key-unknown", id="no text"),
    ],
)
async def test_without_a_valid_key_nothing_happens(headers, code):
    gateway, source, recorder = make_gateway()

    response = await run(gateway, headers=headers)

    assert response.status == 401
    assert problem(response)["code"] == code
    assert response.header("www-authenticate") == 'Bearer realm="Billhook"'
    assert source.requests == recorder.runs == []


async def test_the_word_bearer_may_be_written_in_any_case():
    gateway, _, _ = make_gateway()
    headers = [(b"authorization", b"bEaReR  " + ALICES_KEY.encode()), *bearer()[1:]]

    assert (await run(gateway, headers=headers)).status == 200


async def test_another_organisations_integration_looks_like_one_that_does_not_exist():
    gateway, _, _ = make_gateway()

    foreign = await run(gateway, headers=bearer(BOBS_KEY))
    none = await run(gateway, headers=bearer(BOBS_KEY), path=RUN_PATH.replace("acme1", "none1"))

    assert foreign.status == none.status == 404
    assert (foreign.body, foreign.headers) == (none.body, none.headers)
    assert problem(foreign)["code"] == "command-not-found"


async def test_an_unknown_command_is_not_found_and_starts_no_run():
    gateway, _, recorder = make_gateway()

    response = await run(gateway, path=RUN_PATH.replace("GetInvoiceImage", "getinvoiceimage"))

    assert problem(response)["code"] == "command-not-found"
    assert "run" not in problem(response)
    assert recorder.runs == []


async def test_other_addresses_are_not_found():
    gateway, _, _ = make_gateway()

    response = await run(gateway, path="/api/v1/invoices")

    assert (response.status, problem(response)["code"]) == (404, "route-not-found")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"])
async def test_a_run_is_started_with_post_only(method):
    gateway, source, _ = make_gateway()

    response = await run(gateway, method=method)

    assert (response.status, response.header("allow")) == (405, "POST")
    assert source.requests == []


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([], id="no type"),
        pytest.param([(b"content-type", b"application/x-www-form-urlencoded")], id="a form"),
        pytest.param([(b"content-type", b"text/json")], id="almost"),
        pytest.param(
            [(b"content-type", b"application/json"), (b"content-encoding", b"gzip")],
            id="compressed",
        ),
    ],
)
async def test_a_body_other_than_json_is_refused_and_recorded(headers):
    gateway, source, recorder = make_gateway()

    response = await run(gateway, headers=[bearer()[0], *headers])

    assert (response.status, problem(response)["code"]) == (415, "not-json")
    assert_recorded(response, recorder, "not-json")
    assert source.requests == []


async def test_json_may_declare_its_character_set():
    gateway, _, _ = make_gateway()
    headers = [bearer()[0], (b"content-type", b"Application/JSON; charset=utf-8")]

    assert (await run(gateway, headers=headers)).status == 200


async def test_a_body_announced_as_too_large_is_refused_unread_and_recorded():
    gateway, _, recorder = make_gateway()
    browser = Browser([])
    headers = [*bearer(), (b"content-length", b"65537")]

    await gateway(scope("POST", RUN_PATH, headers=headers), browser.receive, browser.send)

    assert (browser.answer.status, problem(browser.answer)["code"]) == (413, "body-too-large")
    assert_recorded(browser.answer, recorder, "body-too-large")


async def test_a_body_that_turns_out_too_large_is_refused_and_recorded():
    gateway, _, recorder = make_gateway()

    response = await run(gateway, pieces=[b" " * 40_000, b" " * 40_000])

    assert response.status == 413
    assert_recorded(response, recorder, "body-too-large")


async def test_a_body_that_does_not_arrive_in_time_is_refused_and_recorded():
    gateway, source, recorder = make_gateway(body_seconds=0.01)
    browser = Browser([])

    await gateway(scope("POST", RUN_PATH, headers=bearer()), browser.receive, browser.send)

    assert (browser.answer.status, problem(browser.answer)["code"]) == (408, "body-too-slow")
    assert browser.answer.header("connection") == "close"
    assert_recorded(browser.answer, recorder, "body-too-slow")
    assert source.requests == []


async def test_a_caller_who_disconnects_before_the_body_arrives_is_recorded():
    gateway, _, recorder = make_gateway()
    browser = Browser([])
    browser.left.set()

    await gateway(scope("POST", RUN_PATH, headers=bearer()), browser.receive, browser.send)

    (record,) = recorder.runs
    assert (record.outcome, record.reason) == ("cancelled", "caller-left")
    assert browser.answer.status == 0


@pytest.mark.parametrize(
    ("more", "code"),
    [
        pytest.param({"headers": bearer("bhk_" + "x" * 43)}, "key-unknown", id="a wrong key"),
        pytest.param({"headers": bearer(BOBS_KEY)}, "command-not-found", id="another's command"),
    ],
)
async def test_a_bad_body_from_a_caller_who_may_not_run_the_command_starts_no_run(more, code):
    gateway, _, recorder = make_gateway()

    response = await run(gateway, pieces=[b"{"], **more)

    assert problem(response)["code"] == code
    assert "run" not in problem(response)
    assert response.header("billhook-run") is None
    assert recorder.runs == []


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        pytest.param(b"{", 400, "bad-json", id="not JSON"),
        pytest.param(b'{"tokens": {"A": 1, "A": 2}}', 400, "bad-json", id="a name twice"),
        pytest.param(b'{"tokens": {"A": {}}}', 422, "bad-body", id="another shape"),
    ],
)
async def test_a_bad_body_is_refused_and_recorded(body, status, code):
    gateway, source, recorder = make_gateway()

    response = await run(gateway, pieces=[body])

    assert (response.status, problem(response)["code"]) == (status, code)
    assert_recorded(response, recorder, code)
    assert source.requests == []


async def test_all_wrong_tokens_are_reported_together_and_recorded():
    gateway, source, recorder = make_gateway()

    response = await run(gateway, pieces=tokens(InvoiceNumbr="1", Nonsense="2"))

    document = problem(response)
    assert (response.status, document["code"], document["run"]) == (
        422,
        "token",
        recorder.runs[0].id,
    )
    assert response.header("billhook-run") == recorder.runs[0].id
    wheres = {entry["where"]: entry for entry in document["problems"]}
    assert set(wheres) == {"tokens.InvoiceNumbr", "tokens.Nonsense", "tokens.InvoiceNumber"}
    assert wheres["tokens.InvoiceNumbr"]["suggestion"] == "InvoiceNumber"
    assert all(entry["message"] and entry["code"] for entry in document["problems"])
    assert recorder.runs[0].outcome == "token"
    assert source.requests == []


async def test_a_token_name_with_half_a_character_is_an_unknown_token():
    gateway, _, _ = make_gateway()

    response = await run(gateway, pieces=[b'{"tokens": {"\\ud800": "1"}}'])

    assert (response.status, problem(response)["code"]) == (422, "token")


async def test_a_value_that_is_invalid_in_its_slot_is_reported_at_its_token():
    gateway, source, recorder = make_gateway()

    response = await run(gateway, pieces=tokens(InvoiceNumber=".."))

    assert (response.status, problem(response)["code"]) == (422, "token")
    assert recorder.runs[0].outcome == "token"
    assert source.requests == []


@pytest.mark.parametrize(
    ("error", "status", "code", "reason"),
    [
        pytest.param(SourceUnreachable(), 502, "source-unreachable", "", id="no connection"),
        pytest.param(SourceTimeout("connect"), 504, "source-timeout", "connect", id="time-out"),
        pytest.param(SourceTooSlow("body"), 504, "source-too-slow", "body", id="dripping"),
        pytest.param(DocumentNotFound(), 404, "document-not-found", "", id="no such document"),
        pytest.param(
            EgressDenied(Verdict.DENIED_LOOPBACK, "This address is not allowed."),
            502,
            "egress-denied",
            Verdict.DENIED_LOOPBACK.reason,
            id="denied",
        ),
    ],
)
async def test_a_failure_of_the_source_is_a_problem_with_its_code(error, status, code, reason):
    gateway, source, recorder = make_gateway()
    source.fails(error)

    response = await run(gateway)

    document = problem(response)
    (record,) = recorder.runs
    assert (response.status, document["code"], document.get("reason", "")) == (status, code, reason)
    assert (record.outcome, record.reason) == (code, reason)
    assert document["run"] == record.id
    assert (record.document_bytes, record.media_type) == (0, "")


@pytest.mark.parametrize(
    ("came_from", "facts"),
    [
        pytest.param(
            "url",
            {
                "came_from": "url",
                "host": "erp.local",
                "port": "8443",
                "setting": "BILLHOOK_ALLOW=erp.local:8443",
            },
            id="url",
        ),
        pytest.param("redirect", {"came_from": "redirect"}, id="redirect"),
        pytest.param("response", {"came_from": "response"}, id="response"),
    ],
)
async def test_a_denied_address_is_named_if_the_integration_itself_has_it(came_from, facts):
    gateway, source, _ = make_gateway()
    place = DeniedPlace(host="erp.local", port=8443)
    source.fails(denied(Verdict.DENIED_INTERNAL_NAME, place, came_from=came_from))

    assert problem(await run(gateway))["denied"] == facts


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        pytest.param(404, b"", (404, "document-not-found"), id="404"),
        pytest.param(500, b"oops", (502, "source-status"), id="500"),
        pytest.param(403, b"", (502, "source-refused"), id="403"),
        pytest.param(200, b"<html><form>", (502, "web-page-instead"), id="a sign-in page"),
        pytest.param(200, b"", (502, "empty-answer"), id="nothing"),
        pytest.param(200, PDF[:20], (502, "source-cut-short"), id="half a document"),
    ],
)
async def test_a_response_that_is_not_a_document_is_never_passed_on(status, body, expected):
    gateway, source, recorder = make_gateway()
    source.says(status, body)

    response = await run(gateway)

    assert (response.status, problem(response)["code"]) == expected
    assert recorder.runs[0].outcome == expected[1]


async def test_our_own_fault_in_a_run_is_a_problem_without_its_text_and_recorded(caplog):
    gateway, source, recorder = make_gateway()
    source.fails(RuntimeError(CANARY))

    with caplog.at_level(logging.DEBUG):
        response = await run(gateway)

    document = problem(response)
    assert (response.status, document["code"]) == (500, "internal-error")
    assert document["run"] == recorder.runs[0].id
    assert recorder.runs[0].outcome == "internal-error"
    assert CANARY.encode() not in response.body


async def test_our_own_fault_before_a_run_is_a_problem_without_its_text(capsys, caplog):
    store = Store(broken=True)
    gateway, _, _ = make_gateway(store=store)

    response = await run(gateway)

    assert (response.status, problem(response)["code"]) == (500, "internal-error")
    said = capsys.readouterr()
    assert CANARY not in response.body.decode() + said.out + said.err + caplog.text


async def test_the_secret_appears_in_no_response_and_no_record():
    gateway, source, recorder = make_gateway()
    texts = []
    for error in (RuntimeError(CANARY), SourceUnreachable(), SourceTimeout("body")):
        source.fails(error)
        texts.append((await run(gateway)).body.decode())
    source.says(200, f"<html>{CANARY}".encode())
    texts.append((await run(gateway)).body.decode())
    source.says(200, PDF)
    texts.append(repr((await run(gateway)).headers))

    assert CANARY not in "".join(texts)
    assert CANARY not in repr(recorder.runs)


async def test_a_caller_who_disconnects_ends_the_run_and_it_is_recorded():
    gateway, source, recorder = make_gateway()
    source.never_answers()
    browser = Browser(tokens())
    going_on = asyncio.create_task(
        gateway(scope("POST", RUN_PATH, headers=bearer()), browser.receive, browser.send)
    )
    await source.reached.wait()
    browser.left.set()
    await going_on

    assert source.given_up.is_set()
    (record,) = recorder.runs
    assert (record.outcome, record.reason) == ("cancelled", "caller-left")
    assert browser.answer.status == 0


async def test_a_run_that_the_shutdown_cuts_off_is_recorded():
    gateway, source, recorder = make_gateway()
    source.never_answers()
    going_on = asyncio.create_task(run(gateway))
    await source.reached.wait()
    going_on.cancel()

    with pytest.raises(asyncio.CancelledError):
        await going_on
    (record,) = recorder.runs
    assert (record.outcome, record.reason) == ("cancelled", "server-stopped")


async def test_a_closed_gateway_accepts_no_new_runs_and_finishes_the_current_ones():
    gateway, source, recorder = make_gateway()
    may_answer = asyncio.Event()

    async def late():
        await may_answer.wait()
        return 200, PDF

    source.answer = late
    going_on = asyncio.create_task(run(gateway))
    await source.reached.wait()
    gateway.close()
    refused = await run(gateway)
    may_answer.set()

    assert (refused.status, problem(refused)["code"]) == (503, "shutting-down")
    assert refused.header("retry-after") == "5"
    assert (await going_on).status == 200
    assert len(recorder.runs) == 1


async def test_runs_above_the_limit_of_a_key_must_wait():
    limits = RateLimits(runs_per_second=0.5, runs_burst=2)
    gateway, _, recorder = make_gateway(limits=limits)

    responses = [await run(gateway) for _ in range(3)]

    assert [response.status for response in responses] == [200, 200, 429]
    assert problem(responses[2])["code"] == "too-many-runs"
    assert responses[2].header("retry-after") == "2"
    assert len(recorder.runs) == 2


async def test_wrong_keys_from_one_address_are_limited_and_a_right_one_still_passes():
    limits = RateLimits(failures_per_second=0.1, failures_burst=2)
    gateway, _, _ = make_gateway(limits=limits)
    wrong = bearer("bhk_" + "x" * 43)

    responses = [await run(gateway, headers=wrong) for _ in range(3)]

    assert [response.status for response in responses] == [401, 401, 429]
    assert problem(responses[2])["code"] == "too-many-failures"
    assert responses[2].header("retry-after") == "10"
    assert (await run(gateway, headers=wrong, client=("127.0.0.2", 1))).status == 401
    assert (await run(gateway)).status == 200


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param("2001:db8::1", "2001:db8::2:3", True, id="one IPv6 network"),
        pytest.param("2001:db8::1", "2001:db8:0:1::1", False, id="two IPv6 networks"),
        pytest.param("::ffff:192.0.2.1", "192.0.2.1", True, id="IPv4 in IPv6"),
        pytest.param("192.0.2.1", "192.0.2.2", False, id="two IPv4 addresses"),
        pytest.param("fe80::1%eth0", "fe80::2%eth0", True, id="with a zone"),
        pytest.param("a:b", "a:c", False, id="no addresses"),
    ],
)
async def test_wrong_keys_are_counted_per_network_that_one_host_can_use(one, other, same):
    limits = RateLimits(failures_per_second=0.1, failures_burst=1)
    gateway, _, _ = make_gateway(limits=limits)

    await run(gateway, headers=[], client=(one, 1))
    response = await run(gateway, headers=[], client=(other, 2))

    assert response.status == (429 if same else 401)


async def test_concurrent_runs_do_not_wait_for_each_other():
    gateway, source, recorder = make_gateway()
    all_here = asyncio.Barrier(50)

    async def together():
        await all_here.wait()
        return 200, PDF

    source.answer = together
    responses = await asyncio.gather(*(run(gateway) for _ in range(50)))

    assert {response.status for response in responses} == {200}
    assert len({record.id for record in recorder.runs}) == 50
