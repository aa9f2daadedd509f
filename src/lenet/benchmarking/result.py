"""What a benchmark measured, with every raw figure, and as a person reads it: three bar charts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from statistics import median
from typing import Any, Final

from lenet.analysis.prose import side_by_side, wrapped
from lenet.analysis.units import percent, plural, times
from lenet.benchmarking.workload import Workload
from lenet.terminal import can_show, columns

#: The contender that the others are compared with.
OURS: Final = "lenet"
#: Each task's chart: what it shows.
_TITLES: Final = {
    "training": "Training: images per second, forward, backward and update",
    "inference": "Inference in batches: images per second",
    "one-image": "One image, NumPy to NumPy: microseconds per call, median (p90); less is better",
}
#: What bars are made of, and what takes its place where the terminal has no blocks.
BLOCK: Final = "█"
ASCII_BLOCK: Final = "#"
#: The least that is left for the longest bar.
SHORTEST: Final = 8


@dataclass(frozen=True)
class Benchmark:
    """What :func:`lenet.bench` measured; ``print`` it to read it.

    Attributes:
        name: what the network is called; may be empty.
        workload: the network, the batch and the threads.
        machine: versions and processor.
        contenders: who was measured, ours first, each with its framework and version.
        left_out: who could not be, each with the reason.
        seconds: by task and contender, the seconds per image in each round. Of single images, the
            median of the round's calls.
        p90: by contender, the seconds that nine of ten single images stay below, in each round.
        peak_flops: float32 operations per second of the machine, two per multiply-add, in each
            round.
    """

    name: str
    workload: Workload
    machine: Mapping[str, Any]
    contenders: Mapping[str, str]
    left_out: Mapping[str, str]
    seconds: Mapping[str, Mapping[str, Sequence[float]]]
    p90: Mapping[str, Sequence[float]]
    peak_flops: Sequence[float]

    def median(self, task: str, contender: str = OURS) -> float:
        """Return the seconds per image, the median over the rounds."""
        return median(self.seconds[task][contender])

    def ratio(self, task: str, contender: str) -> float:
        """Return our time as a share of the contender's: below 1 where ours is faster."""
        return self.median(task) / self.median(task, contender)

    def best_peer(self, task: str) -> str | None:
        """Return the fastest of the others at ``task``; None where there is no other."""
        peers = [contender for contender in self.seconds[task] if contender != OURS]
        return min(peers, key=lambda peer: self.median(task, peer), default=None)

    def fraction_of_peak(self, task: str) -> float:
        """Return the share of the machine's multiply-adds that ours reaches.

        They are counted as usually stated. Multiplications by padding count, and those that
        Winograd's transforms save: it may be above 1.
        """
        work = 2 * self.workload.multiply_adds[task]
        return work / self.median(task) / median(self.peak_flops)

    def to_dict(self) -> dict[str, Any]:
        """Return everything, for JSON."""
        return {
            "name": self.name,
            **self.workload.to_dict(),
            "machine": dict(self.machine),
            "contenders": dict(self.contenders),
            "left_out": dict(self.left_out),
            "peak_flops": list(self.peak_flops),
            "tasks": {task: self._task(task) for task in self.seconds},
        }

    def _task(self, task: str) -> dict[str, Any]:
        return {
            "multiply_adds": self.workload.multiply_adds[task],
            "fraction_of_peak": self.fraction_of_peak(task),
            "best_peer": self.best_peer(task),
            "contenders": {
                contender: {
                    "images_per_second": 1 / self.median(task, contender),
                    "ratio": self.ratio(task, contender),
                    "seconds_per_image": list(rounds),
                    **({"p90_seconds": list(self.p90[contender])} if task == "one-image" else {}),
                }
                for contender, rounds in self.seconds[task].items()
            },
        }

    def __str__(self) -> str:
        return render(self, columns(100), BLOCK if can_show(BLOCK) else ASCII_BLOCK)

    def _repr_html_(self) -> str:
        return f"<pre>{escape(render(self))}</pre>"


def render(result: Benchmark, width: int = 80, block: str = BLOCK) -> str:
    """Write ``result`` in lines of at most ``width`` characters, as far as its numbers allow.

    Args:
        result: the benchmark.
        width: in characters.
        block: what bars are made of, one character.
    """
    sections = [list(_header(result, width))]
    sections += [list(_chart(result, task, width, block)) for task in result.seconds]
    if result.left_out:
        reasons = (f"{who} is left out: {reason}" for who, reason in result.left_out.items())
        sections.append([line for text in reasons for line in wrapped(text, width, others="  ")])
    return "\n\n".join("\n".join(lines) for lines in sections)


def _header(result: Benchmark, width: int) -> Iterator[str]:
    work = result.workload
    yield from wrapped(
        f"{result.name or 'network'}    batch {work.batch:,}, {plural(work.threads, 'thread')}, "
        f"float32; medians of {plural(len(result.peak_flops), 'round')}",
        width,
    )
    frameworks = dict.fromkeys(result.contenders.values())
    yield from wrapped(f"{result.machine['processor']}; {', '.join(frameworks)}", width)


def _chart(result: Benchmark, task: str, width: int, block: str) -> Iterator[str]:
    yield _TITLES[task]
    bars = [_bar(result, task, contender) for contender in result.seconds[task]]
    yield from (f"  {line}" for line in draw_bars(bars, width - 2, block))
    if task != "one-image":
        peak = median(result.peak_flops) / 1e9
        yield (
            f"  {percent(result.fraction_of_peak(task))} % of this machine's multiply-add peak, "
            f"{peak:,.0f} GFLOP/s on {plural(result.workload.threads, 'thread')}"
        )


@dataclass(frozen=True)
class Bar:
    """One line of a chart.

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


def _bar(result: Benchmark, task: str, contender: str) -> Bar:
    seconds = result.median(task, contender)
    note = "" if contender == OURS else f"lenet {times(1 / result.ratio(task, contender))} as fast"
    if task == "one-image":
        p90 = median(result.p90[contender])
        return Bar(contender, seconds, f"{1e6 * seconds:,.1f} ({1e6 * p90:,.1f})", note)
    return Bar(contender, 1 / seconds, f"{1 / seconds:,.0f}", note)


def draw_bars(bars: Sequence[Bar], width: int, block: str = BLOCK) -> Iterator[str]:
    """Draw lines of at most ``width`` characters, as far as the words allow.

    Notes stand in a column. A bar alone has nothing to be compared with and is left out.
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
