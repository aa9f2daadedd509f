"""Every claim of speed in one run: against PyTorch and ONNX Runtime, on this machine, now.

    python benchmarks/run.py [--only SECTION...] [--epochs 5] [--seeds 10] [--json FILE]

Sections, and what they measure:

    training   an epoch of the article's network on Fashion-MNIST with its settings (batch 256,
               plain SGD, rate 2.5), on 2 threads and on 1; the fraction of the machine's
               multiply-add peak; what the second thread brings
    inference  10,000 images in batches; one image, NumPy in, NumPy out
    process    `lenet train mnist --epochs 3`, time and memory, beside plain_pytorch.py
    mnist      seconds of training to 99.0 % on MNIST, the mean of many seeds
    progress   what bar, lines, metrics and history add to three epochs of MNIST
    commands   `lenet VERB` from start to exit

Contenders run in processes of their own and in turn, round after round, so that a machine whose
speed drifts slows all alike; figures are medians over the rounds. The table shows ours, the best
of the others, ours as a share of it, and what we want to reach; --json keeps every raw
figure. Needs `pip install ".[bench]"`, a C++ compiler for torch.compile, and the data (see
`lenet checks`).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean, median
from typing import Any

import epochs  # benchmarks/epochs.py, beside this file
import progress

import lenet
from lenet.benchmarking.measuring import OURS, PAUSE, PEERS, Workers, contenders_of, measure
from lenet.benchmarking.result import Benchmark
from lenet.benchmarking.workload import Workload
from lenet.engine.native import measure_peak
from lenet.version import machine

ARTICLES_RECIPE = lenet.recipe("original", epochs=1_000)
#: How both sides train MNIST to 99.0 %: the article's topology, the epochs included.
MNIST_NETWORK = "lenet-relu"
MNIST_RECIPE = lenet.recipe("modern", epochs=3, batch_size=128, lr=0.02)
#: Images a batch in inference: all of 10,000 in whole batches.
INFERENCE_BATCH = 500
IMAGES = 10_000
#: How often whole processes are run.
PROCESS_ROUNDS = 3
COMMAND_ROUNDS = 5
#: Each training of theirs would compile anew, which takes longer than the training. They are slow,
#: and their seconds differ little from seed to seed.
MNIST_PEERS, PEER_SEEDS = ("torch-eager", "torch-channels-last"), 3
THREADS = (2, 1)
TORCH = PEERS["torch"]

#: As the installed script starts it.
LENET = ["-c", "import sys; from lenet.cli.main import main; sys.exit(main())"]
PLAIN = [str(Path(__file__).with_name("plain_pytorch.py"))]
FIGURE = "32x32 -> 6@28x28 -> 6@14x14 -> 16@10x10 -> 16@5x5 -> 120 -> 84 -> 10"
COMMANDS = {
    "lenet --help": [*LENET, "--help"],
    "lenet explain lenet": [*LENET, "explain", "lenet"],
    "lenet deduce FIGURE": [*LENET, "deduce", FIGURE],
    "lenet diagnose lenet": [*LENET, "diagnose", "lenet"],
    "lenet compare lenet lenet-60": [*LENET, "compare", "lenet", "lenet-60"],
    "lenet balance lenet": [*LENET, "balance", "lenet"],
    **{
        f"lenet draw lenet -o x.{form}": [
            *LENET,
            *f"draw lenet -o {os.devnull} --format {form}".split(),
        ]
        for form in ("svg", "png", "pdf")
    },
    "python -c pass": ["-c", "pass"],
    "import torch": ["-c", "import torch"],
}

Raw = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes:
        what: what is measured.
        ours: our figure, in ``unit``.
        unit: s, us, MB, x (a factor) or % (a share from 0 to 1).
        peer: the best figure of the others, in the same unit.
        peer_name: whose it is.
        to_reach: what we want to reach.
    """

    what: str
    ours: float
    unit: str
    peer: float | None = None
    peer_name: str = ""
    to_reach: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours as a share of the best other."""
        return self.ours / self.peer if self.peer else None


@dataclass(frozen=True)
class Settings:
    """What a person may choose."""

    epochs: int
    seeds: int
    data: str
    mnist: str


def measure_training(settings: Settings) -> Raw:
    """Epochs in turn, on every number of threads; the first of each is a warm-up, not counted."""
    contenders = (OURS, *TORCH)
    begin = training_request("lenet", settings.data, ARTICLES_RECIPE, 0)
    found: Raw = {
        "epochs": {str(threads): {name: [] for name in contenders} for threads in THREADS},
        "peak_flops": {str(threads): [] for threads in THREADS},
        "multiply_adds": Workload(lenet.zoo.lenet()).multiply_adds["training"],
    }
    with ExitStack() as stack:
        children = {name: stack.enter_context(epochs.start(name)) for name in contenders}
        answers = {name: child.ask(begin=begin) for name, child in children.items()}
        found["contenders"] = {name: answer["what"] for name, answer in answers.items()}
        found["images"] = answers[OURS]["images"]
        for number in range(settings.epochs + 1):
            for threads in THREADS:
                found["peak_flops"][str(threads)].append(measure_peak(threads))
                for name, child in children.items():
                    time.sleep(PAUSE)
                    figures = child.ask(threads=threads)
                    if number:
                        found["epochs"][str(threads)][name].append(figures)
                    tell(f"training, epoch {number}, {threads} threads, {name}: {figures}")
    return found


def training_request(network: str, data: str, recipe: lenet.Recipe, seed: int) -> Raw:
    """What ``epochs.py`` is asked to begin."""
    return {"network": network, "data": data, "recipe": recipe.to_dict(), "seed": seed}


def training_rows(found: Raw) -> Iterator[Row]:
    """An epoch on 2 threads and on 1, the fraction of the peak, and the second thread's gain."""
    seconds = {
        threads: {name: median(e["seconds"] for e in all_of) for name, all_of in contenders.items()}
        for threads, contenders in found["epochs"].items()
    }
    peak = {threads: median(values) for threads, values in found["peak_flops"].items()}
    flops = 2 * found["multiply_adds"] * found["images"]
    for threads, goal in (("2", "<= 0.16"), ("1", "<= 0.17")):
        yield row(f"training epoch, threads: {threads}", seconds[threads], "s", goal)
    for threads in seconds:
        fraction = flops / seconds[threads][OURS] / peak[threads]
        what = f"of the multiply-add peak, {peak[threads] / 1e9:,.0f} GFLOP/s on {threads}"
        yield Row(what, fraction, "%", to_reach=">= 70 %")
    gains = {name: seconds["1"][name] / seconds["2"][name] for name in seconds["1"]}
    peers = {name: gain for name, gain in gains.items() if name != OURS}
    best = max(peers, key=peers.__getitem__)
    yield Row("second thread", gains[OURS], "x", peers[best], best, ">= 1.9x")
    yield Row("second thread, of the peak itself", peak["2"] / peak["1"], "x")


def measure_inference(settings: Settings) -> Raw:
    """Batches on 2 threads; single images on 1 and on 2: each contender has its better number."""
    contenders = [OURS, *contenders_of(["torch", "onnxruntime"])]
    seconds = 0.4 * settings.epochs
    network = lenet.zoo.lenet()
    with Workers() as workers:

        def each(batch: int, threads: int, task: str) -> Benchmark:
            tell(f"inference, {task}, {threads} threads")
            workload = Workload(network, batch, threads)
            return measure(
                workers, workload, contenders, seconds, tasks=[task], rounds=settings.epochs
            )

        batches = each(INFERENCE_BATCH, 2, "inference")
        ones = {threads: each(1, threads, "one-image") for threads in THREADS}
    return {
        "batches": batches.to_dict(),
        "one": {str(threads): found.to_dict() for threads, found in ones.items()},
    }


def inference_rows(found: Raw) -> Iterator[Row]:
    """10,000 images, and one."""
    batches = task_seconds(found["batches"], "inference")
    scaled = {name: IMAGES * seconds for name, seconds in batches.items()}
    yield row(f"{IMAGES:,} images in batches", scaled, "s", "<= 0.28")
    ones = [task_seconds(one, "one-image") for one in found["one"].values()]
    best = {name: min(1e6 * one[name] for one in ones) for name in ones[0]}
    yield row("one image", best, "us", "<= 0.5, <= 8 us")


def task_seconds(found: Raw, task: str) -> dict[str, float]:
    """Seconds an image by contender, of a benchmark as a table."""
    contenders = found["tasks"][task]["contenders"]
    return {name: 1 / figures["images_per_second"] for name, figures in contenders.items()}


def measure_process(settings: Settings) -> Raw:
    """Whole processes in turn, from start to exit, in an empty folder."""
    lines = {
        OURS: [*LENET, "train", settings.mnist, "--epochs", "3"],
        "plain_pytorch.py": [*PLAIN, "--epochs", "3"],
    }
    found: Raw = {name: [] for name in lines}
    for _ in range(PROCESS_ROUNDS):
        for name, line in lines.items():
            found[name].append(whole_process(line))
            tell(f"process, {name}: {found[name][-1]}")
    return found


def whole_process(line: list[str]) -> Raw:
    """Seconds from start to exit, the largest memory in MB, and the last accuracy it printed."""
    with tempfile.TemporaryDirectory() as folder:
        command, start = [sys.executable, *line], time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder) as process:
            assert process.stdout is not None
            output = process.stdout.read()
            # The peak is at least that of this process, which forks it: this one stays small.
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - start
            process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(line[-4:])} failed; its message is above")
    accuracies = re.findall(r"([\d.]+) %", output)
    return {
        "seconds": seconds,
        "peak_memory": usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3),
        "test_accuracy": float(accuracies[-1]) / 100,
    }


def process_rows(found: Raw) -> Iterator[Row]:
    """Time and memory of the whole process."""
    for key, what, unit, goal in (
        ("seconds", "lenet train mnist --epochs 3, whole process", "s", "<= 0.22"),
        ("peak_memory", "its peak memory", "MB", "<= 200 MB"),
        ("test_accuracy", "its test accuracy", "%", ""),
    ):
        figures = {name: median(run[key] for run in runs) for name, runs in found.items()}
        yield row(what, figures, unit, goal)


def measure_mnist(settings: Settings) -> Raw:
    """Whole trainings, a seed each; in turn, for as many seeds as the others have."""
    contenders = (OURS, *MNIST_PEERS)
    found: Raw = {"recipe": MNIST_RECIPE.to_dict(), **{name: [] for name in contenders}}
    with ExitStack() as stack:
        children = {name: stack.enter_context(epochs.start(name)) for name in contenders}
        for seed in range(settings.seeds):
            for name, child in children.items():
                if name != OURS and seed >= PEER_SEEDS:
                    continue
                time.sleep(PAUSE)
                child.ask(begin=training_request(MNIST_NETWORK, settings.mnist, MNIST_RECIPE, seed))
                history = [child.ask(threads=2) for _ in range(MNIST_RECIPE.epochs)]
                result = {
                    "seconds": sum(epoch["seconds"] for epoch in history),
                    "test_accuracy": history[-1]["test_accuracy"],
                }
                found[name].append(result)
                tell(f"mnist, seed {seed}, {name}: {result}")
    return found


def mnist_rows(found: Raw) -> Iterator[Row]:
    """Seconds and accuracy, means over the seeds."""
    runs = {name: values for name, values in found.items() if name != "recipe"}
    seconds = {name: mean(run["seconds"] for run in values) for name, values in runs.items()}
    yield row("MNIST to 99.0 %, seconds of training", seconds, "s", "<= 0.20, <= 1.0 s")
    ours, *others = (mean(run["test_accuracy"] for run in values) for values in runs.values())
    what = f"its test accuracy, mean of {len(runs[OURS])} seeds"
    yield Row(what, ours, "%", max(others), "", ">= 99.00 %")


def measure_progress(settings: Settings) -> Raw:
    """Trainings in turn, each in a new process, as a person starts it."""
    return progress.measure(settings.epochs, settings.mnist)


def progress_rows(found: Raw) -> Iterator[Row]:
    """What is added to the seconds of training; scoring the test images is told apart."""
    plain, watched = (median(run["seconds"] for run in found[kind]) for kind in progress.KINDS)
    yield Row("progress, metrics and history", watched / plain - 1, "%", to_reach="< 2 %")
    scoring = median(run["scoring"] for run in found["watched"]) / progress.EPOCHS
    yield Row("scoring the test images, an epoch", scoring, "s")


def measure_commands(settings: Settings) -> Raw:
    """Whole processes; the first run of each fills the caches and is not counted."""
    return {name: start_times(line) for name, line in COMMANDS.items()}


def start_times(line: list[str]) -> list[float]:
    """Seconds from start to exit, several times."""
    times = []
    for _ in range(COMMAND_ROUNDS + 1):
        start = time.perf_counter()
        subprocess.run([sys.executable, *line], stdout=subprocess.DEVNULL, check=True)
        times.append(time.perf_counter() - start)
    return times[1:]


def command_rows(found: Raw) -> Iterator[Row]:
    """Yield one line per command."""
    for name, times in found.items():
        yield Row(name, median(times), "s")


SECTIONS: dict[str, tuple[Callable[[Settings], Raw], Callable[[Raw], Iterator[Row]]]] = {
    "training": (measure_training, training_rows),
    "inference": (measure_inference, inference_rows),
    "process": (measure_process, process_rows),
    "mnist": (measure_mnist, mnist_rows),
    "progress": (measure_progress, progress_rows),
    "commands": (measure_commands, command_rows),
}


def row(what: str, figures: dict[str, float], unit: str, to_reach: str) -> Row:
    """Ours beside the least of the others."""
    others = {name: figure for name, figure in figures.items() if name != OURS}
    best = min(others, key=others.__getitem__)
    return Row(what, figures[OURS], unit, others[best], best, to_reach)


def render(about: dict[str, Any], rows: list[Row]) -> str:
    """The table a person reads."""
    lines = [
        f"{about['processor']}, {about['processors']} processors, Python "
        f"{platform.python_version()}, lenet {about['lenet']}",
        "",
        f"{'':<46}{'lenet':>10}  {'best other':<30}{'ratio':>7}  to reach",
    ]
    for one in rows:
        peer = "" if one.peer is None else f"{written(one.peer, one.unit):>10} {one.peer_name}"
        ratio = "" if one.ratio is None else f"{one.ratio:.3f}"
        ours = written(one.ours, one.unit)
        lines.append(f"{one.what:<46}{ours:>10}  {peer:<30}{ratio:>7}  {one.to_reach}".rstrip())
    return "\n".join(lines)


def written(figure: float, unit: str) -> str:
    """A figure with its unit."""
    if unit == "%":
        return f"{100 * figure:.2f} %"
    decimals = {"s": 3, "us": 1, "MB": 0, "x": 2}[unit]
    return f"{figure:,.{decimals}f}{'' if unit == 'x' else ' '}{unit}"


def tell(text: str) -> None:
    """Show on stderr what has been done."""
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--epochs", type=int, default=5, help="rounds that are counted")
    parser.add_argument("--seeds", type=int, default=10, help="trainings to 99 %% on MNIST")
    parser.add_argument("--data", default="fashion-mnist", help="what the epochs are of")
    parser.add_argument("--mnist", default="mnist", help="what stands in for MNIST, for a try")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to keep the raw figures")
    arguments = parser.parse_args()
    settings = Settings(arguments.epochs, arguments.seeds, arguments.data, arguments.mnist)
    raw: Raw = {"machine": machine(), "settings": asdict(settings)}
    rows: list[Row] = []
    for section in arguments.only:
        measured, made_rows = SECTIONS[section]
        raw[section] = measured(settings)
        rows += made_rows(raw[section])
    raw["rows"] = [{**asdict(one), "ratio": one.ratio} for one in rows]
    if arguments.json:
        arguments.json.write_text(json.dumps(raw, indent=1) + "\n", encoding="utf-8")
    print(render(raw["machine"], rows))


if __name__ == "__main__":
    main()
