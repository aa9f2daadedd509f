"""A bar chart in a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from lenet.writing.prose import side_by_side

#: What bars are made of, and what takes its place where the terminal has no blocks.
BLOCK: Final = "█"
ASCII_BLOCK: Final = "#"
#: The least that is left for the longest bar.
SHORTEST: Final = 8


@dataclass(frozen=True)
class Bar:
    """One line of the chart.

    Attributes:
        label: whose it is.
        value: how long it is, at least 0.
        figure: the value as it is written.
        note: what stands behind the bar; may be empty.
    """

    label: str
    value: float
    figure: str
    note: str = ""


def draw_bars(bars: Sequence[Bar], width: int, block: str = BLOCK) -> Iterator[str]:
    """Lines of at most ``width`` characters, as far as the words allow; notes stand in a column.

    A bar alone has nothing to be compared with and is left out.
    """
    if len(bars) == 1:
        yield "  ".join(text for text in (bars[0].label, bars[0].figure, bars[0].note) if text)
        return
    labels = side_by_side([(bar.label, bar.figure) for bar in bars], right={1})
    notes = max(len(bar.note) for bar in bars)
    room = max(SHORTEST, width - len(labels[0]) - notes - 4)
    largest = max(bar.value for bar in bars) or 1.0
    for label, bar in zip(labels, bars, strict=True):
        # A bar that is there at all is seen.
        length = max(1, round(room * bar.value / largest)) if bar.value else 0
        yield f"{label}  {block * length:<{room}}  {bar.note:>{notes}}".rstrip()
