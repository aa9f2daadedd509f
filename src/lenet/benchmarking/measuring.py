"""All agree on the scores; then everything is measured in turn, round after round.

Rounds are interleaved, so that a machine whose speed drifts slows all alike, and medians are
taken. How often a task is done in a round is found once, before the first: the same work each time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from importlib.util import find_spec
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lenet.arguments import plain
from lenet.benchmarking.result import OURS, Benchmark
from lenet.benchmarking.worker import Answer, Process, start
from lenet.benchmarking.workload import TASKS, Workload
from lenet.engine.native import processors
from lenet.errors import EngineError, UsageError
from lenet.net import Source, read_named
from lenet.net.sources import is_int8
from lenet.net.words import check_choice, listed, shown
from lenet.version import machine

#: Who else there is, by what a person names, and what each needs installed.
PEERS: Final = {
    "torch": ("torch-eager", "torch-channels-last", "torch-compile"),
    "onnxruntime": ("onnxruntime",),
}
PACKAGES: Final = {"torch": ("torch",), "onnxruntime": ("onnxruntime", "onnx")}
#: What is said of a file of whole numbers.
_WHOLE: Final = "the file holds whole numbers, and its network is measured in float32"
ROUNDS: Final = 5
#: How far an image's scores may be apart, times its largest where that is above 1.
TOLERANCE: Final = 1e-4
#: Seconds before another framework has its turn: the last one's threads spin for up to 0.04.
PAUSE: Final = 0.05
#: The longest that a person may ask to wait for one figure.
MAX_SECONDS: Final = 3600.0

Watch = Callable[[str], None]


def bench(
    network: Source = "lenet",
    *,
    batch: int = 256,
    threads: int | None = None,
    against: str | Sequence[str] = (),
    seconds: float = 2.0,
    name: str = "",
    watch: Watch | None = None,
) -> Benchmark:
    """Measure how fast a network is on this machine, here and in other frameworks.

    Args:
        network: a network, or whatever one is named by.
        batch: images per training step, and images at a time in inference.
        threads: how many to use, the same for all; by default one per processor.
        against: ``torch`` (eager, channels_last and compiled), ``onnxruntime``, or one of
            torch-eager, torch-channels-last, torch-compile.
        seconds: of measuring for each figure, spread over the rounds.
        name: what to call the network; by default its zoo name or file.
        watch: is told what is being done.

    Raises:
        UsageError: a number out of range, a name nobody knows, or a package that is not installed.
        ShapeError: the network does not fit.
        EngineError: the contenders' scores differ, or ours could not be measured.
    """
    source = network
    network, name = read_named(network, name)
    workload = Workload(network, batch, processors() if threads is None else threads)
    _ = workload.plan  # a network that does not fit is told before anything is started
    contenders = [OURS, *contenders_of(against)]
    seconds = plain(seconds)
    if not (isinstance(seconds, int | float) and 0 < seconds <= MAX_SECONDS):
        raise UsageError(
            f"seconds is {shown(seconds)}; it must be a number above 0 and at most "
            f"{MAX_SECONDS:,.0f}.",
            parameter="seconds",
        )
    with Workers() as workers:
        found = measure(workers, workload, contenders, seconds, name=name, watch=watch)
    if not is_int8(source):
        return found
    return replace(found, left_out={"int8": _WHOLE, **found.left_out})


def contenders_of(against: str | Iterable[str]) -> list[str]:
    """Return the contenders that ``against`` names, each once; refuse what is not installed."""
    names = against.split(",") if isinstance(against, str) else against
    if not isinstance(names, Iterable):
        names = [names]  # named below as what it is: nobody
    contenders: list[str] = []
    for name in names:
        check_choice(name, [*PEERS, *PEERS["torch"]], "what to measure against", "against")
        framework = next(f for f, ways in PEERS.items() if name == f or name in ways)
        if missing := [package for package in PACKAGES[framework] if find_spec(package) is None]:
            raise UsageError(
                f"measuring against {framework} needs what is not installed: {listed(missing)}; "
                f"run 'pip install {' '.join(missing)}', or leave {framework} out.",
                parameter="against",
            )
        contenders += PEERS.get(name, (name,))
    return list(dict.fromkeys(contenders))


class Workers(ExitStack):
    """A process for every framework, started when it is first asked; a context manager."""

    def __init__(self) -> None:
        super().__init__()
        self._processes: dict[str, Process] = {}
        self._last = ""
        self._workload: Workload | None = None

    def begin(self, workload: Workload) -> None:
        """Do ``workload`` from now on, in every process."""
        self._workload = workload
        for process in self._processes.values():
            process.ask(workload=workload.to_dict())

    def ask(self, contender: str, **request: object) -> Answer:
        """Return what the process of ``contender`` answers."""
        framework = contender.partition("-")[0]
        if framework not in self._processes:
            assert self._workload is not None
            process = self.enter_context(start(framework))
            self._processes[framework] = process
            process.ask(workload=self._workload.to_dict())
        if framework != self._last:
            time.sleep(PAUSE)
        self._last = framework
        return self._processes[framework].ask(contender=contender, **request)


def measure(
    workers: Workers,
    workload: Workload,
    contenders: Sequence[str],
    seconds: float,
    *,
    tasks: Sequence[str] = TASKS,
    rounds: int = ROUNDS,
    name: str = "",
    watch: Watch | None = None,
) -> Benchmark:
    """Compare the scores, then measure; ``contenders`` begin with ours.

    A peer that cannot do the workload is left out, and the result says why.
    """
    tell = watch or (lambda _: None)
    workers.begin(workload)
    described, left_out = _describe(workers, contenders, tell)
    check_scores(described)
    counts = {}
    for task, contender in product(tasks, tuple(described)):
        if contender in described and does(contender, task):
            tell(f"{contender}: {task}, how long it takes")
            try:
                counts[task, contender] = _count(workers, contender, task, seconds / rounds)
            except EngineError as error:
                if contender == OURS:
                    raise
                left_out[contender] = str(error)
                del described[contender]
    counts = {key: count for key, count in counts.items() if key[1] in described}
    per_image: dict[str, dict[str, list[float]]] = {task: {} for task in tasks}
    p90: dict[str, list[float]] = {}
    peak = []
    for number in range(1, rounds + 1):
        peak.append(workers.ask(OURS, peak=workload.threads)["flops"])
        for (task, contender), count in counts.items():
            tell(f"round {number} of {rounds}: {contender}, {task}")
            answer = workers.ask(contender, task=task, count=count)
            # Of single images, the answer has the median.
            mean = answer["seconds"] / count / workload.batch
            per_image[task].setdefault(contender, []).append(answer.get("median", mean))
            if "p90" in answer:
                p90.setdefault(contender, []).append(answer["p90"])
    return Benchmark(
        name=name,
        workload=workload,
        machine=machine(),
        contenders={contender: answer["what"] for contender, answer in described.items()},
        left_out=left_out,
        seconds=per_image,
        p90=p90,
        peak_flops=peak,
    )


def does(contender: str, task: str) -> bool:
    """Is ``task`` one of the contender's?"""
    return contender != "onnxruntime" or task != "training"


def _describe(
    workers: Workers, contenders: Sequence[str], tell: Watch
) -> tuple[dict[str, Answer], dict[str, str]]:
    """Return what each is and its scores; and for those who cannot, why."""
    described: dict[str, Answer] = {}
    left_out: dict[str, str] = {}
    for contender in contenders:
        compiles = contender == "torch-compile"
        tell(f"{contender}: {'compiling, up to a minute' if compiles else 'starting'}")
        try:
            described[contender] = workers.ask(contender)
        except EngineError as error:
            if contender == OURS:
                raise
            left_out[contender] = str(error)
    return described, left_out


def check_scores(described: Mapping[str, Answer]) -> None:
    """Refuse contenders whose scores say that they run another network than we do."""
    ours = np.array(described[OURS]["scores"])
    if not np.isfinite(ours).all():
        raise EngineError(
            "on random images the network's scores are no longer numbers; it multiplies what flows "
            "through it beyond 32 bits, so there is nothing to compare."
        )
    for contender, answer in described.items():
        ways = {"in batches": answer["scores"], "one image at a time": [answer["one"]]}
        for way, scores in ways.items():
            error = _distance(np.array(scores), ours[: len(scores)])
            if not error <= TOLERANCE:  # a NaN is not
                raise EngineError(
                    f"{contender} gives other scores than lenet for the same weights, {way}: they "
                    f"are {error:.2g} apart, and {TOLERANCE:g} is allowed; nothing was measured, "
                    "since these would be two networks. Please report this network as a bug."
                )


def _distance(scores: NDArray[np.float64], expected: NDArray[np.float64]) -> float:
    """Return the largest difference, as a share of the image's largest score if above 1."""
    if scores.shape != expected.shape:
        return np.inf
    largest = np.abs(expected).max(axis=1, keepdims=True)
    return float(np.max(np.abs(scores - expected) / np.maximum(1, largest)))


def _count(workers: Workers, contender: str, task: str, seconds: float) -> int:
    """Return how often ``task`` fits into ``seconds``, at least once."""
    count = 1
    workers.ask(contender, task=task, count=1)  # the first time, memory is fetched
    while True:
        taken = float(workers.ask(contender, task=task, count=count)["seconds"])
        if taken >= seconds / 2:
            return max(1, round(count * seconds / taken))
        # Towards the goal, but not on the word of one short measurement.
        count = min(16 * count, 1 + int(count * seconds / max(taken, 1e-9)))
