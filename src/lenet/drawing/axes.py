"""The axes of a chart: which part of the numbers it shows, and where it is labelled."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor, inf, log10
from typing import Final

#: Steps between the labels, at most.
_MOST_STEPS: Final = 5
#: Beyond it, differences of numbers would overflow: shown as infinite.
_HUGE: Final = 1e300
#: Parts of a number by which two are not told apart.
_TINY: Final = 1e-9


@dataclass(frozen=True)
class Axis:
    """A stretch of numbers with labels on it.

    Attributes:
        low: its lower end.
        high: its upper end, always above ``low``.
        ticks: the labelled numbers, in order.
        labels: what stands there.
        logarithmic: are equal distances equal ratios?
    """

    low: float
    high: float
    ticks: tuple[float, ...] = ()
    labels: tuple[str, ...] = ()
    logarithmic: bool = False

    def shows(self, value: float) -> bool:
        """Has ``value`` a place? NaN and infinity have none, nor what is not above 0 in ratios."""
        return _finite(value) and (value >= 1 / _HUGE or not self.logarithmic)

    def share(self, value: float) -> float:
        """Where ``value`` lies: 0 at the low end, 1 at the high one."""
        low, high = self.low, self.high
        if self.logarithmic:
            low, high, value = log10(low), log10(high), log10(value)
        return (value - low) / (high - low)


def linear_axis(
    values: Iterable[float],
    limits: tuple[float, float] = (-inf, inf),
    from_zero: bool = False,
) -> Axis:
    """An axis with labels at round numbers, the first and last of them at its ends.

    Args:
        values: what it must hold; NaN and infinities do not count.
        limits: the least and the greatest value that there can be, beyond which it need not go.
        from_zero: shall it hold 0 too?
    """
    shown = [*filter(_finite, values)]
    if not shown:
        return Axis(0.0, 1.0)
    low, high = min(shown), max(shown)
    if from_zero:
        low, high = min(low, 0.0), max(high, 0.0)
    bottom, top = _apart(low, high)
    step = _round_step(bottom, top)
    ticks = [step * i for i in range(floor(bottom / step + _TINY), ceil(top / step - _TINY) + 1)]
    possible = [tick for tick in ticks if limits[0] <= tick <= limits[1]]
    if len(possible) > 1:
        ticks = possible
    return Axis(min(low, ticks[0]), max(high, ticks[-1]), tuple(ticks), _texts(ticks, step))


def logarithmic_axis(values: Iterable[float]) -> Axis:
    """An axis from one power of ten to another; only what is above 0 has a place on it."""
    shown = [value for value in values if 1 / _HUGE <= value <= _HUGE]
    if not shown:
        return Axis(1.0, 10.0, logarithmic=True)
    first, last = floor(log10(min(shown))), ceil(log10(max(shown)))
    step = max(1, ceil((last - first) / _MOST_STEPS))
    powers = range(first, max(last, first + 1) + step, step)
    ticks = tuple(10.0**power for power in powers)
    labels = (f"{10**power:,g}" if -3 <= power <= 5 else f"1e{power}" for power in powers)
    return Axis(ticks[0], ticks[-1], ticks, tuple(labels), logarithmic=True)


def whole_axis(values: Iterable[int]) -> Axis:
    """An axis of whole numbers from the least to the greatest of ``values``, both labelled."""
    shown = set(values)
    if not shown:
        return Axis(0.0, 1.0)
    low, high = min(shown), max(shown)
    if low == high:
        # At its upper end: that is where the names of lines stand.
        return Axis(low - 1, high, (high,), (f"{high:,}",))
    step = max(1, round(_round_step(low, high)))
    ticks = (low, *range(step * (low // step + 1), high, step), high)
    return Axis(low, high, ticks, tuple(f"{tick:,}" for tick in ticks))


def _finite(value: float) -> bool:
    return abs(value) <= _HUGE


def _apart(low: float, high: float) -> tuple[float, float]:
    """The same two numbers; with room between them if they are one, or nearly so."""
    size = max(abs(low), abs(high), 1 / _HUGE)
    if high - low > _TINY * size:
        return low, high
    room = size / 20 if size > 1 / _HUGE else 0.5
    return low - room, high + room


def _round_step(low: float, high: float) -> float:
    """The least of 1, 2, 5, 10, 20, ... that needs few enough steps from ``low`` to ``high``."""
    least = (high - low) / _MOST_STEPS
    power = 10.0 ** floor(log10(least))
    return next((power * n for n in (1, 2, 5) if power * n >= least * (1 - _TINY)), 10 * power)


def _texts(ticks: Sequence[float], step: float) -> tuple[str, ...]:
    """The numbers with as many digits as tell them apart."""
    largest = max(map(abs, ticks))
    decimals = -floor(log10(step) + _TINY)
    if largest < 1e6 and decimals <= 4:
        return tuple(f"{tick:,.{max(0, decimals)}f}" for tick in ticks)
    digits = floor(log10(largest)) + decimals
    return tuple(_scientific(tick, digits) for tick in ticks)


def _scientific(value: float, digits: int) -> str:
    if not value:
        return "0"
    mantissa, exponent = f"{value:.{digits}e}".split("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}e{int(exponent)}"
