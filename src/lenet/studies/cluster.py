"""Trials on a cluster: plain tasks of Ray, one processor each.

The outcome is that of one machine, bit for bit: the same instruction set is asked for everywhere, a
trial runs on one thread, and what a lost machine had under way is begun again. The data set is put
into the cluster once, by this process, and outcomes come back as values.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any, Final, TypeVar

from lenet.data import Dataset
from lenet.errors import LenetError, MissingPackageError, UsageError

T = TypeVar("T")
R = TypeVar("R")

#: Seconds after which a cluster that does not answer is given up.
PATIENCE: Final = 60.0
#: How often a task is begun again after its machine was lost.
_RETRIES: Final = 10
_ADDRESS: Final = "RAY_ADDRESS"
_QUIET: Final = {"include_dashboard": False, "log_to_driver": False, "logging_level": "error"}


def run_on_ray(
    work: Callable[[T, Dataset, tuple[str, str, str]], R],
    trials: Mapping[str, T],
    data: Dataset,
    jobs: int | None,
    about: tuple[str, str, str],
) -> Iterator[tuple[str, R]]:
    """Yield keys and outcomes as trials end on the cluster that ``RAY_ADDRESS`` names.

    ``work`` is called there with a trial, the data and ``about``: the fingerprint of the data,
    lenet's version, and the engine's name.

    Without an address Ray uses the cluster that runs on this machine, or begins one. ``jobs`` tasks
    are under way at a time, by default two for each processor of the cluster.

    Raises:
        MissingPackageError: Ray is not installed.
        UsageError: the cluster does not answer, or a machine of it has another lenet.
    """
    if not trials:
        return
    with connected(about[2]) as ray:
        yield from _run(ray, work, trials, data, jobs, about)


def _run(
    ray: Any,
    work: Callable[[T, Dataset, tuple[str, str, str]], R],
    trials: Mapping[str, T],
    data: Dataset,
    jobs: int | None,
    about: tuple[str, str, str],
) -> Iterator[tuple[str, R]]:
    held, waiting = ray.put(data), iter(trials.items())
    task = ray.remote(num_cpus=1, max_retries=_RETRIES)(work)
    running: dict[Any, str] = {}
    try:
        while True:
            most = jobs or 2 * max(1, int(ray.cluster_resources().get("CPU", 1)))
            for key, trial in islice(waiting, max(0, most - len(running))):
                running[task.remote(trial, held, about)] = key
            if not running:
                return
            done, _ = ray.wait(list(running), timeout=1.0)
            for reference in done:
                yield running.pop(reference), _result(ray, reference)
    finally:
        for reference in running:
            with suppress(Exception):  # whatever Ray says of a task that nobody waits for
                ray.cancel(reference, force=True)


@contextmanager
def connected(engine: str) -> Iterator[Any]:
    """Give Ray, connected to a cluster; one that was connected before stays so.

    Raises:
        MissingPackageError: Ray is not installed.
        UsageError: the cluster does not answer.
    """
    try:
        import ray
    except ImportError as error:
        raise MissingPackageError(
            f'Ray is needed to use a cluster ({error}); run pip install "lenet[ray]".'
        ) from error
    if ray.is_initialized():
        yield ray
        return
    answered, ended, failure = threading.Event(), threading.Event(), list[BaseException]()

    def connect() -> None:
        try:
            # A worker takes the same instruction set, which decides the rounding.
            environment = {"env_vars": {"LENET_ISA": engine.rpartition(" ")[2]}}
            ray.init(runtime_env=environment, **_QUIET)
        except BaseException as error:
            failure.append(error)
        answered.set()
        ended.wait()  # what Ray begins ends with the thread that began it

    threading.Thread(target=connect, daemon=True).start()
    try:
        _check_answer(answered.wait(PATIENCE), failure)
        yield ray
    finally:
        if not failure and answered.is_set():
            ray.shutdown()
        ended.set()


def _check_answer(has_answered: bool, failure: list[BaseException]) -> None:
    where = os.environ.get(_ADDRESS)
    name = f"the cluster at {where}" if where else "Ray on this machine"
    advice = f"see that it runs ('ray start --head' begins one), and that {_ADDRESS} is right"
    if not has_answered:
        raise UsageError(f"{name} does not answer after {PATIENCE:g} s; {advice}.")
    if failure:
        why = " ".join(str(failure[0]).split())[:300] or type(failure[0]).__name__
        raise UsageError(f"{name} cannot be used ({why.rstrip('.')}); {advice}.") from failure[0]


def _result(ray: Any, reference: Any) -> Any:
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, LenetError):
            raise error.cause from None
        if isinstance(error.cause, ImportError):
            what = f"a machine of the cluster has no lenet ({error.cause})"
            raise UsageError(f"{what}; install it on all machines.") from error
        raise
    except ray.exceptions.RayError as error:
        why = " ".join(str(error).split())[:300]
        what = f"the cluster lost a training {_RETRIES} times ({why.rstrip('.')})"
        raise UsageError(f"{what}; the same call goes on with what is missing.") from error
