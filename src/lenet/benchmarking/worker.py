"""What runs in a framework's process: it is given a workload, then does tasks and times them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from lenet.benchmarking.processes import Answer, Process, serve
from lenet.benchmarking.workload import Workload

#: Images of the first batch whose scores are compared.
CHECKED: Final = 16
#: Seconds that the machine's peak is measured at a time.
PEAK_SECONDS: Final = 0.05


class Contender(Protocol):
    """One way to do a workload."""

    what: str  # its framework and version

    def train(self, steps: int) -> None:
        """Run that many whole steps: forward, backward, update."""

    def infer(self, number: int) -> NDArray[np.float32]:
        """The scores (batch, classes) of batch ``number``."""

    def infer_one(self, number: int) -> NDArray[np.float32]:
        """The scores (1, classes) of image ``number``, from NumPy to NumPy."""


def start(framework: str) -> Process:
    """A process for ``framework``."""
    # -P: a file of the user's that is called like a module is not that module.
    return Process(framework, ["-P", "-c", f"from {__name__} import main; main()"])


class Worker:
    """Answers requests; contenders are made when they are first asked for."""

    def __init__(self) -> None:
        self._workload: Workload | None = None
        self._contenders: dict[str, Contender] = {}

    def answer(self, request: dict[str, Any]) -> Answer:
        """Do what ``request`` says.

        ``{"workload": ...}`` sets what to do from now on, ``{"peak": threads}`` measures the
        machine's multiply-adds, and ``{"contender": name}`` with a ``task`` and a ``count`` times
        that; without a task it says what it is and shows its scores.
        """
        if "workload" in request:
            self._workload = Workload.from_dict(request["workload"])
            self._contenders.clear()
            return {}
        if "peak" in request:
            from lenet.engine.native import measure_peak

            return {"flops": measure_peak(request["peak"], PEAK_SECONDS)}
        contender = self._contender(request["contender"])
        if "task" not in request:
            return describe(contender)
        assert self._workload is not None
        return timed(contender, request["task"], request["count"], len(self._workload.images))

    def _contender(self, name: str) -> Contender:
        assert self._workload is not None
        if name not in self._contenders:
            self._contenders[name] = make_contender(name, self._workload)
        return self._contenders[name]


def make_contender(name: str, workload: Workload) -> Contender:
    """The contender of that name; only here are the frameworks imported."""
    framework, _, way = name.partition("-")
    if framework == "torch":
        from lenet.benchmarking.with_torch import WithTorch

        return WithTorch(workload, way)
    if framework == "onnxruntime":
        from lenet.benchmarking.with_onnxruntime import WithOnnxRuntime

        return WithOnnxRuntime(workload)
    from lenet.benchmarking.with_lenet import WithLenet

    return WithLenet(workload)


def describe(contender: Contender) -> Answer:
    """What it is, and the scores by which it is compared."""
    return {
        "what": contender.what,
        "scores": contender.infer(0)[:CHECKED].tolist(),
        "one": contender.infer_one(0)[0].tolist(),
    }


def timed(contender: Contender, task: str, count: int, images: int) -> Answer:
    """The seconds that ``count`` steps, batches or single images take.

    Of single images each is timed: ``median`` and ``p90`` are of one call.
    """
    start = time.perf_counter()
    if task == "training":
        contender.train(count)
    elif task == "inference":
        for number in range(count):
            contender.infer(number)
    else:
        calls = _calls(contender.infer_one, count, images)
        median, p90 = np.quantile(calls, (0.5, 0.9)).tolist()
        return {"seconds": sum(calls), "median": median, "p90": p90}
    return {"seconds": time.perf_counter() - start}


def _calls(infer_one: Callable[[int], object], count: int, images: int) -> list[float]:
    """The seconds of each of ``count`` calls."""
    found = []
    for number in range(count):
        start = time.perf_counter()
        infer_one(number % images)
        found.append(time.perf_counter() - start)
    return found


def main() -> None:
    """Answer until nobody asks any more."""
    serve(Worker().answer)
