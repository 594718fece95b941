"""A reading that Flexprice refuses is something that could not be observed, neither met nor not met."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pytest_flexprice.api.errors import ApiError
from pytest_flexprice.model.finding import not_verified


@contextmanager
def observing(item: str, what: str) -> Iterator[None]:
    """Read ``what``, such as "the catalog".

    Raises:
        NotVerified: Flexprice refused; the sentence says what and why.
    """
    try:
        yield
    except ApiError as error:
        remedy = "use a key that may read it" if error.status in (401, 403) else ""
        raise not_verified(item, what, f"{what} could not be read: {str(error).rstrip('.')}", remedy=remedy) from error
