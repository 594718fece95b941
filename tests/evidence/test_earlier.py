"""Files that earlier versions wrote are still read, rendered and compared with; a file of another format is refused by its name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from pytest_flexprice.evidence.bundle import RENDERINGS
from pytest_flexprice.evidence.document import Document
from pytest_flexprice.evidence.history import given_baseline

EARLIER = sorted((Path(__file__).parent / "earlier").glob("golive-1-*.json"))


@pytest.fixture(params=EARLIER, ids=lambda path: path.stem)
def earlier(request: pytest.FixtureRequest) -> Path:
    return request.param


def test_there_are_some() -> None:
    assert len(EARLIER) >= 2


def test_an_earlier_file_is_read_and_loses_nothing(earlier: Path) -> None:
    written = json.loads(earlier.read_bytes())
    read = Document.model_validate(written).model_dump(mode="json")
    assert _missing(written, read, "") == []


def _missing(written: object, read: object, path: str) -> list[str]:
    """The paths of what is in the file and not in what was read of it."""
    if isinstance(written, dict) and isinstance(read, dict):
        gone = [f"{path}.{key}" for key in written if key not in read]
        return gone + [
            each for key in written if key in read for each in _missing(written[key], read[key], f"{path}.{key}")
        ]
    if isinstance(written, list) and isinstance(read, list) and len(written) == len(read):
        return [each for one, other in zip(written, read, strict=True) for each in _missing(one, other, f"{path}[]")]
    return [] if written == read else [path]


def test_an_earlier_file_is_rendered_and_compared_with(earlier: Path) -> None:
    document = Document.model_validate_json(earlier.read_bytes())
    for _, render in RENDERINGS:
        assert document.verdict.label in render(document)
    assert given_baseline(earlier).states["2.2"] == "failed"


def test_another_format_is_refused(earlier: Path) -> None:
    content = json.loads(earlier.read_bytes())
    content["format"] = "pytest-flexprice/golive/2"
    with pytest.raises(ValidationError, match="pytest-flexprice/golive/1"):
        Document.model_validate(content)
