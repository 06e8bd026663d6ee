"""A failed test of a preset: explained with its fields, and without anything of the file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any

import pytest
from django.urls import reverse

from billhook.engine.errors import (
    AmbiguousAnswer,
    AuthenticationFailed,
    BillhookError,
    MissingValue,
    NotADocument,
    SourceSaidNo,
    SourceTlsFailed,
    SourceUnreachable,
)
from billhook.engine.integration_file.presets import read_preset
from billhook.engine.secret import Secret
from billhook.portal.documents.response import opened
from billhook.portal.editor.form import form_of
from billhook.portal.editor.preset_form import PresetForm, draft_of_preset
from billhook.portal.integrations.store import CommandStore, get_store, set_store
from billhook.portal.runs.recorder import RunRecorder, get_recorder, set_recorder
from portal.cast import Cast, signed_in
from portal.integration_cast import CANARY, Source

NAMES_OF_A_FILE = re.compile(r"\{\{|success_when|not_found_when|JSONPath|[Cc]ompare (its|the) path")


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture(autouse=True)
def wired(source: Source) -> Iterator[None]:
    """Give this process a store whose transport is *source*, and a recorder of its own."""
    before = get_store(), get_recorder()
    set_store(CommandStore(open_source=lambda _: source))
    set_recorder(RunRecorder())
    yield
    set_store(before[0])
    set_recorder(before[1])


@pytest.fixture
def verdict(cast: Cast) -> Callable[[], str]:
    """Return what tries the preset ERPNext as Bob filled it in, and returns the verdict's text."""
    preset = read_preset("erpnext")
    secrets = {name: Secret(CANARY) for name in preset.integration.secrets}
    filled = PresetForm(preset=preset, name="Mine", secrets=secrets)
    fields = form_of(draft_of_preset(filled)).fields()
    typed = {f"secret-{number}-value": CANARY for number in range(len(secrets))}
    address = reverse("backoffice:integration-new-try", args=[cast.harper.id]) + "?part"

    def send() -> str:
        posted = {**fields, **typed, "try-number": "INV-1", "do": "try"}
        response: Any = opened(signed_in(cast.bob).post(address, posted))
        assert response.status_code == 200, response.content.decode()
        found = re.search(r"data-verdict>(.*?)</div></div>", response.content.decode(), re.DOTALL)
        assert found is not None
        return unescape(re.sub(r"<[^>]*>", " ", found[1]))

    return send


KEYS = "Check what you filled in for API key and API secret."
ADDRESS = "Check what you filled in for Address of your ERPNext."


@pytest.mark.parametrize(
    ("answer", "sentence", "advice"),
    [
        pytest.param((401, b""), "did not accept the credentials", KEYS, id="401"),
        pytest.param((403, b""), "its user may not do this", KEYS, id="403"),
        pytest.param((500, b""), "status 500", KEYS, id="500"),
        pytest.param(SourceSaidNo(), "responded that this failed", KEYS, id="says no"),
        pytest.param(
            MissingValue("Get.answer", "It is empty."), "lacks something", KEYS, id="lacks"
        ),
        pytest.param(NotADocument("Compare the path."), "can be shown", KEYS, id="no document"),
        pytest.param(AuthenticationFailed("{{A}}"), "to sign in there", KEYS, id="authentication"),
        pytest.param(
            AuthenticationFailed("Connect it again.", connect_again=True),
            "Connect it again.",
            KEYS,
            id="connection",
        ),
        pytest.param((404, b""), "the address is wrong", ADDRESS, id="404"),
        pytest.param(SourceUnreachable("name-unknown"), "can't be found", ADDRESS, id="name"),
        pytest.param(SourceTlsFailed(), "certificate", ADDRESS, id="tls"),
        pytest.param(AmbiguousAnswer("Find.Id", 2), "2 documents or invoices", "", id="two"),
    ],
)
def test_a_failure_names_the_fields_to_check_and_nothing_of_the_file(
    verdict: Callable[[], str],
    source: Source,
    answer: BillhookError | tuple[int, bytes],
    sentence: str,
    advice: str,
) -> None:
    source.answer = answer
    text = verdict()
    assert sentence in text
    assert advice in text
    assert not advice or "Go to A" in text
    assert not NAMES_OF_A_FILE.search(text)


def test_the_sources_own_sentence_is_shown(verdict: Callable[[], str], source: Source) -> None:
    source.answer = (
        403,
        b'{"exception": "frappe.PermissionError: No permission for Sales Invoice"}',
    )
    assert "“ frappe.PermissionError: No permission for Sales Invoice ”" in verdict()
