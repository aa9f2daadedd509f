"""A small workload, the scores it must give, and a benchmark with round numbers."""

import numpy as np
import pytest

from lenet.benchmarking import workload as workload_module
from lenet.benchmarking.result import Benchmark
from lenet.benchmarking.workload import Workload
from lenet.engine.reference import ReferenceEngine
from lenet.net import read_network

SMALL = "2x9x8 | conv 4 k3 relu, maxpool 2 | dense 6 tanh, dense 3"


@pytest.fixture(autouse=True)
def few_images(monkeypatch):
    """Drawing 64 MB of them takes longer than all tests here."""
    monkeypatch.setattr(workload_module, "IMAGE_BYTES", 100_000)


@pytest.fixture
def workload():
    return Workload(read_network(SMALL), batch=5, threads=1)


def true_scores(workload, images):
    """What the readable engine makes of the first ``images``."""
    channels = workload.network.input_shape[0]
    scale, shift = np.full(channels, 1 / 255), np.zeros(channels)
    engine = ReferenceEngine(workload.plan)
    return engine.scores(workload.parameters, workload.images[:images], scale, shift)


@pytest.fixture
def expected_scores():
    return true_scores


@pytest.fixture
def benchmark():
    """Ours beside three others; an image takes us 0.1 ms of training and a peer 0.4 at best."""
    work = Workload(read_network("lenet"), batch=256, threads=2)
    rates = work.multiply_adds["training"]
    return Benchmark(
        name="lenet",
        workload=work,
        machine={"processor": "AMD EPYC"},
        contenders={
            "lenet": "native avx2",
            "torch-eager": "torch 2.13.0",
            "torch-channels-last": "torch 2.13.0",
            "onnxruntime": "onnxruntime 1.32.0",
        },
        left_out={"torch-compile": "it needs a C++ compiler, such as g++, and finds none"},
        seconds={
            "training": {
                "lenet": [1e-4, 2e-4, 0.5e-4],
                "torch-eager": [8e-4, 8e-4, 9e-4],
                "torch-channels-last": [4e-4, 1e-4, 4e-4],
            },
            "inference": {
                "lenet": [1e-5] * 3,
                "torch-eager": [5e-5] * 3,
                "torch-channels-last": [4e-5] * 3,
                "onnxruntime": [2e-5] * 3,
            },
            "one-image": {
                "lenet": [8e-6] * 3,
                "torch-eager": [1.2e-4] * 3,
                "torch-channels-last": [1.1e-4] * 3,
                "onnxruntime": [4e-6] * 3,
            },
        },
        p90={
            "lenet": [9e-6] * 3,
            "torch-eager": [1.5e-4] * 3,
            "torch-channels-last": [1.5e-4] * 3,
            "onnxruntime": [5e-6] * 3,
        },
        # Two operations a multiply-add, 10,000 images a second: half of this.
        peak_flops=[4 * rates * 10_000.0] * 3,
    )
