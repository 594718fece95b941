"""Jobs that do something to each row whose moment has come."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

from .jobs import job
from .scope import Work
from .tables import Row
from .world import World

Action = Callable[[Work, Row, datetime], object]


def _scoped(world: World, rows: Iterable[Row]) -> Iterator[tuple[Work, Row]]:
    """The rows with the scope of each, which those of one environment share."""
    known: dict[str, Work] = {}
    for row in rows:
        place = row["environment_id"]
        if place not in known:
            known[place] = Work.on(world, row)
        yield known[place], row


def at_moments(
    *, every: timedelta, name: str, rows: Callable[[World], list[Row]], moment: Callable[[Work, Row], datetime | None]
) -> Callable[[Action], Callable[[World, datetime], None]]:
    """Register as a job what is done, with the time of the run, to each row whose moment has come; one without a moment waits."""

    def due(world: World) -> datetime | None:
        moments = (moment(scope, row) for scope, row in _scoped(world, rows(world)))
        return min((each for each in moments if each is not None), default=None)

    def register(action: Action) -> Callable[[World, datetime], None]:
        @job(every=every, name=name, due=due)
        def run(world: World, now: datetime) -> None:
            for scope, row in _scoped(world, rows(world)):
                wanted = moment(scope, row)
                if wanted is not None and wanted <= now:
                    action(scope, row, now)

        return run

    return register
