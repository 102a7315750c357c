"""Where a preset's setting is written, what was reported for it, and what the preset does otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.plugin.contract import Value


@dataclass(frozen=True)
class Reported:
    """A test accuracy, in [0, 1], that a source gives for one setting.

    `params` are the values that the setting has beside the preset's own, as where a table has a row for
    each size; `where` is the place in the source, as "table 2" or "first cell's output".
    """

    accuracy: float
    where: str
    params: Mapping[str, Value] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises ValueError where `accuracy` is no fraction."""
        if not 0 <= self.accuracy <= 1:
            raise ValueError(f"a reported accuracy is a fraction: {self.accuracy} is not in [0, 1]")


@dataclass(frozen=True)
class Source:
    """A paper or an experiment, cited, and how a preset relates to it.

    `authors` may be a file's name where nobody is named, `year` 0 where it has no date, `url` a DOI or an
    address ("" where there is none). `departures` are all that the preset does otherwise, a sentence each:
    with none it is literal, and only then its accuracy is compared with the reported one. `mended` is what
    had to change for the source's own code to do what its text says. `reported` holds the figures, by task.
    """

    title: str
    authors: str
    year: int = 0
    url: str = ""
    departures: Sequence[str] = ()
    mended: Sequence[str] = ()
    reported: Mapping[str, Sequence[Reported]] = field(default_factory=dict)

    @property
    def citation(self) -> str:
        """Authors, year, title and address in one line."""
        return cite(self.authors, self.year, self.title, self.url)


def cite(authors: str, year: int, title: str, url: str = "") -> str:
    """A source in one line."""
    named = f"{authors} {year}" if year else authors
    return f'{named}, "{title}"{f", {url}" if url else ""}'
