"""A parsed meter expression, checked and turned into a function; the grammar is cel-python's, loaded when it is first needed."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from pytest_flexprice.oracle.metering.cel_types import (
    ANY,
    ARITHMETIC,
    BOOL,
    COMPARISONS,
    CONVERSIONS,
    DOUBLE,
    FUNCTIONS,
    NUMBERS,
    ORDERED,
    RESULTS,
    SIGNS,
    TEXT,
    UINT,
    alike,
    list_of,
)

Values = Mapping[str, float]
_POINT_LAST = re.compile(r"-?\d+\.(?!\d)")


class ExpressionRefused(Exception):
    """The real server refuses a meter with this expression; the message says why."""


class ExpressionUnknown(Exception):
    """This calculation does not know what the expression uses; the message names it."""


class Program(NamedTuple):
    """A checked expression: the type of its value, the properties it reads in order, and the function that computes it."""

    kind: str
    names: tuple[str, ...]
    value: Callable[[Values], Any]


class _Node(NamedTuple):
    kind: str
    value: Callable[[Values], Any]


def program(source: str) -> Program:
    """An expression, checked and ready to be evaluated.

    Raises:
        Refused: it is no CEL, reads no property, or mixes types.
        Unknown: it uses something that is not known here.
        ImportError: no CEL library is installed.
    """
    import celpy  # noqa: PLC0415 - only a meter with an expression needs the library
    from celpy.celparser import CELParseError  # noqa: PLC0415 - as above

    try:
        tree = celpy.Environment().compile(source)
    except CELParseError as error:
        raise ExpressionRefused(f"it cannot be parsed ({str(error).strip().splitlines()[0]})") from None
    checker = _Checker()
    node = checker.check(tree)
    if not checker.names:
        raise ExpressionRefused("it reads no property")
    return Program(node.kind, tuple(dict.fromkeys(checker.names)), node.value)


class _Checker:
    """Walks a parse tree from the leaves up; each rule of the grammar has its method."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def check(self, tree: Any) -> _Node:
        """The node of a subtree; rules that only pass their one child on need no method."""
        if len(tree.children) == 1 and tree.data in _PASSED_ON:
            return self.check(tree.children[0])
        method = getattr(self, f"_{tree.data}", None)
        if method is None:
            raise ExpressionUnknown(_what(tree))
        found: _Node = method(tree)
        return found

    def _ident(self, tree: Any) -> _Node:
        name = str(tree.children[0])
        self.names.append(name)
        return _Node(DOUBLE, lambda values: values[name])

    def _literal(self, tree: Any) -> _Node:
        kind, value = _literal(str(tree.children[0]))
        return _Node(kind, lambda values: value)

    def _list_lit(self, tree: Any) -> _Node:
        nodes = self._arguments(tree.children)
        kinds = {node.kind for node in nodes}
        kind = kinds.pop() if len(kinds) == 1 else ANY
        return _Node(list_of(kind), lambda values: [node.value(values) for node in nodes])

    def _arguments(self, children: Sequence[Any]) -> list[_Node]:
        return [self.check(each) for each in (children[0].children if children else ())]

    def _unary(self, tree: Any) -> _Node:
        sign, node = tree.children[0].data, self.check(tree.children[1])
        if sign == "unary_not" and node.kind == BOOL:
            return _Node(BOOL, lambda values: not node.value(values))
        if sign == "unary_neg" and node.kind in NUMBERS and node.kind != UINT:
            return _Node(node.kind, lambda values: -node.value(values))
        raise ExpressionRefused(f"'{'!' if sign == 'unary_not' else '-'}' has no meaning before a {node.kind}")

    def _operator(self, tree: Any) -> _Node:
        (step, right), name = tree.children, tree.children[0].data.rpartition("_")[2]
        left, other = self.check(step.children[0]), self.check(right)
        if name == "in":
            return _contained(left, other)
        if name in COMPARISONS:
            return _compared(name, left, other)
        function = ARITHMETIC.get(left.kind, {}).get(name)
        if function is None or left.kind != other.kind:
            raise ExpressionRefused(f"'{SIGNS[name]}' has no meaning between a {left.kind} and a {other.kind}")
        return _Node(left.kind, lambda values: function(left.value(values), other.value(values)))

    _addition = _multiplication = _relation = _operator

    def _conditionalor(self, tree: Any) -> _Node:
        left, right = self._bools(tree, "||")
        return _Node(BOOL, lambda values: left.value(values) or right.value(values))

    def _conditionaland(self, tree: Any) -> _Node:
        left, right = self._bools(tree, "&&")
        return _Node(BOOL, lambda values: left.value(values) and right.value(values))

    def _bools(self, tree: Any, sign: str) -> list[_Node]:
        nodes = [self.check(child) for child in tree.children]
        for node in nodes:
            if node.kind != BOOL:
                raise ExpressionRefused(f"'{sign}' has no meaning for a {node.kind}")
        return nodes

    def _expr(self, tree: Any) -> _Node:
        condition, then, otherwise = (self.check(child) for child in tree.children)
        if condition.kind != BOOL:
            raise ExpressionRefused(f"the condition before '?' is a {condition.kind}")
        if not alike(then.kind, otherwise.kind):
            raise ExpressionRefused(f"'? :' gives a {then.kind} or a {otherwise.kind}")
        return _Node(then.kind, lambda values: (then if condition.value(values) else otherwise).value(values))

    def _ident_arg(self, tree: Any) -> _Node:
        name = str(tree.children[0])
        if name == "has":
            raise ExpressionRefused("properties are numbers, which have no parts that 'has()' could ask for")
        known = name in FUNCTIONS or any(name == each for each, _ in CONVERSIONS)
        if not known:
            raise ExpressionUnknown(f"{name}()")
        nodes = self._arguments(tree.children[1:])
        kinds = [node.kind for node in nodes]
        if name in FUNCTIONS:
            count, function = FUNCTIONS[name]
            if kinds != [DOUBLE] * count:
                raise ExpressionRefused(f"{name}() takes {count} numbers and not ({', '.join(kinds)})")
            return _Node(DOUBLE, lambda values: function(*(node.value(values) for node in nodes)))
        convert = (
            CONVERSIONS.get((name, "list" if kinds[0].startswith("list(") else kinds[0])) if len(kinds) == 1 else None
        )
        if convert is None:
            raise ExpressionRefused(f"{name}() does not take ({', '.join(kinds)})")
        return _Node(RESULTS.get(name, name), lambda values: convert(nodes[0].value(values)))

    def _member_dot(self, tree: Any) -> _Node:
        kind = self.check(tree.children[0]).kind
        raise (
            ExpressionRefused(f"'.{tree.children[1]}' has no meaning after a {kind}")
            if kind in NUMBERS
            else ExpressionUnknown(_what(tree))
        )

    _member_dot_arg = _member_dot

    def _member_index(self, tree: Any) -> _Node:
        kind = self.check(tree.children[0]).kind
        raise ExpressionRefused(f"'[…]' has no meaning after a {kind}") if kind in NUMBERS else ExpressionUnknown("[…]")


_PASSED_ON = {
    "expr", "conditionalor", "conditionaland", "relation", "addition", "multiplication", "unary", "member", "primary", "paren_expr"
}  # fmt: skip


def _contained(left: _Node, right: _Node) -> _Node:
    if not right.kind.startswith("list(") or not alike(right.kind[5:-1], left.kind):
        raise ExpressionRefused(f"a {left.kind} cannot be 'in' a {right.kind}")
    return _Node(BOOL, lambda values: left.value(values) in right.value(values))


def _compared(name: str, left: _Node, right: _Node) -> _Node:
    ordered = name in ("eq", "ne") or (left.kind in ORDERED and right.kind in ORDERED)
    if not ordered or not alike(left.kind, right.kind):
        raise ExpressionRefused(f"a {left.kind} cannot be compared with a {right.kind}")
    function = COMPARISONS[name]
    return _Node(BOOL, lambda values: function(left.value(values), right.value(values)))


def _literal(text: str) -> tuple[str, Any]:
    """Type and value of a literal; whole numbers become doubles."""
    if text in ("true", "false"):
        return BOOL, text == "true"
    if _POINT_LAST.match(text):
        raise ExpressionRefused(f"a number ends with a point in {text}")
    if text[0] == "-" and text[-1] in "uU":
        raise ExpressionRefused(f"'-' has no meaning before a {UINT}")
    if text[-1:] in "uU" and text[0].isdigit():
        return UINT, int(text[:-1], 0 if text[:2].lower() == "0x" else 10)
    if text.lstrip("-")[:2].lower() == "0x":
        return DOUBLE, float(int(text, 16))
    if text.lstrip("-")[0] in ".0123456789":
        value = float(text)
        if math.isinf(value):
            raise ExpressionRefused(f"{text} is beyond what a double holds")
        return DOUBLE, value
    if text[0] in "'\"rR":
        return TEXT, ast.literal_eval(text)
    raise ExpressionUnknown(f"the literal {text}")


def _what(tree: Any) -> str:
    words = [str(child) for child in tree.children if isinstance(child, str)]
    return words[0] if words else str(tree.data)
