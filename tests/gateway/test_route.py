"""Paths that are the address of a run."""

import pytest

from billhook.gateway.route import Route, read_route


@pytest.mark.parametrize(
    ("path", "integration", "command"),
    [
        pytest.param("abc/commands/GetInvoiceImage", "abc", "GetInvoiceImage", id="plain"),
        pytest.param("Acme%20billing/commands/Get", "Acme billing", "Get", id="a space in a name"),
        pytest.param("A%2FB/commands/Get", "A/B", "Get", id="a slash in a name"),
        pytest.param("M%C3%BCller/commands/Get", "Müller", "Get", id="beyond ASCII"),
        pytest.param("a+b/commands/Get", "a+b", "Get", id="a plus is a plus"),
        pytest.param("%252F/commands/Get", "%2F", "Get", id="decoded once"),
    ],
)
def test_a_run_address_names_an_integration_and_a_command(path, integration, command):
    route = read_route(f"/api/v1/integrations/{path}/run".encode())

    assert route == Route(integration=integration, command=command)


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/", id="root"),
        pytest.param("/api/v1/integrations/a/commands/b", id="without run"),
        pytest.param("/api/v1/integrations/a/commands/b/run/", id="slash at the end"),
        pytest.param("/api/v1/integrations/a/b/commands/c/run", id="slash in a name"),
        pytest.param("/api/v1/integrations//commands/b/run", id="no integration"),
        pytest.param("/api/v1/integrations/a/commands//run", id="no command"),
        pytest.param("//api/v1/integrations/a/commands/b/run", id="two slashes"),
        pytest.param("/API/v1/integrations/a/commands/b/run", id="capitals"),
        pytest.param("/api/v1/integrations/%FF/commands/b/run", id="not UTF-8"),
        pytest.param("/api/v1/integrations/a/commands/b%2Frun", id="a slash in disguise"),
        pytest.param("/api/v2/integrations/a/commands/b/run", id="another version"),
    ],
)
def test_other_paths_are_not_run_addresses(path):
    assert read_route(path.encode()) is None
