"""The form holds every valid integration: shown, posted by a browser and read, it is the same."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billhook.engine.answer.kinds import ACCEPTABLE
from billhook.engine.authentication.registry import SCHEMES
from billhook.engine.config import (
    MANY_MEAN,
    METHODS,
    NONE_MEANS,
    REDIRECTS,
    AnswerConfig,
    AuthenticationConfig,
    CommandConfig,
    ConditionConfig,
    DeriveConfig,
    ExtractConfig,
    FactConfig,
    IntegrationConfig,
    PathConfig,
    RepeatConfig,
    StepConfig,
    TlsConfig,
)
from billhook.engine.integration_file.file import read_integration, write_integration
from billhook.portal.editor.form import EditorForm, form_of, to_draft
from billhook.portal.editor.tree import tree_of
from billhook.portal.integrations.drafts import draft_of_file

TEXTAREAS = {"body", "path", "template", "ca"}
STRANGE = [
    "\r",
    "\n",
    "\r\n",
    "a\r\nb\nc",
    "␍",
    "␦",
    "␦␍",
    "\0",
    "\x1b",
    "\t",
    " a ",
    '"',
    "\u2028",
]

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(STRANGE)
some = texts.filter(bool)
lines = texts.map(lambda text: text.strip(" \t"))  # no name, address or header begins with a space
names = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,8}", fullmatch=True)
paths = st.builds(
    PathConfig, kind=st.sampled_from(["json", "header", "regex"]), text=texts.filter(str.strip)
) | st.builds(
    PathConfig,
    kind=st.just("xpath"),
    text=texts.filter(str.strip),
    namespaces=st.dictionaries(names, texts, max_size=2),
)
scalars = texts | st.booleans() | st.integers(-(2**62), 2**62) | st.floats(allow_nan=False)
comparisons = st.one_of(
    st.builds(ConditionConfig, path=paths, equals=scalars),
    st.builds(ConditionConfig, path=paths, not_equals=scalars),
    st.builds(ConditionConfig, path=paths, one_of=st.lists(scalars, min_size=1).map(tuple)),
    st.builds(ConditionConfig, path=paths, matches=some),
    st.builds(ConditionConfig, path=paths, exists=st.booleans()),
)
statuses = st.lists(st.integers(100, 599), min_size=1, max_size=3).map(tuple)
conditions_as_listed = st.lists(
    comparisons
    | st.builds(ConditionConfig, status=statuses)
    | st.builds(ConditionConfig, body_contains=some),
    max_size=2,
).map(tuple)


@st.composite
def lists_of_conditions(draw):
    return draw(conditions_as_listed)


conditions = lists_of_conditions()
facts = st.builds(FactConfig, path=paths) | st.builds(FactConfig, template=some)
named = {"name": st.none() | facts, "type": st.none() | facts}
answers_as_listed = st.one_of(
    st.builds(AnswerConfig, kind=st.just("body"), **named),
    st.builds(AnswerConfig, kind=st.sampled_from(["zip", "part"]), pattern=some, **named),
    st.builds(AnswerConfig, kind=st.just("base64"), path=st.none() | paths, **named),
    st.builds(
        AnswerConfig,
        kind=st.just("url"),
        path=st.none() | paths,
        authentication=st.booleans(),
        **named,
    ),
    st.builds(AnswerConfig, kind=st.just("link"), path=st.none() | paths),
)


@st.composite
def locations(draw):
    return draw(answers_as_listed)


answers = locations()
headers = st.lists(st.tuples(lines.filter(bool), lines), max_size=2).map(tuple)
extracts = st.builds(
    ExtractConfig,
    name=names,
    path=paths,
    none=st.sampled_from(NONE_MEANS),
    many=st.sampled_from(MANY_MEAN),
    secret=st.booleans(),
    url=st.booleans(),
)
derives = st.builds(DeriveConfig, name=names, template=texts, function=lines)
repeats = st.builds(
    RepeatConfig,
    when=conditions.filter(bool),
    pause=st.floats(0, 60),
    times=st.integers(1, 200),
)


@st.composite
def steps_named(draw, name, inner):
    step = st.builds(
        StepConfig,
        name=name,
        method=st.sampled_from(METHODS),
        url=lines.filter(bool),
        headers=headers,
        body=texts,
        authentication=st.none() | st.booleans(),
        side_effects=st.booleans(),
        repeatable=st.booleans(),
        compressed=st.booleans(),
        derive=st.lists(derives, max_size=1).map(tuple),
        extract=st.lists(extracts, max_size=1).map(tuple),
        success_when=conditions,
        not_found_when=conditions,
        reason=st.none() | paths,
        on_not_found=st.lists(inner, max_size=1).map(tuple),
        repeat_until=st.none() | repeats,
        answer=st.none() | answers,
    )
    return draw(step)


innermost = st.builds(StepConfig, name=names, url=lines.filter(bool), answer=st.none() | answers)
inner_steps = st.builds(
    StepConfig, name=names, url=st.just("{{Url}}"), body=texts, on_not_found=st.tuples(innermost)
)
commands = st.builds(
    CommandConfig,
    name=names,
    steps=st.tuples(steps_named(st.just(""), inner_steps))
    | st.lists(steps_named(names, inner_steps), min_size=1, max_size=2).map(tuple),
    tokens=st.lists(names, max_size=2).map(tuple),
    accept=st.lists(st.sampled_from(sorted(ACCEPTABLE)), min_size=1, max_size=2).map(tuple),
    redirects=st.sampled_from(REDIRECTS),
    timeout=st.floats(0, 300, exclude_min=True),
    max_bytes=st.integers(1, 2_000_000_000),
    retries=st.integers(0, 5),
)


def field_values(info):
    if info.kind == "boolean":
        return st.booleans()
    return st.floats(0.001, 1e9) | st.integers(1, 10**9) if info.kind == "seconds" else texts


@st.composite
def authentications(draw):
    scheme = draw(st.sampled_from(list(SCHEMES.values())))
    infos = draw(st.lists(st.sampled_from(scheme.fields), unique_by=lambda info: info.key))
    return AuthenticationConfig(
        scheme=scheme.name,
        fields={info.key: draw(field_values(info)) for info in infos},
        **{part: draw(PARTS[part]) for part in scheme.parts},
    )


PARTS = {
    "extra": st.dictionaries(names, texts, max_size=2),
    "headers": headers,
    "refused_when": conditions,
    "requests": st.lists(steps_named(st.just(""), inner_steps), max_size=2).map(tuple),
    "derive": st.lists(derives, max_size=1).map(tuple),
}
integrations = st.builds(
    IntegrationConfig,
    name=lines,
    variables=st.dictionaries(names, texts, max_size=2),
    secrets=st.lists(names, max_size=2, unique=True).map(tuple),
    authentication=st.none() | authentications(),
    tls=st.none() | st.builds(TlsConfig, client_certificate=lines.filter(bool), ca=texts),
    commands=st.lists(commands, max_size=1).map(tuple),
)
large_values = settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    max_examples=40,
    deadline=None,
)


def posted_again(form: EditorForm) -> EditorForm:
    """Return *form* as a browser posts it; one without lines drops line breaks from its texts."""
    fields = form.fields()
    for key, text in fields.items():
        in_lines = key.rpartition("-")[2] in TEXTAREAS or "-field-template" in key
        assert in_lines or not {"\n", "\r"} & set(text), key
    return EditorForm(tree_of(fields))


@large_values
@given(integrations)
def test_a_valid_integration_survives_the_form_unchanged(config):
    form = form_of(draft_of_file(config))
    assert to_draft(posted_again(form)).config() == config
    assert to_draft(form).config() == config


@large_values
@given(integrations)
def test_it_survives_a_file_unchanged(config):
    assert read_integration(write_integration(config)) == config


@given(integrations)
@settings(large_values, max_examples=10)
def test_the_form_of_a_parsed_form_is_the_same(config):
    form = form_of(draft_of_file(config))
    again = form_of(replace(to_draft(posted_again(form)), preset=""))
    assert again.fields() == form.fields()
