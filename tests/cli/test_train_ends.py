"""``lenet train``: how it ends before its time: divergence, a full disk, Ctrl-C, a closed pipe."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import lenet

SMALL = ("--net", "1x8x8 | conv 4 k3 relu, maxpool 2 | dense 10", "--epochs", "2")


def test_divergence(command, here):
    found = command("train", *SMALL, "--lr", "1e20", "--optimizer", "sgd", "--run", "x")
    assert found.status == 1
    assert found.err.startswith("lenet: training diverged in epoch 1, step ")
    assert "(lr 1e+19)" in found.err
    assert found.err.count("\n") == 1
    assert json.loads((here / "runs/x/run.json").read_text())["status"] == "diverged"
    lenet.Model.load(here / "runs/x/last.safetensors")


def limit_files():
    import resource

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))


def test_a_full_disk(process, here):
    found = process("train", "--epochs", "1", "--json", preexec_fn=limit_files)
    assert (found.status, found.out) == (1, "")
    assert found.err == (
        "lenet: cannot write runs/digits-lenet-relu-1/last.safetensors: file too large; make room, "
        "then lenet train --resume runs/digits-lenet-relu-1 goes on.\n"
    )
    left = ["history.csv", "recipe.toml", "run.json", "signals.csv"]
    assert sorted(os.listdir(here / "runs/digits-lenet-relu-1")) == left


@pytest.mark.skipif(
    not os.environ.get("LENET_DATA"),
    reason="LENET_DATA names no folder with MNIST and Fashion-MNIST",
)
def test_ctrl_c(here):
    line = [sys.executable, "-m", "lenet", "train", "mnist", "--epochs", "1000"]
    line += ["--batch-size", "1", "--lr", "1e-4"]  # an epoch takes seconds on any machine
    with subprocess.Popen(
        line, cwd=here, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        # Training has begun when the header is there; then somewhere inside the first epoch.
        assert process.stdout.readline().startswith("mnist")
        assert process.stdout.readline().startswith("lenet-relu")
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)  # an epoch is not waited for: see the message
    assert process.returncode == 130
    assert err == (
        "lenet: stopped by Ctrl-C after 0 of 1000 epochs; the weights so far are in "
        "runs/mnist-lenet-relu-1/last.safetensors; lenet train --resume runs/mnist-lenet-relu-1 "
        "goes on.\n"
    )
    model = lenet.Model.load(here / "runs/mnist-lenet-relu-1/last.safetensors")
    assert model.training["status"] == "interrupted"
    drawn = lenet.Model(model.network).initialize("kaiming", 0)
    assert not np.array_equal(model.table, drawn.table)


@pytest.mark.parametrize("delay", [0.0, 0.003, 0.03, 0.2, 0.7])
def test_ctrl_c_leaves_a_whole_run(here, delay):
    """So long after the header: while training starts, between files, in the middle of a step."""
    line = [sys.executable, "-m", "lenet", "train", "--epochs", "100000", "--run", "x"]
    with subprocess.Popen(
        line, cwd=here, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline().startswith("digits")
        time.sleep(delay)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err.startswith("lenet: stopped by Ctrl-C after ")
    assert err.count("\n") == 1
    if not (here / "runs/x").exists():  # it came before the training did
        assert err.endswith("epochs; nothing is saved.\n")
        return
    assert err.endswith(
        "epochs; the weights so far are in runs/x/last.safetensors; lenet train --resume runs/x "
        "goes on.\n"
    )
    info = json.loads((here / "runs/x/run.json").read_text())
    assert info["status"] == "interrupted"
    assert f"after {len(info['epochs'])} of 100000" in err
    rows = (here / "runs/x/history.csv").read_text().splitlines()
    assert len(rows) == 1 + len(info["epochs"])
    epochs = lenet.Model.load(here / "runs/x/last.safetensors").training["epochs"]
    assert [
        {**epoch, "seconds": row["seconds"]}
        for epoch, row in zip(epochs, info["epochs"], strict=True)
    ] == info["epochs"]
    assert {"history.csv", "last.safetensors", "run.json"} <= set(os.listdir(here / "runs/x"))
    assert not [name for name in os.listdir(here / "runs/x") if name.startswith(".")]


def test_ctrl_c_before_the_training_leaves_no_folder(command, here, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("lenet.cli.train.print_header", stop)
    found = command("train", "--run", "x")
    assert (found.status, found.out) == (130, "")
    assert found.err == "lenet: stopped by Ctrl-C after 0 of 20 epochs; nothing is saved.\n"
    assert list((here / "runs").iterdir()) == []


def test_a_reader_that_goes_away_costs_no_weights(here):
    """``lenet train | head -2``: the run is saved as far as it came."""
    line = [sys.executable, "-m", "lenet", "train", "--epochs", "300", "--run", "x", *SMALL[:2]]
    with subprocess.Popen(
        line, cwd=here, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stderr
        for _ in range(3):  # the header and the empty line below it: training begins
            process.stdout.readline()
        process.stdout.close()
        assert process.wait(30) == 1
        assert process.stderr.read() == ""
    assert json.loads((here / "runs/x/run.json").read_text())["status"] == "interrupted"
    lenet.Model.load(here / "runs/x/last.safetensors")
