"""What a benchmark measured, with every raw figure, and as a page of three bar charts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from lenet.benchmarking.workload import Workload
from lenet.writing import Result
from lenet.writing.document import Bullets, Column, Document, Paragraph, Section, Table
from lenet.writing.numbers import plural, times, whole_percent

#: The contender that the others are compared with.
OURS: Final = "lenet"
#: Each task's chart: what it shows.
_TITLES: Final = {
    "training": "Training: images per second, forward, backward and update",
    "inference": "Inference in batches: images per second",
    "one-image": "One image, NumPy to NumPy: microseconds per call, median (p90); less is better",
}


@dataclass(frozen=True, repr=False)
class Benchmark(Result):
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

    def page(self, form: str = "text", width: int = 80) -> Document:
        """Return a bar chart for each task, and why somebody is left out."""
        work = self.workload
        about = (
            f"batch {work.batch:,}, {plural(work.threads, 'thread')}, float32; medians of "
            f"{plural(len(self.peak_flops), 'round')}"
        )
        frameworks = ", ".join(dict.fromkeys(self.contenders.values()))
        sections = [Section(_TITLES[task], tuple(_blocks(self, task))) for task in self.seconds]
        if self.left_out:
            reasons = (f"{who} is left out: {why}" for who, why in self.left_out.items())
            sections.append(Section("", (Bullets(tuple(reasons)),)))
        below = (f"{self.machine['processor']}; {frameworks}",)
        return Document(self.name or "network", tuple(sections), (about,), below)


def _blocks(result: Benchmark, task: str) -> Iterator[Table | Paragraph]:
    """Yield the chart of a task, and of ours how near it comes to what the machine can do.

    A contender alone has nothing to be compared with, and no bar.
    """
    contenders = tuple(result.seconds[task])
    seconds = [result.median(task, contender) for contender in contenders]
    notes = (
        f"lenet {times(1 / result.ratio(task, contender))} as fast" if contender != OURS else ""
        for contender in contenders
    )
    columns = [Column("", contenders)]
    if task == "one-image":
        lengths = seconds
        tails = [median(result.p90[contender]) for contender in contenders]
        cells = (
            f"{1e6 * s:,.1f} ({1e6 * p90:,.1f})" for s, p90 in zip(seconds, tails, strict=True)
        )
    else:
        lengths = [1 / s for s in seconds]
        cells = (f"{length:,.0f}" for length in lengths)
    columns.append(Column("", tuple(cells), right=True))
    if len(contenders) > 1:
        bars = tuple(length / max(lengths) for length in lengths)
        columns += [Column("", tuple(notes), right=True), Column("", ("",) * len(bars), bars=bars)]
    yield Table(tuple(columns), indent=2)
    if task != "one-image":
        peak = median(result.peak_flops) / 1e9
        yield Paragraph(
            f"{whole_percent(result.fraction_of_peak(task))} % of this machine's multiply-add "
            f"peak, {peak:,.0f} GFLOP/s on {plural(result.workload.threads, 'thread')}"
        )
