"""A file with the former key sign_in is read for ever; the present key is written."""

import pytest

from billhook.engine.errors import ConfigurationError
from billhook.engine.integration_file.file import (
    authentication_from_json,
    authentication_to_json,
    command_from_json,
    command_to_json,
    locate,
    read_integration,
    write_integration,
)

PRESENT = """\
format = 1

[integration]
name = "Acme"
variables = { sign_in = "a variable may have this name" }
secrets = ["ApiKey"]

[authentication]
scheme = "session"
headers = [["Key", "{{Session.Id}}"]]

[authentication.request]
method = "POST"
url = "https://acme.example/login"
authentication = false
extract = { Id = "$.id", sign_in = "$.a" }

[commands.sign_in]
method = "GET"
url = "https://acme.example/one"
authentication = false

[commands.GetInvoiceImage]

[[commands.GetInvoiceImage.steps]]
name = "Find"
method = "GET"
url = "https://acme.example/find"
authentication = true
extract = { Id = "$.id" }

[[commands.GetInvoiceImage.steps.on_not_found]]
name = "Other"
method = "GET"
url = "https://acme.example/other"
authentication = false
extract = { Id = "$.id" }

[[commands.GetInvoiceImage.steps]]
name = "Document"
method = "GET"
url = "https://acme.example/document"
answer = { url = "$.url", authentication = true }
"""
FORMER = PRESENT.replace("authentication", "sign_in")


def test_the_former_key_means_the_same_as_the_present_one():
    config = read_integration(FORMER)
    assert config == read_integration(PRESENT)
    assert config.authentication is not None
    assert config.authentication.requests[0].authentication is False
    assert config.variables == {"sign_in": "a variable may have this name"}
    one, two = config.commands
    assert (one.name, one.steps[0].authentication) == ("sign_in", False)
    assert [step.authentication for step in two.steps] == [True, None]
    assert two.steps[0].on_not_found[0].authentication is False
    assert two.steps[1].answer is not None
    assert two.steps[1].answer.authentication is True


def test_the_present_key_is_written():
    written = write_integration(read_integration(FORMER))
    assert written == write_integration(read_integration(PRESENT))
    assert "[authentication]" in written
    assert written.count("authentication = ") == PRESENT.count("authentication = ")
    assert written.count("sign_in") == PRESENT.count("sign_in")


def test_rows_stored_by_an_earlier_release_are_read():
    config = read_integration(PRESENT)
    assert config.authentication is not None
    stored = authentication_to_json(config.authentication)
    stored["request"]["sign_in"] = stored["request"].pop("authentication")
    assert authentication_from_json(stored) == config.authentication
    command = command_to_json(config.commands[0])
    command["sign_in"] = command.pop("authentication")
    assert command_from_json(command) == config.commands[0]


def test_both_keys_at_once_are_an_error_that_names_the_former_one():
    with pytest.raises(ConfigurationError) as caught:
        read_integration(f'{PRESENT}\n[sign_in]\nscheme = "basic"\n')
    [problem] = caught.value.problems
    assert (problem.code, problem.where, problem.suggestion) == ("unknown-key", "sign_in", None)
    assert problem.message == (
        '"sign_in" is the former name of "authentication", and both are here. Remove it.'
    )


@pytest.mark.parametrize("text", [PRESENT, FORMER], ids=["present", "former"])
def test_a_mistyped_key_has_its_line_under_either_name_of_the_table(text):
    typed = text.replace("headers", "heders").replace("Document", "Doc")
    with pytest.raises(ConfigurationError) as caught:
        read_integration(typed)
    [problem] = caught.value.problems
    assert (problem.where, problem.line) == ("authentication.heders", 10)
    assert problem.suggestion == "headers"
    assert [each.line for each in locate([problem], typed)] == [10]
