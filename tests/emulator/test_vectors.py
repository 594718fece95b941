"""The emulator meters and bills every billing vector as the real server did: lookup, usage, preview and final invoice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client

from pytest_flexprice.emulator import EmulatorOptions, FlexpriceServer

from .billing_case import Api, Case, differences

FILE = Path(__file__).parent.parent / "vectors" / "billing_vectors.json"
VECTORS: list[dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))["vectors"]
SANDBOX = "00000000-0000-0000-0000-000000000000"


@pytest.fixture(scope="module")
def api() -> Api:
    server = FlexpriceServer(EmulatorOptions(lag=0, jobs=False))
    return Api(Client(server.application()), server.api_key, SANDBOX)


def test_there_are_vectors() -> None:
    assert len(VECTORS) == 153


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_a_vector_is_metered_and_billed_as_recorded(api: Api, vector: dict[str, Any]) -> None:
    case = Case(api, vector)
    case.create()
    case.send()
    results = case.read()
    if "invoice" in vector["results"]:
        results["invoice"] = case.bill()
    assert list(differences(vector["results"], case.named(results))) == []
