"""Work on a cluster of Ray: trials as plain tasks, images through Ray Data, one processor each.

The outcome is that of one machine, bit for bit: the same instruction set is asked for everywhere, a
task runs on one thread, and what a lost machine had under way is begun again. What all tasks share
is put into the cluster once, by this process, and outcomes come back as values.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any, Final, TypeVar

from lenet.arguments import shown
from lenet.errors import LenetError, UsageError, needing

T = TypeVar("T")
R = TypeVar("R")
D = TypeVar("D")

#: Where work is done, other than on this machine.
PLACES: Final = ("ray",)
#: Seconds after which a cluster that does not answer is given up.
PATIENCE: Final = 60.0
#: Pieces of work that are handed to Ray Data at once, which keeps all that it is given in memory.
_SLAB: Final = 1_000
#: How often a task is begun again after its machine was lost.
_RETRIES: Final = 10
_ADDRESS: Final = "RAY_ADDRESS"
_QUIET: Final = {"include_dashboard": False, "log_to_driver": False, "logging_level": "error"}


def check_place(on: str | None) -> None:
    """Raise a UsageError, if ``on`` is neither None, this machine, nor a cluster."""
    if on not in (None, *PLACES):
        raise UsageError(f"on is {shown(on)}; it must be {' or '.join(PLACES)}.", parameter="on")


def check_alike(here: tuple[str, str], wanted: tuple[str, str]) -> None:
    """Raise a UsageError, if a machine has another lenet or engine than the one that asks it."""
    if here != wanted:
        what = f"a machine of the cluster has lenet {here[0]} with the engine {here[1]}"
        how = f"{wanted[0]} with {wanted[1]}"
        raise UsageError(f"{what}, not {how}; use machines that are alike.")


def run_on_ray(
    work: Callable[[T, D, tuple[str, str, str]], R],
    trials: Mapping[str, T],
    data: D,
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
    work: Callable[[T, D, tuple[str, str, str]], R],
    trials: Mapping[str, T],
    data: D,
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
    with needing("Ray", "to use a cluster", "ray"):
        import ray
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


def map_in_order(
    work: Callable[[T, D], R], items: Iterable[T], shared: D, engine: str
) -> Iterator[R]:
    """Yield what ``work`` makes of each item and of ``shared``, in order, through Ray Data.

    Raises:
        MissingPackageError: Ray, or what Ray Data needs, is not installed.
        UsageError: the cluster does not answer, or a machine of it has another lenet.
    """
    with connected(engine) as ray:
        with needing("Ray Data", "to read pictures on a cluster", "ray"):
            from ray import data
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        context = data.DataContext.get_current()
        before = context.execution_options.preserve_order, context.enable_progress_bars
        context.execution_options.preserve_order, context.enable_progress_bars = True, False
        held, waiting = ray.put(shared), iter(items)

        def row_of(row: dict[str, Any]) -> dict[str, Any]:
            return {"found": [work(row["item"][0], ray.get(held))]}

        try:
            while some := [{"item": [item]} for item in islice(waiting, _SLAB)]:
                rows = data.from_items(some, override_num_blocks=len(some))
                for row in rows.map(row_of, num_cpus=1).iter_rows():
                    yield row["found"][0]
        except ray.exceptions.RayError as error:
            raise _told(ray, error, "what is answered is kept") from error
        finally:
            context.execution_options.preserve_order, context.enable_progress_bars = before


def _result(ray: Any, reference: Any) -> Any:
    try:
        return ray.get(reference)
    except ray.exceptions.RayError as error:
        raise _told(ray, error, "the same call goes on with what is missing") from error


def _told(ray: Any, error: BaseException, how: str) -> BaseException:
    """Return what a person is told of an error of Ray's."""
    for cause in _causes(error):
        if isinstance(cause, LenetError):
            return cause
        if isinstance(cause, ImportError):
            what = f"a machine of the cluster has no lenet ({cause})"
            return UsageError(f"{what}; install it on all machines.")
    is_strange = isinstance(error, ray.exceptions.RayTaskError)
    if is_strange:  # whatever a task raised that is none of ours
        return error
    why = " ".join(str(error).split())[:300]
    return UsageError(f"the cluster lost a task {_RETRIES} times ({why.rstrip('.')}); {how}.")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = getattr(error, "cause", None) or error.__cause__
