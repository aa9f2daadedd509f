"""All agree on the scores; then everything is measured in turn, round after round.

Rounds are interleaved, so that a machine whose speed drifts slows all alike, and medians are
taken. How often a task is done in a round is found once, before the first: the same work each time.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from itertools import product
from typing import Final

import numpy as np

from lenet.benchmarking.processes import Answer, Process
from lenet.benchmarking.result import OURS, Benchmark
from lenet.benchmarking.worker import start
from lenet.benchmarking.workload import TASKS, Workload
from lenet.engine.machine import processors
from lenet.errors import EngineError, UsageError
from lenet.net import Network, name_of, read_network
from lenet.version import machine

#: Who else there is, by what a person names, and what each needs installed.
PEERS: Final = {
    "torch": ("torch-eager", "torch-channels-last", "torch-compile"),
    "onnxruntime": ("onnxruntime",),
}
PACKAGES: Final = {"torch": ("torch",), "onnxruntime": ("onnxruntime", "onnx")}
ROUNDS: Final = 5
#: How far an image's scores may be apart, times its largest where that is above 1.
TOLERANCE: Final = 1e-4
#: Seconds before another framework has its turn: the last one's threads spin for up to 0.04.
PAUSE: Final = 0.05
#: The longest that a person may ask to wait for one figure.
MAX_SECONDS: Final = 3600.0

Watch = Callable[[str], None]


def bench(
    network: Network | str | os.PathLike[str] = "lenet",
    *,
    batch: int = 256,
    threads: int | None = None,
    against: Sequence[str] = (),
    seconds: float = 2.0,
    name: str = "",
    watch: Watch | None = None,
) -> Benchmark:
    """How fast a network is on this machine, here and in other frameworks.

    Args:
        network: a network, zoo name, notation or ``.json`` file.
        batch: images a training step, and images at a time in inference.
        threads: how many to use, the same for all; by default one a processor.
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
    if not isinstance(network, Network):
        name = name or name_of(network)
        network = read_network(network)
    workload = Workload(network, batch, processors() if threads is None else threads)
    _ = workload.plan  # a network that does not fit is told before anything is started
    contenders = [OURS, *contenders_of(against)]
    if not (isinstance(seconds, int | float) and 0 < seconds <= MAX_SECONDS):
        raise UsageError(
            f"seconds is {seconds!r}; it must be a number above 0 and at most {MAX_SECONDS:,.0f}."
        )
    with Workers() as workers:
        return measure(workers, workload, contenders, seconds, name=name, watch=watch)


def contenders_of(against: Iterable[str]) -> list[str]:
    """The contenders that ``against`` names, each once.

    Raises:
        UsageError: a name nobody knows, or a package that is not installed.
    """
    found: list[str] = []
    for name in against:
        framework = next((f for f, ways in PEERS.items() if name == f or name in ways), None)
        if framework is None:
            known = [*PEERS, *PEERS["torch"]]
            raise UsageError(
                f"there is nobody called {name!r} to measure against; name one of "
                f"{', '.join(known)}, with commas between several."
            )
        _check_installed(framework)
        found += PEERS.get(name, (name,))
    return list(dict.fromkeys(found))


def _check_installed(framework: str) -> None:
    missing = [package for package in PACKAGES[framework] if find_spec(package) is None]
    if missing:
        which = "which is" if len(missing) == 1 else "which are"
        raise UsageError(
            f"measuring against {framework} needs {' and '.join(missing)}, {which} not installed; "
            f"run 'pip install {' '.join(missing)}', or leave {framework} out."
        )


class Workers:
    """A process for every framework, started when it is first asked; a context manager."""

    def __init__(self) -> None:
        self._processes: dict[str, Process] = {}
        self._last = ""
        self._stack = ExitStack()
        self._workload: Workload | None = None

    def begin(self, workload: Workload) -> None:
        """Do ``workload`` from now on, in every process."""
        self._workload = workload
        for process in self._processes.values():
            process.ask(workload=workload.to_dict())

    def ask(self, contender: str, **request: object) -> Answer:
        """What the process of ``contender`` answers.

        Raises:
            EngineError: it could not do what was asked.
        """
        framework = contender.partition("-")[0]
        if framework not in self._processes:
            assert self._workload is not None
            process = self._stack.enter_context(start(framework))
            self._processes[framework] = process
            process.ask(workload=self._workload.to_dict())
        if framework != self._last:
            time.sleep(PAUSE)
        self._last = framework
        return self._processes[framework].ask(contender=contender, **request)

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


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

    Raises:
        EngineError: scores differ, or ours could not be measured.
    """
    tell = watch or (lambda _: None)
    workers.begin(workload)
    described, left_out = _describe(workers, contenders, tell)
    _check_scores(described)
    measures = [
        (task, contender) for task, contender in product(tasks, described) if does(contender, task)
    ]
    counts = {}
    for task, contender in measures:
        tell(f"{contender}: {task}, how long it takes")
        counts[task, contender] = _count(workers, contender, task, seconds / rounds)
    seconds_each: dict[str, dict[str, list[float]]] = {task: {} for task in tasks}
    p90: dict[str, list[float]] = {}
    peak = []
    for number in range(1, rounds + 1):
        peak.append(workers.ask(OURS, peak=workload.threads)["flops"])
        for task, contender in measures:
            tell(f"round {number} of {rounds}: {contender}, {task}")
            count = counts[task, contender]
            answer = workers.ask(contender, task=task, count=count)
            images = 1 if task == "one-image" else workload.batch
            each = answer.get("median", answer["seconds"] / count / images)
            seconds_each[task].setdefault(contender, []).append(each)
            if "p90" in answer:
                p90.setdefault(contender, []).append(answer["p90"])
    return Benchmark(
        name=name,
        workload=workload,
        machine=machine(),
        contenders={contender: answer["what"] for contender, answer in described.items()},
        left_out=left_out,
        seconds=seconds_each,
        p90=p90,
        peak_flops=peak,
    )


def does(contender: str, task: str) -> bool:
    """Is ``task`` one of the contender's?"""
    return contender != "onnxruntime" or task != "training"


def _describe(
    workers: Workers, contenders: Sequence[str], tell: Watch
) -> tuple[dict[str, Answer], dict[str, str]]:
    """What each is and its scores; and for those who cannot, why."""
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


def _check_scores(described: dict[str, Answer]) -> None:
    """Does everybody run the same network?

    Raises:
        EngineError: no, or there are no scores to tell it from.
    """
    ours = described[OURS]
    if not np.isfinite(ours["scores"]).all():
        raise EngineError(
            "on random images the network's scores are no longer numbers; it multiplies what flows "
            "through it beyond 32 bits, so there is nothing to compare."
        )
    for contender, answer in described.items():
        for way, scores in _ways(answer):
            error = _distance(scores, ours["scores"][: len(scores)])
            if not error <= TOLERANCE:  # a NaN is not
                raise EngineError(
                    f"{contender} gives other scores than lenet for the same weights, {way}: they "
                    f"are {error:.2g} apart, and {TOLERANCE:g} is allowed; nothing was measured, "
                    "since these would be two networks. Please report this network as a bug."
                )


def _ways(answer: Answer) -> Iterator[tuple[str, list[list[float]]]]:
    yield "in batches", answer["scores"]
    yield "one image at a time", [answer["one"]]


def _distance(found: list[list[float]], expected: list[list[float]]) -> float:
    """The largest difference, as a share of the image's largest score where that is above 1."""
    found_array, expected_array = np.array(found), np.array(expected)
    if found_array.shape != expected_array.shape:
        return np.inf
    largest = np.abs(expected_array).max(axis=1, keepdims=True)
    return float(np.max(np.abs(found_array - expected_array) / np.maximum(1, largest)))


def _count(workers: Workers, contender: str, task: str, seconds: float) -> int:
    """How often ``task`` fits into ``seconds``, at least once."""
    count = 1
    workers.ask(contender, task=task, count=1)  # the first time, memory is fetched
    while True:
        taken = float(workers.ask(contender, task=task, count=count)["seconds"])
        if taken >= seconds / 2:
            return max(1, round(count * seconds / taken))
        # Towards the goal, but not on the word of one short measurement.
        count = min(16 * count, 1 + int(count * seconds / max(taken, 1e-9)))
