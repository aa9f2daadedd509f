"""Who is measured, in which order, and what stops it. The figures here are made up."""

import pytest

import lenet
from lenet.benchmarking import measuring
from lenet.benchmarking.measuring import Workers, bench, contenders_of, measure
from lenet.benchmarking.workload import TASKS
from lenet.errors import EngineError, ShapeError, UsageError
from refusals import refused

TORCH = ["torch-eager", "torch-channels-last", "torch-compile"]


@pytest.fixture
def installed(monkeypatch):
    """Packages that are there; a test may take some away."""
    packages = {"torch", "onnx", "onnxruntime"}
    monkeypatch.setattr(measuring, "find_spec", lambda name: name if name in packages else None)
    return packages


class FakeWorkers:
    """Answers at once: a task takes a millisecond a time, and everybody agrees."""

    def __init__(self):
        self.asked = []
        self.scores = {}

    def begin(self, workload):
        self.asked.append(("begin", workload.batch))

    def ask(self, contender, **request):
        if "peak" in request:
            return {"flops": 1e9}
        if "task" not in request:
            found = self.scores.get(contender, [[1.0, 100.0]])
            if isinstance(found, Exception):
                raise found
            return {"what": f"{contender} 1.0", "scores": found, "one": found[0]}
        self.asked.append((contender, request["task"], request["count"]))
        extra = {"median": 0.002, "p90": 0.003} if request["task"] == "one-image" else {}
        return {"seconds": 0.001 * request["count"], **extra}


@pytest.mark.parametrize(
    ("against", "found"),
    [
        ([], []),
        (["torch"], TORCH),
        (["torch-compile", "onnxruntime"], ["torch-compile", "onnxruntime"]),
        (["torch-eager", "torch"], TORCH),
        ("torch", TORCH),
        ("torch-eager,onnxruntime", ["torch-eager", "onnxruntime"]),
    ],
)
def test_contenders(installed, against, found):
    assert contenders_of(against) == found


def test_nobody_of_that_name(installed):
    with pytest.raises(UsageError, match=r"'keras'.* torch, onnxrun"):
        contenders_of(["keras"])


@pytest.mark.parametrize(
    ("missing", "against", "words"),
    [
        ({"torch"}, "torch-eager", "not installed: torch; run 'pip install torch'"),
        ({"onnx"}, "onnxruntime", "not installed: onnx; run 'pip install onnx'"),
        (
            {"onnx", "onnxruntime"},
            "onnxruntime",
            "pip install onnxruntime onnx",
        ),
    ],
)
def test_what_is_not_installed_is_told(installed, missing, against, words):
    installed -= missing
    with pytest.raises(UsageError) as caught:
        contenders_of([against])
    assert words in str(caught.value)
    assert "or leave" in str(caught.value)


def test_rounds_are_interleaved_and_work_is_the_same_in_each(workload):
    workers = FakeWorkers()
    found = measure(workers, workload, ["lenet", "onnxruntime"], 0.5, rounds=2)
    rounds = [asked for asked in workers.asked if asked[-1] == 250]  # 0.25 s of a millisecond
    turn = [
        ("lenet", "training", 250),
        ("lenet", "inference", 250),
        ("onnxruntime", "inference", 250),
        ("lenet", "one-image", 250),
        ("onnxruntime", "one-image", 250),
    ]
    assert rounds[-10:] == [*turn, *turn]
    assert list(found.seconds) == list(TASKS)
    assert found.seconds["training"] == {"lenet": [0.0002, 0.0002]}  # a batch has 5 images
    assert found.seconds["one-image"]["onnxruntime"] == [0.002, 0.002]
    assert found.p90 == {"lenet": [0.003] * 2, "onnxruntime": [0.003] * 2}
    assert found.peak_flops == [1e9, 1e9]
    assert found.contenders == {"lenet": "lenet 1.0", "onnxruntime": "onnxruntime 1.0"}


def test_one_time_is_the_least(workload):
    workers = FakeWorkers()
    measure(workers, workload, ["lenet"], 1e-6, tasks=["training"], rounds=1)
    assert workers.asked[-1] == ("lenet", "training", 1)


@pytest.mark.parametrize(
    "scores",
    [
        [[1.0, 100.02]],  # two in ten thousand
        [[1.02, 100.0]],
        [[1.0, float("nan")]],
        [[1.0, 100.0, 3.0]],
    ],
)
def test_other_scores_stop_everything(workload, scores):
    workers = FakeWorkers()
    workers.scores["torch-eager"] = scores
    with refused(EngineError, "torch-eager gives other"):
        measure(workers, workload, ["lenet", "torch-eager"], 0.1)
    assert workers.asked == [("begin", 5)]


def test_rounding_is_no_difference(workload):
    workers = FakeWorkers()
    workers.scores["torch-eager"] = [[1.005, 100.005]]
    measure(workers, workload, ["lenet", "torch-eager"], 0.1)


def test_small_scores_are_held_to_the_same_bound(workload):
    workers = FakeWorkers()
    workers.scores = {"lenet": [[0.0, 0.01]], "torch-eager": [[0.0, 0.0102]]}
    with pytest.raises(EngineError, match=r"0\.0002 apart"):
        measure(workers, workload, ["lenet", "torch-eager"], 0.1)


def test_scores_that_are_no_numbers_tell_nothing(workload):
    workers = FakeWorkers()
    workers.scores["lenet"] = [[float("inf"), 1.0]]
    with refused(EngineError, "nothing to compare"):
        measure(workers, workload, ["lenet"], 0.1)


def test_a_peer_that_cannot_is_left_out(workload):
    workers = FakeWorkers()
    workers.scores["torch-compile"] = EngineError("no compiler")
    found = measure(workers, workload, ["lenet", "torch-compile", "torch-eager"], 0.1)
    assert found.left_out == {"torch-compile": "no compiler"}
    assert list(found.contenders) == ["lenet", "torch-eager"]
    workers.scores["lenet"] = EngineError("no engine")
    with refused(EngineError, "no engine"):
        measure(workers, workload, ["lenet"], 0.1)


def test_a_peer_that_cannot_do_one_task_is_left_out_of_all(workload):
    workers = FakeWorkers()
    ask = workers.ask

    def fails(contender, **what):
        if contender == "torch-eager" and what.get("task") == "inference":
            raise EngineError("one image per batch is too few")
        return ask(contender, **what)

    workers.ask = fails
    found = measure(workers, workload, ["lenet", "torch-eager"], 0.1)
    assert found.left_out == {"torch-eager": "one image per batch is too few"}
    assert list(found.contenders) == ["lenet"]
    assert all(list(times) == ["lenet"] for times in found.seconds.values())


def test_the_watcher_is_told_of_every_round(workload):
    told = []
    measure(FakeWorkers(), workload, ["lenet"], 0.1, rounds=3, watch=told.append)
    assert told[0] == "lenet: starting"
    assert told[-1] == "round 3 of 3: lenet, one-image"


def test_a_process_for_a_framework(workload):
    """Really: ours is asked twice by two names of the same process."""
    with Workers() as workers:
        workers.begin(workload)
        first = workers.ask("lenet")
        assert workers.ask("lenet") == first
        assert list(workers._processes) == ["lenet"]
        other = type(workload)(lenet.parse("1x4x4 | dense 2"), 3)
        workers.begin(other)
        assert len(workers.ask("lenet")["scores"]) == 3
    assert workers._processes["lenet"]._process.returncode == 0


def test_bench():
    found = bench("1x8x8 | conv 4 k3 relu | dense 10", batch=8, threads=1, seconds=0.02)
    assert list(found.contenders) == ["lenet"]
    assert all(seconds > 0 for task in TASKS for seconds in found.seconds[task]["lenet"])
    assert found.fraction_of_peak("training") > 0
    assert str(found).startswith("network    batch 8, 1 thread, float32; medians of 5 rounds")


def test_bench_refuses_before_it_starts_anything(monkeypatch):
    monkeypatch.setattr(measuring, "start", pytest.fail)
    for options in ({"batch": 0}, {"threads": 0}, {"seconds": 0}, {"seconds": float("nan")}):
        with pytest.raises(UsageError):
            bench("lenet", **options)
    with refused(UsageError, "names no network"):
        bench("nothing")
    with pytest.raises(ShapeError):
        bench("1x4x4 | conv 3 k5")
