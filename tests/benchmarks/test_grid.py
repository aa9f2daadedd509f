"""The grid's networks and its table; it is not timed here."""

import json
import subprocess
import sys

import pytest

from lenet.benchmarking.result import Benchmark
from lenet.benchmarking.workload import Workload
from lenet.net import Conv2d, Dense, parse_network


def test_the_grid_is_as_wide_as_it_is_to_be(grid):
    """Issue 4: at least 24 networks, and the ranges it names, to their ends."""
    networks = [parse_network(point.network) for point in grid.GRID]
    convolutions = [
        [layer for layer in network.layers if isinstance(layer, Conv2d)] for network in networks
    ]
    every = [layer for layers in convolutions for layer in layers]
    dense = [layer.units for n in networks for layer in n.layers if isinstance(layer, Dense)]
    assert len(grid.GRID) >= 24
    assert len({point.name for point in grid.GRID}) == len(grid.GRID)
    assert {n.input_shape[0] for n in networks} == {1, 3}
    assert {n.input_shape[1] for n in networks} >= {8, 16, 28, 32, 64}
    assert {size for layer in every for size in layer.kernel_size} >= {1, 2, 3, 5, 7}
    assert {layer.channels for layer in every} >= {4, 8, 16, 32, 64}
    assert {len(layers) for layers in convolutions} >= {1, 2, 3, 5}
    assert max(layer.stride[0] for layer in every) > 1
    assert any(any(layer.padding) for layer in every)
    assert {10, 1024} <= set(dense)
    assert {1, 1024} <= {point.batch for point in grid.GRID}
    assert all(n.placed for n in networks)


def result(grid, name, training, inference, threads=2):
    """A point whose ratios are as given; PyTorch takes a second."""
    point = next(point for point in grid.GRID if point.name == name)
    seconds = {
        task: {"lenet": [ratio], "torch-eager": [1.0], "torch-channels-last": [2.0]}
        for task, ratio in (("training", training), ("inference", inference))
    }
    found = Benchmark(
        name=name,
        workload=Workload(parse_network(point.network), point.batch, threads),
        machine={},
        contenders={
            "lenet": "native avx2",
            "torch-eager": "torch 2",
            "torch-channels-last": "torch 2",
        },
        left_out={},
        seconds=seconds,
        p90={},
        peak_flops=[1e9],
    )
    return grid.Result(point, found)


@pytest.fixture
def results(grid):
    return [
        result(grid, "lenet", 0.2, 0.4),
        result(grid, "keras", 0.1, 1.25),
        result(grid, "digits", 2.0, 0.1, threads=1),
    ]


def test_losing_points_come_first(grid, results):
    assert [one.point.name for one in grid.losing_first(results)] == ["digits", "keras", "lenet"]


def test_summary(grid, results):
    summary = grid.summarise(results)["training"]
    assert summary["geometric_mean"] == pytest.approx((0.2 * 0.1 * 2.0) ** (1 / 3))
    assert (summary["largest"], summary["lost"], summary["points"]) == (2.0, 1, 3)


def test_the_table(grid, results):
    lines = grid.render({"processor": "AMD EPYC", "python": "3.11"}, results).splitlines()
    assert lines[0] == "AMD EPYC, Python 3.11; native avx2, torch 2"
    assert "0.342 of the faster PyTorch's (geometric mean of 3 points)" in lines[2]
    rows = [line for line in lines if line.startswith("| digits")]
    assert rows[0].startswith("| digits | 32 | 1 | **2.000** | 0 |")
    assert rows[0].endswith("| 0.100 | 10 | eager, eager |")
    assert (
        rows[1]
        == "| digits | `1x8x8 \\| conv 8 k3 relu, maxpool 2 \\| dense 10` | the smallest images |"
    )


def test_a_point_is_measured(folder, tmp_path):
    pytest.importorskip("torch")
    line = [sys.executable, folder / "grid.py", "--quick", "--only", "tiny-1"]
    output = subprocess.run(
        [*line, "--json", "o.json", "--markdown", "o.md"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    ).stdout
    found = json.loads((tmp_path / "o.json").read_text())
    (point,) = found["points"]
    assert (point["name"], point["threads"], point["batch"]) == ("tiny-1", 2, 1)
    assert list(point["tasks"]) == ["training", "inference"]
    assert list(point["contenders"]) == ["lenet", "torch-eager", "torch-channels-last"]
    assert found["summary"]["training"]["points"] == 1
    assert (tmp_path / "o.md").read_text() == output
