"""The emulator answers every recorded conversation with a real Flexprice as the real one did."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_flexprice.emulator import EmulatorOptions, FlexpriceServer

from .player import Player

RECORDINGS = sorted((Path(__file__).parent.parent / "recordings").glob("*.json"))
WITHOUT_SVIX = {"webhook_dashboard_native"}

# Steps that are not yet as recorded, by conversation. A step that is missing here or has become equal fails the test.
DIFFERENT: dict[str, set[str]] = {}
PLAYED: dict[str, Any] = {
    "jobs": False,
    "lag": 0.0,
    "key_cache_seconds": 120.0,
}  # a slow machine is no slower than the cache


def _play(path: Path, server: FlexpriceServer) -> dict[str, list[str]]:
    player = Player(server.url, server.api_key)
    try:
        return player.play(path, {"svix": server.url})
    finally:
        player.close()


@pytest.fixture(scope="module")
def used_server() -> Iterator[FlexpriceServer]:
    """A server that has already served other conversations."""
    with FlexpriceServer(EmulatorOptions(**PLAYED)) as server:
        yield server


def test_there_are_recordings() -> None:
    assert len(RECORDINGS) == 53


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_a_fresh_server_answers_as_recorded(path: Path) -> None:
    options = EmulatorOptions(svix=path.stem not in WITHOUT_SVIX, **PLAYED)
    with FlexpriceServer(options) as server:
        failed = _play(path, server)
    expected = DIFFERENT.get(path.stem, set())
    assert failed.keys() == expected, "\n".join(
        f"{name}: {line}" for name, lines in failed.items() if name not in expected for line in lines
    )


@pytest.mark.parametrize(
    "path", [path for path in RECORDINGS if path.stem not in WITHOUT_SVIX], ids=lambda path: path.stem
)
def test_a_server_that_served_others_answers_as_recorded(path: Path, used_server: FlexpriceServer) -> None:
    failed = _play(path, used_server)
    assert failed.keys() == DIFFERENT.get(path.stem, set()), failed
