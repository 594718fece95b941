"""One request to the delivery service's API, after its token was read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from .model import Application, Endpoint, Message
from .paging import Query
from .replies import entity_not_found
from .serde import Field, read
from .svix import Svix

T = TypeVar("T")


def there(found: T | None) -> T:
    """What was looked for; else 404."""
    if found is None:
        raise entity_not_found()
    return found


@dataclass
class Request:
    """What a handler sees. ``application`` is the one that the path names and the token is for."""

    svix: Svix
    query: Query
    body: bytes
    params: Mapping[str, str] = field(default_factory=dict)
    scope: Application | None = None

    @property
    def application(self) -> Application:
        """The application of the path, if the token is for it; else 404."""
        found = there(self.svix.applications.get(self.params["app"]))
        return there(found if found is self.scope else None)

    @property
    def endpoint(self) -> Endpoint:
        """The endpoint of the path; else 404."""
        return there(self.application.endpoint(self.params["endpoint"]))

    @property
    def message(self) -> Message:
        """The message of the path; else 404."""
        return there(self.application.message(self.params["message"]))

    @property
    def now(self) -> datetime:
        return self.svix.now()

    def read(self, fields: Mapping[str, Field], name: str) -> dict[str, Any]:
        """The body's fields; see :func:`serde.read`."""
        return read(self.body, fields, name)
