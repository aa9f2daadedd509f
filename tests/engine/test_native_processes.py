"""The native engine in processes: threads, forks, signals, ends, and machines with one processor.

Most of it in processes of its own, so that a hang or a crash is a failed test.
"""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lenet.engine.native as native
from lenet.engine.engine import Samples
from lenet.engine.initialise import initialise
from lenet.engine.native import NativeEngine
from lenet.engine.optimizer import Optimizer
from lenet.engine.plan import make_plan
from lenet.net import read_network

PLAN = make_plan(read_network("1x12x12 | conv 4 k3 relu, maxpool 2 | dense 9 tanh, dense 5"))
SCALE, SHIFT = np.full(1, 0.01, np.float32), np.full(1, -1, np.float32)
RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (700, 1, 12, 12), np.uint8)
LABELS = RANDOM.integers(0, 5, 700).astype(np.int32)
SAMPLES = Samples(IMAGES, LABELS, SCALE, SHIFT)
PARAMETERS = initialise(PLAN, "xavier", 0)
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")


def engine(threads: int = 2) -> NativeEngine:
    return NativeEngine(PLAN, threads)


def scores(run: NativeEngine, images: Any = IMAGES) -> Any:
    return run.scores(PARAMETERS, images, SCALE, SHIFT)


def train(run: NativeEngine, steps: int = 20, optimizer: str = "momentum") -> Any:
    """The trained table, after steps of 100 images."""
    parameters, rule = PARAMETERS.copy(), Optimizer(optimizer)
    state = np.zeros((rule.state_rows, PLAN.table_size), np.float32)
    order = np.arange(100 * steps, dtype=np.int32) % len(IMAGES)
    rates = np.full(steps, 0.05)
    run.train(parameters, state, SAMPLES, order, 100, rates, 0, rule)
    return parameters


def fingerprint(threads: int) -> str:
    """Of all that an engine computes."""
    run = engine(threads)
    gradient = run.gradient(PARAMETERS, SAMPLES).gradient
    tables = [train(run, optimizer=kind) for kind in ("sgd", "momentum", "adamw")]
    return hashlib.sha256(
        b"".join(table.tobytes() for table in [scores(run), gradient, *tables])
    ).hexdigest()


HEAD = f"""
import os, sys, threading, time
import numpy as np
sys.path[:0] = {[str(Path(__file__).parent), str(Path(native.__file__).parents[2])]!r}
from test_native_processes import *
from lenet.engine import native
"""


def process(script: str) -> subprocess.Popen[str]:
    """A script with everything of this file in it."""
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", HEAD + script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def output(script: str) -> str:
    """What a script prints that must end well and without a word on stderr."""
    with process(script) as child:
        out, err = child.communicate(timeout=60)
    assert (child.returncode, err) == (0, "")
    return out


def test_the_same_bits_on_any_number_of_threads_in_any_process() -> None:
    expected = fingerprint(1)
    assert [fingerprint(threads) for threads in (1, 2, 3, 4, 33)] == [expected] * 5
    for threads in (1, 4):
        assert output(f"print(fingerprint({threads}))").strip() == expected


@pytest.mark.parametrize("threads", [1, 3])
def test_python_threads_at_once(threads: int) -> None:
    """On one engine they take turns; with an engine each they do not know each other."""
    shared = engine(threads)
    expected = scores(shared), train(shared)

    def work(own: bool) -> bool:
        run = engine(threads) if own else shared
        return all(
            np.array_equal(scores(run), expected[0]) and np.array_equal(train(run), expected[1])
            for _ in range(5)
        )

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(work, [False, True] * 3))


FORK = """
parent = engine(3)
expected = scores(parent)
stop = threading.Event()
{before}
child = os.fork()
if not child:
    run = {engine}
    same = np.array_equal(scores(run), expected)
    same = same and np.isfinite(run.gradient(PARAMETERS, SAMPLES).loss)
    sys.exit(0 if same else 3)  # at the end of the interpreter every engine is deleted
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
stop.set()
assert np.array_equal(scores(parent), expected)
sys.exit(status)
"""
BUSY = """
def use():
    while not stop.is_set():
        scores(parent, np.repeat(IMAGES, 5, axis=0))
user = threading.Thread(target=use)
user.start()
"""


@pytest.mark.skipif(not hasattr(native.os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize(
    ("run", "before"),
    [
        ("engine(3)", ""),  # an engine of its own
        ("parent", ""),  # its parent's, whose threads stayed behind
        ("(engine(3), parent)[1]", ""),  # new threads first, under the old ones' names
        ("parent", BUSY),  # in the middle of work, the lock taken
    ],
    ids=["own", "parent's", "both", "busy"],
)
def test_the_child_of_a_fork_computes(run: str, before: str) -> None:
    output(FORK.format(engine=run, before=before))


@pytest.mark.skipif(not hasattr(native.os, "fork"), reason="this system has no fork")
def test_the_childs_child_computes() -> None:
    """And each of them with threads of its own, while its parent's live on."""
    output("""
run = engine(3)
expected = scores(run)
for generation in range(3):
    if child := os.fork():
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.exit(status or not np.array_equal(scores(run), expected))
    assert np.array_equal(scores(run), expected)
""")


@linux
def test_threads_that_the_system_refuses() -> None:
    output("""
import resource
from lenet.errors import EngineError

scores(engine(1))
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + 200_000_000  # no room for a thousand stacks
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
try:
    engine(1000)
except EngineError as error:
    assert "too few threads" in str(error), error
else:
    sys.exit("a thousand threads were started")
scores(engine(2))
""")


@linux
def test_a_machine_with_one_processor() -> None:
    """One thread by default; four on it take turns, and none spins while another could work."""
    assert fingerprint(1) in output("""
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
assert NativeEngine(PLAN).threads == 1
print(fingerprint(4))

def cost(run):
    train(run)
    start = time.process_time()
    train(run, steps=300)
    return time.process_time() - start

alone, crowd = (min(cost(engine(threads)) for _ in range(3)) for threads in (1, 4))
assert crowd < 4 * alone, (alone, crowd)
""")


@linux
def test_processors_taken_away_while_it_runs() -> None:
    assert fingerprint(1) in output("""
run = engine(4)
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
scores(run)
print(fingerprint(2))
""")


#: What a daemon thread may be in the middle of when the interpreter ends.
CALLS = {
    "one image": "scores(run, IMAGES[:1])",
    "many images": "scores(run)",
    "a gradient": "run.gradient(PARAMETERS, SAMPLES)",
    "training": "train(run, steps=5)",
    "a long training": "train(run, steps=10_000)",
    "measuring": "native.measure_peak(2, 0.001)",
    "a refusal": "refusal(run)",
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("threads", [1, 2])
def test_the_end_of_the_interpreter(call: str, threads: int) -> None:
    """A daemon thread that is in the engine then stays there; nothing is aborted, nothing waits.

    Two threads share an engine and two have their own: the lock, too, is taken at the end.
    """
    output(f"""
from dataclasses import replace
from lenet.errors import UsageError

def refusal(run):
    try:
        run.gradient(PARAMETERS, replace(SAMPLES, labels=LABELS + 5))
    except UsageError:
        pass

def loop(run):
    while True:
        {call}

shared = engine({threads})
for run in (shared, shared, engine({threads}), engine({threads})):
    threading.Thread(target=loop, args=(run,), daemon=True).start()
time.sleep(0.05)
""")


def test_the_engine_computes_to_the_very_end() -> None:
    """For the thread that ends the interpreter, in exit functions and when objects are deleted."""
    found = output("""
import atexit

class Last:
    def __init__(self, run):
        self.run, self.scores, self.print = run, scores, print
    def __del__(self):
        self.print(self.scores(self.run).shape)

atexit.register(lambda: print(scores(last.run).shape))
last = Last(engine(2))
""")
    assert found == "(700, 5)\n(700, 5)\n"


INTERRUPTED = """
run = engine(2)
expected = train(run, steps=3000)
try:
    print("begun", flush=True)
    for _ in range(1000):
        found = train(run, steps=3000)
except KeyboardInterrupt:
    print(time.monotonic())
assert np.array_equal(train(run, steps=3000), expected)
"""


def test_ctrl_c_in_the_middle_of_a_step() -> None:
    """A real signal: KeyboardInterrupt after the call, and the engine as good as before."""
    with process(INTERRUPTED) as child:
        assert child.stdout
        assert child.stdout.readline() == "begun\n"
        native.os.kill(child.pid, signal.SIGINT)
        out, err = child.communicate(timeout=60)
    assert (child.returncode, err) == (0, "")
    assert out
