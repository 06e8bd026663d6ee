"""The words of the editor's lists to choose from: what is posted, and how people call it."""

from __future__ import annotations

from typing import Final

Choices = tuple[tuple[str, str], ...]

CONTENT_TYPES: Final[Choices] = (
    ("application/json", "JSON"),
    ("application/x-www-form-urlencoded", "Form data"),
    ("application/xml", "XML"),
)
PATHS: Final[Choices] = (
    ("json", "JSON, by JSONPath"),
    ("xpath", "XML, by XPath"),
    ("header", "A header"),
    ("regex", "Text, by regular expression"),
)
SUBJECTS: Final[Choices] = (
    ("status", "The status"),
    ("body", "The text of the body"),
    *PATHS,
)
TESTS: Final[Choices] = (
    ("equals", "is"),
    ("not_equals", "is not"),
    ("one_of", "is one of"),
    ("matches", "matches"),
    ("exists", "is there"),
    ("missing", "is not there"),
)
FACTS: Final[Choices] = (
    ("", "As always"),
    ("template", "From this text"),
    *PATHS,
)
ANSWERS: Final[Choices] = (
    ("body", "It is the answer itself"),
    ("base64", "In the answer, in base 64"),
    ("url", "At a URL that the answer names"),
    ("zip", "In a zip, which is the answer"),
    ("link", "There is only a page: send the contact there"),
)
NONE_MEANS: Final[Choices] = (
    ("not-found", "there is no such document"),
    ("failed", "the source has failed"),
    ("empty", "take an empty text"),
)
MANY_MEAN: Final[Choices] = (
    ("error", "fail, and say how many"),
    ("first", "take the first"),
    ("last", "take the last"),
)
SENDS_AUTHENTICATION: Final[Choices] = (
    ("", "As usual: yes, but not to a URL out of an answer"),
    ("yes", "Yes"),
    ("no", "No"),
)
REDIRECTS: Final[Choices] = (("follow", "Follow, three at most"), ("deny", "Deny"))
BREAKS: Final[Choices] = (("lf", "LF"), ("crlf", "CR LF"))
BOOLEANS: Final[Choices] = (("yes", "Yes"), ("no", "No"))
