"""The container files agree with each other, with the settings and with the server."""

from __future__ import annotations

import fnmatch
import ipaddress
import json
import re
import shlex
import tomllib
from pathlib import Path

import pytest
import yaml

from billhook.cli import billhook
from billhook.cli.health import health
from billhook.cli.serve import serve
from billhook.portal.installation import environment

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
NAMES = {setting.name for setting in environment.SETTINGS}
GIVEN = {"BILLHOOK_PUBLIC_URL": "https://a.example", "BILLHOOK_HOST": "a.example"}
RELEASE = (f"dist/billhook-{VERSION}-py3-none-any.whl", f"dist/billhook-{VERSION}-requirements.txt")


def instructions() -> list[tuple[str, str]]:
    """Return the instructions of the last stage of the Containerfile, continuations joined."""
    return _stages()[-1]


def _stages() -> list[list[tuple[str, str]]]:
    text = (DEPLOY / "Containerfile").read_text()
    lines = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)).splitlines()
    stages: list[list[tuple[str, str]]] = []
    for line in filter(None, lines):
        name, _, value = line.partition(" ")
        if name == "FROM":
            stages.append([])
        stages[-1].append((name, value.strip()))
    return stages


def values(name: str) -> list[str]:
    return [value for found, value in instructions() if found == name]


def variables() -> dict[str, str]:
    words = shlex.split(" ".join(values("ENV")))
    return dict(word.split("=", 1) for word in words)


def default_of(command: object, name: str) -> object:
    return next(option.default for option in command.params if option.name == name)


@pytest.fixture(params=["compose.yaml", "compose.postgresql.yaml"])
def compose(request):
    return yaml.safe_load((DEPLOY / request.param).read_text())


def service(compose: dict) -> dict:
    return compose["services"]["billhook"]


def filled(value: str) -> str:
    """Return *value* with its variables replaced, as compose does."""
    return re.sub(r"\$\{(\w+)(?::[-?][^}]*)?\}", lambda found: GIVEN.get(found[1], ""), value)


def settings_of(compose: dict) -> dict[str, str]:
    return {name: filled(str(value)) for name, value in service(compose)["environment"].items()}


def test_all_stages_of_the_image_begin_with_the_same_debian():
    images = {stage[0][1].split(" AS ")[0] for stage in _stages()}

    assert images == {"docker.io/library/debian:trixie-slim"}


def test_the_image_is_built_from_the_files_of_the_release():
    copied = [value for stage in _stages() for name, value in stage if name == "COPY"]
    patterns = [word for value in copied for word in value.split() if word.startswith("dist/")]

    assert all(any(fnmatch.fnmatch(file, one) for one in patterns) for file in RELEASE)


def test_the_image_runs_as_a_numbered_user_that_is_not_root():
    [user] = values("USER")

    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user)
    assert any(f"--uid {user.split(':')[0]} " in value for value in values("RUN"))


def test_the_one_volume_of_the_image_is_the_data_folder():
    assert values("VOLUME") == [variables()["BILLHOOK_DATA_DIR"]]


def test_every_setting_that_the_image_sets_exists():
    assert {name for name in variables() if name.startswith("BILLHOOK_")} <= NAMES


def test_the_image_starts_the_server_on_the_port_that_it_names():
    program, arguments = (json.loads(values(name)[0]) for name in ("ENTRYPOINT", "CMD"))
    context = serve.make_context("serve", arguments[1:])

    assert program == ["billhook"]
    assert billhook.get_command(None, arguments[0]) is serve
    assert context.params["host"] == "0.0.0.0"
    assert values("EXPOSE") == [str(context.params["port"])]


def test_the_health_check_uses_the_port_on_which_the_server_listens():
    [check] = values("HEALTHCHECK")
    command = json.loads(check.partition(" CMD ")[2])

    assert command == ["billhook", "health"]
    assert default_of(health, "port") == default_of(serve, "port")


def test_both_compose_files_have_the_health_check_of_the_image(compose):
    [check] = values("HEALTHCHECK")
    composed = service(compose)["healthcheck"]

    assert composed["test"] == ["CMD", *json.loads(check.partition(" CMD ")[2])]
    for option, name in (("interval", "interval"), ("timeout", "timeout"), ("retries", "retries")):
        assert f"--{option}={composed[name]}" in check
    assert f"--start-period={composed['start_period']}" in check


def test_every_setting_of_a_compose_file_exists_and_has_a_valid_value(compose):
    given = settings_of(compose)
    known = {name: value for name, value in given.items() if not name.endswith("_FILE")}

    assert {name.removesuffix("_FILE") for name in given} <= NAMES
    assert environment.read(known).public_url == "https://a.example"


def test_a_container_is_locked_down(compose):
    composed = service(compose)

    assert composed["read_only"] is True
    assert composed["cap_drop"] == ["ALL"]
    assert composed["security_opt"] == ["no-new-privileges:true"]
    assert [mount.split(":")[-1] for mount in composed["volumes"]] == values("VOLUME")
    assert composed["tmpfs"][0].startswith("/tmp:size=")


def test_a_container_gets_more_time_to_stop_than_its_runs(compose):
    seconds = int(service(compose)["stop_grace_period"].removesuffix("s"))

    assert seconds > environment.read({}).stop_seconds + 10


def test_a_compose_file_builds_this_version_from_the_containerfile(compose):
    composed = service(compose)

    assert composed["image"] == f"billhook:{VERSION}"
    assert (DEPLOY / composed["build"]["context"] / composed["build"]["dockerfile"]).exists()


def test_only_proxies_in_the_network_of_the_container_are_trusted(compose):
    trusted = ipaddress.ip_network(settings_of(compose)["BILLHOOK_TRUSTED_PROXIES"])
    networks = [compose["networks"][name] for name in service(compose)["networks"]]
    subnets = [one["subnet"] for net in networks for one in net.get("ipam", {}).get("config", [])]

    assert subnets == [str(trusted)]


def test_every_file_secret_and_volume_of_a_compose_file_is_declared(compose):
    for composed in compose["services"].values():
        assert set(composed.get("secrets", [])) <= set(compose.get("secrets", {}))
        assert set(composed.get("networks", [])) <= set(compose["networks"])
        for mount in composed["volumes"]:
            source, _, place = mount.partition(":")
            is_own = not place  # a volume of each container
            assert is_own or source in compose["volumes"] or (DEPLOY / source).exists()


def test_sqlite_listens_for_the_web_server_of_the_same_machine_only():
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())

    assert service(compose)["ports"] == [f"127.0.0.1:8000:{values('EXPOSE')[0]}"]


def test_only_caddy_reaches_the_nodes_and_only_the_nodes_reach_postgresql():
    compose = yaml.safe_load((DEPLOY / "compose.postgresql.yaml").read_text())
    publishing = [name for name, composed in compose["services"].items() if "ports" in composed]

    assert publishing == ["caddy"]
    assert compose["networks"]["back"] == {"internal": True}
    assert compose["services"]["postgres"]["networks"] == ["back"]
    assert service(compose)["deploy"]["replicas"] > 1


def test_nodes_share_keys_and_database_and_no_folder():
    compose = yaml.safe_load((DEPLOY / "compose.postgresql.yaml").read_text())
    node = service(compose)

    assert node["volumes"] == values("VOLUME")  # without a name: each node has its own
    for name in ("DATABASE_URL", "SIGNING_KEY", "SECRETS_KEYS"):
        assert node["environment"][f"BILLHOOK_{name}_FILE"] == f"/run/secrets/{name.lower()}"
        assert name.lower() in node["secrets"]


def test_caddy_forwards_to_the_service_and_port_of_the_nodes():
    text = (DEPLOY / "Caddyfile.nodes").read_text()

    assert re.search(r"name billhook\n\s+port " + values("EXPOSE")[0], text)
