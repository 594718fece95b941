"""The CEL library behind expressions of meters: common-expression-language, and cel-python where that one has no build.

Both are loaded on first use only. A program is compiled once and evaluated with doubles.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any, Protocol

Function = Callable[..., float]
_WORDS = frozenset({"true", "false", "null"})


class CelError(ValueError):
    """The library refuses the source, or its evaluation failed."""


def _told(error: Exception) -> str:
    """The first place that does not parse, in the words of CEL's grammar, without what the library puts around them."""
    first = str(error).partition("\n")[0]
    return first[first.find("ERROR: ") :] if "ERROR: " in first else f"ERROR: <input>: Syntax error: {first}"


class Program(Protocol):
    """A compiled expression."""

    names: tuple[str, ...]
    """The variables that it reads."""

    def evaluate(self, variables: Mapping[str, float]) -> Any:
        """The value as a Python value; raises :class:`CelError`."""


class NativeProgram:
    """A program of common-expression-language, which is compiled code."""

    def __init__(self, source: str, functions: Mapping[str, Function]) -> None:
        cel = importlib.import_module("cel")
        try:
            self._program = cel.compile(source)
        except ValueError as error:
            raise CelError(_told(error)) from error
        self._functions = dict(functions)
        self.names: tuple[str, ...] = tuple(name for name in self._program.variables() if name not in _WORDS)

    def evaluate(self, variables: Mapping[str, float]) -> Any:
        try:
            return self._program.execute({**variables, **self._functions})
        except (TypeError, RuntimeError, ValueError, ArithmeticError, LookupError) as error:
            raise CelError(str(error)) from error


class PurePythonProgram:
    """A program of cel-python, which runs everywhere and is some hundred times slower."""

    def __init__(self, source: str, functions: Mapping[str, Function]) -> None:
        self._celpy = importlib.import_module("celpy")
        self._types = importlib.import_module("celpy.celtypes")
        environment = self._celpy.Environment()
        try:
            tree = environment.compile(source)
        except self._celpy.CELParseError as error:
            raise CelError(_told(error)) from error
        called = {name: self._wrapped(function) for name, function in functions.items()}
        self._program = environment.program(tree, functions=called)
        found = (str(node.children[0]) for node in tree.find_data("ident"))
        self.names: tuple[str, ...] = tuple(sorted({name for name in found if name not in _WORDS}))

    def _wrapped(self, function: Function) -> Callable[..., Any]:
        def call(*values: Any) -> Any:
            if not all(isinstance(value, self._types.DoubleType) for value in values):
                raise TypeError("no such overload")
            return self._types.DoubleType(function(*(float(value) for value in values)))

        return call

    def evaluate(self, variables: Mapping[str, float]) -> Any:
        doubles = {name: self._types.DoubleType(value) for name, value in variables.items()}
        try:
            value = self._program.evaluate(doubles)
        except (self._celpy.CELEvalError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise CelError(str(error)) from error
        if isinstance(value, self._types.BoolType):
            return bool(value)
        return float(value) if isinstance(value, float) else int(value) if isinstance(value, int) else value


def program(source: str, functions: Mapping[str, Function]) -> Program:
    """A compiled program by the best library that is installed; raises :class:`CelError` for a source that is no CEL."""
    try:
        return NativeProgram(source, functions)
    except ModuleNotFoundError:
        return PurePythonProgram(source, functions)
