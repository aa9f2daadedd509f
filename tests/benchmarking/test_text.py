"""A benchmark as a person reads it."""

from dataclasses import replace

import pytest

from lenet.benchmarking.text import render_benchmark


def test_the_page(benchmark):
    text = render_benchmark(benchmark)
    assert text.startswith(
        "lenet    batch 256, 2 threads, float32; medians of 3 rounds\n"
        "AMD EPYC; native avx2, torch 2.13.0, onnxruntime 1.32.0\n\n"
        "Training: images a second, forward, backward and update\n"
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
def test_width(benchmark, width):
    lines = render_benchmark(benchmark, width).splitlines()
    assert width - 10 < max(map(len, lines)) <= width
    assert lines == [line.rstrip() for line in lines]


def test_ascii(benchmark):
    assert render_benchmark(benchmark, 80, "#").isascii()


def test_alone_and_without_a_name(benchmark):
    seconds = {task: {"lenet": found["lenet"]} for task, found in benchmark.seconds.items()}
    text = render_benchmark(replace(benchmark, name="", seconds=seconds, left_out={}))
    assert text.startswith("network    batch 256")
    assert "as fast" not in text
    assert "left out" not in text
