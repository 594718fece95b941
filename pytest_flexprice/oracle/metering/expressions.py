"""Meter expressions (CEL over an event's properties): every number in them is a double (contract 2.1, 3.5).

The CEL library is imported only when a meter with an expression is met.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from pytest_flexprice.model.finding import not_verified
from pytest_flexprice.oracle.metering.cel_programs import ExpressionRefused, ExpressionUnknown, Program, program
from pytest_flexprice.oracle.metering.cel_types import ExpressionError

__all__ = ["ExpressionError", "quantity_by_expression", "variables"]


def quantity_by_expression(expression: str, properties: Mapping[str, Any]) -> Decimal:
    """The expression's value for one event; a missing property counts 0.

    Raises:
        ExpressionError: a property it names is no number, or its value is no finite number.
        NotVerified: the real server refuses such an expression, this calculation does not know what it uses, or no CEL library
            is installed.
    """
    compiled = _compiled(expression)
    values = {name: _operand(name, properties[name]) if name in properties else 0.0 for name in compiled.names}
    result = compiled.value(values)
    if isinstance(result, bool) or not isinstance(result, (int, float)) or not math.isfinite(result):
        raise ExpressionError(f"'{expression}' gives {result!r}, which is no finite number")
    return Decimal(repr(result))


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
def _compiled(expression: str) -> Program:
    try:
        return program(expression)
    except ImportError:
        raise _unsupported(expression, "no CEL library is installed; install cel-python") from None
    except ExpressionRefused as reason:
        raise _unsupported(expression, f"Flexprice refuses a meter with it, as {reason}") from None
    except ExpressionUnknown as reason:
        raise _unsupported(expression, f"it uses {reason}, which this calculation does not know") from None


def _unsupported(expression: str, reason: str) -> Exception:
    return not_verified(
        "", f"meters.expression {expression}", f"not verified: the meter expression '{expression}': {reason}"
    )


def variables(expression: str) -> tuple[str, ...]:
    """The properties that a meter expression reads, in its order.

    Raises:
        NotVerified: as ``quantity_by_expression``.
    """
    return _compiled(expression).names
