"""The type check of CEL, which the libraries leave out: what a meter's creation refuses although it parses (contract 2.1).

Every name is a double. A comparison of a number with a text, two branches of different types, a condition that is no bool or a
function with other arguments than it takes are refused by the types alone, whatever the values.
"""

from __future__ import annotations

import re
from collections.abc import Collection

_TOKEN = re.compile(
    r"""\s*(?://[^\n]*\s*)*(?:
    (?P<bytes>[bB][rR]?(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'))
    |(?P<string>[rR]?(?:\"{3}.*?\"{3}|'{3}.*?'{3}|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'))
    |(?P<double>(?:\d+\.\d+|\d*\.\d+|\d+)(?:[eE][+-]?\d+)?(?![uU\w]))
    |(?P<uint>(?:0[xX][0-9a-fA-F]+|\d+)[uU])
    |(?P<name>[A-Za-z_]\w*)
    |(?P<sign>==|!=|<=|>=|&&|\|\||[-+*/%<>!?:.,()\[\]{}])
    )""",
    re.VERBOSE | re.DOTALL,
)
_WORDS = {"true": "bool", "false": "bool", "null": "null"}
_LEVELS = (("||",), ("&&",), ("<", "<=", ">", ">=", "==", "!=", "in"), ("+", "-"), ("*", "/", "%"))
_NUMBERS = ("double", "int", "uint")
_ORDERED = (*_NUMBERS, "string", "bytes", "bool", "timestamp", "duration")
_ADDED = (*_NUMBERS, "string", "bytes")
_CONVERSIONS: dict[str, Collection[str]] = {
    "double": ("double", "int", "uint", "string"),
    "int": ("int", "double", "uint", "string", "timestamp", "duration"),
    "uint": ("uint", "double", "int", "string"),
    "string": ("string", "double", "int", "uint", "bool", "bytes", "timestamp", "duration"),
    "bool": ("bool", "string"),
    "bytes": ("bytes", "string"),
    "duration": ("duration", "string", "int"),
    "timestamp": ("timestamp", "string", "int"),
    "dyn": ("dyn", *_ORDERED, "null"),
}
_OF_TEXT = ("contains", "startsWith", "endsWith", "matches")
_DYN = "dyn"
_DEEPEST = 100


class TypeRefused(ValueError):
    """The expression has no type; the message names place, operation and types."""


def type_of(source: str, functions: dict[str, int]) -> str:
    """The type of an expression that parses, all names being doubles; ``functions`` take that many doubles and give one.

    Raises:
        TypeRefused: there is none.
    """
    reader = _Reader(source, functions)
    found = reader.ternary()
    reader.expect("")
    return found


def _alike(one: str, other: str) -> bool:
    return one == other or _DYN in one or _DYN in other


class _Reader:
    """Reads an expression from left to right, giving the type of each part."""

    def __init__(self, source: str, functions: dict[str, int]) -> None:
        self._source = source
        self._functions = functions
        self._depth = 0
        self._end = 0
        self._advance()

    def _advance(self) -> None:
        match = _TOKEN.match(self._source, self._end)
        self._kind, self._text = (match.lastgroup or "", match[match.lastgroup or 0]) if match else ("", "")
        self._start = match.start(self._kind) if match else len(self._source)
        self._end = match.end() if match else len(self._source)
        if match is None and self._source[self._start :].strip():
            raise TypeRefused("Syntax error")

    def _take(self, *texts: str) -> str:
        """The next sign or word if it is one of these, which is then behind us; else nothing."""
        if self._kind in ("sign", "name") and self._text in texts:
            taken = self._text
            self._advance()
            return taken
        return ""

    def expect(self, text: str) -> None:
        """What must come now; nothing stands for the end."""
        if not self._take(text) if text else self._text:
            raise TypeRefused("Syntax error")

    def _mismatch(self, operation: str, *types: str, at: int) -> TypeRefused:
        where = f"ERROR: <input>:1:{at + 1}"
        return TypeRefused(f"{where}: found no matching overload for '{operation}' applied to '({', '.join(types)})'")

    def ternary(self) -> str:
        """A whole expression."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise TypeRefused("expression recursion limit exceeded")
        condition, at = self._binary(0), self._start
        if self._take("?"):
            first = self.ternary()
            self.expect(":")
            second = self.ternary()
            if not _alike(condition, "bool") or not _alike(first, second):
                raise self._mismatch("_?_:_", condition, first, second, at=at)
            condition = second if first == _DYN else first
        self._depth -= 1
        return condition

    def _binary(self, level: int) -> str:
        if level == len(_LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while True:
            at, sign = self._start, self._take(*_LEVELS[level])
            if not sign:
                return left
            left = self._joined(sign, left, self._binary(level + 1), at)

    def _joined(self, sign: str, left: str, right: str, at: int) -> str:
        name = f"@{sign}" if sign == "in" else f"_{sign}_"
        if sign in ("&&", "||"):
            fits, result = _alike(left, "bool") and _alike(right, "bool"), "bool"
        elif sign == "in":
            fits, result = right == _DYN or _holds(right, left), "bool"
        elif sign in ("==", "!="):
            fits, result = _alike(left, right), "bool"
        elif sign in ("<", "<=", ">", ">="):
            fits, result = _alike(left, right) and (left in _ORDERED or left == _DYN), "bool"
        else:
            known = {"%": ("int", "uint"), "+": _ADDED}.get(sign, _NUMBERS)
            lists = sign == "+" and left.startswith("list(")
            fits, result = _alike(left, right) and (left in known or _DYN in (left, right) or lists), left
        if not fits:
            raise self._mismatch(name, left, right, at=at)
        return result

    def _unary(self) -> str:
        at, sign = self._start, self._take("-", "!")
        if not sign:
            return self._member()
        operand = self._unary()
        if operand not in (("int", "double", _DYN) if sign == "-" else ("bool", _DYN)):
            raise self._mismatch(f"{sign}_", operand, at=at)
        return operand

    def _member(self) -> str:
        found = self._primary()
        while True:
            at = self._start
            if self._take("."):
                found = self._selected(found, at)
            elif self._take("["):
                index = self.ternary()
                self.expect("]")
                if not found.startswith(("list(", "map(", _DYN)):
                    raise self._mismatch("_[_]", found, index, at=at)
                found = _DYN
            else:
                return found

    def _selected(self, owner: str, at: int) -> str:
        name = self._text
        if self._kind != "name":
            raise TypeRefused("Syntax error")
        self._advance()
        if self._take("("):
            return self._method(owner, name, at)
        if owner.startswith(("map(", _DYN)):
            return _DYN
        raise TypeRefused(f"ERROR: <input>:1:{at + 1}: type '{owner}' does not support field selection")

    def _method(self, owner: str, name: str, at: int) -> str:
        if owner.startswith(("list(", "map(", _DYN)):
            self._skip()  # a macro brings names of its own
            return _DYN
        given = self._arguments()
        if name == "size" and owner in ("string", "bytes"):
            return "int"
        if name in _OF_TEXT and owner == "string" and given == ["string"]:
            return "bool"
        raise self._mismatch(name, owner, *given, at=at)

    def _skip(self) -> None:
        depth = 1
        while depth:
            if not self._text:
                raise TypeRefused("Syntax error")
            depth += {"(": 1, ")": -1}.get(self._text, 0) if self._kind == "sign" else 0
            self._advance()

    def _arguments(self, end: str = ")") -> list[str]:
        found: list[str] = []
        while not self._take(end):
            if found:
                self.expect(",")
            found.append(self.ternary())
        return found

    def _primary(self) -> str:
        kind, word, at = self._kind, self._text, self._start
        if not word:
            raise TypeRefused("Syntax error")
        self._advance()
        if kind == "name":
            return self._called(word, at) if self._take("(") else _WORDS.get(word, "double")
        if kind != "sign":
            return kind
        if word == "(":
            found = self.ternary()
            self.expect(")")
            return found
        if word == "[":
            members = self._arguments("]")
            return f"list({members[0] if len(set(members)) == 1 else _DYN})"
        if word == "{":
            return self._map()
        raise TypeRefused("Syntax error")

    def _map(self) -> str:
        keys: list[str] = []
        while not self._take("}"):
            if keys:
                self.expect(",")
            keys.append(self.ternary())
            self.expect(":")
            self.ternary()
        return f"map({keys[0] if len(set(keys)) == 1 else _DYN}, {_DYN})"

    def _called(self, name: str, at: int) -> str:
        if name == "has":
            self._skip()
            raise TypeRefused(f"ERROR: <input>:1:{at + 1}: type 'double' does not support field selection")
        given = self._arguments()
        if name in self._functions:
            fits, result = given == ["double"] * self._functions[name] or _DYN in given, "double"
        elif name in _CONVERSIONS:
            fits, result = len(given) == 1 and (given[0] in _CONVERSIONS[name] or given[0] == _DYN), name
        elif name == "size":
            fits, result = len(given) == 1 and given[0].startswith(("string", "bytes", "list(", "map(", _DYN)), "int"
        elif name == "type":
            fits, result = len(given) == 1, "type"
        elif name == "matches":
            fits, result = given == ["string", "string"], "bool"
        else:
            raise TypeRefused(f"ERROR: <input>:1:{at + 1}: undeclared reference to '{name}' (in container '')")
        if not fits:
            raise self._mismatch(name, *given, at=at)
        return result


def _holds(container: str, member: str) -> bool:
    """Whether a list or a map may hold such a member or key."""
    kind, _, rest = container.partition("(")
    return kind in ("list", "map") and _alike(rest.rstrip(")").partition(",")[0], member)
