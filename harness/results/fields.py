"""What the fields of records are made of: series of times, and where a setting is written."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from harness.plugin.sources import cite
from harness.results.reading import Amount
from harness.subjects import Data

#: A count, and the place of something in a list; more is a mistake.
Count = Annotated[int, Field(ge=0, lt=2**63)]
Place = Annotated[int, Field(ge=0, lt=2**31)]


class Versus(Data):
    """A row's time over the baseline's: `ratio` below 1 is faster.

    `low` and `high` are its 95 % interval, absent where nothing is known of the noise; `p` is that of two
    equal rows: see `harness.results.comparison`.
    """

    ratio: Amount
    low: Amount | None = None
    high: Amount | None = None
    p: Annotated[float, Field(ge=0, le=1)]
    verdict: Literal["faster", "slower", "tie"]


class Outliers(Data):
    """Calls far above the others: `count` of `calls`, the slowest as a multiple of the median."""

    count: Count
    calls: Count
    slowest: Amount


class Series(Data):
    """What is known of one series of times beside its metrics.

    `noise_floor` is the relative difference that equal rows of the group stay below in 95 % of
    cases, `versus` the comparison with the baseline (absent for the baseline itself). `unsteady` is how
    many times as long as the faster of its two processes the slower one took, where that is far more than
    those of the other rows differ by.
    """

    batch: Count
    rounds: Count
    outliers: Outliers
    noise_floor: Amount | None = None
    versus: Versus | None = None
    unsteady: Amount | None = None


class Cited(Data):
    """Where a trial's setting is written; `accuracy` is its figure, and `where` in the source that stands.

    The rest is that of `harness.plugin.Source`.
    """

    title: str
    authors: str
    year: Annotated[int, Field(ge=-9999, le=9999)] = 0
    url: str = ""
    where: str = ""
    accuracy: Annotated[float, Field(ge=0, le=1)] | None = None
    departures: tuple[str, ...] = ()
    mended: tuple[str, ...] = ()

    @property
    def citation(self) -> str:
        """Authors, year, title and address in one line."""
        return cite(self.authors, self.year, self.title, self.url)
