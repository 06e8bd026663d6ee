"""docs/api-reference.md is what the OpenAPI document says; the links in it lead somewhere."""

import re
from pathlib import Path

from tools.api_reference import PAGE, reference_page


def test_the_page_is_made_from_the_openapi_document():
    assert PAGE.read_text() == reference_page(), "run `make tables`"


def test_its_links_lead_to_its_headings():
    text = PAGE.read_text()
    headings = {each.lower() for each in re.findall(r"^#+ (\w+)$", text, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([\w-]+)\)", text)) <= headings
    guide = (Path(PAGE).parent / "api.md").read_text()
    assert "api-reference.md" in guide
