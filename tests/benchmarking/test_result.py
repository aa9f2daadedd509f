"""Medians, ratios and shares from raw figures; the page and its bars."""

import json
from dataclasses import replace

import pytest

from lenet.benchmarking.result import SHORTEST, Bar, draw_bars, render


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
        "  lenet                10,000  ████"
    )
    assert (
        "  torch-channels-last   2,500  ███████                       lenet 4.00x as fast\n" in text
    )
    assert "50 % of this machine's multiply-add peak, 30 GFLOP/s on 2 threads" in text
    assert "  onnxruntime              4.0 (5.0)  █" in text
    assert "lenet 0.50x as fast" in text
    assert text.endswith(
        "torch-compile is left out: it needs a C++ compiler, such as g++, and finds none"
    )


@pytest.mark.parametrize("width", [80, 100])
def test_the_page_fits(benchmark, width):
    lines = render(benchmark, width).splitlines()
    assert width - 10 < max(map(len, lines)) <= width
    assert lines == [line.rstrip() for line in lines]


def test_it_prints_and_shows_itself(benchmark, monkeypatch):
    monkeypatch.setenv("COLUMNS", "90")
    assert str(benchmark) == render(benchmark, 90)
    assert benchmark._repr_html_().startswith("<pre>lenet    batch 256")


def test_ascii(benchmark):
    assert render(benchmark, 80, "#").isascii()


def test_alone_and_without_a_name(benchmark):
    seconds = {task: {"lenet": found["lenet"]} for task, found in benchmark.seconds.items()}
    text = render(replace(benchmark, name="", seconds=seconds, left_out={}))
    assert text.startswith("network    batch 256")
    assert "as fast" not in text
    assert "left out" not in text


BARS = (Bar("a", 100.0, "100"), Bar("long", 50.0, "50", "half"), Bar("c", 0.1, "0.1", "less"))


def test_bars_are_in_proportion_and_notes_in_a_column():
    assert list(draw_bars(BARS, 33)) == [
        "a     100  ████████████████",
        "long   50  ████████          half",
        "c     0.1  █                 less",
    ]


@pytest.mark.parametrize("width", [10, 40, 80, 200])
def test_width(width):
    lines = list(draw_bars(BARS, width, "#"))
    least = len("long  100  ") + SHORTEST + len("  half")
    assert max(map(len, lines)) <= max(width, least)
    assert all(line.isascii() for line in lines)


def test_nothing_has_no_bar_and_a_little_has_one():
    lines = list(draw_bars((Bar("a", 0.0, "0"), Bar("b", 1e-9, "1"), Bar("c", 1.0, "9")), 40))
    assert [line.count("█") for line in lines][:2] == [0, 1]


def test_one_alone_has_no_bar():
    assert list(draw_bars(BARS[:1], 40)) == ["a  100"]
    assert list(draw_bars(BARS[1:2], 40)) == ["long  50  half"]
