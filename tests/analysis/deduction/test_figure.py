"""The size formula backwards, against brute force, and the reading of figures."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lenet.analysis.deduction import read_figure
from lenet.analysis.deduction.windows import (
    MAX_KERNEL,
    MAX_STRIDE,
    SPELLED,
    Axis,
    AxisGiven,
    kernel_range,
    solve_axis,
    windows,
)
from lenet.errors import LenetError, NotationError, UsageError
from lenet.net.layers import LAYERS
from lenet.net.shapes import output_size
from refusals import refused


def brute_force(size: int, result: int) -> set[tuple[int, int, int]]:
    return {
        (kernel, stride, padding)
        for kernel in range(1, MAX_KERNEL + 1)
        for stride in range(1, min(kernel, MAX_STRIDE) + 1)
        for padding in range(kernel)
        if size - kernel + padding >= 0 and output_size(size, kernel, padding, stride) == result
    }


def as_triples(axes: tuple[Axis, ...]) -> list[tuple[int, int, int]]:
    return [(axis.kernel, axis.stride, axis.padding) for axis in axes]


def test_all_small_sizes_against_brute_force() -> None:
    for size in range(1, 41):
        for result in range(1, 43):
            found = as_triples(solve_axis(size, result))
            assert len(found) == len(set(found))
            assert set(found) == brute_force(size, result), (size, result)


@pytest.mark.parametrize(
    ("size", "result", "count", "unpadded"),
    [
        (32, 28, 7, {(5, 1)}),
        (28, 14, 20, {(2, 2)}),
        (14, 10, 7, {(5, 1)}),
        (10, 5, 26, {(2, 2), (6, 1)}),
    ],
)
def test_known_counts(size: int, result: int, count: int, unpadded: set[tuple[int, int]]) -> None:
    found = solve_axis(size, result)
    assert len(found) == count
    assert {(axis.kernel, axis.stride) for axis in found if not axis.padding} == unpadded
    assert windows(size, result) == found


@given(st.integers(1, 100_000), st.integers(1, 100_000))
def test_every_window_makes_the_size(size: int, result: int) -> None:
    found = windows(size, result)
    assert bool(found) == (result <= size)
    for axis in found:
        assert output_size(size, axis.kernel, axis.padding, axis.stride) == result
        assert axis.after - axis.before in (0, 1)
        assert size + axis.padding >= axis.kernel


@given(
    st.integers(1, 200),
    st.integers(1, 200),
    st.none() | st.integers(1, 10_000_000),
    st.none() | st.integers(1, 10_000_000),
    st.none() | st.tuples(st.integers(0, 300), st.integers(0, 300)),
    st.booleans(),
)
def test_what_is_given_is_kept(
    size: int,
    result: int,
    kernel: int | None,
    stride: int | None,
    sides: tuple[int, int] | None,
    same: bool,
) -> None:
    known = AxisGiven(kernel, stride, sides, same)
    for axis in windows(size, result, known):
        assert known.allows(axis)
        assert output_size(size, axis.kernel, axis.padding, axis.stride) == result


def test_tiles_and_whole_maps_beyond_the_bounds() -> None:
    assert Axis(16, 16) in windows(224, 14)
    assert {Axis(14, 14), Axis(14, 1)} <= set(windows(14, 1))
    assert Axis(5, 5) in windows(25, 5)
    assert windows(1000, 600) == (Axis(401, 1),)


def test_kernel_range_is_what_the_formula_says() -> None:
    for size, result, stride in ((227, 55, 4), (224, 55, 4), (32, 28, 1), (10, 5, 2)):
        least, most = kernel_range(size, result, stride)
        fitting = [k for k in range(1, 30) if output_size(size, k, 0, stride) == result]
        assert [least, most] == [fitting[0], fitting[-1]]


def test_every_kind_of_layer_has_a_name() -> None:
    assert {layer.stem for layer in LAYERS.values()} - {"rbf"} == set(SPELLED)


LENET_5 = [(1, 32, 32), (6, 28, 28), (6, 14, 14), (16, 10, 10), (16, 5, 5), (120,), (84,), (10,)]


@pytest.mark.parametrize(
    "text",
    [
        "32x32 -> 6@28x28 -> 6@14x14 -> 16@10x10 -> 16@5x5 -> 120 -> 84 -> 10",
        "32×32 → 28×28×6 → 14×14×6 → 10×10×16 → 5×5×16 → 120 → 84 → 10",
        "1*32*32 => 6*28*28 => 6*14*14 => 16*10*10 => 16*5*5 => 120 => 84 => 10",
        "1 @ 32 x 32, 6@28X28, 6@14x14; 16@10x10; 16@5x5, 120, 84, 10",
        "1@32x32\n  ⟶ 6@28x28\r\n\n  ⟶ 6@14x14 ⟶\n16@10x10 > 16@5x5 ⇒ 120 --> 84\n10\n",
        "32x32x1 -> 28x28@6 -> 14x14@6 -> 10x10@16 -> 5x5@16 -> 120 -> 84 -> 10",
        "1@32 -> 6@28 -> 6@14 -> 16@10 -> 16@5 -> 120 -> 84 -> 10",
        "INPUT 32x32, C1: feature maps 6@28x28, S2: f. maps 6@14x14, C3: f. maps 16@10x10, "
        "S4: f. maps 16@5x5, C5: layer 120, F6: layer 84, OUTPUT 10",
    ],
)
def test_spellings_of_one_figure(text: str) -> None:
    assert [stage.shape for stage in read_figure(text).stages] == LENET_5


def test_names_and_places() -> None:
    text = "INPUT 32x32 -> C1: feature maps 6@28x28 -> fully connected 10"
    figure = read_figure(text)
    assert [stage.name for stage in figure.stages] == ["INPUT", "C1", "fully connected"]
    places = [text[stage.position :] for stage in figure.stages]
    assert [place.split()[0] for place in places] == ["32x32", "6@28x28", "10"]


@pytest.mark.parametrize(
    ("text", "shapes", "note"),
    [
        (
            "224x224x3 -> 112x112x64",
            [(3, 224, 224), (64, 112, 112)],
            "224x224x3 is read as height x width x channels: that way every map is square.",
        ),
        (
            "3x32x24 -> 8x30x22 -> 10",
            [(3, 32, 24), (8, 30, 22), (10,)],
            "3x32x24 is read as channels x height x width: that way the steps fit each other.",
        ),
        (
            "32x24x3 -> 30x22x8 -> 10",
            [(3, 32, 24), (8, 30, 22), (10,)],
            "32x24x3 is read as height x width x channels: that way the steps fit each other.",
        ),
        (
            "10x20x30 -> 8x18x28",
            [(10, 20, 30), (8, 18, 28)],
            "10x20x30 is read as channels x height x width, and height x width x channels would "
            "fit as well: write 30@10x20 if it is meant.",
        ),
        (
            "32x32 -> 6@28x28",
            [(1, 32, 32), (6, 28, 28)],
            "32x32 names no channels: it is read as one, 1@32x32.",
        ),
        (
            "3@32 -> 8@32x32",
            [(3, 32, 32), (8, 32, 32)],
            "3@32 names one size: it is read as square, 3@32x32.",
        ),
    ],
)
def test_what_was_assumed_is_said(text: str, shapes: list[tuple[int, ...]], note: str) -> None:
    figure = read_figure(text)
    assert [stage.shape for stage in figure.stages] == shapes
    assert figure.notes == (note,)


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("", "at least two shapes", 0),
        ("6@28x28", "at least two shapes", 7),
        ("-> 6@28x28", "a shape is missing here", 0),
        ("1@28x28 -> -> 10", "a shape is missing here", 11),
        ("1@28x28 -> 10 ->", "a shape is missing here", 16),
        ("1@28x28 -> ten", "'ten' is no shape", 11),
        ("1@28x28 - 10", "cannot stand before a shape", 0),
        ("1@28x28 -> 5x5 conv 6@24x24", "cannot stand before a shape", 11),
        ("1@28x28 -> conv 5x5: 6@24x24", "cannot stand before a shape", 11),
        ("2x1x28x28 -> 10", "has too many sizes", 0),
        ("1@28x28x3 -> 10", "has too many sizes", 0),
        ("1@28x28@3 -> 10", "is no shape", 0),
        ("1@28x0 -> 10", "a size is '0'", 5),
        ("1@28x28 -> 4,096", "write 4096, not 4,096", 13),
        ("1@28x99999999999 -> 10", "from 1 to 10,000,000", 5),
        ("28x28x6 -> 6x14x14", "6x14x14 has its channels first and 28x28x6 last", 11),
    ],
)
def test_errors_point_at_the_place(text: str, message: str, place: int) -> None:
    with pytest.raises(NotationError, match=message) as caught:
        read_figure(text)
    assert caught.value.position == place


def test_too_much_is_refused() -> None:
    for figure, limit in ((" -> ".join(["10"] * 1001), "1,000"), ("1" * 100_001, "100,000")):
        with pytest.raises(UsageError, match=f"at most {limit}"):
            read_figure(figure)
    with refused(UsageError, "not 28"):
        read_figure(28)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["-" * 99_000, "1 x " * 24_000, ">" * 99_000, "C " * 49_000])
def test_hostile_texts_end_soon(text: str) -> None:
    with pytest.raises(LenetError):
        read_figure(text)
