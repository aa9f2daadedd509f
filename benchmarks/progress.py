"""What watching a training costs: the steps alone, and with bar, lines, metrics and history.

As a script it serves one kind of training, ``plain`` or ``watched``, see ``Process`` in
lenet.benchmarking: every request trains once more from the start.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np

import lenet
from lenet.benchmarking.worker import Process, serve
from lenet.cli.progress import Display
from lenet.engine.engine import Engine, Samples
from lenet.randomness import permutation
from lenet.training import Run, Training

EPOCHS = 3


def measure(rounds: int, data: str) -> dict[str, list[dict[str, float]]]:
    """All kinds in turn, round after round, each time in a new process."""
    found: dict[str, list[dict[str, float]]] = {kind: [] for kind in KINDS}
    for _ in range(rounds):
        for kind in KINDS:
            with Process(kind, [__file__, kind]) as child:
                found[kind].append(child.ask(data=data))
            print(f"progress, {kind}: {found[kind][-1]}", file=sys.stderr, flush=True)
    return found


def plain(training: Training) -> dict[str, float]:
    """An engine call an epoch: shuffled images, and nothing else."""
    data, recipe, model = training.data.train, training.recipe, training.model
    optimizer = recipe.make_optimizer()
    state = np.zeros((optimizer.state_rows, model.plan.table_size), np.float32)
    images, labels = model.preprocessing.prepare(data.images), data.labels.astype(np.int32)
    samples = Samples(images, labels, *model.preprocessing.scale_and_shift())
    rates = recipe.rates(training.steps * recipe.epochs)
    start = time.perf_counter()
    for epoch in range(recipe.epochs):
        first = epoch * training.steps
        training.engine.train(
            model.table,
            state,
            samples,
            permutation(training.seed, epoch + 1, len(labels)).astype(np.int32),
            recipe.batch_size,
            rates[first : first + training.steps],
            first,
            optimizer,
        )
    return {"seconds": time.perf_counter() - start}


def watched(training: Training) -> dict[str, float]:
    """As ``lenet train`` does it on a terminal; the scoring of the test images is told apart."""
    engine = Timed(training.engine)
    training.engine = engine
    with tempfile.TemporaryDirectory() as folder, terminal():
        run = Run(Path(folder) / "run")
        display = Display(training.recipe.epochs, lines=True, bar=True)
        start = time.perf_counter()
        for _ in training.epochs(display):
            run.record(training)
        display.close()
        seconds = time.perf_counter() - start
    return {"seconds": seconds - engine.seconds, "scoring": engine.seconds}


#: By name; each returns its ``seconds``, and those of ``scoring`` the test images beside them.
KINDS = {"plain": plain, "watched": watched}


class Timed:
    """An engine, with the seconds that its scoring took."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self.seconds = engine, 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def scores(self, *arguments: Any) -> Any:
        start = time.perf_counter()
        found = self._engine.scores(*arguments)
        self.seconds += time.perf_counter() - start
        return found


@contextmanager
def terminal() -> Iterator[None]:
    """What is printed goes to a terminal, which another process reads."""
    ours, theirs = os.openpty()
    os.environ.setdefault("TERM", "xterm")
    null = subprocess.DEVNULL  # the reader must not hold the terminal open itself
    reader = subprocess.Popen(["cat"], stdin=ours, stdout=null, stderr=null)
    os.close(ours)
    with open(theirs, "w") as stream, redirect_stdout(stream), redirect_stderr(stream):
        yield
    reader.wait()


def main() -> None:
    """Serve the kind that the command line names."""
    way = KINDS[sys.argv[1]]

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        recipe = lenet.recipe("modern", epochs=EPOCHS)
        data = lenet.load(request["data"])
        return way(Training(lenet.net.read_network("lenet-relu"), data, recipe, 0, None))

    serve(answer)


if __name__ == "__main__":
    main()
