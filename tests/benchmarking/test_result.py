"""Medians, ratios and shares from raw figures; the page and its bars."""

import json
from dataclasses import replace

import pytest

from lenet.writing import render


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


def test_the_page(benchmark):
    text = render(benchmark)
    assert text.startswith(
        "lenet    batch 256, 2 threads, float32; medians of 3 rounds\n"
        "AMD EPYC; native avx2, torch 2.13.0, onnxruntime 1.32.0\n\n"
        "Training: images per second, forward, backward and update\n"
        "  lenet                10,000                       ████"
    )
    assert "\n  torch-channels-last   2,500  lenet 4.00x as fast  ███████\n" in text
    assert "50 % of this machine's multiply-add peak, 30 GFLOP/s on 2 threads" in text
    assert "\n  onnxruntime              4.0 (5.0)  lenet 0.50x as fast  █\n" in text
    assert text.endswith(
        "- torch-compile is left out: it needs a C++ compiler, such as g++, and finds\n  none"
    )


@pytest.mark.parametrize("width", [80, 100])
def test_the_page_fits(benchmark, width):
    lines = render(benchmark, width=width).splitlines()
    assert width - 10 < max(map(len, lines)) <= width
    assert lines == [line.rstrip() for line in lines]


def test_it_prints_and_shows_itself(benchmark, monkeypatch):
    monkeypatch.setenv("COLUMNS", "90")
    assert str(benchmark) == render(benchmark, width=90)
    assert "multiply-add peak" in benchmark._repr_html_()


def test_ascii(benchmark):
    assert render(benchmark, ascii_only=True).isascii()


def test_alone_and_without_a_name(benchmark):
    seconds = {task: {"lenet": rounds["lenet"]} for task, rounds in benchmark.seconds.items()}
    text = render(replace(benchmark, name="", seconds=seconds, left_out={}))
    assert text.startswith("network    batch 256")
    assert "\n  lenet  10,000\n" in text
    for words in ("as fast", "left out", "█"):
        assert words not in text
