"""CEL expressions of meters (contract 2.1, 3.5; vectors cel-*).

Every name is a property read as a double (a missing one is 0), every integer literal is a double too, so that
``total / 1000`` is a real division; the functions are those in :data:`FUNCTIONS`.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from ..kernel import errors
from .cel_engine import CelError, Function, Program, program
from .cel_types import TypeRefused, type_of

Compiler = Callable[[str, Mapping[str, Function]], Program]
_TOKEN = re.compile(
    r"""(?P<text>[rRbB]{0,2}(?:'''.*?'''|\"\"\".*?\"\"\"|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"))
    |(?P<comment>//[^\n]*)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<real>\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?)
    |(?P<unsigned>(?:0[xX][0-9a-fA-F]+|\d+)[uU])
    |(?P<hex>0[xX][0-9a-fA-F]+)
    |(?P<whole>\d+)""",
    re.VERBOSE | re.DOTALL,
)
_NUMBER = re.compile(
    r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\Z|[+-]?(?:inf|infinity|nan)\Z", re.ASCII | re.IGNORECASE
)
_OF_VALUES = re.compile("zero|overflow|outside the range|parse|out of bounds|index", re.IGNORECASE)
"""Evaluations that fail for what the properties are, in the libraries' words."""
_NUMERIC = ("double", "int", "uint", "dyn")
"""Types of what may be a quantity; other ones are refused when the meter is made (the documentation's page on expressions)."""
_NO_NUMBER = "expression must evaluate to a number"
_SPACE = " \t\n\v\f\r\u0085\u00a0"


class ExpressionError(ValueError):
    """An expression that does not compile, or gives no quantity for an event."""


def _half_away(value: float) -> float:
    if not math.isfinite(value):
        return value
    whole = math.floor(abs(value))
    return math.copysign(whole + (1 if abs(value) - whole >= 0.5 else 0), value)


def _guarded(function: Callable[..., float]) -> Callable[..., float]:
    def call(*numbers: float) -> float:
        try:
            return float(function(*numbers))
        except OverflowError:
            return math.inf
        except ValueError:
            return math.nan

    return call


def _whole(function: Callable[[float], int]) -> Callable[[float], float]:
    return lambda value: float(function(value)) if math.isfinite(value) else value


def _binary(function: Callable[[float, float], float]) -> Callable[[float, float], float]:
    return lambda a, b: math.nan if math.isnan(a) or math.isnan(b) else function(a, b)


def _log(value: float) -> float:
    return -math.inf if value == 0 else math.log(value)


FUNCTIONS: dict[str, tuple[int, Callable[..., float]]] = {
    "max": (2, _binary(max)),
    "min": (2, _binary(min)),
    "pow": (2, _guarded(math.pow)),
    "abs": (1, abs),
    "ceil": (1, _whole(math.ceil)),
    "floor": (1, _whole(math.floor)),
    "round": (1, _half_away),
    "sqrt": (1, _guarded(math.sqrt)),
    "log": (1, _guarded(_log)),
}
"""The functions of an expression with their number of arguments."""


def _promoted(source: str) -> str:
    """The expression without comments, with every integer literal written as a double."""

    def double(match: re.Match[str]) -> str:
        if match["comment"]:
            return ""
        if match["hex"]:
            return f"{int(match['hex'], 16)}.0"
        return f"{match['whole']}.0" if match["whole"] else match[0]

    return _TOKEN.sub(double, source)


class Expression:
    """One compiled expression; raises :class:`ExpressionError` when it is no numeric CEL over properties."""

    def __init__(self, source: str, compile_program: Compiler = program) -> None:
        self.source = source
        promoted = _promoted(source)
        try:
            self._program = compile_program(promoted, {name: call for name, (_, call) in FUNCTIONS.items()})
            self.names = self._program.names
            if not self.names:
                raise ExpressionError("expression has no variable identifiers")
            found = type_of(promoted, {name: arguments for name, (arguments, _) in FUNCTIONS.items()})
            if found not in _NUMERIC:
                raise ExpressionError(_NO_NUMBER)
            self._try_with_ones()
        except (CelError, TypeRefused) as error:
            raise ExpressionError(f"compile: {error}") from error

    def _try_with_ones(self) -> None:
        """Find what neither parser nor types refuse; what fails for these values only is none of the expression's faults."""
        try:
            self._program.evaluate(dict.fromkeys(self.names, 1.0))
        except CelError as error:
            if not _OF_VALUES.search(str(error)):
                raise

    def quantity(self, properties: Mapping[str, Any]) -> Decimal:
        """The value for one event; raises :class:`ExpressionError` when there is none."""
        try:
            result = self._program.evaluate({name: _number(name, properties) for name in self.names})
        except CelError as error:
            raise ExpressionError(str(error)) from error
        if isinstance(result, bool) or not isinstance(result, (int, float)):
            raise ExpressionError(_NO_NUMBER)
        if isinstance(result, float) and not math.isfinite(result):
            raise ExpressionError("expression produced a non-finite result (division by zero?)")
        return Decimal(repr(result))


def _number(name: str, properties: Mapping[str, Any]) -> float:
    if name not in properties:
        return 0.0
    value = properties[name]
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= sys.float_info.max:
        return float(value)
    if isinstance(value, str) and _NUMBER.match(value.strip(_SPACE)):
        return float(value.strip(_SPACE))
    raise ExpressionError(f'property "{name}" is not numeric')


@lru_cache(maxsize=512)
def compiled(source: str) -> Expression:
    """The compiled expression, kept; raises :class:`ExpressionError`."""
    return Expression(source)


def check_expression(source: str) -> None:
    """Refuse, as meter creation does, an expression that does not compile (contract 2.1): 400."""
    try:
        Expression(source)
    except ExpressionError as error:
        details = {"expression": source, "error": str(error).partition("\n")[0]}
        raise errors.validation("Invalid CEL expression", details) from error
