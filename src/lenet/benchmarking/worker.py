"""A process that answers questions about a workload: a line of JSON each way.

Each framework has one of its own: their pools of threads spin while they wait, and would take each
other's processors. :class:`Process` is the asking side, :func:`serve` the answering one, and
:class:`Worker` what it answers.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lenet.benchmarking.workload import RATE, Contender, Workload
from lenet.engine.engine import Samples
from lenet.engine.native import measure_peak
from lenet.engine.optimizer import Optimizer
from lenet.errors import DivergenceError, EngineError
from lenet.model import Model

#: Seconds that a process gets to end by itself.
PATIENCE: Final = 2.0
#: Images of the first batch whose scores are compared.
CHECKED: Final = 16
#: Seconds that the machine's peak is measured at a time.
PEAK_SECONDS: Final = 0.05
_LONGEST: Final = 300

Answer = dict[str, Any]


class Process(AbstractContextManager["Process"]):
    """The asking side; a context manager that ends the process."""

    def __init__(self, name: str, arguments: Sequence[str]) -> None:
        """Start Python with ``arguments``; ``name`` is what messages call it."""
        self._name = name
        # Frameworks write what they like there; only a process that ends early has it read.
        self._messages = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        self._process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._messages,
            text=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._questions, self._answers = self._process.stdin, self._process.stdout

    def ask(self, **request: Any) -> Answer:
        """Return its answer; an EngineError says why it could not do what was asked."""
        try:
            self._questions.write(json.dumps(request) + "\n")
            self._questions.flush()
            line = self._answers.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise EngineError(f"the process that runs {self._name} ended early: {self._last()}")
        answer: Answer = json.loads(line)
        if "error" in answer:
            raise EngineError(answer["error"])
        return answer

    def close(self) -> None:
        """End the process; one that is busy is stopped."""
        with suppress(BrokenPipeError):
            self._questions.close()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._answers.close()
        self._messages.close()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _last(self) -> str:
        """Return the last that it wrote, or how it ended."""
        status = self._process.wait()
        self._messages.seek(0)
        lines = self._messages.read().decode(errors="replace").split("\n")
        texts = [line.strip() for line in lines if line.strip()]
        return texts[-1][:_LONGEST] if texts else f"its exit status is {status}."


def serve(answer: Callable[[Answer], Answer]) -> None:
    """Answer requests from stdin on stdout until there are no more; errors are answers too."""
    # Ctrl-C reaches every process of the terminal: it is the asking side's to handle.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What a framework prints must not come between: stdout becomes stderr, a copy is the answers'.
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        for line in sys.stdin:
            try:
                reply = answer(json.loads(line))
            except Exception as error:  # every one: the other side decides what it means
                reply = {"error": one_line(error)}
            print(json.dumps(reply), file=answers, flush=True)


def one_line(error: Exception) -> str:
    """Return the message of ``error`` in one line that is not too long."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def make_contender(name: str, workload: Workload) -> Contender:
    """Return the contender of that name; a process imports no framework but its own."""
    framework, _, way = name.partition("-")
    if framework == "torch":
        from lenet.benchmarking.torch_network import WithTorch

        return WithTorch(workload, way)
    if framework == "onnxruntime":
        from lenet.benchmarking.onnx_network import WithOnnxRuntime

        return WithOnnxRuntime(workload)
    return WithLenet(workload)


class WithLenet:
    """The workload in this package, as a user's program would call it."""

    def __init__(self, workload: Workload) -> None:
        self._workload = workload
        self._model = Model(workload.network).initialize()
        self._model.table[...] = workload.parameters
        self._engine = self._model.engine(workload.threads)
        self._state = np.zeros((0, workload.plan.table_size), np.float32)
        labels, scaling = workload.labels.astype(np.int32), self._model.preprocessing
        self._samples = Samples(workload.images, labels, *scaling.scale_and_shift())
        self.what = self._engine.name

    def train(self, steps: int) -> None:
        """Run that many whole steps."""
        result = self._engine.train(
            self._model.table,
            self._state,
            self._samples,
            self._workload.order(steps),
            self._workload.batch,
            np.full(steps, RATE),
            0,
            Optimizer("sgd"),
        )
        if result.steps < steps:
            raise DivergenceError(
                "training on random images diverged; the network multiplies what flows through "
                "it beyond 32 bits, so there is nothing to time."
            )

    def infer(self, images: slice) -> NDArray[np.float32]:
        """Return the scores of some images."""
        return self._model.scores(self._workload.images[images], self._workload.threads)


class Worker:
    """Answers requests; contenders are made when they are first asked for."""

    def __init__(self) -> None:
        self._workload: Workload | None = None
        self._contenders: dict[str, Contender] = {}

    def answer(self, request: dict[str, Any]) -> Answer:
        """Do what ``request`` says, and return the answer.

        ``{"workload": ...}`` sets what to do from now on, ``{"peak": threads}`` measures the
        machine's multiply-adds, and ``{"contender": name}`` with a ``task`` and a ``count`` times
        that; without a task it says what it is and shows its scores.
        """
        if "workload" in request:
            self._workload = Workload.from_dict(request["workload"])
            self._contenders.clear()
            return {}
        if "peak" in request:
            return {"flops": measure_peak(request["peak"], PEAK_SECONDS)}
        assert self._workload is not None
        name = request["contender"]
        if name not in self._contenders:
            self._contenders[name] = make_contender(name, self._workload)
        contender = self._contenders[name]
        if "task" in request:
            return timed(contender, self._workload, request["task"], request["count"])
        return {
            "what": contender.what,
            "scores": contender.infer(self._workload.batch_slice(0))[:CHECKED].tolist(),
            "one": contender.infer(slice(0, 1))[0].tolist(),
        }


def timed(contender: Contender, workload: Workload, task: str, count: int) -> Answer:
    """Return the seconds that ``count`` steps, batches or single images take.

    Of single images each is timed: ``median`` and ``p90`` are of one call.
    """
    if task == "one-image":
        images = len(workload.images)
        calls = call_times(contender, [slice(i % images, i % images + 1) for i in range(count)])
        median, p90 = np.quantile(calls, (0.5, 0.9)).tolist()
        return {"seconds": sum(calls), "median": median, "p90": p90}
    start = time.perf_counter()
    if task == "training":
        contender.train(count)
    else:
        for number in range(count):
            contender.infer(workload.batch_slice(number))
    return {"seconds": time.perf_counter() - start}


def call_times(contender: Contender, calls: Sequence[slice]) -> list[float]:
    """Return the seconds that each call takes."""
    seconds = []
    for images in calls:
        start = time.perf_counter()
        contender.infer(images)
        seconds.append(time.perf_counter() - start)
    return seconds


def start(framework: str) -> Process:
    """Start a process for ``framework``."""
    # -P: a file of the user's that is called like a module is not that module.
    code = f"from {__name__} import Worker, serve; serve(Worker().answer)"
    return Process(framework, ["-P", "-c", code])
