"""What an answer in a test is about, and beside it whatever Flexprice's own would always have."""

from __future__ import annotations

import copy
from typing import Any

from pytest_flexprice.api.fields import KINDS, MISSING, NULL, wrong_fields

_USUAL = {
    "a text": "usd",
    "a number": "0",
    "a whole number, 0 or more": 0,
    "a whole number from 0 on that a date can hold": 0,
    "a time with its zone": "2026-11-22T11:50:00Z",
    "true or false": False,
    "a list of objects": [],
    "a list of texts": [],
}


def completed(answer: Any, where: str) -> Any:
    """A copy of the answer to ``where``, with something in each field that must be there and is not."""
    answer = copy.deepcopy(answer)
    for path, holder, problem in wrong_fields(answer, where):
        if problem in (MISSING, NULL):
            name = path.rpartition(".")[2]
            holder[name] = _something(KINDS[name].called) if name in KINDS else {}
    return answer


def _something(called: str) -> Any:
    if called.startswith("one of "):
        return called.removeprefix("one of ").partition(",")[0]
    return copy.deepcopy(_USUAL.get(called, {}))
