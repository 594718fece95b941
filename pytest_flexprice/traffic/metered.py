"""Meters as a comparison needs them: what their points in the environment's totals say, and in which stretches (contract 11.1)."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_flexprice.model.meters import Meter
from pytest_flexprice.traffic.log import DAY

_SECONDS = {"MINUTE": 60, "15MIN": 900, "30MIN": 1800, "HOUR": 3600, "3HOUR": 10_800, "6HOUR": 21_600, "12HOUR": 43_200,
            "DAY": DAY, "WEEK": 7 * DAY, "MONTH": 31 * DAY}  # fmt: skip


@dataclass(frozen=True)
class Metered:
    """A meter with the feature that shows it."""

    meter: Meter
    feature: str
    title: str

    @property
    def counts_ids(self) -> bool:
        """Whether it counts every event of its name, so that no property need be read."""
        return not self.meter.filters and not self.meter.aggregation.expression

    @property
    def adds_up(self) -> bool:
        """Whether the environment's sum says something: multiplied and weighted sums are shown as 0 there."""
        return self.meter.aggregation.type == "SUM"

    @property
    def bucket(self) -> int:
        """The seconds of its own buckets, 0 where it has none; a month counts as its longest."""
        return _SECONDS.get(self.meter.aggregation.bucket_size, 0)

    @property
    def is_long(self) -> bool:
        """Whether its buckets are longer than a day: where they begin is not known for sure, so only their sum is compared."""
        return self.bucket > DAY

    def stretch(self, size: int) -> int:
        """The seconds of the points that are answered: those of its own buckets, whatever larger size is asked for."""
        return self.bucket or size
