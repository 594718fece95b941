"""Steps that return a coroutine: it was made and never awaited, so nothing of the step was carried out, and pytest-bdd passes it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable

import pytest


def carried_out(function: Callable[..., object]) -> Callable[..., object]:
    """The step's function, which fails where it returns a coroutine; an ``async def`` behind a decorator looks like a plain function."""
    if inspect.isgeneratorfunction(function) or getattr(function, "_carried_out", False):
        return function

    @functools.wraps(function)
    def called(*arguments: object, **named: object) -> object:
        value = function(*arguments, **named)
        if inspect.iscoroutine(value):
            value.close()
            pytest.fail(
                f"the step's function {function.__name__} returned a coroutine that nobody awaited, so the step was not carried out; "
                "run it, as asyncio.run does",
                pytrace=False,
            )
        return value

    called._carried_out = True  # type: ignore[attr-defined]
    return called
