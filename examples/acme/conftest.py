"""Where Acme binds the checklist to its own systems."""

from __future__ import annotations

import json
from pathlib import Path

from pytest_bdd import given, then

GOLIVE = Path(__file__).parent / "golive"


@given("the samples of converted documents", target_fixture="documents")
def documents() -> list[dict[str, object]]:
    lines = (GOLIVE / "samples" / "document.converted.ndjson").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@then("every document has at least one page")
def every_document_has_pages(documents: list[dict[str, object]]) -> None:
    empty = [one["event_id"] for one in documents if not one["properties"]["pages"]]
    assert not empty, f"documents without pages are billed as 0: {empty}"
