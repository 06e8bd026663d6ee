"""A secret is masked in every form in which a source may repeat it, and other words stay."""

from __future__ import annotations

import base64
import html
import json
import re
import time
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest

from billhook.engine.secret import MASK, Secret
from billhook.engine.tokens.masking import holds_secret, mask

VALUE = "canary-7f3a9b1c5d2e8f60+s/c&r<t"
SECRETS = [Secret(VALUE)]


def base64_inside(value: str) -> str:
    return base64.b64encode(f"user:{value}:more".encode()).decode()


FORMS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "capitals": str.upper,
    "percent": lambda value: quote(value, safe=""),
    "percent with plus": quote_plus,
    "every character percent-encoded": lambda value: "".join(f"%{ord(c):02X}" for c in value),
    "JSON": lambda value: json.dumps(value)[1:-1],
    "JSON with escapes": lambda value: "".join(f"\\u{ord(c):04x}" for c in value),
    "HTML": html.escape,
    "HTML with entities": lambda value: "".join(f"&#{ord(c)};" for c in value),
    "percent twice": lambda value: quote(quote(value, safe=""), safe=""),
    "percent in part": lambda value: "".join(
        f"%{ord(c):02x}" if n % 2 else c for n, c in enumerate(value)
    ),
    "JSON with escaped slashes": lambda value: value.replace("/", "\\/"),
    "JSON with escaped signs": lambda value: "".join(
        c if c.isalnum() else f"\\u{ord(c):04X}" for c in value
    ),
    "HTML in JSON": lambda value: html.escape(value).replace("&", "\\u0026"),
    "HTML with padded entities": lambda value: html.escape(value).replace("&", "&#038;"),
    "hexadecimal in pairs": lambda value: value.encode().hex(":"),
    "base 64 in lines": lambda value: "\n".join(re.findall(".{1,9}", base64_inside(value))),
    "base 32": lambda value: base64.b32encode(value.encode()).decode(),
    "base 64, reversed": lambda value: base64.b64encode(value[::-1].encode()).decode(),
    "spaces between": " ".join,
    "hexadecimal": lambda value: value.encode().hex(),
    "base 64": lambda value: base64.b64encode(value.encode()).decode(),
    "base 64 inside": base64_inside,
    "base 64 for URLs": lambda value: base64.urlsafe_b64encode(value.encode()).decode(),
    "base 64 twice": lambda value: base64.b64encode(base64_inside(value).encode()).decode(),
    "reversed": lambda value: value[::-1],
    "first half": lambda value: value[: len(value) // 2],
    "second half": lambda value: value[len(value) // 2 :],
    "a third": lambda value: value[10:20],
    "half in hexadecimal": lambda value: value[:15].encode().hex(),
    "half in base 64": lambda value: base64.b64encode(value[:15].encode()).decode(),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_secret_is_masked_in_every_form(form: Callable[[str], str]) -> None:
    text = form(VALUE)
    shown = mask(f"The key “{text}” is wrong.", SECRETS)
    assert holds_secret(text, SECRETS)
    assert shown.startswith("The key “")
    assert shown.endswith("” is wrong.")
    assert MASK in shown
    longest_left = max(map(len, shown.split(MASK)))
    assert longest_left < 24


def test_other_words_stay() -> None:
    text = "The invoice INV-7 of Canary Wharf costs 7.60 EUR."
    assert mask(text, SECRETS) == text
    assert not holds_secret(text, SECRETS)


@pytest.mark.parametrize(
    ("text", "secret", "masked"),
    [
        pytest.param("No such INVOICE 7, N7", "7", f"No such INVOICE {MASK}, N7", id="digit"),
        pytest.param("Not Now, n", "n", f"Not Now, {MASK}", id="letter"),
        pytest.param("Access denied (id=42)", "42", f"Access denied (id={MASK})", id="number"),
        pytest.param("abcd xabcdx", "abcd", f"{MASK} x{MASK}x", id="long"),
    ],
)
def test_a_short_secret_is_masked_as_a_word_only(text: str, secret: str, masked: str) -> None:
    assert mask(text, [Secret(secret)]) == masked


def test_masking_covers_the_longest_form_and_leaves_the_rest() -> None:
    assert mask("a+b c a%2Bb", [Secret("a+b")]) == f"{MASK} c {MASK}"
    assert mask("nothing here", [Secret("")]) == "nothing here"


def test_letters_that_grow_in_small_letters_do_not_move_the_mask() -> None:
    assert mask(f"İİİ {VALUE} İ", SECRETS) == f"İİİ {MASK} İ"


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        ("p/ss+w0rd", "p\\/ss+w0rd"),
        ("p/ss+w0rd", "p/ss\\u002Bw0rd"),
        ("hun'ter&2", "hun&#039;ter&amp;2"),
        ("hun'ter&2", "hun&apos;ter&2"),
        ("größe&7", "gr%C3%B6%C3%9Fe%267"),
        ("größe&7", "gr\\u00f6\\u00DFe&7"),
    ],
)
def test_a_short_secret_is_masked_whatever_is_escaped(secret: str, text: str) -> None:
    assert mask(f"No “{text}” here.", [Secret(secret)]) == f"No “{MASK}” here."


@pytest.mark.parametrize("text", ["\\" * 64_000, "%25" * 20_000, "&amp;" * 13_000, "aé1" * 20_000])
def test_a_long_text_is_searched_quickly(text: str) -> None:
    began = time.perf_counter()
    mask(text, SECRETS)
    assert time.perf_counter() - began < 2
