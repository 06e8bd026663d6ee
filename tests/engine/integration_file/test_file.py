"""The integration file is read and written without loss; each problem has its line."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billhook.engine import CommandConfig, IntegrationConfig, StepConfig
from billhook.engine.authentication.registry import SCHEMES
from billhook.engine.config import (
    AnswerConfig,
    AuthenticationConfig,
    ConditionConfig,
    DeriveConfig,
    ExtractConfig,
    FactConfig,
    PathConfig,
    RepeatConfig,
    TlsConfig,
)
from billhook.engine.errors import ConfigurationError
from billhook.engine.integration_file.file import (
    MAX_FILE_BYTES,
    authentication_from_json,
    authentication_to_json,
    command_from_json,
    command_to_json,
    read_integration,
    tls_from_json,
    tls_to_json,
    write_integration,
)
from billhook.engine.integration_file.toml_text import find_line, lines_by_path

THE_DESIGN = """\
format = 1

[integration]
name = "Acme billing"
variables = { BaseUrl = "https://billing.acme.example" }  # operator's own tokens
secrets = ["ApiKey"]                                       # names only

[commands.GetInvoiceImage]                                 # the whole of the 2019 form:
method = "POST"
url = "{{BaseUrl}}/items/{{InvoiceNumber}}"
headers = [["Content-Type", "application/json"], ["X-Api-Key", "{{ApiKey}}"]]
body = '{ "key1": "value1", "key2": {{InvoiceNumber}} }'
"""
THE_DESIGN_READ = IntegrationConfig(
    name="Acme billing",
    variables={"BaseUrl": "https://billing.acme.example"},
    secrets=("ApiKey",),
    commands=(
        CommandConfig(
            name="GetInvoiceImage",
            steps=(
                StepConfig(
                    method="POST",
                    url="{{BaseUrl}}/items/{{InvoiceNumber}}",
                    headers=(("Content-Type", "application/json"), ("X-Api-Key", "{{ApiKey}}")),
                    body='{ "key1": "value1", "key2": {{InvoiceNumber}} }',
                ),
            ),
        ),
    ),
)
STEPS = """\
format = 1
[integration]
name = "Two steps"

[commands.Fetch]
tokens = ["Id"]
timeout = 12.5
accept = ["application/pdf", "image/png"]

[[commands.Fetch.steps]]
name = "Open"
method = "POST"
url = "https://a.example/session"

[[commands.Fetch.steps]]
name = "Take"
url = "https://a.example/{{Id}}"
"""

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
names = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,8}", fullmatch=True)
headers = st.lists(st.tuples(texts, texts), max_size=3).map(tuple)


paths = st.builds(PathConfig, kind=st.sampled_from(["json", "header", "regex"]), text=texts)
paths |= st.builds(
    PathConfig,
    kind=st.just("xpath"),
    text=texts,
    namespaces=st.dictionaries(texts, texts, max_size=2),
)
scalars = texts | st.booleans() | st.integers(-(2**62), 2**62)
scalars |= st.floats(allow_nan=False, allow_infinity=False)
conditions = st.builds(
    ConditionConfig,
    status=st.lists(st.integers(-9, 999), max_size=3).map(tuple),
    path=st.none() | paths,
    body_contains=texts,
    equals=st.none() | scalars,
    not_equals=st.none() | scalars,
    one_of=st.lists(scalars, max_size=3).map(tuple),
    matches=texts,
    exists=st.none() | st.booleans(),
)
lists_of_conditions = st.lists(conditions, max_size=1).map(tuple)
extracts = st.builds(
    ExtractConfig,
    name=texts,
    path=paths,
    none=texts,
    many=texts,
    secret=st.booleans(),
    url=st.booleans(),
)
derives = st.builds(DeriveConfig, name=texts, template=texts, function=texts)
facts = st.builds(FactConfig, path=st.none() | paths, template=texts)
answers = st.one_of(
    st.builds(
        AnswerConfig,
        kind=kind,
        path=path,
        pattern=pattern,
        authentication=st.booleans(),
        name=st.none() | facts,
        type=st.none() | facts,
    )
    for kind, path, pattern in (
        (st.just("body"), st.none(), st.just("")),
        (st.sampled_from(["zip", "part"]), st.none(), texts),
        (st.sampled_from(["base64", "url", "link"]), st.none() | paths, st.just("")),
    )
)


def unique(strategy):
    return st.lists(strategy, max_size=1, unique_by=lambda each: each.name).map(tuple)


def steps_named(name, inner=()):
    return st.builds(
        StepConfig,
        name=name,
        method=texts,
        url=texts,
        headers=headers,
        body=texts | st.just("a\n'"),
        authentication=st.none() | st.booleans(),
        side_effects=st.booleans(),
        repeatable=st.booleans(),
        compressed=st.booleans(),
        derive=unique(derives),
        extract=unique(extracts),
        success_when=lists_of_conditions,
        not_found_when=lists_of_conditions,
        on_not_found=st.just(()) if inner == () else st.lists(inner, max_size=1).map(tuple),
        repeat_until=st.none()
        | st.builds(
            RepeatConfig,
            when=lists_of_conditions,
            pause=st.floats(allow_nan=False, allow_infinity=False),
            times=st.integers(-9, 999),
        ),
        answer=st.none() | answers,
    )


inner_steps = steps_named(names, steps_named(names))
commands = st.builds(
    CommandConfig,
    name=names,
    steps=steps_named(st.just(""), inner_steps).map(lambda step: (step,))
    | st.lists(steps_named(names, inner_steps), min_size=1, max_size=2).map(tuple),
    tokens=st.lists(names, max_size=3).map(tuple),
    accept=st.lists(texts, max_size=3).map(tuple),
    redirects=texts,
    timeout=st.floats(allow_nan=False, allow_infinity=False),
    max_bytes=st.integers(-(2**62), 2**62),
    retries=st.integers(-9, 99),
)


@st.composite
def authentications(draw):
    scheme = draw(st.sampled_from(list(SCHEMES.values())))
    known = st.sampled_from([field.key for field in scheme.fields])
    return AuthenticationConfig(
        scheme=scheme.name,
        fields=draw(st.dictionaries(known, scalars, max_size=4)),
        extra=draw(st.dictionaries(texts, texts, max_size=2)),
        headers=draw(headers),
        requests=draw(st.lists(steps_named(st.just("") | names), max_size=2).map(tuple)),
        derive=draw(unique(derives)),
        refused_when=draw(lists_of_conditions),
    )


tls = st.builds(TlsConfig, client_certificate=texts, ca=texts)
integrations = st.builds(
    IntegrationConfig,
    name=texts,
    variables=st.dictionaries(texts, texts, max_size=4),
    secrets=st.lists(texts, max_size=3).map(tuple),
    authentication=st.none() | authentications(),
    tls=st.none() | tls,
    commands=st.lists(commands, max_size=1).map(tuple),
)


large_values = settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], max_examples=50
)


@large_values
@given(integrations)
def test_an_integration_is_written_and_read_without_loss(config):
    assert read_integration(write_integration(config)) == config


@large_values
@given(commands)
def test_a_command_is_stored_and_loaded_without_loss(config):
    assert command_from_json(json.loads(json.dumps(command_to_json(config)))) == config


@given(authentications(), tls)
def test_authentication_is_read_from_a_database_unchanged(authentication, tls):
    assert (
        authentication_from_json(json.loads(json.dumps(authentication_to_json(authentication))))
        == authentication
    )
    assert tls_from_json(json.loads(json.dumps(tls_to_json(tls)))) == tls


def test_the_example_file_is_read():
    assert read_integration(THE_DESIGN) == THE_DESIGN_READ
    assert read_integration(THE_DESIGN.encode()) == THE_DESIGN_READ


def test_the_example_file_is_written_in_a_readable_form():
    without_comments = "".join(
        line.partition("#")[0].rstrip() + "\n" for line in THE_DESIGN.splitlines()
    )
    assert write_integration(THE_DESIGN_READ) == without_comments


def test_steps_are_read_in_their_order_with_the_settings_of_the_command():
    command = read_integration(STEPS).commands[0]
    assert [step.name for step in command.steps] == ["Open", "Take"]
    assert (command.timeout, command.tokens) == (12.5, ("Id",))
    assert command.accept == ("application/pdf", "image/png")


def test_a_text_of_several_lines_is_written_on_several_lines():
    config = IntegrationConfig(
        name="x",
        commands=(CommandConfig(name="A", steps=(StepConfig(url="u", body="<a>\n</a>"),)),),
    )
    assert "body = '''\n<a>\n</a>'''\n" in write_integration(config)


def test_a_file_may_begin_with_a_byte_order_mark():
    assert read_integration(b"\xef\xbb\xbf" + THE_DESIGN.encode()) == THE_DESIGN_READ


def problems_of(source):
    with pytest.raises(ConfigurationError) as refused:
        read_integration(source)
    return refused.value.problems


def only_problem(source):
    (problem,) = problems_of(source)
    return problem


@pytest.mark.parametrize(
    ("change", "code", "where", "line", "hint"),
    [
        pytest.param(
            ('method = "POST"', 'metod = "POST"'),
            "unknown-key",
            "commands.GetInvoiceImage.metod",
            9,
            '"method"',
            id="unknown-key",
        ),
        pytest.param(
            ('secrets = ["ApiKey"]', 'secret = ["ApiKey"]'),
            "unknown-key",
            "integration.secret",
            6,
            '"secrets"',
            id="unknown-key-of-integration",
        ),
        pytest.param(
            ("[integration]", "[x]\n[integration]"),
            "unknown-key",
            "x",
            3,
            "format, integration, commands",
            id="unknown-table",
        ),
        pytest.param(
            ('method = "POST"', "method = 5"),
            "wrong-type",
            "commands.GetInvoiceImage.method",
            9,
            "text in quotes",
            id="number-for-text",
        ),
        pytest.param(
            ('method = "POST"', "timeout = true"),
            "wrong-type",
            "commands.GetInvoiceImage.timeout",
            9,
            "a number, not true or false",
            id="truth-value-for-number",
        ),
        pytest.param(
            ('method = "POST"', "max_bytes = 1.5"),
            "wrong-type",
            "commands.GetInvoiceImage.max_bytes",
            9,
            "a whole number",
            id="fraction-for-whole-number",
        ),
        pytest.param(
            ('secrets = ["ApiKey"]', "secrets = [1979-05-27]"),
            "wrong-type",
            "integration.secrets[0]",
            6,
            "a date or time",
            id="date-in-list-of-texts",
        ),
        pytest.param(
            ('["Content-Type", "application/json"]', '["Content-Type"]'),
            "wrong-type",
            "commands.GetInvoiceImage.headers[0]",
            11,
            "a pair of texts",
            id="header-without-value",
        ),
        pytest.param(
            ('url = "{{BaseUrl}}/items/{{InvoiceNumber}}"', ""),
            "missing-key",
            "commands.GetInvoiceImage",
            8,
            "url = ",
            id="no-url",
        ),
        pytest.param(
            ('name = "Acme billing"', ""), "missing-key", "integration", 3, "name = ", id="no-name"
        ),
        pytest.param(("format = 1", ""), "missing-key", "", None, "format = 1", id="no-format"),
        pytest.param(
            ("format = 1", "format = 2"),
            "unknown-format",
            "format",
            1,
            "format = 1",
            id="new-format",
        ),
        pytest.param(
            ("format = 1", "format = 1.0"), "unknown-format", "format", 1, "1", id="format-as-float"
        ),
        pytest.param(
            ('{ BaseUrl = "https://billing.acme.example" }', "{ Port = 8443 }"),
            "wrong-type",
            "integration.variables.Port",
            5,
            "text in quotes",
            id="number-as-variable",
        ),
        pytest.param(
            ("[commands.GetInvoiceImage]", "[commands]\nX = 3\n[commands.GetInvoiceImage]"),
            "wrong-type",
            "commands.X",
            9,
            "a table",
            id="command-as-number",
        ),
    ],
)
def test_a_problem_is_reported_with_its_path_and_solution(change, code, where, line, hint):
    wrong, right = change
    assert THE_DESIGN.count(wrong) == 1
    problem = only_problem(THE_DESIGN.replace(wrong, right))
    assert (problem.code, problem.where, problem.line) == (code, where, line)
    assert hint in problem.message


def test_a_request_next_to_steps_is_misplaced():
    problem = only_problem(STEPS.replace("timeout = 12.5", 'url = "https://a.example/"'))
    assert (problem.code, problem.where, problem.line) == ("misplaced-key", "commands.Fetch.url", 7)


def test_all_problems_are_reported_at_once_in_the_order_of_the_file():
    source = THE_DESIGN.replace("name =", "nam =").replace("url =", "ulr =")
    assert [(problem.line, problem.code) for problem in problems_of(source)] == [
        (4, "unknown-key"),
        (10, "unknown-key"),
    ]


@pytest.mark.parametrize(
    ("source", "line", "hint"),
    [
        pytest.param("format = 1\n[integration\n", 2, "brackets are closed", id="open-bracket"),
        pytest.param("format = 1\nname\n", 2, "KEY = VALUE", id="no-equals"),
        pytest.param("format = 1\nformat = 1\n", 2, "a second time", id="key-twice"),
        pytest.param("[a]\n[a]\n", 2, "a second time", id="table-twice"),
        pytest.param('a = "x\n', 1, "quotes", id="open-quote"),
        pytest.param('a = "C:\\Users"\n', 1, "backslash", id="backslash"),
        pytest.param("a = [1,\n", 2, "closed", id="ends-too-early"),
        pytest.param("a = " + "[" * 5000, None, "too deep", id="too-deep"),
    ],
)
def test_invalid_toml_is_reported_with_its_line(source, line, hint):
    problem = only_problem(source)
    assert (problem.code, problem.line) == ("invalid-toml", line)
    assert hint in problem.message


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(b"\x89PNG\r\n\x1a\n\xff", id="picture"),
        pytest.param(b"a = 1\0", id="nul"),
        pytest.param("name = 'å'".encode("latin-1"), id="latin-1"),
        pytest.param("a = 1".encode("utf-16"), id="utf-16"),
    ],
)
def test_a_binary_file_is_refused_as_binary(source):
    assert only_problem(source).code == "not-text"


def test_a_file_that_is_too_long_is_refused_before_it_is_parsed():
    assert only_problem(b"#" * (MAX_FILE_BYTES + 1)).code == "too-long"
    assert problems_of("#" * MAX_FILE_BYTES)[0].code == "missing-key"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"name": 3, "url": "https://a.example"}, id="name-is-number"),
        pytest.param({"name": "A", "url": 3}, id="url-is-number"),
        pytest.param({"name": "A", "url": "https://a.example", "x": 1}, id="unknown-key"),
        pytest.param({"name": "A", "steps": 1}, id="steps-is-number"),
        pytest.param({"name": "A", "steps": [1]}, id="step-is-number"),
    ],
)
def test_an_invalid_command_from_outside_is_refused(data):
    with pytest.raises(ConfigurationError):
        command_from_json(data)


def test_a_line_is_found_despite_multiline_texts_and_quoted_keys():
    source = """a = '''
[commands.X]
url = 1
'''
[commands."X"]
'url' = 2
[[commands.X.steps]]
[[commands.X.steps]]
body = 3
"""
    lines = lines_by_path(source)
    assert find_line(lines, "commands.X.url") == 6
    assert find_line(lines, "commands.X.steps[1].body") == 9
    assert find_line(lines, "commands.X.steps[0].body") == 7
    assert find_line(lines, "commands.X.headers[3]") == 5
    assert find_line(lines, "commands.Y") is None
    assert find_line(lines, "commands.\x1b[2J]") is None
    assert find_line(lines, "") is None


def test_an_endless_line_is_ignored():
    source = f"x = [\n[[{' ' * 100_000}],\n[]]]\nname = 1\n"
    assert find_line(lines_by_path(source), "name") == 4
