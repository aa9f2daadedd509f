"""Medians, ratios and shares, from raw figures."""

import json
from dataclasses import replace

import pytest


def test_medians_and_ratios(benchmark):
    assert benchmark.median("training") == 1e-4
    assert benchmark.ratio("training", "torch-eager") == pytest.approx(1 / 8)
    assert benchmark.best_peer("training") == "torch-channels-last"
    assert benchmark.best_peer("inference") == "onnxruntime"
    assert benchmark.ratio("one-image", "onnxruntime") == pytest.approx(2)


def test_nobody_to_compare_with(benchmark):
    alone = replace(benchmark, seconds={"training": {"lenet": [1e-4]}})
    assert alone.best_peer("training") is None


def test_fraction_of_the_peak(benchmark):
    assert benchmark.fraction_of_peak("training") == pytest.approx(0.5)


def test_everything_is_in_the_dictionary(benchmark):
    found = benchmark.to_dict()
    assert json.loads(json.dumps(found)) == found
    assert found["network"] == str(benchmark.workload.network)
    training = found["tasks"]["training"]
    assert training["best_peer"] == "torch-channels-last"
    assert training["multiply_adds"] == 758_520
    assert training["contenders"]["torch-eager"] == {
        "images_per_second": 1250.0,
        "ratio": pytest.approx(1 / 8),
        "seconds_per_image": [8e-4, 8e-4, 9e-4],
    }
    assert found["tasks"]["one-image"]["contenders"]["lenet"]["p90_seconds"] == [9e-6] * 3
