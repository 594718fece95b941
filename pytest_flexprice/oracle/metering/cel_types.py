"""What meter expressions are made of: types, operators and functions, as the evaluator of the real server declares them.

Every property is a double and every whole literal becomes one, so that operators that mix types, or compare a number with a text, are
refused when a meter is created (contract 2.1, 3.5). Arithmetic of doubles never fails: it gives infinity or no number.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

DOUBLE, INT, UINT, BOOL, TEXT, ANY = "double", "int", "uint", "bool", "string", "dyn"
NUMBERS = (DOUBLE, INT, UINT)
_LEAST, _MOST = -(2**63), 2**63 - 1


class ExpressionError(Exception):
    """The expression has no quantity for these properties: the event is never metered (contract 3.5)."""


def list_of(kind: str) -> str:
    """The type of a list."""
    return f"list({kind})"


def alike(left: str, right: str) -> bool:
    """Whether two types may stand where one type is wanted."""
    return left == right or ANY in (left, right)


def _divided(left: float, right: float) -> float:
    if right:
        return left / right
    if not left or math.isnan(left):
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1, right)


def _guarded(function: Callable[..., float]) -> Callable[..., float]:
    def call(*numbers: float) -> float:
        try:
            return float(function(*numbers))
        except OverflowError:
            return math.inf
        except ValueError:
            return math.nan

    return call


def _kept_whole(kind: str, number: int) -> int:
    if not (_LEAST <= number <= _MOST if kind == INT else 0 <= number < 2**64):
        raise ExpressionError(f"{number} is beyond what an {kind} holds")
    return number


def _truncated(left: int, right: int) -> int:
    if not right:
        raise ExpressionError("division by zero")
    return abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)


def _whole_operators(kind: str) -> dict[str, Callable[[Any, Any], Any]]:
    plain: dict[str, Callable[[int, int], int]] = {
        "add": operator.add,
        "sub": operator.sub,
        "mul": operator.mul,
        "div": _truncated,
        "mod": lambda left, right: left - right * _truncated(left, right),
    }

    def kept(function: Callable[[int, int], int]) -> Callable[[Any, Any], Any]:
        return lambda left, right: _kept_whole(kind, function(left, right))

    return {name: kept(function) for name, function in plain.items()}


ARITHMETIC: dict[str, dict[str, Callable[[Any, Any], Any]]] = {
    DOUBLE: {
        "add": _guarded(operator.add),
        "sub": _guarded(operator.sub),
        "mul": _guarded(operator.mul),
        "div": _divided,
    },
    INT: _whole_operators(INT),
    UINT: _whole_operators(UINT),
    TEXT: {"add": operator.add},
}
"""By type of both operands, which is also the result's."""


def _ordered(function: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """What is no number has no place in an order: the evaluator refuses to compare it."""

    def compared(left: Any, right: Any) -> bool:
        if any(isinstance(each, float) and math.isnan(each) for each in (left, right)):
            raise ExpressionError("what is no number cannot be ordered")
        return function(left, right)

    return compared


COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "lt": _ordered(operator.lt),
    "le": _ordered(operator.le),
    "gt": _ordered(operator.gt),
    "ge": _ordered(operator.ge),
    "eq": operator.eq,
    "ne": operator.ne,
}
ORDERED = (DOUBLE, INT, UINT, TEXT, BOOL)
SIGNS = {"mod": "%", "add": "+", "sub": "-", "mul": "*", "div": "/", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}


def _half_away(number: float) -> float:
    whole = math.floor(abs(number))
    return math.copysign(whole + (abs(number) - whole >= 0.5), number)


def _if_finite(function: Callable[[float], float]) -> Callable[[float], float]:
    return lambda number: float(function(number)) if math.isfinite(number) else number


def _of_two(function: Callable[[float, float], float]) -> Callable[[float, float], float]:
    return lambda left, right: math.nan if math.isnan(left) or math.isnan(right) else function(left, right)


FUNCTIONS: dict[str, tuple[int, Callable[..., float]]] = {
    "max": (2, _of_two(max)),
    "min": (2, _of_two(min)),
    "pow": (2, _guarded(math.pow)),
    "abs": (1, abs),
    "ceil": (1, _if_finite(math.ceil)),
    "floor": (1, _if_finite(math.floor)),
    "round": (1, _if_finite(_half_away)),
    "sqrt": (1, _guarded(math.sqrt)),
    "log": (1, _guarded(lambda number: math.log(number) if number else -math.inf)),
}
"""The functions over doubles, with their number of arguments; ``log`` is the natural one."""


def _to_whole(kind: str) -> Callable[[Any], int]:
    def convert(value: Any) -> int:
        if isinstance(value, float) and not math.isfinite(value):
            raise ExpressionError(f"{value} has no whole part")
        return _kept_whole(kind, int(value))

    return convert


def _to_double(value: Any) -> float:
    try:
        return float(value)
    except ValueError:
        raise ExpressionError(f"'{value}' is no number") from None


CONVERSIONS: dict[tuple[str, str], Callable[[Any], Any]] = {
    **{(DOUBLE, kind): _to_double for kind in (*NUMBERS, TEXT)},
    **{(INT, kind): _to_whole(INT) for kind in NUMBERS},
    **{(UINT, kind): _to_whole(UINT) for kind in NUMBERS},
    ("size", TEXT): len,
    ("size", "list"): len,
}
"""Conversions by name and type of the argument; a double loses its fraction."""
RESULTS = {"size": INT}
"""What a conversion gives, where it is not named after it."""
