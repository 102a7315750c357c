"""Which colour, marker and dash a row has: a plugin keeps its own in every figure and every report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

#: Okabe and Ito's colours, which any colour vision tells apart, without black and yellow, which
#: are invisible on a dark or a white page; and grey.
PALETTE = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#7f8790")
MARKERS = ("o", "s", "D", "^", "v", "P", "X")
DASHES = ("-", "--", ":", "-.")

#: The paths of MARKERS, around 0, 5 wide in each direction.
SHAPES = (
    "M-4.2 0a4.2 4.2 0 1 0 8.4 0a4.2 4.2 0 1 0 -8.4 0Z",
    "M-3.8 -3.8H3.8V3.8H-3.8Z",
    "M0 -5.2L5.2 0L0 5.2L-5.2 0Z",
    "M0 -5L4.8 3.8H-4.8Z",
    "M0 5L4.8 -3.8H-4.8Z",
    "M-1.7 -5H1.7V-1.7H5V1.7H1.7V5H-1.7V1.7H-5V-1.7H-1.7Z",
    "M-2.6 -5L0 -2.4L2.6 -5L5 -2.6L2.4 0L5 2.6L2.6 5L0 2.4L-2.6 5L-5 2.6L-2.4 0L-5 -2.6Z",
)

#: Plugins and frameworks whose place among all looks is given: a new one is added at the end.
KNOWN = (
    "native-bptt", "snntorch-bptt", "spikingjelly-bptt", "native-superspike", "native-stdp",
    "native-dfa", "ann-relu", "snntorch-conversion", "spikingjelly-conversion",
    "native-eligibility", "native-relu-spike", "spikingjelly-stdp", "spikingjelly-stdp-supervised",
    "native", "norse", "sinabs", "snntorch", "spikingjelly", "norse-bptt", "sinabs-bptt",
)  # fmt: skip


@dataclass(frozen=True)
class Look:
    """A row's colour, marker and dash: the same in every figure, and no other row's.

    `colour`, `marker` and `dash` are those of matplotlib, `places` their places in PALETTE, MARKERS
    and DASHES.
    """

    places: tuple[int, int, int]

    @property
    def colour(self) -> str:
        """The colour in hexadecimal digits."""
        return PALETTE[self.places[0]]

    @property
    def marker(self) -> str:
        """The marker's letter."""
        return MARKERS[self.places[1]]

    @property
    def dash(self) -> str:
        """The style of a line."""
        return DASHES[self.places[2]]


def looks(plugins: Sequence[str]) -> list[Look]:
    """A look for each row, given its plugin's name.

    A plugin's first row has the plugin's own look: of a known one from the table, of any other one from
    its name. Its further rows, and a plugin that would look like another, take the next free look.
    """
    seen: Counter[str] = Counter()
    order = []
    for place, name in enumerate(plugins):
        # First all plugins' first rows, those of the table before others.
        order.append((seen[name] > 0, name not in KNOWN, place, seen[name]))
        seen[name] += 1
    by_place: dict[int, Look] = {}
    taken: set[tuple[int, int]] = set()
    colours: dict[str, set[int]] = {name: set() for name in plugins}
    for _, _, place, turn in sorted(order):
        colour, marker = own(plugins[place]).places[:2]
        for step in range(turn, turn + len(PALETTE) * len(MARKERS)):
            # Every colour with the marker that follows, then with the one after it.
            pair = (
                (colour + step) % len(PALETTE),
                (marker + step + step // len(PALETTE)) % len(MARKERS),
            )
            # Rows of one plugin, which are often drawn over each other, differ in colour.
            if pair not in taken and (
                pair[0] not in colours[plugins[place]] or turn >= len(PALETTE)
            ):
                break
        taken.add(pair)
        colours[plugins[place]].add(pair[0])
        by_place[place] = Look((*pair, (pair[1] - pair[0]) % len(MARKERS) % len(DASHES)))
    return [by_place[place] for place in range(len(plugins))]


def own(plugin: str) -> Look:
    """The look of a plugin's first row where no other has it."""
    every = len(PALETTE) * len(MARKERS)
    place = KNOWN.index(plugin) if plugin in KNOWN else crc32(plugin.encode("utf-8", "replace"))
    place %= every
    turn = place // len(PALETTE)
    colour = place % len(PALETTE)
    marker = (colour + turn) % len(MARKERS)
    return Look((colour, marker, turn % len(DASHES)))
