"""Why a network does not fit, in words and numbers."""

import time

import pytest

from lenet.analysis.diagnosis.problem import diagnose, explain_misfit
from lenet.errors import ShapeError, UsageError
from lenet.net import (
    Conv2d,
    Dense,
    MaxPool2d,
    Network,
    parse_network,
)

DEEP = "1x28x28 | conv 6 k5, maxpool 2 | conv 16 k5, maxpool 2 | conv 32 k5, maxpool 2 | dense 10"


def test_another_input() -> None:
    assert diagnose("lenet", (3, 16, 16)).fits
    found = diagnose("lenet", (3, 16, 15))
    assert found.layer == "pool1"
    assert found.problem == (
        "pool1 gets 16@2x1 and a 2x2 window does not fit its width: floor((1 - 2 + 0 + 2) / 2) = 0."
    )
    assert diagnose("lenet", "3x16x15") == found
    with pytest.raises(UsageError, match="the input shape is"):
        diagnose("lenet", (3, 0, 16))
    with pytest.raises(UsageError, match="the input is '16x16'"):
        diagnose("lenet", "16x16")


def test_maps_after_a_dense_layer() -> None:
    found = diagnose("1x9x9 | dense 20, dense 5, conv 16 k5, avgpool 2 | dense 10")
    assert found.problem == (
        "conv0 is a convolution and needs feature maps (channels, height, width), but dense1 "
        "before it is dense and leaves only 5 numbers."
    )
    assert found.least_input is None
    assert found.fixes[0].what == "put conv0 and pool0 before dense0"
    assert str(found.fixes[0].network) == (
        "1x9x9 | conv 16 k5, avgpool 2 | dense 20, dense 5, dense 10"
    )
    assert "needs feature maps" in diagnose("1x9x9 | dense 20, avgpool 2").problem
    assert "pool0 is an average pooling" in diagnose("1x9x9 | dense 20, avgpool 2").problem


def test_an_error_without_its_network_keeps_its_sentence() -> None:
    assert explain_misfit(ShapeError("conv0 does not fit.", "conv0")) == "conv0 does not fit."


def test_the_error_of_every_command() -> None:
    with pytest.raises(ShapeError) as caught:
        _ = parse_network(DEEP).placed
    text = explain_misfit(caught.value)
    assert text.startswith(
        "conv2 gets 16@4x4 and a 5x5 kernel does not fit: (4 - 5 + 0 + 1) / 1 = 0.\n"
    )
    assert "\n  give conv2 padding 1         16@4x4 -> 32@2x2\n" in text
    assert parse_network(text.partition("copy and change:\n")[2]).placed


def test_the_first_line_leaves_room_for_the_commands_name() -> None:
    with pytest.raises(ShapeError) as caught:
        _ = parse_network("1x9x9 | dense 20, avgpool 2").placed
    lines = f"lenet: {explain_misfit(caught.value)}".splitlines()
    assert lines[:2] == [
        "lenet: pool0 is an average pooling and needs feature maps (channels, height,",
        "width), but dense0 before it is dense and leaves only 20 numbers.",
    ]
    with pytest.raises(ShapeError) as caught:
        _ = parse_network("6x9x10 | conv 16 k11x3 s3x2 p0.1.0.0").placed
    # A formula is not torn apart.
    assert explain_misfit(caught.value).splitlines()[:2] == [
        "conv0 gets 6@9x10 and an 11x3 kernel does not fit its height:",
        "floor((9 - 11 + 1 + 3) / 3) = 0.",
    ]


def test_large_numbers_neither_overflow_nor_hang() -> None:
    start = time.perf_counter()
    found = diagnose(Network((1, 100_000, 100_000), [MaxPool2d(10)] * 6 + [Dense(10**6)]))
    assert found.fixes[0].what == "drop pool5"
    huge = diagnose(Network((1, 5, 5), [Conv2d(10**6, 10**7), MaxPool2d(10**7), Dense(10)]))
    assert all(fits(fix.network) for fix in huge.fixes)
    assert time.perf_counter() - start < 1


def test_a_hundred_layers_are_quick() -> None:
    text = "3x60x60" + " | conv 64 k3 relu, conv 64 k3 relu" * 49 + " | dense 9, dense 9"
    start = time.perf_counter()
    assert diagnose(text).fixes
    assert time.perf_counter() - start < 1


def fits(network: Network) -> bool:
    try:
        return bool(network.placed)
    except ShapeError:
        return False
