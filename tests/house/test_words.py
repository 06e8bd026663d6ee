"""Plain English: words that read as translated appear nowhere, and docstrings begin well."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from house.prose import ROOT, Text, docstrings_of, texts_of, texts_of_project, tracked_files

WORDS = {
    r"mend(s|ed|ing)?": "fix",
    r"anew": "again",
    r"hinder(s|ed|ing)?": "prevent",
    r"whoever": "the caller, the operator, anyone who",
    r"told|tells( of)?|tell of": "reported; reports, shows, lists, explains",
    r"by itself": "automatically, on its own",
    r"stands?(?! for\b)(?!-in)|stood": "is, appears, is allowed, is defined",
    r"as by default": "by default",
    r"(is|are) to be": "must be",
    r"but for": "except for",
    r"(was|is) had": "was obtained",
    r"misfits?": "invalid value",
    r"truth values?": "boolean",
    r"made of": "derived from, consists of",
    r"(asked|said) of|comes? of": "about; results from",
    r"beside": "next to, in addition to",
    r"(?<!by\s)mistakes?": "problem; fault if it is ours",
    r"that is no(?! longer\b| more\b)": "that isn't",
    r"(one|two|three|four|five|six|ten|\d+) at most": "at most three",
    r"(piece by|in) pieces?": "in chunks",
}
"""Words that no text may contain, and better ones."""

LITERAL = {
    ("docs/tutorial.md", "mistake"): "the reader makes one on purpose",
    ("tests/house/test_words.py", ""): "the list itself",
}
"""Words that are right in one file, with the reason; an empty word means all of them."""

FIRST_WORDS = re.compile(r"(What|How|Where|Who|Whoever|Which|Why|When|That)\b")
WORD = {better: re.compile(rf"\b({words})\b", re.IGNORECASE) for words, better in WORDS.items()}
ANY = re.compile("|".join(rf"\b(?:{words})\b" for words in WORDS), re.IGNORECASE)


def bad_words(texts: Iterator[Text]) -> Iterator[str]:
    """Yield file, line, word and better words of each word in *texts* that isn't allowed."""
    for path, line, text in texts:
        flat = re.sub(r"\s", " ", text)
        if not ANY.search(flat):
            continue
        for better, pattern in WORD.items():
            for found in pattern.finditer(flat):
                if not {(path, ""), (path, found[0].lower().rstrip("s"))} & LITERAL.keys():
                    at = line + text.count("\n", 0, found.start())
                    yield f"{path}:{at}: {found[0]!r} → {better}"


def bad_beginnings(texts: Iterator[Text]) -> Iterator[str]:
    """Yield file, line and first word of each docstring that begins with a question word."""
    for path, line, text in texts:
        if found := FIRST_WORDS.match(text.lstrip()):
            yield f"{path}:{line}: {found[0]!r} → begin with a noun or a verb"


def test_no_text_has_a_word_that_reads_as_translated():
    found = sorted(set(bad_words(texts_of_project())))
    assert not found, "\n".join(found)


def test_every_docstring_begins_with_a_noun_or_a_verb():
    found = [
        problem
        for name in tracked_files(".py")
        for problem in bad_beginnings(docstrings_of(name, (ROOT / name).read_text("utf-8")))
    ]
    assert not found, "\n".join(found)


def test_every_exception_is_still_needed():
    for path, word in LITERAL:
        assert word in (ROOT / path).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        pytest.param("a.py", '"""Docstring\nto be read anew."""', 2, id="docstring"),
        pytest.param("a.py", "x = 1\ny = 2  # read anew", 2, id="comment"),
        pytest.param("a.py", "\n\nraise E(f'Read {x} anew.')", 3, id="message"),
        pytest.param("a.py", "def test_it_is_read_anew(): ...", 1, id="test name"),
        pytest.param("a.html", "<p>\n{{ x }} is read anew</p>", 2, id="template"),
        pytest.param("a.html", '<a title="Read anew"></a>', 1, id="attribute"),
        pytest.param("a.html", "{# read anew #}", 1, id="template comment"),
        pytest.param("a.md", "# A\n\nRead Anew.", 3, id="page"),
        pytest.param("a.toml", 'notes = "Read\nanew"', 2, id="preset"),
    ],
)
def test_a_word_is_found_with_its_line(name, content, line):
    assert list(bad_words(texts_of(name, content))) == [
        f"{name}:{line}: {'Anew' if name == 'a.md' else 'anew'!r} → again"
    ]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("a.py", "anew = read(anew)", id="identifier"),
        pytest.param("a.py", "read('anew')", id="key"),
        pytest.param("a.html", '<a class="anew">{% anew %}{{ anew }}</a>', id="markup"),
        pytest.param("a.md", "It stands for a stand-in that isn't renewed.", id="other words"),
    ],
)
def test_names_and_other_words_are_allowed(name, content):
    assert list(bad_words(texts_of(name, content))) == []


@pytest.mark.parametrize(
    "source",
    [
        '"""What it does."""',
        'class A:\n    """Where it is."""',
        'def f():\n    """How it works."""',
        'class A:\n    x: int = 1\n    """Who it is."""',
    ],
    ids=["module", "class", "function", "attribute"],
)
def test_a_docstring_that_begins_with_a_question_word_is_found(source):
    assert len(list(bad_beginnings(docstrings_of("a.py", source)))) == 1
