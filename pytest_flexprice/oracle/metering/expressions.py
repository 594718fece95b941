"""Meter expressions (CEL over an event's properties): every number in them is a double (contract 2.1, 3.5).

The CEL library is imported only when a meter with an expression is met.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any, cast

from pytest_flexprice.model.finding import not_verified

_WHOLE_NUMBER = re.compile(r"(?<![\w.])(\d+)(?![\w.])")


class ExpressionError(Exception):
    """The expression has no quantity for these properties: the event is never metered (contract 3.5)."""


def _round(number: float) -> float:
    return math.copysign(math.floor(abs(number) + 0.5), number)


_FUNCTIONS: dict[str, Callable[..., float]] = {
    "ceil": lambda number: float(math.ceil(number)),
    "floor": lambda number: float(math.floor(number)),
    "round": _round,
    "abs": lambda number: float(abs(number)),
    "min": lambda *numbers: float(min(numbers)),
    "max": lambda *numbers: float(max(numbers)),
}


def quantity_by_expression(expression: str, properties: Mapping[str, Any]) -> Decimal:
    """The expression's value for one event; a missing property counts 0.

    Raises:
        ExpressionError: a property it names is no number, or its value is not finite.
        NotVerified: the expression uses something that this calculation does not know, or no CEL library is installed.
    """
    program, names = _compiled(expression)
    values = {name: _operand(name, properties[name]) if name in properties else 0.0 for name in names}
    result = program(values)
    if not isinstance(result, float) or not math.isfinite(result):
        raise ExpressionError(f"'{expression}' gives {result!r}, which is no finite number")
    return Decimal(repr(float(result)))


def _operand(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal, str)):
        raise ExpressionError(f"property '{name}' is no number")
    if isinstance(value, str) and ("_" in value or not value.isascii()):
        raise ExpressionError(f"property '{name}' is no number")
    try:
        return float(value)
    except (ValueError, OverflowError):
        raise ExpressionError(f"property '{name}' is no number") from None


@lru_cache(maxsize=256)
def _compiled(expression: str) -> tuple[Callable[[dict[str, float]], Any], tuple[str, ...]]:
    try:
        import celpy  # noqa: PLC0415 - only a meter with an expression needs the library
        from celpy.celparser import CELParseError  # noqa: PLC0415 - as above
        from celpy.evaluation import CELEvalError  # noqa: PLC0415 - as above
    except ImportError:
        raise _unsupported(expression, "no CEL library is installed; install cel-python") from None
    environment = celpy.Environment()
    try:
        parsed = environment.compile(_WHOLE_NUMBER.sub(r"\1.0", expression))
    except CELParseError as error:
        raise _unsupported(expression, f"it cannot be parsed ({str(error).strip().splitlines()[0]})") from None
    named = {
        rule: _names(parsed, rule) for rule in ("ident", "ident_arg", "member_dot", "member_dot_arg", "member_index")
    }
    unknown = [f"{name}()" for name in named["ident_arg"] if name not in _FUNCTIONS]
    unknown += [f".{name}" for rule in ("member_dot", "member_dot_arg", "member_index") for name in named[rule]]
    if unknown:
        raise _unsupported(expression, f"it uses {unknown[0]}, which this calculation does not know")
    runnable = environment.program(parsed, functions=cast(Any, _FUNCTIONS))

    def program(values: dict[str, float]) -> Any:
        try:
            return runnable.evaluate({name: celpy.celtypes.DoubleType(value) for name, value in values.items()})
        except CELEvalError as error:
            raise ExpressionError(f"'{expression}' cannot be evaluated: {error.args[0]}") from None

    return program, tuple(named["ident"])


def _names(tree: Any, rule: str) -> list[str]:
    """The names in a parse tree's nodes of a rule, each once, in the order of the expression; "[…]" for an index."""
    found = [
        [str(child) for child in node.children if isinstance(child, str)]
        for node in tree.iter_subtrees_topdown()
        if node.data == rule
    ]
    return list(dict.fromkeys(names[0] if names else "[…]" for names in found))


def _unsupported(expression: str, reason: str) -> Exception:
    return not_verified(
        "", f"meters.expression {expression}", f"not verified: the meter expression '{expression}': {reason}"
    )


def variables(expression: str) -> tuple[str, ...]:
    """The properties that a meter expression reads.

    Raises:
        NotVerified: it uses something that this calculation does not know.
    """
    return _compiled(expression)[1]
