"""Networks of every kind, each trained and run here and in PyTorch: where do we lose?

    python benchmarks/grid.py [--only NAME...] [--quick] [--json FILE] [--markdown FILE]

Every network below runs on 1 and on 2 threads, on random images in memory: whole training steps
(plain SGD), and inference in batches of the same size. PyTorch runs eager and in channels_last
layout, and the better counts. All take turns, round after round, and medians are compared; a ratio
is our time as a share of PyTorch's, so above 1 we lose. The table has the losing points first.
Before anything is measured, all must give the same scores. Needs `pip install ".[bench]"`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import geometric_mean
from typing import Any

from lenet.benchmarking.measuring import OURS, Workers, measure
from lenet.benchmarking.result import Benchmark
from lenet.benchmarking.workload import Workload
from lenet.net import parse_network, zoo
from lenet.version import machine

PEERS = ("torch-eager", "torch-channels-last")
TASKS = ("training", "inference")
THREADS = (1, 2)


@dataclass(frozen=True)
class Point:
    """A network of the grid: its name, its notation, images a batch, and why it is there."""

    name: str
    network: str
    batch: int
    why: str


LENET = (
    "1x28x28 | conv 6 k5 sigmoid, maxpool 2 | conv 16 k5 sigmoid, maxpool 2 "
    "| dense 120 sigmoid, dense 84 sigmoid, dense 10"
)
WIDE_DENSE = "1x28x28 | conv 8 k5 relu, maxpool 2 | dense 1024 relu, dense 10"
KERAS = (
    "1x28x28 | conv 32 k3 relu, maxpool 2 | conv 64 k3 relu, maxpool 2 | dense 128 relu, dense 10"
)
TINY = "1x8x8 | conv 4 k3 relu | dense 10"

GRID = (
    Point("lenet", LENET, 256, "the article's, as in run.py"),
    Point("lenet-1", LENET, 1, "a batch of one image, which has kernels of its own"),
    Point("lenet-16", LENET, 16, "a batch that one or two vectors hold"),
    Point("lenet-1024", LENET, 1024, "a batch larger than any cache"),
    Point("lenet-relu", LENET.replace("sigmoid", "relu"), 128, "what `lenet train` trains"),
    Point(
        "lenet-d2l",
        LENET.replace("k5 sigmoid", "k5 p2 sigmoid", 1).replace("maxpool", "avgpool"),
        256,
        "padding, and average pooling",
    ),
    Point("tiny-1", TINY, 1, "hardly any work: what a step costs by itself"),
    Point("tiny-1024", TINY, 1024, "hardly any work, many images"),
    Point("digits", "1x8x8 | conv 8 k3 relu, maxpool 2 | dense 10", 32, "the smallest images"),
    Point("kernel-7", "1x28x28 | conv 16 k7 relu, maxpool 2 | dense 10", 128, "the largest kernel"),
    Point(
        "kernel-1",
        "3x16x16 | conv 32 k1 relu | conv 64 k1 relu, avgpool 4 | dense 10",
        64,
        "the smallest kernel: matrix products, and the widest map",
    ),
    Point(
        "kernel-2",
        "1x16x16 | conv 12 k2 tanh, maxpool 2 | conv 24 k2 tanh | dense 10",
        100,
        "an even kernel, and a batch that fills no vectors",
    ),
    Point(
        "rectangles",
        "1x20x40 | conv 8 k3x5 p1x2 tanh, maxpool 2x3 | conv 16 k1x3 silu | dense 10",
        64,
        "nothing square",
    ),
    Point(
        "strides",
        "1x28x28 | conv 8 k3 s2 p1 relu | conv 16 k3 s2 p1 relu | conv 32 k3 s2 p1 relu | dense 10",
        128,
        "strides in place of pooling",
    ),
    Point(
        "silu",
        "1x28x28 | conv 16 k3 p1 silu, maxpool 2 | conv 32 k3 p1 silu, maxpool 2 "
        "| dense 64 silu, dense 10",
        128,
        "an activation that must come before the pooling",
    ),
    Point("compact", str(zoo.compact()), 128, "what `--recipe best` trains: normalised, 3x3"),
    Point(
        "narrow-5",
        "1x32x32 | conv 4 k3 p1 relu, conv 4 k3 p1 relu, maxpool 2 | conv 4 k3 p1 relu, "
        "conv 4 k3 p1 relu, maxpool 2 | conv 4 k3 p1 relu, maxpool 2 | dense 10",
        256,
        "five convolutions of the fewest channels",
    ),
    Point(
        "growing-5",
        "1x32x32 | conv 8 k3 p1 relu, conv 8 k3 p1 relu, maxpool 2 | conv 16 k3 p1 relu, "
        "conv 16 k3 p1 relu, maxpool 2 | conv 32 k3 p1 relu, maxpool 2 | dense 64 relu, dense 10",
        128,
        "five convolutions whose channels grow",
    ),
    Point(
        "wide-5",
        "3x16x16 | conv 64 k3 p1 relu, conv 64 k3 p1 relu, maxpool 2 | conv 64 k3 p1 relu, "
        "conv 64 k3 p1 relu, maxpool 2 | conv 64 k3 p1 relu | dense 10",
        16,
        "five convolutions of the most channels: matrix products at heart",
    ),
    Point("keras", KERAS, 128, "the MNIST example of Keras"),
    Point("keras-1", KERAS, 1, "the same, one image at a time"),
    Point(
        "pytorch",
        "1x28x28 | conv 32 k3 relu, conv 64 k3 relu, maxpool 2 | dense 128 relu, dense 10",
        32,
        "the MNIST example of PyTorch, without dropout",
    ),
    Point(
        "colour-32",
        "3x32x32 | conv 16 k3 p1 relu, maxpool 2 | conv 32 k3 p1 relu, maxpool 2 "
        "| dense 64 relu, dense 10",
        64,
        "colour images of CIFAR's size",
    ),
    Point(
        "cifar-quick",
        "3x32x32 | conv 32 k5 p2 relu, maxpool 3 s2 | conv 32 k5 p2 relu, avgpool 3 s2 "
        "| conv 64 k5 p2 relu, avgpool 3 s2 | dense 64, dense 10",
        32,
        "windows that overlap: Caffe's CIFAR example",
    ),
    Point(
        "colour-64",
        "3x64x64 | conv 16 k5 s2 p2 relu | conv 32 k3 p1 relu, maxpool 2 | conv 64 k3 p1 relu, "
        "maxpool 2 | dense 10",
        16,
        "the largest images, in colour",
    ),
    Point(
        "grey-64",
        "1x64x64 | conv 8 k7 s2 relu, maxpool 2 | conv 16 k5 relu, maxpool 2 | dense 10",
        64,
        "the largest images, in grey",
    ),
    Point("dense-1024", WIDE_DENSE, 256, "the widest dense layer: matrix products"),
    Point("dense-1024-1", WIDE_DENSE, 1, "the same, one image: weights read from memory"),
    Point(
        "dense-512",
        "1x16x16 | conv 4 k3 relu, maxpool 2 | dense 512 relu, dense 512 relu, dense 10",
        64,
        "two wide dense layers",
    ),
    Point(
        "outputs-1000",
        "1x28x28 | conv 8 k5 relu, maxpool 2 | dense 128 relu, dense 1000",
        128,
        "a thousand classes",
    ),
    Point("no-convolution", "1x28x28 | dense 256 relu, dense 10", 128, "dense layers alone"),
)


@dataclass(frozen=True)
class Effort:
    """How much is measured: seconds a figure, rounds, and numbers of threads."""

    seconds: float = 0.5
    rounds: int = 5
    threads: tuple[int, ...] = THREADS


QUICK = Effort(seconds=0.15, rounds=3, threads=(2,))


@dataclass(frozen=True)
class Result:
    """What a point came to on one number of threads."""

    point: Point
    found: Benchmark

    def peer(self, task: str) -> str:
        """The faster way of PyTorch."""
        best = self.found.best_peer(task)
        assert best is not None
        return best

    def ratio(self, task: str) -> float:
        """Our time as a share of the faster way's."""
        return self.found.ratio(task, self.peer(task))


def measure_grid(points: Sequence[Point], effort: Effort) -> Iterator[Result]:
    """Every point on every number of threads; the processes live through all of it."""
    with Workers() as workers:
        for point in points:
            for threads in effort.threads:
                start = time.perf_counter()
                workload = Workload(parse_network(point.network), point.batch, threads)
                found = measure(
                    workers,
                    workload,
                    (OURS, *PEERS),
                    effort.seconds,
                    tasks=TASKS,
                    rounds=effort.rounds,
                    name=point.name,
                )
                result = Result(point, found)
                ratios = ", ".join(f"{task} {result.ratio(task):.3f}" for task in TASKS)
                seconds = time.perf_counter() - start
                tell(f"{point.name}, threads: {threads}: {ratios} ({seconds:.1f} s)")
                yield result


def losing_first(results: Sequence[Result]) -> list[Result]:
    """The points in the order of the worse of their ratios, worst first."""
    return sorted(results, key=lambda one: -max(one.ratio(task) for task in TASKS))


def summarise(results: Sequence[Result]) -> dict[str, Any]:
    """By task: the geometric mean of the ratios, the largest, and how many points are lost."""
    summary = {}
    for task in TASKS:
        ratios = [one.ratio(task) for one in results]
        summary[task] = {
            "geometric_mean": geometric_mean(ratios),
            "largest": max(ratios),
            "lost": sum(ratio > 1 for ratio in ratios),
            "points": len(ratios),
        }
    return summary


def render(about: dict[str, Any], results: Sequence[Result]) -> str:
    """The table in Markdown, then the networks in it."""
    frameworks = ", ".join(dict.fromkeys(results[0].found.contenders.values()))
    lines = [f"{about['processor']}, Python {about['python']}; {frameworks}", ""]
    for task, summary in summarise(results).items():
        lines.append(
            f"- {task}: our time is {summary['geometric_mean']:.3f} of the faster PyTorch's "
            f"(geometric mean of {summary['points']} points), {summary['largest']:.3f} at worst; "
            f"slower on {summary['lost']}"
        )
    lines += [
        "",
        "| network | batch | threads | training | images/s | of peak | inference | images/s "
        "| PyTorch (training, inference) |",
        "|---|--:|--:|--:|--:|--:|--:|--:|---|",
    ]
    lines += [table_row(one) for one in losing_first(results)]
    lines += ["", "| network | | why |", "|---|---|---|"]
    points = dict.fromkeys(one.point for one in results)
    lines += [f"| {p.name} | `{p.network.replace('|', chr(92) + '|')}` | {p.why} |" for p in points]
    return "\n".join(lines)


def table_row(one: Result) -> str:
    """A point's line."""
    work, found = one.found.workload, one.found
    cells = [one.point.name, f"{work.batch:,}", str(work.threads)]
    for task in TASKS:
        ratio = f"{one.ratio(task):.3f}"
        cells.append(f"**{ratio}**" if one.ratio(task) > 1 else ratio)
        cells.append(f"{1 / found.median(task):,.0f}")
        if task == "training":
            cells.append(f"{100 * found.fraction_of_peak(task):.0f} %")
    cells.append(", ".join(one.peer(task).removeprefix("torch-") for task in TASKS))
    return f"| {' | '.join(cells)} |"


def tell(text: str) -> None:
    """Show on stderr what has been done."""
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=[p.name for p in GRID])
    parser.add_argument("--quick", action="store_true", help="2 threads, fewer and shorter rounds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to keep the raw figures")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="where to write the table")
    arguments = parser.parse_args()
    points = [p for p in GRID if not arguments.only or p.name in arguments.only]
    results = list(measure_grid(points, QUICK if arguments.quick else Effort()))
    about = machine()
    table = render(about, results)
    print(table)
    if arguments.markdown:
        arguments.markdown.write_text(table + "\n", encoding="utf-8")
    if arguments.json:
        raw = {
            "machine": about,
            "summary": summarise(results),
            "points": [one.found.to_dict() for one in losing_first(results)],
        }
        arguments.json.write_text(json.dumps(raw, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
