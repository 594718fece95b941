"""Flexprice's JSON becomes a typed record, or one refusal: an object of which nothing can be concluded is not verified."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from pytest_flexprice.model.finding import Finding, Kind, NotVerified

C = TypeVar("C")
P = ParamSpec("P")
T = TypeVar("T")


class Unparsed(NotVerified, ValueError):
    """An object of the server's has not the form that Flexprice gives it."""


def parses(
    kind: str,
) -> Callable[[Callable[Concatenate[C, Mapping[str, Any], P], T]], Callable[Concatenate[C, Mapping[str, Any], P], T]]:
    """A class method that reads an object of a ``kind`` such as "price"; whatever goes wrong in it is told of that object.

    The method raises ``Unparsed`` where something is missing in the object, or is of another type than Flexprice's.
    """

    def wrap(
        read: Callable[Concatenate[C, Mapping[str, Any], P], T],
    ) -> Callable[Concatenate[C, Mapping[str, Any], P], T]:
        @wraps(read)
        def reading(cls: C, data: Mapping[str, Any], /, *args: P.args, **kwargs: P.kwargs) -> T:
            try:
                return read(cls, data, *args, **kwargs)
            except Unparsed:
                raise
            except KeyError as error:
                raise _unparsed(kind, data, f"it has no '{error.args[0]}'") from error
            except (ValueError, TypeError, AttributeError, ArithmeticError) as error:
                raise _unparsed(kind, data, str(error)) from error

        return reading

    return wrap


def _unparsed(kind: str, data: Any, problem: str) -> Unparsed:
    name = _name(data)
    told = Finding(
        "",
        f"{kind}s.{name}",
        f"{kind} '{name}': {problem}, so nothing can be concluded from it",
        remedy="see what stands between this machine and Flexprice",
        kind=Kind.NOT_VERIFIED,
    )
    return Unparsed([told])


def _name(data: Any) -> str:
    if not isinstance(data, dict):
        return type(data).__name__
    named = (data.get(key) for key in ("display_name", "name", "event_name", "id"))
    return next((one for one in named if isinstance(one, str) and one), "without a name")
