"""The benchmark's own arithmetic; it is not timed here."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import lenet

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "run.py"
spec = importlib.util.spec_from_file_location("benchmark_run", SCRIPT)
assert spec is not None
assert spec.loader is not None
benchmark = importlib.util.module_from_spec(spec)
spec.loader.exec_module(benchmark)


def test_multiply_adds_are_the_anatomys() -> None:
    report = lenet.explain("lenet")
    forward = report.total.multiply_adds
    first = report.layers[0].counts.multiply_adds
    assert 3 * forward - first == benchmark.MULTIPLY_ADDS


def test_ratio_and_fraction() -> None:
    epochs = {"lenet": 1.0, "torch eager": 6.0, "torch channels_last": 4.0}
    found = {
        "epochs": {n: [{"seconds": s, "peak_memory": 100.0}] for n, s in epochs.items()},
        "peak_flops": [4 * benchmark.MULTIPLY_ADDS * 1000.0],
        "start": {"lenet --help": [0.3, 0.1, 0.2]},
    }
    summary = benchmark.summarise(found, 1000)
    assert summary["ratio"] == 0.25
    assert summary["fraction_of_peak"] == 0.5
    assert summary["start"] == {"lenet --help": 0.2}


def test_all_contenders_learn_the_digits() -> None:
    command = [sys.executable, SCRIPT, "--data", "digits", "--epochs", "1", "--json"]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = json.loads(output)
    assert list(found["epochs"]) == ["lenet", "torch eager", "torch channels_last"]
    assert all(epoch["seconds"] > 0 for epochs in found["epochs"].values() for epoch in epochs)
    assert found["summary"]["ratio"] > 0
