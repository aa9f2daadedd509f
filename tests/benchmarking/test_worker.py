"""Every contender does the same workload and says the same."""

import numpy as np
import pytest

from lenet.benchmarking import worker as worker_module
from lenet.benchmarking import workload as workload_module
from lenet.benchmarking.worker import CHECKED, WithLenet, Worker, make_contender, timed
from lenet.benchmarking.workload import TASKS, Workload
from lenet.engine.engine import TrainResult
from lenet.errors import DivergenceError, EngineError
from lenet.net import read_network
from refusals import refused

NEEDS = {"lenet": (), "torch": ("torch",), "onnxruntime": ("onnx", "onnxruntime")}
#: torch-compile is measured by hand: it takes half a minute to start.
CONTENDERS = ("lenet", "torch-eager", "torch-channels-last", "onnxruntime")


@pytest.fixture(params=CONTENDERS)
def contender(request, workload):
    for package in NEEDS[request.param.partition("-")[0]]:
        pytest.importorskip(package)
    return make_contender(request.param, workload)


@pytest.fixture
def worker(workload):
    found = Worker()
    assert found.answer({"workload": workload.to_dict()}) == {}
    return found


def test_scores(contender, workload, expected_scores):
    expected = expected_scores(workload, 10)
    for images in (slice(0, 5), slice(5, 10), slice(7, 8)):
        scores = contender.infer(images)
        np.testing.assert_allclose(scores, expected[images], rtol=1e-5, atol=1e-5)


def test_training_leaves_the_weights_about_where_they_are(contender, workload, expected_scores):
    if "onnx" in contender.what:
        with refused(EngineError, "does not train"):
            contender.train(1)
        return
    contender.train(workload.batches + 1)
    found, expected = contender.infer(slice(0, 5)), expected_scores(workload, 5)
    assert not np.array_equal(found, expected)
    np.testing.assert_allclose(found, expected, atol=0.05)


def test_torch_normalises_by_the_batch_in_training_only():
    torch = pytest.importorskip("torch")
    work = Workload(read_network("1x8x8 | conv 4 k3 batchnorm tanh, maxpool 2 | dense 5"), 16, 1)
    found = make_contender("torch-eager", work)
    _, norm, *_ = found.module
    before = found.infer(slice(0, 16))
    other = make_contender("torch-eager", work).module[1]
    assert torch.equal(norm.running_mean, other.running_mean)
    found.train(2)
    after = found.infer(slice(0, 16))
    assert np.abs(after - before).max() > 1e-3  # the statistics have moved
    np.testing.assert_allclose(found.infer(slice(3, 4)), after[3:4], rtol=1e-5, atol=1e-6)


def test_torchs_step_is_ours():
    """The same images in the same order: after three steps at a rate that shows, same weights."""
    torch = pytest.importorskip("torch")
    from lenet.benchmarking import torch_network

    work = Workload(read_network("1x8x8 | conv 4 k3 tanh, maxpool 2 | dense 5"), 16, 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker_module, "RATE", 0.5)
        patch.setattr(torch_network, "RATE", 0.5)
        ours, theirs = WithLenet(work), make_contender("torch-eager", work)
        ours.train(3)
        theirs.train(3)
    assert torch.get_num_threads() == 1
    first = slice(0, 16)
    before, after = make_contender("lenet", work).infer(first), ours.infer(first)
    assert np.abs(after - before).max() > 0.1
    np.testing.assert_allclose(theirs.infer(first), after, atol=1e-4)


def test_divergence_is_told(workload, monkeypatch):
    ours = make_contender("lenet", workload)
    result = TrainResult(np.zeros(2), np.zeros(2, np.int64), 1)
    monkeypatch.setattr(type(ours._engine), "train", lambda *_: result)
    with refused(DivergenceError, "nothing to time"):
        ours.train(2)


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("backend='inductor' raised:\nInvalidCxxCompiler: no ...", "needs a C++ compiler, such as"),
        ("something else", "something else"),
    ],
)
def test_why_nothing_is_compiled(workload, monkeypatch, message, told):
    torch = pytest.importorskip("torch")
    from lenet.benchmarking.torch_network import TorchRun

    def fail(*_):
        raise RuntimeError(message)

    monkeypatch.setattr(torch, "compile", lambda module, **_: module)
    monkeypatch.setattr(TorchRun, "gradient", fail)
    with pytest.raises(EngineError, match=told.replace("+", r"\+")):
        make_contender("torch-compile", workload)


def test_a_worker_describes_a_contender(worker):
    found = worker.answer({"contender": "lenet"})
    assert found["what"].startswith("native")
    assert np.shape(found["scores"]) == (5, 3)
    np.testing.assert_allclose(found["one"], found["scores"][0], atol=1e-5)


def test_only_some_scores_travel():
    worker = Worker()
    worker.answer({"workload": Workload(read_network("1x4x4 | dense 2"), 100).to_dict()})
    assert np.shape(worker.answer({"contender": "lenet"})["scores"]) == (CHECKED, 2)


@pytest.mark.parametrize("task", TASKS)
def test_a_worker_times(worker, task):
    found = worker.answer({"contender": "lenet", "task": task, "count": 3})
    assert found["seconds"] > 0
    assert ("p90" in found) == (task == "one-image")


def test_a_worker_measures_the_peak(worker):
    assert worker.answer({"peak": 1})["flops"] > 1e8


def test_a_new_workload_is_for_new_contenders(worker):
    before = worker.answer({"contender": "lenet"})["scores"]
    worker.answer({"workload": Workload(read_network("1x4x4 | dense 2"), 3).to_dict()})
    after = worker.answer({"contender": "lenet"})["scores"]
    assert (np.shape(before), np.shape(after)) == ((5, 3), (3, 2))


class Recorder:
    """A contender that notes what it is asked."""

    what = "nobody"

    def __init__(self):
        self.calls = []

    def train(self, steps):
        self.calls.append(("train", steps))

    def infer(self, images):
        self.calls.append((images.start, images.stop))


def test_a_count_is_of_steps_batches_or_images(monkeypatch):
    monkeypatch.setattr(workload_module, "IMAGE_BYTES", 0)
    recorder, work = Recorder(), Workload(read_network("1x4x4 | dense 2"), 1)
    for task in TASKS:
        timed(recorder, work, task, 3)
    assert recorder.calls == [("train", 3), *[(0, 1), (1, 2), (0, 1)] * 2]


def test_of_single_images_the_median_and_the_ninth_tenth_are_told(workload, monkeypatch):
    monkeypatch.setattr("lenet.benchmarking.worker.call_times", lambda *_: [1.0, 9, 2, 3, 4])
    assert timed(Recorder(), workload, "one-image", 5) == {
        "seconds": 19.0,
        "median": 3.0,
        "p90": 7.0,
    }
