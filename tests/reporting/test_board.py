"""Files for TensorBoard: read back by TensorBoard itself, where it is installed."""

import importlib.util

import pytest
from lenet.reporting.board import Board
from lenet.reporting.signals import LayerSignal

import lenet
from lenet.errors import UsageError
from lenet.reporting import board

EPOCH = {"epoch": 1, "loss": 0.5, "test_accuracy": None}
SIGNALS = [
    LayerSignal(0, "conv0", 1.0, 9.0, 1.0, 0.9),
    LayerSignal(1, "conv0", 2.0, 1.0, 1.0, 0.25),
]


def test_it_is_not_installed(tmp_path, monkeypatch):
    monkeypatch.setattr(board, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"needs the package tensorboard, which is not installed"):
        lenet.train("1x8x8 | dense 10", run=tmp_path / "a", tensorboard=True)
    assert list(tmp_path.iterdir()) == []


class Full:
    """A writer on a full disk."""

    def add_scalar(self, *_, **__):
        raise OSError(28, "No space left on device")

    def close(self):
        raise OSError(28, "No space left on device")


def test_a_full_disk_costs_no_training(tmp_path, monkeypatch):
    monkeypatch.setattr(board, "find_spec", lambda name: name)
    found = Board(tmp_path)
    monkeypatch.setattr(found, "_open", Full)
    found.write(EPOCH, SIGNALS)
    found.write(EPOCH, SIGNALS)
    found.close()


@pytest.mark.skipif(not importlib.util.find_spec("tensorboard"), reason="no tensorboard installed")
@pytest.mark.filterwarnings("ignore")
def test_tensorboard_reads_it(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = tmp_path / "a"
    recipe = lenet.recipe("seed", epochs=3, lr=0.1)
    model = lenet.train(
        "1x8x8 | dense 9 relu, dense 10", "digits", recipe, run=run, tensorboard=True
    )
    events = EventAccumulator(str(run / "tensorboard"))
    events.Reload()
    assert set(events.Tags()["tensors"]) == {
        *("run/loss", "run/train_accuracy", "run/test_accuracy", "run/seconds"),
        *("run/test_loss", "run/learning_rate"),
        *("relative gradient/dense0", "relative gradient/dense1", "saturated/dense0"),
    }
    found = events.Tensors("run/loss")
    assert [one.step for one in found] == [1, 2, 3]
    losses = [epoch["loss"] for epoch in model.training["epochs"]]
    assert [one.tensor_proto.float_val[0] for one in found] == pytest.approx(losses)
