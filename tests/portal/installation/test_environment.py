"""Settings: one table, a default for each, and sentences for what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from billhook.engine.errors import ConfigurationError
from billhook.portal.installation import environment
from billhook.portal.mail.server import mail_server

_DOCS = Path(__file__).parents[3] / "docs"


def test_the_docs_page_matches_the_table() -> None:
    assert (_DOCS / "settings.md").read_text(encoding="utf-8") == environment.as_markdown()


def test_no_setting_is_required() -> None:
    settings = environment.read({})
    assert settings.database_url == ""
    assert settings.public_url == "http://127.0.0.1:8000"
    assert settings.allow == ()
    assert settings.ports == {80, 443, 8080, 8443}


def test_an_empty_variable_means_the_default() -> None:
    assert environment.read({"BILLHOOK_PORTS": "  "}).ports == {80, 443, 8080, 8443}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        pytest.param("BILLHOOK_PORTS", "443, 9443", frozenset({443, 9443}), id="ports"),
        pytest.param("BILLHOOK_DENY", "192.0.2.7", ("192.0.2.7",), id="one address"),
        pytest.param(
            "BILLHOOK_PUBLIC_URL",
            "https://Invoices.Example.com/",
            "https://invoices.example.com",
            id="an address with a slash",
        ),
        pytest.param("BILLHOOK_SHOW_PRIVATE_ANSWERS", "Yes", True, id="a boolean"),
        pytest.param("BILLHOOK_SESSION_DAYS", "30", 30, id="a number"),
        pytest.param("BILLHOOK_LOG_FORMAT", "JSON", "json", id="a word"),
    ],
)
def test_a_valid_value_is_accepted(name: str, text: str, value: object) -> None:
    attribute = name.removeprefix("BILLHOOK_").lower()
    assert getattr(environment.read({name: text}), attribute) == value


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        pytest.param("BILLHOOK_ALLOW", "10.0.0.8", "host:port", id="an allowance without a port"),
        pytest.param("BILLHOOK_ALLOW", "http://a:80", "host:port", id="an allowance as a URL"),
        pytest.param("BILLHOOK_ALLOW", "a:0", "host:port", id="an allowance with port 0"),
        pytest.param("BILLHOOK_ALLOW", "a:65536", "host:port", id="an allowance past the ports"),
        pytest.param(
            "BILLHOOK_ALLOW", "a:80=10.0.0.1/8", "10.20.0.0/16", id="bits past the prefix"
        ),
        pytest.param("BILLHOOK_ALLOW", "169.254.169.254:80", "can't be allowed", id="metadata"),
        pytest.param("BILLHOOK_PROXY", "proxy:3128", "http://host:port", id="no scheme of a proxy"),
        pytest.param("BILLHOOK_PROXY", "http://proxy", "http://host:port", id="no port of a proxy"),
        pytest.param("BILLHOOK_PROXY", "http://a:1,http://b:2", "at most one", id="two proxies"),
        pytest.param("BILLHOOK_PROXY_EXCEPT", "http://a", "not a host", id="an exception as a URL"),
        pytest.param("BILLHOOK_PORTS", "https", "443,8443", id="a port by name"),
        pytest.param("BILLHOOK_DENY", "example.com", "10.1.0.0/16", id="a network by name"),
        pytest.param("BILLHOOK_PUBLIC_URL", "a.example", "https://", id="no scheme"),
        pytest.param("BILLHOOK_PUBLIC_URL", "https://a.example/x", "without a path", id="a path"),
        pytest.param("BILLHOOK_PUBLIC_URL", "https://u:p@a.example", "https://", id="user info"),
        pytest.param("BILLHOOK_PUBLIC_URL", "https://a.example:x", "https://", id="no port number"),
        pytest.param("BILLHOOK_DATABASE_URL", "mysql://a/b", "postgresql://", id="other database"),
        pytest.param("BILLHOOK_EMAIL_URL", "imap://a", "smtp://", id="other mail"),
        pytest.param("BILLHOOK_EMAIL_FROM", "Acme", "invoices@acme.example", id="no address"),
        pytest.param("BILLHOOK_BOUNCE_ADDRESS", "Acme <a@b.example>", "bounces+*@", id="a name"),
        pytest.param("BILLHOOK_BOUNCE_ADDRESS", "b@*.example", "bounces+*@", id="a star in a host"),
        pytest.param("BILLHOOK_BOUNCE_ADDRESS", "*+*@b.example", "bounces+*@", id="two stars"),
        pytest.param(
            "BILLHOOK_BOUNCE_ADDRESS", f"{'b' * 32}*@b.example", "at most 32", id="a long name"
        ),
        pytest.param("BILLHOOK_BOUNCE_MAILBOX", "pop://a:b@c", "imaps://", id="another protocol"),
        pytest.param("BILLHOOK_BOUNCE_MAILBOX", "imaps://c.example", "name:", id="no name"),
        pytest.param("BILLHOOK_SESSION_DAYS", "0", "from 1 to 365", id="too small"),
        pytest.param("BILLHOOK_SESSION_DAYS", "366", "from 1 to 365", id="too large"),
        pytest.param("BILLHOOK_SIGNING_KEY", "short", "50 characters", id="a short key"),
        pytest.param("BILLHOOK_SHOW_PRIVATE_ANSWERS", "maybe", "yes or no", id="not a boolean"),
        pytest.param("BILLHOOK_LOG_LEVEL", "loud", "debug, info", id="no such word"),
    ],
)
def test_an_invalid_value_is_reported_with_an_example_of_a_valid_one(
    name: str, text: str, says: str
) -> None:
    with pytest.raises(ConfigurationError) as raised:
        environment.read({name: text})
    (problem,) = raised.value.problems
    assert problem.where == name
    assert problem.message.startswith(f"{name}: ")
    assert says in problem.message


def test_all_invalid_values_are_reported_together() -> None:
    with pytest.raises(ConfigurationError) as raised:
        environment.read({"BILLHOOK_PORTS": "x", "BILLHOOK_ALLOW": "y"})
    assert [problem.where for problem in raised.value.problems] == [
        "BILLHOOK_ALLOW",
        "BILLHOOK_PORTS",
    ]


@pytest.mark.parametrize("name", ["BILLHOOK_DATABASE_URL", "BILLHOOK_EMAIL_URL"])
def test_an_invalid_value_that_may_contain_a_password_is_not_repeated(name: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        environment.read({name: "ftp://me:canary@host/x"})
    assert "canary" not in str(raised.value)


def test_every_setting_can_come_from_a_file(tmp_path: Path) -> None:
    for setting in environment.SETTINGS:
        (tmp_path / setting.name).write_text(setting.default + "\n")
    files = {f"{s.name}_FILE": str(tmp_path / s.name) for s in environment.SETTINGS}
    assert environment.read(files) == environment.read({})


def test_a_value_and_a_file_for_the_same_setting_are_refused(tmp_path: Path) -> None:
    (tmp_path / "ports").write_text("443")
    given = {"BILLHOOK_PORTS": "80", "BILLHOOK_PORTS_FILE": str(tmp_path / "ports")}
    with pytest.raises(ConfigurationError, match="given twice"):
        environment.read(given)


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="BILLHOOK_PORTS_FILE"):
        environment.read({"BILLHOOK_PORTS_FILE": str(tmp_path / "nothing")})


def test_a_mistyped_name_is_reported_with_the_nearest_setting() -> None:
    (problem,) = environment.unknown_names({"BILLHOOK_ALOW": "x", "BILLHOOK_PORTS_FILE": "y"})
    assert problem.message == "There is no setting BILLHOOK_ALOW. Did you mean BILLHOOK_ALLOW?"


@pytest.mark.parametrize(
    ("url", "port", "starttls", "tls"),
    [
        pytest.param("smtp://a", 587, True, False, id="STARTTLS unless the URL says otherwise"),
        pytest.param("smtps://a", 465, False, True, id="TLS from the start"),
        pytest.param("smtp+plain://a:2525", 2525, False, False, id="none, when asked for"),
    ],
)
def test_mail_is_sent_as_the_mail_url_says(url: str, port: int, starttls: bool, tls: bool) -> None:
    server = mail_server(url)
    assert (server.port, server.starttls, server.tls) == (port, starttls, tls)


def test_a_mail_servers_password_is_decoded_and_never_printed() -> None:
    server = mail_server("smtp://me%40acme.example:c%2Fanary@mail.example")
    assert (server.user, server.password) == ("me@acme.example", "c/anary")
    assert "anary" not in repr(server)


@pytest.mark.parametrize(
    ("text", "systems"),
    [
        pytest.param("127.0.0.1:9000", [("127.0.0.1:9000", "")], id="a literal"),
        pytest.param("[::1]:9000", [("[::1]:9000", "")], id="an IPv6 literal"),
        pytest.param(
            "a.internal:80, b.internal:8443=10.1.0.0/16",
            [("a.internal:80", ""), ("b.internal:8443=10.1.0.0/16", "")],
            id="two names, one with a network",
        ),
        pytest.param(
            "a.internal:80=10.1.0.0/16@7k3mw2p9x4qd",
            [("a.internal:80=10.1.0.0/16", "7k3mw2p9x4qd")],
            id="for one organisation",
        ),
    ],
)
def test_private_systems_are_allowed_for_all_or_for_one_organisation(
    text: str, systems: list[tuple[str, str]]
) -> None:
    allowed = environment.read({"BILLHOOK_ALLOW": text}).allow
    assert [(each.text, each.organisation_id) for each in allowed] == systems
    assert ", ".join(map(str, allowed)) == text


def test_what_follows_the_at_sign_is_the_id_of_an_organisation() -> None:
    with pytest.raises(ConfigurationError, match="expected the id of an organisation after the @"):
        environment.read({"BILLHOOK_ALLOW": "a.internal:80@Harper IT"})
