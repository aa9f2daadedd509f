"""A benchmark as a person reads it: three bar charts."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from typing import Final

from lenet.benchmarking.chart import BLOCK, Bar, draw_bars
from lenet.benchmarking.result import OURS, Benchmark
from lenet.writing.numbers import plural, times, whole_percent
from lenet.writing.prose import wrapped

#: Each task's chart: what it shows, and whether a longer bar is slower.
_TITLES: Final = {
    "training": "Training: images a second, forward, backward and update",
    "inference": "Inference in batches: images a second",
    "one-image": "One image, NumPy to NumPy: microseconds a call, median (p90); shorter is better",
}


def render_benchmark(found: Benchmark, width: int = 80, block: str = BLOCK) -> str:
    """``found`` in lines of at most ``width`` characters, as far as its numbers allow.

    Args:
        found: the benchmark.
        width: in characters.
        block: what bars are made of, one character.
    """
    sections = [list(_header(found, width))]
    sections += [list(_chart(found, task, width, block)) for task in found.seconds]
    if found.left_out:
        sections.append([])
        for contender, reason in found.left_out.items():
            text = f"{contender} is left out: {reason}"
            sections[-1] += wrapped(text, width, others="  ")
    return "\n\n".join("\n".join(lines) for lines in sections)


def _header(found: Benchmark, width: int) -> Iterator[str]:
    work = found.workload
    yield from wrapped(
        f"{found.name or 'network'}    batch {work.batch:,}, {plural(work.threads, 'thread')}, "
        f"float32; medians of {plural(len(found.peak_flops), 'round')}",
        width,
    )
    frameworks = dict.fromkeys(found.contenders.values())
    yield from wrapped(f"{found.machine['processor']}; {', '.join(frameworks)}", width)


def _chart(found: Benchmark, task: str, width: int, block: str) -> Iterator[str]:
    yield _TITLES[task]
    bars = [_bar(found, task, contender) for contender in found.seconds[task]]
    yield from (f"  {line}" for line in draw_bars(bars, width - 2, block))
    if task != "one-image":
        peak = median(found.peak_flops) / 1e9
        yield (
            f"  {whole_percent(found.fraction_of_peak(task))} % of this machine's multiply-add "
            f"peak, {peak:,.0f} GFLOP/s on {plural(found.workload.threads, 'thread')}"
        )


def _bar(found: Benchmark, task: str, contender: str) -> Bar:
    seconds = found.median(task, contender)
    note = "" if contender == OURS else f"lenet {times(1 / found.ratio(task, contender))} as fast"
    if task == "one-image":
        p90 = median(found.p90[contender])
        return Bar(contender, seconds, f"{1e6 * seconds:,.1f} ({1e6 * p90:,.1f})", note)
    return Bar(contender, 1 / seconds, f"{1 / seconds:,.0f}", note)
