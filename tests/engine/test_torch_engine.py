"""PyTorch as an engine: the same gradients and updates as the readable engine, in float32."""

import json
from dataclasses import replace

import numpy as np
import pytest

import lenet
from lenet.cli.main import main
from lenet.engine.engine import Objective, Samples
from lenet.engine.initialise import initialise
from lenet.engine.optimizer import Optimizer
from lenet.engine.plan import make_plan
from lenet.engine.reference import ReferenceEngine
from lenet.errors import MissingPackageError, UsageError
from parity_cases import RULES
from random_networks import draw_norms, random_network
from refusals import refused

torch = pytest.importorskip("torch")
from lenet.engine.torch_engine import TorchEngine  # noqa: E402


def case(seed: int, images: int = 70):
    random = np.random.default_rng(seed)
    plan = make_plan(random_network(seed, size=10))
    table = initialise(plan, "kaiming", seed)
    draw_norms(plan, table, random)
    channels = plan.input_shape[0]
    samples = Samples(
        random.integers(0, 256, (images, *plan.input_shape), np.uint8),
        random.integers(0, plan.classes, images).astype(np.int32),
        np.full(channels, 1 / 128, np.float32),
        np.full(channels, -1, np.float32),
    )
    return plan, table, samples


@pytest.mark.parametrize("seed", range(30))
def test_scores_and_gradients_are_the_reference_engines(seed: int) -> None:
    plan, table, samples = case(seed)
    ours, oracle = TorchEngine(plan, 1), ReferenceEngine(plan)
    pixels = samples.images, samples.scale, samples.shift
    scores = oracle.scores(table, *pixels)
    np.testing.assert_allclose(ours.scores(table, *pixels), scores, rtol=1e-3, atol=1e-4)
    weights = np.random.default_rng(seed).uniform(0, 2, len(samples.images)).astype(np.float32)
    for objective in (Objective(), Objective(label_smoothing=0.1, weights=weights)):
        found, wanted = (e.gradient(table, samples, objective) for e in (ours, oracle))
        assert found.loss == pytest.approx(wanted.loss, rel=1e-4)
        largest = max(1e-3, float(np.abs(wanted.gradient).max()))
        np.testing.assert_allclose(found.gradient, wanted.gradient, rtol=0, atol=1e-3 * largest)


@pytest.mark.parametrize("optimizer", RULES, ids=str)
def test_steps_are_the_reference_engines(optimizer: Optimizer) -> None:
    """Also of a normalised network, whose running statistics no optimizer may touch."""
    plan = make_plan(
        lenet.parse("2x8x8 | conv 4 k3 batchnorm relu, avgpool 2 | dense 5 tanh, dense 3")
    )
    _, _, samples = case(1)
    random = np.random.default_rng(0)
    samples = replace(
        samples,
        images=random.integers(0, 256, (70, 2, 8, 8), np.uint8),
        labels=random.integers(0, 3, 70).astype(np.int32),
        scale=np.full(2, 1 / 128, np.float32),
        shift=np.full(2, -1, np.float32),
    )
    order, rates = random.permutation(70).astype(np.int32), np.full(3, 0.01)
    tables = []
    for engine in (TorchEngine(plan, 1), ReferenceEngine(plan)):
        table = initialise(plan, "kaiming", 1)
        state = np.zeros((optimizer.state_rows, plan.table_size), np.float32)
        result = engine.train(table, state, samples, order, 32, rates, 4, optimizer)
        assert result.steps == 3
        tables.append((table, state, result.losses, result.correct))
    for mine, its in zip(*tables, strict=True):
        np.testing.assert_allclose(mine, its, rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize("steps", [0, 2])
@pytest.mark.parametrize("optimizer", RULES, ids=str)
def test_a_loss_that_is_no_number_keeps_the_steps_before_it(optimizer, steps) -> None:
    plan, start, samples = case(2)
    if not steps:
        start[:] = np.nan
    order, rates = np.arange(70, dtype=np.int32), np.array([0.01, 1e30, 0.01, 0.01])
    results = []
    for engine in (TorchEngine(plan, 1), ReferenceEngine(plan, np.float32)):
        table = start.copy()
        state = np.zeros((optimizer.state_rows, plan.table_size), np.float32)
        result = engine.train(table, state, samples, order, 20, rates, 0, optimizer)
        results.append((table, state, result.losses, result.correct))
        assert result.steps == steps
        assert not np.isfinite(result.losses[steps])
    for mine, its in zip(*results, strict=True):
        np.testing.assert_allclose(mine, its, rtol=2e-3, atol=2e-4)


def test_dropout_drops_and_is_decided_by_the_seed() -> None:
    plan = make_plan(lenet.parse("1x4x4 | dense 200 relu, dense 4"))
    samples = Samples(
        np.full((40, 1, 4, 4), 200, np.uint8),
        np.zeros(40, np.int32),
        np.ones(1, np.float32),
        np.zeros(1, np.float32),
    )
    table, engine = initialise(plan, "xavier", 0), TorchEngine(plan, 1)
    losses = [
        engine.gradient(table, samples, Objective(dropout=share, seed=seed), 1).loss
        for share, seed in ((0.0, 0), (0.5, 0), (0.5, 0), (0.5, 1))
    ]
    assert losses[1] == losses[2] != losses[3]
    assert losses[0] != losses[1]


SMALL = "1x8x8 | dense 20 relu, dense 10"
NORMALISED = "1x8x8 | conv 8 k3 batchnorm relu, conv 16 k3 batchnorm relu, avgpool 4 | dense 10"


@pytest.mark.parametrize("network", ["lenet-relu", NORMALISED])
def test_a_training_is_as_good(network, capsys, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    how = ["--net", network, "--epochs", "5", "--set", "augment.shift=1", "--set", "dropout=0.1"]
    assert main(["train", *how, "--engine", "torch", "--run", "t", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    native = lenet.train(network, epochs=5, augment={"shift": 1}, dropout=0.1).training[
        "test_accuracy"
    ]
    assert told["engine"] == "torch cpu"
    assert abs(told["test_accuracy"] - native) < 0.05
    model = lenet.Model.load("runs/t/last.safetensors")
    assert model.evaluate(lenet.load("digits")).accuracy == pytest.approx(
        told["test_accuracy"], abs=0.006
    )


def test_a_run_goes_on_with_pytorch(tmp_path) -> None:
    class StopError(Exception):
        pass

    class Stopper:
        def step(self, epoch, share):
            pass

        def epoch(self, record):
            if record.epoch == 2:
                raise StopError

    with pytest.raises(StopError):
        lenet.train(SMALL, epochs=4, run=tmp_path / "r", engine="torch", callback=Stopper())
    model = lenet.resume(tmp_path / "r")
    assert len(model.training["epochs"]) == 4
    whole = lenet.train(SMALL, epochs=4, engine="torch")
    assert np.array_equal(model.table, whole.table)


def test_what_cannot_be_meant(capsys) -> None:
    with refused(UsageError, "the engine is 'tensorflow'", "native, reference or torch"):
        lenet.train(epochs=1, engine="tensorflow")
    with refused(UsageError, "the engine is 'native:cuda'"):
        lenet.train(epochs=1, engine="native:cuda")
    with refused(UsageError, "cannot use the device 'abacus'", "give cpu"):
        lenet.train(epochs=1, engine="torch:abacus")
    assert main(["train", "--device", "cuda"]) == 2
    assert "--engine torch" in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_no_gpu_is_said() -> None:
    with refused(UsageError, "cannot use the device 'cuda'", "give cpu"):
        lenet.train(epochs=1, engine="torch:cuda")


def test_without_pytorch(monkeypatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "lenet.engine.torch_engine", None)
    with refused(MissingPackageError, "PyTorch is needed", "lenet[torch]"):
        lenet.train(epochs=1, engine="torch")
