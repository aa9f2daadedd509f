"""What a benchmark found, with every raw figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from lenet.benchmarking.workload import Workload

#: The contender that the others are compared with.
OURS: Final = "lenet"


@dataclass(frozen=True)
class Benchmark:
    """What :func:`lenet.bench` found; ``print`` it to read it.

    Attributes:
        name: what the network is called; may be empty.
        workload: the network, the batch and the threads.
        machine: versions and processor.
        contenders: who was measured, ours first, each with its framework and version.
        left_out: who could not be, each with the reason.
        seconds: by task and contender, the seconds an image took in each round. Of single images,
            the median of the round's calls.
        p90: by contender, the seconds that nine of ten single images stay below, in each round.
        peak_flops: float32 operations a second of the machine, two a multiply-add, in each round.
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
        """Seconds an image, the median over the rounds."""
        return median(self.seconds[task][contender])

    def ratio(self, task: str, contender: str) -> float:
        """Our time as a share of the contender's: below 1 where ours is faster."""
        return self.median(task) / self.median(task, contender)

    def best_peer(self, task: str) -> str | None:
        """The fastest of the others at ``task``; None where there is no other."""
        peers = [contender for contender in self.seconds[task] if contender != OURS]
        return min(peers, key=lambda peer: self.median(task, peer), default=None)

    def fraction_of_peak(self, task: str) -> float:
        """The share of the machine's multiply-adds that ours reaches, counted as usually stated.

        Multiplications by padding count, and those that Winograd's transforms save: it may be
        above 1.
        """
        work = 2 * self.workload.multiply_adds[task]
        return work / self.median(task) / median(self.peak_flops)

    def to_dict(self) -> dict[str, Any]:
        """Everything, for JSON."""
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
        from lenet.benchmarking.text import render_benchmark

        return render_benchmark(self)
