"""Every preset against its stand-in: ten documents, byte by byte, and each failure by its name."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest

from billhook.engine.command.scope import all_steps
from billhook.engine.errors import ConfigurationError
from billhook.engine.integration_file.file import read_integration, write_integration
from lab.catalogue import facts_of, load_stand_ins
from lab.invoices import DRAFT, NUMBERS, UNKNOWN
from lab.world import COMMAND, PRESETS, get_command, open_world, read_preset

STAND_INS = load_stand_ins()

each_stand_in = pytest.mark.parametrize("kind", STAND_INS, ids=lambda kind: kind.preset)


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        pytest.param(kind, number, id=f"{kind.preset}-{number}")
        for kind in STAND_INS
        for number in NUMBERS
        if number not in kind.impossible
    ],
)
async def test_the_document_of_a_number_arrives_unchanged(kind, number):
    async with open_world(kind) as world:
        await world.fetch_right(number)
        assert world.stand_in.refusals == []


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        pytest.param(kind, number, id=f"{kind.preset}-{number}")
        for kind in STAND_INS
        for number in kind.impossible
    ],
)
async def test_a_number_that_the_system_cannot_store_ends_as_it_should(kind, number):
    async with open_world(kind) as world:
        assert await world.outcome(number) == kind.impossible[number]


@each_stand_in
async def test_one_source_returns_all_ten_one_after_the_other(kind):
    async with open_world(kind) as world:
        await world.fetch_all()
        assert world.stand_in.refusals == []


@each_stand_in
async def test_an_unknown_number_ends_as_it_should(kind):
    async with open_world(kind) as world:
        assert await world.outcome(UNKNOWN) == kind.unknown_outcome


@each_stand_in
async def test_a_draft_without_a_document_ends_as_it_should(kind):
    async with open_world(kind) as world:
        assert await world.outcome(DRAFT) == kind.draft_outcome


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        pytest.param(kind, name, id=f"{kind.preset}-{name}")
        for kind in STAND_INS
        for name in kind.secrets
    ],
)
async def test_a_wrong_secret_is_reported_as_such(kind, name):
    async with open_world(kind, secrets={name: kind.wrong(name)}) as world:
        assert await world.outcome(NUMBERS[0]) in {kind.refused_outcome, "sign-in-failed"}


@each_stand_in
async def test_a_failing_system_is_reported_as_failing(kind):
    async with open_world(kind) as world:
        world.stand_in.is_failing = True
        assert await world.outcome(NUMBERS[0]) == kind.broken_outcome


WITH_OAUTH = [kind for kind in STAND_INS if hasattr(kind(), "oauth")]


@pytest.mark.parametrize("kind", WITH_OAUTH, ids=lambda kind: kind.preset)
async def test_an_expired_access_token_is_refreshed_once(kind):
    async with open_world(kind) as world:
        await world.fetch_right(NUMBERS[0])
        oauth = world.stand_in.oauth
        given_out = oauth.given_out
        oauth.expire()
        await world.fetch_right(NUMBERS[0])
        assert oauth.given_out == given_out + 1
        assert not oauth.used & oauth.refresh


@pytest.mark.parametrize(
    ("kind", "check"),
    [
        pytest.param(kind, check, id=f"{kind.preset}: {sentence}")
        for kind in STAND_INS
        for sentence, check in facts_of(kind)
    ],
)
async def test_its_special_features_work(kind, check):
    async with open_world(kind) as world:
        await check(world.stand_in, world)


def without_authentication(config):
    yield "authentication", replace(config, authentication=None)


def without_a_header(config):
    command = get_command(config)
    for place, step in enumerate(command.steps):
        for header in step.headers:
            rest = tuple(each for each in step.headers if each != header)
            yield header[0], _with_step(config, place, replace(step, headers=rest))


def with_another_method(config):
    for place, step in enumerate(get_command(config).steps):
        method = "GET" if step.method != "GET" else "POST"
        body = step.body if method == "POST" else ""
        yield step.method, _with_step(config, place, replace(step, method=method, body=body))


def without_functions(config):
    for place, step in enumerate(get_command(config).steps):
        for function in ("odata", "quote", "json", "html"):
            for key in ("url", "body"):
                text = getattr(step, key)
                if f"|{function}}}" in text:
                    plain = text.replace(f"|{function}}}", "}")
                    yield function, _with_step(config, place, replace(step, **{key: plain}))


def _with_step(config, place, step):
    steps = list(get_command(config).steps)
    steps[place] = step
    command = replace(get_command(config), steps=tuple(steps))
    others = tuple(each for each in config.commands if each.name != COMMAND)
    return replace(config, commands=(command, *others))


MUTATIONS = [without_authentication, without_a_header, with_another_method, without_functions]


def mutated():
    for kind in STAND_INS:
        config = read_preset(kind.preset).config
        for mutate in MUTATIONS:
            for place, (what, changed) in enumerate(mutate(config)):
                if changed != config and what not in kind.optional:
                    name = f"{kind.preset}-{mutate.__name__}-{what}-{place}"
                    yield pytest.param(kind, changed, id=name)


@pytest.mark.parametrize(("kind", "changed"), list(mutated()))
async def test_a_simulated_system_refuses_requests_without_a_part_of_the_preset(kind, changed):
    with suppress(ConfigurationError):  # without its session, a step's token means nothing
        async with open_world(kind, config=changed) as world:
            possible = [number for number in NUMBERS if number not in kind.impossible]
            assert {await world.outcome(number) for number in possible} != {"ok"}


@pytest.mark.parametrize("path", sorted(PRESETS.glob("*.toml")), ids=lambda path: path.stem)
def test_each_preset_has_a_simulated_system(path):
    assert path.stem in {kind.preset for kind in STAND_INS}


@each_stand_in
def test_a_preset_explains_what_to_get_and_asks_for_everything_it_needs(kind):
    preset = read_preset(kind.preset)
    about, config = preset.about, preset.config
    keys = {"title", "site", "sources_row", "get", "fields", "notes"}
    assert keys <= set(about) <= keys | {"run_against"}
    assert about["sources_row"] == kind.row
    assert about["get"]
    asked = [each["token"] for each in about["fields"]]
    assert len(asked) == len(set(asked))
    assert set(config.secrets) <= set(asked) <= {*config.secrets, *config.variables}
    for each in about["fields"]:
        assert {"token", "label", "example"} <= set(each)
        assert set(each) <= {"token", "label", "example", "help", "usual"}
    assert set(kind.secrets) == set(config.secrets)


def requests_of(config):
    """Give every request of an integration: the session's, and those of its commands."""
    if config.authentication is not None:
        yield from config.authentication.requests
    for command in config.commands:
        yield from all_steps(command.steps)


@each_stand_in
def test_every_request_of_a_preset_says_where_the_source_gives_its_reason(kind):
    config = read_preset(kind.preset).config
    assert [step.name or step.url for step in requests_of(config) if step.reason is None] == []


@each_stand_in
def test_a_preset_is_exported_and_read_again_without_loss(kind):
    config = read_preset(kind.preset).config
    assert read_integration(write_integration(config)) == config


@each_stand_in
def test_a_preset_names_hosts_only_in_variables(kind):
    for step in get_command(read_preset(kind.preset).config).steps:
        assert "://" not in step.url
