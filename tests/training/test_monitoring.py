"""Signal and gradient by layer, against the readable engine and the definition; TensorBoard."""

import importlib.util
import sys
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest

import lenet
from lenet.engine import operations
from lenet.engine.engine import Samples
from lenet.engine.reference import ReferenceEngine
from lenet.errors import EngineError, MissingPackageError
from lenet.run_folder import LayerSignal, read_signals
from lenet.training import monitoring
from lenet.training.monitoring import SignalLog, TensorBoard, layer_signals, sample_size
from refusals import refused

LARGEST = {"sigmoid": 0.25, "tanh": 1.0}


def make(activation, init="normal:0.6"):
    net = f"1x8x8 | conv 5 k3 {activation}, maxpool 2 | dense 12 {activation}, dense 10"
    return lenet.Model(net).initialize(init, 1)


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "leaky-relu", "silu"])
def test_against_the_definition(digits, activation):
    model = make(activation)
    images, labels = digits.train.images[:40], digits.train.labels[:40]
    found = layer_signals(model, images, labels, model.engine(1), 7)
    assert [(one.epoch, one.layer) for one in found] == [
        *((7, "conv0"), (7, "dense0"), (7, "dense1"))
    ]
    scale, shift = model.preprocessing.scale_and_shift()
    reference = ReferenceEngine(model.plan)
    gradient = reference.gradient(model.table, Samples(images, labels, scale, shift)).gradient
    x = images * scale[:, None, None].astype(float) + shift[:, None, None]
    outputs = reference.outputs(model.table, x)
    steps = [step for step in model.plan.steps if step.weight]
    kept = [y for step, y in zip(model.plan.steps, outputs, strict=True) if step.weight]
    for one, step, y in zip(found, steps, kept, strict=True):
        weight = step.weight.view(model.table)
        assert one.weight == pytest.approx(np.sqrt((weight.astype(float) ** 2).mean()))
        slope = np.sqrt((step.weight.view(gradient) ** 2).mean())
        assert one.gradient == pytest.approx(slope, rel=1e-3)
        assert one.relative_gradient == pytest.approx(one.gradient / one.weight)
        assert one.output == pytest.approx(np.sqrt((y**2).mean()), rel=1e-4)
    x = images * scale[:, None, None] + shift[:, None, None]
    linear = replace(model.plan.steps[0], pool_first=False, activation="identity")
    plan = replace(model.plan, steps=(linear,))
    z = ReferenceEngine(plan).outputs(model.table, x)[0]
    step = 1e-4
    rise = operations.activate(activation, z + step) - operations.activate(activation, z - step)
    flat = np.abs(rise / (2 * step)) < monitoring.FLAT * LARGEST.get(activation, 0)
    shares = found[0].saturated, found[0].sparsity, found[0].dead
    if activation in LARGEST:
        assert shares == (pytest.approx(flat.mean(), abs=0.002), None, None)
    elif activation == "relu":
        assert shares == (None, pytest.approx((z <= 0).mean(), abs=0.002), 0.0)
    else:
        assert shares == (None, None, None)
    last = found[-1]
    assert (last.saturated, last.sparsity, last.dead) == (None, None, None)


def test_zeros_are_no_saturation_and_dead_are_units_without_any_output(digits):
    """Of six units two are zero for every image; of the others some outputs are."""
    part = digits.train.images[:32], digits.train.labels[:32]
    model = lenet.Model("1x8x8 | conv 6 k3 relu | dense 8 relu, dense 10").initialize("kaiming", 3)
    model.parameters["conv0.bias"][:2] = -100.0
    model.parameters["dense0.bias"][...] = -1000.0
    conv, dense, last = layer_signals(model, *part, model.engine(1))
    assert (conv.dead, dense.dead, last.dead) == (2 / 6, 1.0, None)
    assert 2 / 6 < conv.sparsity < 1
    assert dense.sparsity == 1.0
    assert conv.saturated is dense.saturated is None


def test_deep_networks_are_passed_through_once(digits, monkeypatch):
    """The same numbers, without an engine for each layer."""
    part = digits.train.images[:8], digits.train.labels[:8]
    for activation in ("relu", "sigmoid"):
        model = make(activation)
        made = layer_signals(model, *part, model.engine(1))
        engine = model.engine(1)
        with monkeypatch.context() as patch:
            patch.setattr(monitoring, "_DEEP", 0)
            patch.setattr(monitoring, "make_engine", None)
            found = layer_signals(model, *part, engine)
        for one, other in zip(found, made, strict=True):
            for name, value in vars(one).items():
                wanted = getattr(other, name)
                is_number = isinstance(wanted, float)
                assert value == (pytest.approx(wanted, rel=1e-4) if is_number else wanted)


def test_a_network_of_a_thousand_layers_is_measured(digits):
    hidden = ", ".join(["dense 8 relu"] * 1000)
    model = lenet.Model(f"1x8x8 | {hidden}, dense 10").initialize("kaiming", 0)
    found = layer_signals(model, digits.train.images[:2], digits.train.labels[:2], model.engine(1))
    assert len(found) == 1001


def test_sigmoids_saturate_and_their_gradients_vanish_and_relus_do_not(digits):
    """The point of it: eight sigmoids in a row starve the first layer."""
    part = digits.train.images[:32], digits.train.labels[:32]
    first = {}
    for activation, init in (("sigmoid", "xavier"), ("relu", "kaiming")):
        hidden = ", ".join([f"dense 30 {activation}"] * 8)
        model = lenet.Model(f"1x8x8 | {hidden}, dense 10").initialize(init, 0)
        found = layer_signals(model, *part, model.engine(1))
        first[activation] = found[0].relative_gradient / found[-1].relative_gradient
    assert first["sigmoid"] < 1e-3
    assert first["relu"] > 0.05


def test_large_weights_saturate(digits):
    part = digits.train.images[:32], digits.train.labels[:32]
    small, large = (
        layer_signals(model, *part, model.engine(1))[0].saturated
        for model in (make("tanh", "normal:0.01"), make("tanh", "normal:9"))
    )
    assert small == 0
    assert large > 0.8


@pytest.mark.parametrize(
    ("network", "images", "count"),
    [
        ("lenet", 60_000, 32),
        ("1x8x8 | dense 10", 1_437, 32),
        ("1x8x8 | dense 10", 600, 15),
        ("1x8x8 | dense 10", 100, 8),
        ("1x8x8 | dense 10", 3, 3),
        ("3x224x224 | conv 64 k3 same relu | dense 10", 60_000, 1),
    ],
)
def test_how_many_images(network, images, count):
    assert sample_size(lenet.Model(network), images) == count


def test_a_log_measures_the_same_images_and_writes(digits, tmp_path):
    model, log = make("relu"), SignalLog(tmp_path)
    for epoch in (0, 1):
        log.measure(model, digits.train, model.engine(1), epoch)
    assert [one.epoch for one in log.signals] == [0, 0, 0, 1, 1, 1]
    assert log.signals[0].gradient == log.signals[3].gradient
    log.write()
    assert read_signals(tmp_path, model.network) == log.signals
    again = SignalLog(tmp_path)
    again.resume(1, model.network)
    assert again.signals == log.signals[:3]


def test_long_runs_are_looked_at_less_often(digits, tmp_path, monkeypatch):
    model, log = make("relu"), SignalLog(tmp_path)
    monkeypatch.setattr(
        monitoring, "layer_signals", lambda *given: [LayerSignal(given[-1], *"a111", None)]
    )
    for epoch in range(10_001):
        log.measure(model, digits.train, model.engine(1), epoch)
    epochs = [one.epoch for one in log.signals]
    assert epochs == [*range(401), *range(410, 4001, 10), *range(4100, 10_001, 100)]


def test_too_little_memory_for_it_costs_no_training(digits, tmp_path, monkeypatch):
    def fail(*_):
        raise EngineError("no memory")

    model, log = make("relu"), SignalLog(tmp_path)
    monkeypatch.setattr(monitoring, "layer_signals", fail)
    log.measure(model, digits.train, model.engine(1), 0)
    monkeypatch.undo()
    log.measure(model, digits.train, model.engine(1), 1)
    log.write()
    assert (log.signals, list(tmp_path.iterdir())) == ([], [])


def test_normalised_convolutions(digits):
    first = lenet.Conv2d(5, 3, activation="relu", batch_norm=True)
    blocks = lenet.Block([first, lenet.MaxPool2d(2)]), lenet.Block([lenet.Dense(10)])
    model = lenet.Model(lenet.Network((1, 8, 8), blocks)).initialize("kaiming", 0)
    model.state_dict()["conv0.mean"][...] = 3.0
    part = digits.train.images[:16], digits.train.labels[:16]
    found = layer_signals(model, *part, model.engine(1))
    assert found[0].sparsity > 0.9  # what lies below the running mean is cut off
    assert np.isfinite([one.relative_gradient for one in found]).all()


EPOCH = {"epoch": 1, "loss": 0.5, "test_accuracy": None}
SIGNALS = [
    LayerSignal(0, "conv0", 1.0, 9.0, 1.0, 0.9),
    LayerSignal(1, "conv0", 2.0, 1.0, 1.0, 0.25),
]


def test_it_is_not_installed(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with refused(MissingPackageError, "TensorBoard is needed", 'pip install "lenet[tensorboard]"'):
        lenet.train("1x8x8 | dense 10", run=tmp_path / "a", tensorboard=True)
    assert list(tmp_path.iterdir()) == []


class Full:
    """A writer on a full disk."""

    def add_scalar(self, *_, **__):
        raise OSError(28, "No space left on device")

    def close(self):
        raise OSError(28, "No space left on device")


def test_a_full_disk_costs_no_training(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", ModuleType("tensorboard"))
    found = TensorBoard(tmp_path)
    monkeypatch.setattr(found, "_writer", Full())
    found.write(EPOCH, SIGNALS)
    found.write(EPOCH, SIGNALS)
    found.close()


@pytest.mark.skipif(not importlib.util.find_spec("tensorboard"), reason="no tensorboard installed")
@pytest.mark.filterwarnings("ignore")
def test_tensorboard_reads_it(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = tmp_path / "a"
    recipe = lenet.recipe("original", epochs=3, lr=0.1)
    model = lenet.train(
        "1x8x8 | dense 9 relu, dense 10", "digits", recipe, run=run, tensorboard=True
    )
    events = EventAccumulator(str(run / "tensorboard"))
    events.Reload()
    assert set(events.Tags()["tensors"]) == {
        *("run/loss", "run/train_accuracy", "run/test_accuracy", "run/seconds"),
        *("run/test_loss", "run/learning_rate"),
        *("relative gradient/dense0", "relative gradient/dense1"),
        *("sparsity/dense0", "dead/dense0"),
    }
    found = events.Tensors("run/loss")
    assert [one.step for one in found] == [1, 2, 3]
    losses = [epoch["loss"] for epoch in model.training["epochs"]]
    assert [one.tensor_proto.float_val[0] for one in found] == pytest.approx(losses)


def test_no_epoch_is_held_twice(few, small, tmp_path):
    model, log = lenet.Model(small).initialize(), SignalLog(tmp_path)
    for epoch in (0, 1, 1, 0, 2):
        log.measure(model, few.train, model.engine(1), epoch)
    assert [one.epoch for one in log.signals if one.layer == "conv0"] == [0, 1, 2]


@pytest.mark.skipif(not importlib.util.find_spec("tensorboard"), reason="no tensorboard installed")
@pytest.mark.filterwarnings("ignore")
def test_tensorboard_holds_no_epoch_twice(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for numbers in ((1, 2, 2), (2, 3)):
        board = TensorBoard(tmp_path)
        for number in numbers:
            board.write({"epoch": number, "loss": 1.0}, [])
        board.close()
    steps = []
    for path in (tmp_path / "tensorboard").iterdir():
        events = EventAccumulator(str(path))
        events.Reload()
        steps += [one.step for one in events.Tensors("run/loss")]
    assert sorted(steps) == [1, 2, 3]
