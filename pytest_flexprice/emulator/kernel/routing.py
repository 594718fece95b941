"""The table of routes, with gin's rules: exact case, static before parameter, a trailing slash redirects (contract 1.1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Handler = Callable[[Any], Any]
"""Takes the :class:`call.Call` (the delivery service's API: its request) and gives the answer."""


@dataclass(frozen=True)
class Route:
    """One operation. ``permission`` is ``entity:action``; ``public`` needs no key; ``tenant_wide`` needs no
    environment; ``super_admin`` needs a super_admin *user*; ``body_limit`` is in bytes."""

    method: str
    pattern: str
    handler: Handler
    permission: str | None = None
    public: bool = False
    tenant_wide: bool = False
    super_admin: bool = False
    body_limit: int | None = None


@dataclass
class _Node:
    static: dict[str, _Node] = field(default_factory=dict)
    param: _Node | None = None
    route: Route | None = None
    rest: Route | None = None


class Router:
    """Finds the route of a method and path."""

    def __init__(self) -> None:
        self._roots: dict[str, _Node] = {}

    def add(self, route: Route, *, replace: bool = True) -> None:
        """Register a route; a last part ``*name`` takes all that follows. With ``replace=False`` an existing one stays."""
        node = self._roots.setdefault(route.method, _Node())
        for part in route.pattern.split("/")[1:]:
            if part.startswith("*"):
                node.rest = route
                return
            if part.startswith(":"):
                node.param = node.param or _Node()
                node = node.param
            else:
                node = node.static.setdefault(part, _Node())
        if node.route is None or replace:
            node.route = route

    def match(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """The route and its path parameters, or ``None``."""
        root = self._roots.get(method)
        if root is None or not path.startswith("/"):
            return None
        parts = path.split("/")[1:]
        route = _walk(root, parts, 0)
        if route is None:
            return None
        names = route.pattern.split("/")[1:]
        return route, {name[1:]: part for name, part in zip(names, parts, strict=False) if name.startswith(":")}

    def redirect(self, method: str, path: str) -> str | None:
        """The path with one trailing slash more or less, when that one is a route."""
        other = path[:-1] if path.endswith("/") else path + "/"
        return other if other and not other.startswith("//") and self.match(method, other) else None

    def routes(self) -> list[Route]:
        """Every route."""
        found: list[Route] = []
        stack = list(self._roots.values())
        while stack:
            node = stack.pop()
            found += [route for route in (node.route, node.rest) if route]
            stack += [*node.static.values(), *([node.param] if node.param else [])]
        return sorted(found, key=lambda route: (route.pattern, route.method))


def _walk(node: _Node, parts: list[str], index: int) -> Route | None:
    if index == len(parts):
        return node.route
    part = parts[index]
    child = node.static.get(part)
    found = _walk(child, parts, index + 1) if child else None
    if found is None and node.param is not None and part:
        found = _walk(node.param, parts, index + 1)
    return found or node.rest


ROUTER = Router()


def route(
    method: str,
    pattern: str,
    *,
    permission: str | None = None,
    public: bool = False,
    tenant_wide: bool = False,
    super_admin: bool = False,
    body_limit: int | None = None,
) -> Callable[[Handler], Handler]:
    """Register a handler: ``@route("POST", "/v1/customers", permission="customer:write")``."""

    def register(handler: Handler) -> Handler:
        ROUTER.add(Route(method, pattern, handler, permission, public, tenant_wide, super_admin, body_limit))
        return handler

    return register
