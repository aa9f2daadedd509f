"""The benchmark's own arithmetic on figures that are made up; it is not timed here."""

import json
import subprocess
import sys

import pytest

import lenet
from refusals import refused


def test_training_rows(run):
    work = lenet.explain("lenet").total.multiply_adds * 3 - 86_400
    seconds = {
        "2": {"lenet": 1.0, "torch-eager": 6.0, "torch-channels-last": 4.0, "torch-compile": 5.0},
        "1": {"lenet": 1.9, "torch-eager": 9.0, "torch-channels-last": 8.0, "torch-compile": 8.5},
    }
    found = {
        "epochs": {
            threads: {name: [{"seconds": s} for s in (9 * s, s, s)] for name, s in each.items()}
            for threads, each in seconds.items()
        },
        "peak_flops": {"2": [4e3 * work], "1": [2.5e3 * work]},
        "multiply_adds": work,
        "images": 1000,
    }
    rows = list(run.training_rows(found))
    two, one, half, other, gain, limit = rows
    assert (two.ours, two.peer, two.peer_name, two.ratio) == (1.0, 4.0, "torch-channels-last", 0.25)
    assert (one.ours, one.peer) == (1.9, 8.0)
    assert (half.ours, half.unit) == (0.5, "%")
    assert other.ours == pytest.approx(2 / 1.9 / 2.5)
    assert (gain.ours, gain.peer, gain.peer_name) == (1.9, 2.0, "torch-channels-last")
    assert limit.ours == 1.6


def inference(task, rates):
    return {
        "tasks": {task: {"contenders": {n: {"images_per_second": r} for n, r in rates.items()}}}
    }


def test_inference_rows(run):
    found = {
        "batches": inference("inference", {"lenet": 2e5, "onnxruntime": 1e5, "torch-eager": 5e4}),
        "one": {
            "1": inference("one-image", {"lenet": 2e5, "onnxruntime": 5e4}),
            "2": inference("one-image", {"lenet": 1e5, "onnxruntime": 6.25e4}),
        },
    }
    batches, one = run.inference_rows(found)
    assert (batches.ours, batches.peer, batches.peer_name) == (0.05, 0.1, "onnxruntime")
    assert (one.ours, one.peer, one.unit) == (pytest.approx(5), pytest.approx(16), "us")


def test_process_rows(run):
    def runs(*seconds):
        return [{"seconds": s, "peak_memory": 100 * s, "test_accuracy": 0.99} for s in seconds]

    found = {"lenet": runs(1, 3, 2), "plain_pytorch.py": runs(8, 8, 8)}
    time, memory, accuracy = run.process_rows(found)
    assert (time.ours, time.ratio, memory.ours, accuracy.ours) == (2, 0.25, 200, 0.99)


def test_mnist_rows(run):
    found = {
        "recipe": {},
        "lenet": [{"seconds": s, "test_accuracy": 0.991} for s in (1, 2, 3)],
        "torch-eager": [{"seconds": 8, "test_accuracy": 0.99}],
        "torch-channels-last": [{"seconds": 10, "test_accuracy": 0.992}],
    }
    seconds, accuracy = run.mnist_rows(found)
    assert (seconds.ours, seconds.peer, seconds.peer_name) == (2, 8, "torch-eager")
    assert (accuracy.ours, accuracy.peer) == (pytest.approx(0.991), 0.992)
    assert "3 seeds" in accuracy.what


def test_progress_rows(run):
    found = {
        "plain": [{"seconds": s} for s in (2.0, 9.0, 1.0)],
        "watched": [{"seconds": s, "scoring": 0.3} for s in (2.1, 2.05, 2.0)],
    }
    added, scoring = run.progress_rows(found)
    assert (added.ours, added.unit) == (pytest.approx(0.025), "%")
    assert (scoring.ours, scoring.unit) == (pytest.approx(0.1), "s")


def test_both_kinds_of_training_are_the_same(run):
    """The digits, three epochs: the same weights with everything around the steps and without."""
    weights = []
    for way in run.progress.KINDS.values():
        recipe = lenet.recipe("modern", epochs=3)
        network = lenet.net.read_network("lenet-relu")
        training = run.progress.Training(network, lenet.load("digits"), recipe, 0, 2)
        found = way(training)
        assert found["seconds"] > 0
        weights.append(training.model.table)
    assert found["scoring"] > 0
    assert (weights[0] == weights[1]).all()


def test_the_table(run):
    rows = [
        run.Row("an epoch", 1.0, "s", 4.0, "torch-eager", "<= 0.16"),
        run.Row("memory", 101.4, "MB"),
        run.Row("gain", 1.9, "x"),
        run.Row("share", 0.5, "%"),
        run.Row("one", 8.04, "us"),
    ]
    about = {"processor": "AMD EPYC", "processors": 2, "lenet": "0.1.0"}
    lines = run.render(about, rows).splitlines()
    assert lines[3].split() == [
        "an",
        "epoch",
        "1.000",
        "s",
        "4.000",
        "s",
        "torch-eager",
        "0.250",
        "<=",
        "0.16",
    ]
    assert [line.split()[1:] for line in lines[4:]] == [
        ["101", "MB"],
        ["1.90x"],
        ["50.00", "%"],
        ["8.0", "us"],
    ]


def test_whole_process(run):
    found = run.whole_process(["-c", "print('epoch 1 50.00 %'); print('99.25 % of 10,000')"])
    assert found["test_accuracy"] == 0.9925
    assert 0 < found["seconds"] < 30
    assert found["peak_memory"] > 5  # at least this process's own, which forks it
    with refused(SystemExit, "message is above"):
        run.whole_process(["-c", "raise SystemExit(1)"])


def test_epochs_in_turn(folder, tmp_path):
    """The script itself, on the digits; torch-compile would take a minute and is taken out."""
    pytest.importorskip("torch")
    code = (
        "import run; run.TORCH = run.MNIST_PEERS = ('torch-eager',); run.PEER_SEEDS = 1; "
        "run.MNIST_RECIPE = run.MNIST_RECIPE.replace(epochs=1); run.main()"
    )
    options = (
        "--only training mnist --data digits --mnist digits --epochs 1 --seeds 2 --json o.json"
    )
    output = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys; sys.path.insert(0, {str(folder)!r}); {code}",
            *options.split(),
        ],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    ).stdout
    found = json.loads((tmp_path / "o.json").read_text())
    epochs = found["training"]["epochs"]
    names = ["lenet", "torch-eager"]
    assert {threads: list(each) for threads, each in epochs.items()} == {"2": names, "1": names}
    assert all(
        epoch["seconds"] > 0 for each in epochs.values() for e in each.values() for epoch in e
    )
    assert [len(found["mnist"][name]) for name in names] == [2, 1]
    assert found["rows"][0]["what"] == "training epoch, threads: 2"
    assert all(row["what"] in output for row in found["rows"])


def test_both_sides_learn_alike(run):
    """From the same weights: after three epochs of the digits both know them about as well."""
    pytest.importorskip("torch")
    recipe = lenet.recipe("modern", epochs=3)
    accuracies = []
    for contender in ("lenet", "torch-eager"):
        training = run.epochs.make_epochs(contender, "lenet-relu", "digits", recipe)
        accuracies.append([training.epoch(1)["test_accuracy"] for _ in range(3)][-1])
    assert min(accuracies) > 0.9
    assert abs(accuracies[0] - accuracies[1]) < 0.04


@pytest.mark.parametrize("kind", ["sgd", "momentum", "adamw"])
def test_the_optimizers_are_the_same(run, kind):
    torch = pytest.importorskip("torch")
    import numpy as np

    recipe = lenet.recipe("modern", optimizer=kind, lr=0.1, weight_decay=0.01)
    random = np.random.default_rng(0)
    values, gradients = random.normal(size=(1, 9)), random.normal(size=(4, 9))
    theirs = torch.nn.Parameter(torch.from_numpy(values[0].copy()))
    optimizer = run.epochs.torch_optimizer(recipe, [theirs])
    ours, mine = recipe.make_optimizer(), values[0].copy()
    state = np.zeros((ours.state_rows, 9))
    for step, gradient in enumerate(gradients, 1):
        theirs.grad = torch.from_numpy(gradient)
        optimizer.step()
        ours.update(mine, gradient, state, recipe.lr, step)
    np.testing.assert_allclose(theirs.detach().numpy(), mine, rtol=1e-9)
