"""Meter expressions (CEL) over a whole log, as Ibis expressions: every number in them is a double (contract 2.1, 3.5)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import and_, or_
from typing import Any

import ibis

from pytest_flexprice.model.finding import not_verified
from pytest_flexprice.model.values import names_in
from pytest_flexprice.traffic.dialects import Column, Dialect
from pytest_flexprice.traffic.numbers import QUANTITY, Rows, with_property, with_quantity

_WHOLE_NUMBER = re.compile(r"(?<![\w.])(\d+)(?![\w.])")
_NUMERIC = r"^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]{1,2})?$"
_ALL_WHOLE = 1e15
"""About from here on doubles are whole numbers, and engines that count in 64 bits soon know them no more."""


def _whole(one: Column, rounded: Column) -> Column:
    return ibis.ifelse(one.abs() < _ALL_WHOLE, rounded.cast("float64"), one)


_FUNCTIONS: dict[str, Callable[..., Column]] = {
    "ceil": lambda one: _whole(one, one.ceil()),
    "floor": lambda one: _whole(one, one.floor()),
    "round": lambda one: one.sign() * _whole(one.abs(), (one.abs() + 0.5).floor()),
    "abs": lambda one: one.abs(),
    "min": ibis.least,
    "max": ibis.greatest,
}
_BINARY: dict[str, Callable[[Column, Column], Column]] = {
    "addition": lambda left, right: left + right,
    "addition_add": lambda left, right: left + right,
    "addition_sub": lambda left, right: left - right,
    "multiplication_mul": lambda left, right: left * right,
    "multiplication_div": lambda left, right: left / right.nullif(0.0),
    "relation_lt": lambda left, right: left < right,
    "relation_le": lambda left, right: left <= right,
    "relation_gt": lambda left, right: left > right,
    "relation_ge": lambda left, right: left >= right,
    "relation_eq": lambda left, right: left == right,
    "relation_ne": lambda left, right: left != right,
}


def with_expression(rows: Rows, expression: str, dialect: Dialect) -> Rows:
    """The columns that ``with_quantity`` adds, by an expression; the quantity is NULL where an event has none and is never metered.

    Raises:
        NotVerified: the expression uses something that this calculation does not know, or no CEL library is installed.
    """
    names = list(dict.fromkeys(names_in(expression)))
    for number, name in enumerate(names):
        rows = with_property(rows, dialect, name, f"x{number}")
        rows = rows.mutate(**{f"x{number}": _operand(rows[f"x{number}_raw"], rows[f"x{number}_text"])})
    operands = {name: rows[f"x{number}"] for number, name in enumerate(names)}
    result = _Translation(expression, operands).of(_parsed(expression))
    broken = ibis.or_(*(each.isnull() for each in operands.values())) if operands else ibis.literal(False)
    rows = rows.mutate(x_result=ibis.ifelse(broken, ibis.null("float64"), result))
    known = rows.x_result.notnull() & ~(rows.x_result.isinf() | rows.x_result.isnan())
    text = ibis.ifelse(known, rows.x_result.cast("string"), ibis.null("string"))
    rows = rows.mutate(x_raw=text, x_text=ibis.null("string"))
    rows = with_quantity(rows, "x")
    return rows.mutate(quantity=ibis.ifelse(rows.x_raw.isnull(), ibis.null(QUANTITY), rows.quantity))


def _operand(raw: Column, text: Column) -> Column:
    """A property as a double: 0 where it is missing, NULL where it is no number."""
    of_text = ibis.ifelse(text.strip().re_search(_NUMERIC), text.strip(), ibis.null("string"))
    of_number = ibis.ifelse(raw.re_search("^-?[0-9]"), raw, ibis.null("string"))
    known = ibis.ifelse(raw.startswith('"'), of_text, of_number)
    return ibis.ifelse(raw.isnull(), "0", known).cast("float64")


def _parsed(expression: str) -> Any:
    try:
        import celpy  # noqa: PLC0415 - only a meter with an expression needs the library
        from celpy.celparser import CELParseError  # noqa: PLC0415 - as above
    except ImportError:
        raise _unsupported(expression, "no CEL library is installed; install cel-python") from None
    try:
        return celpy.Environment().compile(_WHOLE_NUMBER.sub(r"\1.0", expression))
    except CELParseError as error:
        raise _unsupported(expression, f"it cannot be parsed ({str(error).strip().splitlines()[0]})") from None


class _Translation:
    """From a parse tree to an Ibis expression."""

    def __init__(self, expression: str, operands: Mapping[str, Column]) -> None:
        self._expression, self._operands = expression, operands

    def of(self, node: Any) -> Column:
        """The value of a node."""
        rule = getattr(self, f"_{node.data}", None)
        if rule is not None:
            return rule(node.children)
        if len(node.children) == 1 and hasattr(node.children[0], "data"):
            return self.of(node.children[0])
        if len(node.children) == 2 and getattr(node.children[0], "data", "") in _BINARY:
            left, right = node.children
            return _BINARY[left.data](self.of(left.children[0]), self.of(right))
        raise self._unknown(str(node.data))

    def _ident(self, children: Sequence[Any]) -> Column:
        if str(children[0]) not in self._operands:
            raise self._unknown(str(children[0]))
        return self._operands[str(children[0])]

    def _expr(self, children: Sequence[Any]) -> Column:
        parts = [self.of(each) for each in children]
        return ibis.ifelse(*parts) if len(parts) == 3 else parts[0]

    def _conditionalor(self, children: Sequence[Any]) -> Column:
        return reduce(or_, (self.of(each) for each in children))

    def _conditionaland(self, children: Sequence[Any]) -> Column:
        return reduce(and_, (self.of(each) for each in children))

    def _literal(self, children: Sequence[Any]) -> Column:
        try:
            return ibis.literal(float(str(children[0])))
        except ValueError:
            raise self._unknown(str(children[0])) from None

    def _unary(self, children: Sequence[Any]) -> Column:
        value = self.of(children[-1])
        if len(children) == 1:
            return value
        return -value if children[0].data == "unary_neg" else ~value

    def _ident_arg(self, children: Sequence[Any]) -> Column:
        name = str(children[0])
        if name not in _FUNCTIONS:
            raise self._unknown(f"{name}()")
        return _FUNCTIONS[name](*(self.of(each) for each in children[1].children))

    def _unknown(self, what: str) -> Exception:
        return _unsupported(self._expression, f"it uses {what}, which this calculation does not know")


def _unsupported(expression: str, reason: str) -> Exception:
    return not_verified(
        "3.1", f"meters.expression {expression}", f"not verified: the meter expression '{expression}': {reason}"
    )
