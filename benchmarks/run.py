"""Training speed against PyTorch, in one run: ratio, fraction of the machine's peak, memory, start.

    python benchmarks/run.py [--epochs 5] [--threads 2] [--data mnist|fashion-mnist|digits] [--json]

Trains the seed's network (44,426 parameters, sigmoid) with the seed's settings (batch 256, plain
SGD, rate 2.5, float32) on Fashion-MNIST, here and in PyTorch (eager, and with the channels_last
memory format). All have the images in memory and use no loader. Each trains in a process of its
own; epochs are interleaved, one of each in turn while the others wait, so that a machine whose
speed drifts slows all alike. Printed are medians over epochs; the raw figures are in --json.

The seconds are for the training part of an epoch: shuffling, forward, backward, update.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

#: Multiply-adds of one training sample: forward, weight gradients, and input gradients of all
#: layers but the first. tests/benchmarks checks it against the anatomy.
MULTIPLY_ADDS = 758_520
BATCH, RATE = 256, 2.5

#: As the installed script starts it.
LENET = ["-c", "import sys; from lenet.cli.main import main; sys.exit(main())"]
CONTENDERS = ("lenet", "torch eager", "torch channels_last")
FIGURE = "32x32 -> 6@28x28 -> 6@14x14 -> 16@10x10 -> 16@5x5 -> 120 -> 84 -> 10"
COMMANDS = {
    "lenet --help": [*LENET, "--help"],
    "lenet explain lenet": [*LENET, "explain", "lenet"],
    "lenet deduce FIGURE": [*LENET, "deduce", FIGURE],
    "lenet diagnose lenet": [*LENET, "diagnose", "lenet"],
    "lenet compare lenet lenet-60": [*LENET, "compare", "lenet", "lenet-60"],
    "lenet balance lenet": [*LENET, "balance", "lenet"],
    "lenet draw lenet -o x.svg": [*LENET, "draw", "lenet", "-o", os.devnull, "--format", "svg"],
    "python -c pass": ["-c", "pass"],
    "import torch": ["-c", "import torch"],
}


def lenet_epochs(data: str, threads: int, seed: int = 0) -> Iterator[dict[str, Any]]:
    """Train here; yields what it is, then each epoch's figures."""
    import lenet
    from lenet.training import Training

    recipe = lenet.recipe("seed", epochs=1_000)
    training = Training(lenet.zoo.lenet(), lenet.load(data), recipe, seed, threads)
    yield {"what": training.engine.name}
    for record in training.epochs():
        yield {"seconds": record.seconds, "test_accuracy": record.test_accuracy}


def torch_epochs(
    data: str, threads: int, channels_last: bool, seed: int = 0
) -> Iterator[dict[str, Any]]:
    """The same in PyTorch; yields what it is, then each epoch's figures."""
    import torch
    from torch import nn

    import lenet
    from lenet.data.preprocess import match

    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    found = lenet.load(data)
    layout = torch.channels_last if channels_last else torch.contiguous_format

    def tensors(part: Any) -> tuple[torch.Tensor, torch.Tensor]:
        images = torch.from_numpy(match(part.images, (1, 28, 28))) / 255
        return images.contiguous(memory_format=layout), torch.from_numpy(part.labels)

    (images, labels), (test_images, test_labels) = tensors(found.train), tensors(found.test)
    network = nn.Sequential(
        *(nn.Conv2d(1, 6, 5), nn.Sigmoid(), nn.MaxPool2d(2)),
        *(nn.Conv2d(6, 16, 5), nn.Sigmoid(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(256, 120), nn.Sigmoid()),
        *(nn.Linear(120, 84), nn.Sigmoid(), nn.Linear(84, 10)),
    )
    for parameter in network.parameters():
        if parameter.ndim > 1:
            nn.init.normal_(parameter, 0, 0.2)
        else:
            nn.init.zeros_(parameter)
    network = network.to(memory_format=layout)
    optimizer = torch.optim.SGD(network.parameters(), lr=RATE)
    loss = nn.CrossEntropyLoss()
    yield {"what": f"torch {torch.__version__}"}
    while True:
        start = time.perf_counter()
        order = torch.randperm(len(labels))
        for at in range(0, len(labels), BATCH):
            batch = order[at : at + BATCH]
            optimizer.zero_grad()
            loss(network(images[batch]), labels[batch]).backward()
            optimizer.step()
        seconds = time.perf_counter() - start
        with torch.no_grad():
            right = (network(test_images).argmax(1) == test_labels).float().mean()
        yield {"seconds": seconds, "test_accuracy": float(right)}


def contend(contender: str, data: str, threads: int) -> None:
    """The child: an epoch for every line on stdin, its figures as a line on stdout."""
    makers: dict[str, Callable[[], Iterator[dict[str, Any]]]] = {
        "lenet": lambda: lenet_epochs(data, threads),
        "torch eager": lambda: torch_epochs(data, threads, False),
        "torch channels_last": lambda: torch_epochs(data, threads, True),
    }
    epochs = makers[contender]()
    print(json.dumps(next(epochs)), flush=True)
    for _ in sys.stdin:
        print(json.dumps({**next(epochs), "peak_memory": peak_memory()}), flush=True)


def peak_memory() -> float:
    """This process's largest resident size so far, in MB."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


class Child:
    """One contender's process."""

    def __init__(self, contender: str, data: str, threads: int) -> None:
        arguments = [__file__, "--contend", contender, "--data", data, "--threads", str(threads)]
        self._process = subprocess.Popen(
            [sys.executable, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.what = self._answer()["what"]

    def epoch(self) -> dict[str, Any]:
        """Train one epoch and return its figures."""
        assert self._process.stdin is not None
        self._process.stdin.write("epoch\n")
        self._process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            sys.exit("a contender ended early; its message is above")
        answer: dict[str, Any] = json.loads(line)
        return answer


def measure(data: str, threads: int, epochs: int) -> dict[str, Any]:
    """All contenders, interleaved; the first epoch of each is a warm-up and not counted."""
    from lenet.engine.native import measure_peak
    from lenet.training.run import machine

    children = {name: Child(name, data, threads) for name in CONTENDERS}
    raw: dict[str, list[dict[str, Any]]] = {name: [] for name in CONTENDERS}
    peaks = []
    for number in range(epochs + 1):
        for name, child in children.items():
            figures = child.epoch()
            if number:
                raw[name].append(figures)
        peaks.append(measure_peak(threads))
    for child in children.values():
        child.close()
    return {
        "machine": machine(),
        "threads": threads,
        "data": data,
        "contenders": {name: child.what for name, child in children.items()},
        "epochs": raw,
        "peak_flops": peaks,
        "start": {name: start_times(command) for name, command in COMMANDS.items()},
    }


def start_times(command: list[str]) -> list[float]:
    """Whole processes, in seconds; the first run fills the caches and is not counted."""
    times = []
    for _ in range(6):
        start = time.perf_counter()
        subprocess.run([sys.executable, *command], stdout=subprocess.DEVNULL, check=True)
        times.append(time.perf_counter() - start)
    return times[1:]


def summarise(found: dict[str, Any], images: int) -> dict[str, Any]:
    """The figures that are claimed, from the raw ones."""
    medians = {
        name: statistics.median(epoch["seconds"] for epoch in epochs)
        for name, epochs in found["epochs"].items()
    }
    best = min(seconds for name, seconds in medians.items() if name != "lenet")
    peak = statistics.median(found["peak_flops"])
    return {
        "seconds": medians,
        "ratio": medians["lenet"] / best,
        "peak_gflops": peak / 1e9,
        "fraction_of_peak": 2 * MULTIPLY_ADDS * images / medians["lenet"] / peak,
        "peak_memory": {name: e[-1]["peak_memory"] for name, e in found["epochs"].items()},
        "start": {name: statistics.median(times) for name, times in found["start"].items()},
    }


def render(found: dict[str, Any], summary: dict[str, Any]) -> str:
    """The table a person reads."""
    lines = [
        f"{found['machine']['processor']}, {found['threads']} threads, Python "
        f"{platform.python_version()}; {', '.join(found['contenders'].values())}",
        f"the seed's network on {found['data']}, batch {BATCH}, SGD, float32; medians",
        "",
        f"{'':<22}{'s an epoch':>12}{'ratio':>9}{'peak MB':>10}",
    ]
    for name, seconds in summary["seconds"].items():
        ratio = seconds / summary["seconds"]["lenet"]
        memory = summary["peak_memory"][name]
        lines.append(f"{name:<22}{seconds:>12.3f}{ratio:>8.2f}x{memory:>10.0f}")
    lines += [
        "",
        f"lenet takes {summary['ratio']:.3f} of the better PyTorch time, and reaches "
        f"{summary['fraction_of_peak']:.0%} of the",
        f"machine's float32 multiply-add peak, {summary['peak_gflops']:.0f} GFLOP/s measured in "
        "the same run.",
        "",
        "whole processes, start to exit",
    ]
    lines += [f"  {name:<28}{seconds:>8.3f} s" for name, seconds in summary["start"].items()]
    return "\n".join(lines)


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--data", default="fashion-mnist")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--contend", choices=CONTENDERS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.contend:
        contend(arguments.contend, arguments.data, arguments.threads)
        return
    import lenet

    found = measure(arguments.data, arguments.threads, arguments.epochs)
    summary = summarise(found, len(lenet.load(arguments.data).train))
    if arguments.json:
        print(json.dumps({**found, "summary": summary}, indent=2))
    else:
        print(render(found, summary))


if __name__ == "__main__":
    main()
