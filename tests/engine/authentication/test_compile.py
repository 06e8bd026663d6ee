"""Authentication as typed: every problem is reported, and previews are masked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from billhook.engine.authentication.compile import compile_authentication
from billhook.engine.authentication.factory import make_authenticator
from billhook.engine.authentication.oauth2_client import make_client
from billhook.engine.authentication.registry import SCHEMES
from billhook.engine.authentication.scheme import AuthenticationPlan
from billhook.engine.command.scope import session_token_names
from billhook.engine.config import (
    AuthenticationConfig,
    ConditionConfig,
    ExtractConfig,
    PathConfig,
    StepConfig,
)
from billhook.engine.egress.url import Origin
from billhook.engine.errors import ConfigurationError, Problem, TokenError
from billhook.engine.field import KINDS
from billhook.engine.secret import MASK, Secret

VARIABLES = {"Tenant": "acme", "AuthUrl": "https://auth.example"}
SECRETS = ("ApiKey", "ClientSecret", "Other")
CLIENT = {
    "token_url": "{{AuthUrl}}/token",
    "client_id": "billhook",
    "client_secret": "{{ClientSecret}}",
}
SESSION_REQUEST = StepConfig(
    method="POST",
    url="https://login.example/session",
    headers=(("Content-Type", "application/json"),),
    body='{"key": {{ApiKey}}, "tenant": {{Tenant}}}',
    extract=(ExtractConfig(name="Id", path=PathConfig(kind="json", text="$.sessionId")),),
)
WHOLE: dict[str, AuthenticationConfig] = {
    "basic": AuthenticationConfig(scheme="basic", fields={"username": "{{ApiKey}}"}),
    "digest": AuthenticationConfig(
        scheme="digest", fields={"username": "ann", "password": "{{ApiKey}}"}
    ),
    "bearer": AuthenticationConfig(scheme="bearer", fields={"token": "{{ApiKey}}"}),
    "header": AuthenticationConfig(
        scheme="header", fields={"name": "X-Key", "value": "k {{ApiKey}}"}
    ),
    "query": AuthenticationConfig(scheme="query", fields={"name": "key", "value": "{{ApiKey}}"}),
    "oauth2-client-credentials": AuthenticationConfig(
        scheme="oauth2-client-credentials", fields=CLIENT, extra={"audience": "{{Tenant}}"}
    ),
    "oauth2-refresh-token": AuthenticationConfig(
        scheme="oauth2-refresh-token", fields={**CLIENT, "refresh_token": "{{ApiKey}}"}
    ),
    "oauth2-authorization-code": AuthenticationConfig(
        scheme="oauth2-authorization-code",
        fields={**CLIENT, "authorize_url": "https://sign.example/in", "pkce": False},
    ),
    "session": AuthenticationConfig(
        scheme="session",
        fields={"kept": 600.0},
        requests=(SESSION_REQUEST,),
        headers=(("sessionId", "{{Session.Id}}"), ("devKey", "{{Other}}")),
        refused_when=(
            ConditionConfig(path=PathConfig(kind="json", text="$.error"), equals="EXPIRED"),
        ),
    ),
    "hmac": AuthenticationConfig(
        scheme="hmac",
        fields={"header": "X-Signature", "key": "{{ApiKey}}", "timestamp_header": "X-Time"},
    ),
    "standard-webhooks": AuthenticationConfig(
        scheme="standard-webhooks", fields={"key": "{{ApiKey}}"}
    ),
    "aws-sigv4": AuthenticationConfig(
        scheme="aws-sigv4",
        fields={
            "access_key": "AKIA",
            "secret_key": "{{ApiKey}}",
            "region": "eu-central-1",
            "service": "s3",
        },
    ),
    "oauth1": AuthenticationConfig(
        scheme="oauth1", fields={"consumer_key": "ck", "consumer_secret": "{{ApiKey}}"}
    ),
}


def compiled(config: AuthenticationConfig) -> AuthenticationPlan:
    return compile_authentication(config, variables=VARIABLES, secrets=SECRETS)


def problems_of(config: AuthenticationConfig) -> tuple[Problem, ...]:
    with pytest.raises(ConfigurationError) as caught:
        compiled(config)
    return caught.value.problems


def basic(**fields: object) -> AuthenticationConfig:
    return AuthenticationConfig(scheme="basic", fields=fields)  # type: ignore[arg-type]


def test_each_scheme_has_an_example_here():
    assert tuple(WHOLE) == tuple(SCHEMES)


@pytest.mark.parametrize("info", SCHEMES.values(), ids=SCHEMES)
def test_each_field_is_described_completely(info):
    names = [field.key for field in info.fields]
    assert len(set(names)) == len(names)
    for field in info.fields:
        assert field.kind in KINDS
        assert field.label
        assert field.help.endswith(".")
        assert bool(field.choices) == (field.kind == "choice")
        assert not field.choices or field.default == field.choices[0]
        assert info.field(field.key) is field


@pytest.mark.parametrize("config", WHOLE.values(), ids=WHOLE)
def test_each_scheme_compiles_and_lists_its_secrets(config):
    plan = compiled(config)
    expected = {"ApiKey"}
    if config.scheme.startswith("oauth2"):
        expected = {"ClientSecret"} | ({"ApiKey"} if plan.scheme.field("refresh_token") else set())
    if config.scheme == "session":
        expected = {"ApiKey", "Other"}
    assert plan.secrets == expected
    assert plan.notes == ()


# Problems


@pytest.mark.parametrize(
    ("config", "code", "where", "suggestion"),
    [
        pytest.param(
            AuthenticationConfig(scheme="oauth2-client-credential"),
            "unknown-scheme",
            "authentication.scheme",
            "oauth2-client-credentials",
            id="unknown scheme, with the nearest",
        ),
        pytest.param(
            AuthenticationConfig(scheme="kerberos"),
            "unknown-scheme",
            "authentication.scheme",
            None,
            id="unknown scheme",
        ),
        pytest.param(
            basic(username="{{ApiKey}}", pasword="x"),
            "unknown-key",
            "authentication.pasword",
            "password",
            id="unknown field, with the nearest",
        ),
        pytest.param(
            basic(),
            "missing-key",
            "authentication.username",
            None,
            id="neither user name nor password",
        ),
        pytest.param(basic(username="a:b"), "colon", "authentication.username", None, id="colon"),
        pytest.param(
            basic(username="a\nb"),
            "control-character",
            "authentication.username",
            None,
            id="line break",
        ),
        pytest.param(
            basic(username=7), "wrong-type", "authentication.username", None, id="a number as text"
        ),
        pytest.param(
            basic(username="{{InvoiceNumber}}"),
            "unknown-token",
            "authentication.username",
            None,
            id="a token of the command",
        ),
        pytest.param(
            basic(username="{{Apikey}}"),
            "unknown-token",
            "authentication.username",
            "{{ApiKey}}",
            id="a secret misspelt",
        ),
        pytest.param(
            basic(username="{{ ApiKey }}"),
            "malformed-token",
            "authentication.username",
            "{{ApiKey}}",
            id="spaces in a token",
        ),
        pytest.param(
            AuthenticationConfig(scheme="bearer"),
            "missing-key",
            "authentication.token",
            None,
            id="no token",
        ),
        pytest.param(
            AuthenticationConfig(scheme="bearer", fields={"token": "abc"}),
            "not-a-secret",
            "authentication.token",
            None,
            id="a secret typed out",
        ),
        pytest.param(
            AuthenticationConfig(scheme="bearer", fields={"token": "x{{ApiKey}}"}),
            "not-a-secret",
            "authentication.token",
            None,
            id="more than a secret",
        ),
        pytest.param(
            AuthenticationConfig(scheme="bearer", fields={"token": "{{Tenant}}"}),
            "not-a-secret",
            "authentication.token",
            None,
            id="a variable as a secret",
        ),
        pytest.param(
            AuthenticationConfig(
                scheme="bearer", fields={"token": "{{ApiKey}}", "prefix": "Bearer "}
            ),
            "header-whitespace",
            "authentication.prefix",
            "Bearer",
            id="a space after the word",
        ),
        pytest.param(
            AuthenticationConfig(
                scheme="bearer", fields={"token": "{{ApiKey}}", "prefix": "Bärer"}
            ),
            "non-ascii",
            "authentication.prefix",
            None,
            id="a word beyond ASCII",
        ),
        pytest.param(
            AuthenticationConfig(scheme="header", fields={"name": "Host", "value": "{{ApiKey}}"}),
            "header-denied",
            "authentication.name",
            None,
            id="a header that is refused",
        ),
        pytest.param(
            AuthenticationConfig(scheme="header", fields={"name": "X Key", "value": "{{ApiKey}}"}),
            "header-name",
            "authentication.name",
            None,
            id="no header's name",
        ),
        pytest.param(
            AuthenticationConfig(
                scheme="header", fields={"name": "{{Tenant}}", "value": "{{ApiKey}}"}
            ),
            "forbidden-position",
            "authentication.name",
            None,
            id="a token in a header's name",
        ),
        pytest.param(
            AuthenticationConfig(
                scheme="oauth2-client-credentials", fields={**CLIENT, "client_auth": "heder"}
            ),
            "unknown-choice",
            "authentication.client_auth",
            "header",
            id="unknown choice, with the nearest",
        ),
        pytest.param(
            AuthenticationConfig(
                scheme="oauth2-client-credentials",
                fields={**CLIENT, "token_url": "auth.example/token"},
            ),
            "scheme",
            "authentication.token_url",
            None,
            id="a token URL that is none",
        ),
        pytest.param(
            AuthenticationConfig(
                scheme="oauth2-client-credentials",
                fields={**CLIENT, "token_url": "https://{{ClientSecret}}/token"},
            ),
            "forbidden-position",
            "authentication.token_url",
            None,
            id="a secret as the host",
        ),
        pytest.param(
            AuthenticationConfig(
                scheme="oauth2-client-credentials", fields=CLIENT, extra={"grant_type": "x"}
            ),
            "misplaced-key",
            "authentication.extra.grant_type",
            None,
            id="a parameter that is sent anyway",
        ),
        pytest.param(
            AuthenticationConfig(
                scheme="oauth2-authorization-code",
                fields={**CLIENT, "authorize_url": "https://a.example/", "pkce": "true"},
            ),
            "wrong-type",
            "authentication.pkce",
            None,
            id="true in quotes",
        ),
        pytest.param(
            AuthenticationConfig(scheme="bearer", fields={"token": "{{ApiKey}}"}, extra={"a": "b"}),
            "misplaced-key",
            "authentication.extra",
            None,
            id="extra where there is no token request",
        ),
        pytest.param(
            AuthenticationConfig(
                scheme="bearer", fields={"token": "{{ApiKey}}"}, requests=(SESSION_REQUEST,)
            ),
            "misplaced-key",
            "authentication.request",
            None,
            id="a request where there is no session",
        ),
        pytest.param(
            AuthenticationConfig(
                scheme="hmac", fields={"header": "X", "key": "{{ApiKey}}", "template": "{{Body}}"}
            ),
            "unknown-token",
            "authentication.template",
            None,
            id="a token that no request has",
        ),
        pytest.param(
            AuthenticationConfig(scheme="session", headers=(("X", "y"),)),
            "missing-key",
            "authentication.request",
            None,
            id="a session without a request",
        ),
        pytest.param(
            AuthenticationConfig(
                scheme="session",
                requests=(StepConfig(method="POST", url="https://login.example/"),),
            ),
            "missing-key",
            "authentication.request.extract",
            None,
            id="a session that takes nothing",
        ),
        pytest.param(
            AuthenticationConfig(scheme="session", fields={"kept": 0}, requests=(SESSION_REQUEST,)),
            "invalid-value",
            "authentication.kept",
            None,
            id="kept for no time",
        ),
        pytest.param(
            AuthenticationConfig(
                scheme="session",
                requests=(SESSION_REQUEST,),
                headers=(("sessionId", "{{Session.Key}}"),),
            ),
            "unknown-token",
            "authentication.headers[0]",
            "{{Session.Id}}",
            id="a value that the session doesn't give",
        ),
    ],
)
def test_a_problem_points_to_its_field(config, code, where, suggestion):
    [problem] = problems_of(config)
    assert (problem.code, problem.where, problem.suggestion) == (code, where, suggestion)
    assert problem.message.endswith((".", "?"))


@pytest.mark.parametrize(
    ("scheme", "field", "typed"),
    [
        pytest.param("header", "name", 7, id="a header's name"),
        pytest.param("header", "value", True, id="a header's value"),
        pytest.param("hmac", "template", 1.5, id="the text to sign"),
        pytest.param("oauth2-client-credentials", "token_url", 7, id="a URL"),
        pytest.param("session", "kept", "600", id="seconds in quotes"),
        pytest.param("session", "kept", True, id="seconds that are true"),
    ],
)
def test_a_value_of_the_wrong_type_is_reported_with_the_expected_type(scheme, field, typed):
    whole = WHOLE[scheme]
    [problem] = problems_of(replace(whole, fields={**whole.fields, field: typed}))
    assert (problem.code, problem.where) == ("wrong-type", f"authentication.{field}")


def test_a_secret_field_that_is_not_text_is_reported():
    [problem] = problems_of(AuthenticationConfig(scheme="bearer", fields={"token": 7}))
    assert problem.code == "not-a-secret"


@pytest.mark.parametrize("field", ["token_url", "client_id"])
def test_a_field_with_a_broken_token_is_reported_once(field):
    config = AuthenticationConfig(
        scheme="oauth2-client-credentials", fields={**CLIENT, field: "https://{{Nobody}}/"}
    )
    [problem] = problems_of(config)
    assert (problem.code, problem.where) == ("unknown-token", f"authentication.{field}")


def test_a_broken_variable_is_reported_by_the_commands_instead():
    plan = compile_authentication(WHOLE["basic"], variables={"Bad": "a\0b"}, secrets=SECRETS)
    assert plan.secrets == {"ApiKey"}


def test_the_values_of_a_session_need_different_names():
    request = replace(
        SESSION_REQUEST,
        extract=(ExtractConfig(name="1st", path=PathConfig(kind="json", text="$.a")),),
    )
    [problem] = problems_of(AuthenticationConfig(scheme="session", requests=(request,)))
    assert (problem.code, problem.where) == ("invalid-name", "authentication.request.extract")


def test_notes_on_a_session_request_point_to_it():
    request = replace(SESSION_REQUEST, url="http://login.example/session")
    plan = compiled(AuthenticationConfig(scheme="session", requests=(request,)))
    [note] = plan.notes
    assert (note.code, note.where) == ("secret-over-http", "authentication.request.url")


def test_all_problems_are_reported_at_once():
    config = AuthenticationConfig(
        scheme="oauth2-refresh-token",
        fields={"token_url": "", "client_id": "a", "client_secret": "b", "sope": "c"},
        extra={"code": "x"},
        requests=(SESSION_REQUEST,),
    )
    assert {problem.where for problem in problems_of(config)} == {
        "authentication.token_url",
        "authentication.client_secret",
        "authentication.refresh_token",
        "authentication.sope",
        "authentication.extra.code",
        "authentication.request",
    }


def test_problems_of_a_session_request_point_to_it():
    broken = StepConfig(
        name="Login",
        method="PUSH",
        url="https://login.example/{{InvoiceNumber}}",
        extract=(
            ExtractConfig(name="Id", path=PathConfig(kind="json", text="$.[")),
            ExtractConfig(name="Id", path=PathConfig(kind="json", text="$.a")),
        ),
        success_when=(ConditionConfig(),),
        on_not_found=(StepConfig(url="https://login.example/"),),
    )
    config = AuthenticationConfig(
        scheme="session", requests=(broken,), refused_when=(ConditionConfig(status=(42,)),)
    )
    assert {problem.where for problem in problems_of(config)} == {
        "authentication.request.method",
        "authentication.request.url",
        "authentication.request.name",
        "authentication.request.on_not_found",
        "authentication.request.extract.Id",
        "authentication.request.success_when[0]",
        "authentication.refused_when[0]",
    }


# Remarks


@pytest.mark.parametrize(
    ("config", "code", "where"),
    [
        pytest.param(
            basic(username="ann", password="letmein"),
            "not-a-secret",
            "authentication.password",
            id="a password typed out",
        ),
        pytest.param(
            AuthenticationConfig(scheme="header", fields={"name": "X-Key", "value": "k3y"}),
            "not-a-secret",
            "authentication.value",
            id="a key typed out",
        ),
        pytest.param(
            AuthenticationConfig(
                scheme="oauth2-client-credentials",
                fields={**CLIENT, "token_url": "http://auth.example/token"},
            ),
            "secret-over-http",
            "authentication.token_url",
            id="a secret over http",
        ),
    ],
)
def test_a_note_prevents_nothing(config, code, where):
    [note] = compiled(config).notes
    assert (note.code, note.where) == (code, where)


# Secrets and origins


SOURCE = Origin(scheme="https", host="billing.example", port=443)


@pytest.mark.parametrize(
    ("scheme", "origins"),
    [
        pytest.param("basic", set(), id="basic"),
        pytest.param("oauth2-client-credentials", {"https://auth.example"}, id="client"),
        pytest.param(
            "oauth2-authorization-code",
            {"https://auth.example", "https://sign.example"},
            id="authorization code",
        ),
        pytest.param("session", {"https://login.example"}, id="session"),
    ],
)
def test_a_plan_lists_its_origins_and_the_secrets_that_go_there(scheme, origins):
    plan = compiled(WHOLE[scheme])
    assert {str(origin) for origin in plan.origins} == origins
    assert plan.secret_origins(frozenset({SOURCE})) == dict.fromkeys(
        plan.secrets, plan.origins | {SOURCE}
    )


@pytest.mark.parametrize("scheme", ["basic", "session", "oauth1"])
def test_a_scheme_other_than_oauth2_has_no_client(scheme):
    with pytest.raises(ValueError, match="OAuth 2"):
        make_client(compiled(WHOLE[scheme]), {name: Secret("x") for name in SECRETS})


def test_a_secret_that_cannot_be_sent_is_named():
    with pytest.raises(TokenError) as caught:
        make_authenticator(compiled(WHOLE["basic"]), {"ApiKey": Secret("a\0b")})
    [problem] = caught.value.problems
    assert (problem.code, problem.where) == ("control-character", "tokens.ApiKey")


def test_a_realm_with_a_quote_is_refused():
    config = replace(WHOLE["oauth1"], fields={**WHOLE["oauth1"].fields, "realm": 'a"b'})
    with pytest.raises(TokenError) as caught:
        make_authenticator(compiled(config), {"ApiKey": Secret("x")})
    assert caught.value.problems[0].where == "authentication.realm"


def test_a_missing_secret_is_named():
    with pytest.raises(TokenError) as caught:
        make_authenticator(compiled(WHOLE["basic"]), {})
    assert [problem.where for problem in caught.value.problems] == ["tokens.ApiKey"]


@pytest.mark.parametrize(
    "value", ["", "a\r\nX: y", "ñ"], ids=["nothing", "a line break", "beyond ASCII"]
)
def test_a_secret_not_allowed_in_a_header_is_refused_and_not_shown(value):
    plan = compiled(
        AuthenticationConfig(scheme="header", fields={"name": "X-Key", "value": "{{ApiKey}}"})
        if value
        else WHOLE["bearer"]
    )
    with pytest.raises(TokenError) as caught:
        make_authenticator(plan, {"ApiKey": Secret(value)})
    assert not value or value not in str(caught.value)


@pytest.mark.parametrize("scheme", ["oauth2-refresh-token", "oauth2-authorization-code"])
def test_tokens_that_must_be_stored_need_a_token_store(scheme):
    with pytest.raises(ConfigurationError) as caught:
        make_authenticator(compiled(WHOLE[scheme]), {name: Secret("x") for name in SECRETS})
    assert caught.value.problems[0].code == "no-token-store"


# What is shown


@pytest.mark.parametrize("config", WHOLE.values(), ids=WHOLE)
def test_a_preview_is_masked(config):
    plan = compiled(config)
    shown = [*plan.scheme.headers(plan), *plan.scheme.parameters(plan)]
    assert shown
    assert any(piece.is_secret for _, text in shown for piece in text.pieces)
    assert all(piece.text == MASK for _, text in shown for piece in text.pieces if piece.is_secret)


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [
        pytest.param("basic", [("Authorization", f"Basic {MASK}")], id="basic"),
        pytest.param("bearer", [("Authorization", f"Bearer {MASK}")], id="bearer"),
        pytest.param("header", [("X-Key", f"k {MASK}")], id="header"),
        pytest.param("query", [("key", MASK)], id="query"),
        pytest.param("session", [("sessionId", MASK), ("devKey", MASK)], id="session"),
        pytest.param("hmac", [("X-Time", "{{Timestamp}}"), ("X-Signature", MASK)], id="hmac"),
    ],
)
def test_a_preview_matches_the_request(scheme, expected):
    plan = compiled(WHOLE[scheme])
    shown = [*plan.scheme.headers(plan), *plan.scheme.parameters(plan)]
    assert [(name, text.text) for name, text in shown] == expected


def test_the_tokens_of_a_session_are_known_before_it_is_compiled():
    assert session_token_names(WHOLE["session"]) == {"Session.Id"}
    assert session_token_names(WHOLE["basic"]) == frozenset()
    assert session_token_names(None) == frozenset()
