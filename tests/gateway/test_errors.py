"""The gateway's errors are as their docstring draws them, and each can be answered."""

import json
import re

import pytest

from billhook.engine import errors as engine_errors
from billhook.gateway import errors
from billhook.gateway.errors import GatewayError
from billhook.gateway.problem import problem_json, title


def leaves(kind):
    below = kind.__subclasses__()
    return [leaf for child in below for leaf in leaves(child)] if below else [kind]


def test_the_tree_in_the_docstring_is_the_tree():
    drawn = {
        (name, int(status)) for name, status in re.findall(r"── (\w+)\s+(\d{3})", errors.__doc__)
    }

    assert drawn == {(kind.__name__, kind.status) for kind in leaves(GatewayError)}


def test_every_error_has_its_own_code():
    codes = [kind.code for kind in leaves(GatewayError) + leaves(engine_errors.BillhookError)]

    assert len(codes) == len(set(codes))
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in codes)


@pytest.mark.parametrize("kind", leaves(GatewayError), ids=lambda kind: kind.code)
def test_the_title_of_every_error_is_one_short_sentence(kind):
    assert re.fullmatch(r"[A-Z][^.]{10,90}", title(kind))


def test_a_problem_without_a_run_names_no_run():
    document = json.loads(problem_json(errors.KeyMissing()))

    assert set(document) == {"type", "title", "status", "detail", "code"}


@pytest.mark.parametrize(("wait", "seconds"), [(0.01, 1), (1.0, 1), (1.2, 2), (59.9, 60)], ids=str)
def test_retry_after_is_in_whole_seconds_and_never_too_short(wait, seconds):
    assert errors.TooManyRuns(wait).headers == ((b"retry-after", b"%d" % seconds),)
