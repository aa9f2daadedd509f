"""Layers: what they accept, what they refuse, and how a pair is understood."""

import dataclasses
import inspect

import numpy as np
import pytest

from lenet.engine import operations
from lenet.errors import ShapeError, UsageError
from lenet.net import (
    AvgPool2d,
    Conv2d,
    Dense,
    MaxPool2d,
    Network,
    from_json,
    parse_network,
    to_json,
)
from lenet.net.layers import ACTIVATIONS, LAYERS, Layer
from refusals import refused


def test_a_number_stands_for_both_axes() -> None:
    layer = Conv2d(6, 5, padding=2)
    assert (layer.kernel_size, layer.stride, layer.padding) == ((5, 5), (1, 1), (2, 2, 2, 2))
    assert layer.total_padding == (4, 4)
    assert layer.activation == "identity"


def test_pairs_are_height_and_width_and_sides_top_bottom_left_right() -> None:
    assert Conv2d(1, (5, 3), (2, 1), (2, 1)).padding == (2, 2, 1, 1)
    assert Conv2d(1, 3, padding=(0, 1, 2, 3)).total_padding == (1, 5)


def test_same_keeps_the_size_and_pads_even_kernels_at_the_end() -> None:
    assert Conv2d(1, (5, 4), padding="same").padding == (2, 2, 1, 2)
    with refused(UsageError, "needs stride 1, not 2x2"):
        Conv2d(1, 5, stride=2, padding="same")


def test_a_pool_steps_by_its_own_window_unless_told() -> None:
    assert MaxPool2d((2, 3)).stride == (2, 3)
    assert AvgPool2d(3, 1).stride == (1, 1)


@pytest.mark.parametrize("layer", [Conv2d(6, 5), MaxPool2d(2), AvgPool2d(2), Dense(10, "relu")])
def test_a_trained_layer_has_weights_and_an_activation(layer: Layer) -> None:
    assert layer.is_trained == bool(layer.tensors((1, 8, 8))) == ("activation" in layer.values)


def test_layers_are_values() -> None:
    assert Conv2d(6, 5) == Conv2d(6, (5, 5), 1, 0)
    assert MaxPool2d(2) != AvgPool2d(2)
    assert len({Dense(10), Dense(10), Dense(10, "relu")}) == 2


@pytest.mark.parametrize("value", [0, -1, True, 1.0, None, 10_000_001, 10**5000], ids=range(7))
def test_sizes_are_whole_numbers_in_range(value: object) -> None:
    for build in (
        lambda: Conv2d(value, 5),  # type: ignore[arg-type]
        lambda: Conv2d(6, value),  # type: ignore[arg-type]
        lambda: MaxPool2d(value),  # type: ignore[arg-type]
        lambda: Dense(value),  # type: ignore[arg-type]
    ):
        with refused(UsageError, "from 1 to 10,000,000"):
            build()


@pytest.mark.parametrize("value", ["5", (1, 2, 3), ()])
def test_a_size_is_one_number_or_two(value: object) -> None:
    with pytest.raises(UsageError, match=r"or \(height, width\)"):
        Conv2d(6, value)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [(1, 2, 3), "2", -1, True, 1.5, None])
def test_padding_is_refused_unless_numbers_or_same(value: object) -> None:
    with refused(UsageError, "padding is"):
        Conv2d(1, 5, padding=value)  # type: ignore[arg-type]


def test_a_pool_window_never_sees_padding_alone() -> None:
    with refused(UsageError, "smaller than the window"):
        MaxPool2d((3, 2), padding=(1, 2))


def test_an_unknown_activation_lists_the_known() -> None:
    with pytest.raises(UsageError, match=r"'gelu'.*identity, sigmoid"):
        Dense(1, "gelu")


def test_normalisation_is_on_or_off() -> None:
    assert Conv2d(6, 5, batch_norm=True) != Conv2d(6, 5)
    for value in (1, None, "yes"):
        with refused(UsageError, "True or False"):
            Conv2d(6, 5, batch_norm=value)  # type: ignore[arg-type]


def test_groups_see_their_own_channels_alone() -> None:
    conv = Conv2d(6, (5, 3), groups=2)
    assert [t.shape for t in conv.tensors((4, 9, 9))] == [(6, 2, 5, 3), (6,)]
    assert conv.multiply_adds((4, 9, 9)) == 6 * 2 * 15 * 5 * 7
    assert conv.connections((4, 9, 9)) == 6 * (2 * 15 + 1) * 5 * 7
    assert conv.describe((4, 9, 9)) == "grouped convolution"
    assert Conv2d(8, 3, groups=4).describe((4, 9, 9)) == "depthwise convolution"
    with refused(UsageError, "6 channels", "4 equal groups"):
        Conv2d(6, 5, groups=4)
    with refused(UsageError, "groups is 0"):
        Conv2d(6, 5, groups=0)
    with refused(ShapeError, "conv0", "3@9x9", "cannot cut 3 into 2", "divides 3"):
        Network((3, 9, 9), [conv]).placed  # noqa: B018


def test_width_is_channels_or_units() -> None:
    conv, dense = Conv2d(6, 5, 2, 1, "tanh"), Dense(10, "relu")
    assert (conv.width, dense.width) == (6, 10)
    assert conv.with_width(7) == Conv2d(7, 5, 2, 1, "tanh")
    assert Conv2d(6, 5, batch_norm=True).with_width(7) == Conv2d(7, 5, batch_norm=True)
    assert dense.with_width(7) == Dense(7, "relu")
    with refused(UsageError, "channels is 0"):
        conv.with_width(0)


def test_layers_of_a_sort_share_the_start_of_their_names() -> None:
    layers = (Conv2d(6, 5), MaxPool2d(2), AvgPool2d(2), Dense(10))
    assert [layer.stem for layer in layers] == ["conv", "pool", "pool", "dense"]


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_fields_are_the_constructors_parameters(layer: type[Layer]) -> None:
    names = [field.name for field in layer.fields]
    assert set(names) == set(inspect.signature(layer).parameters)
    assert {field.name for field in dataclasses.fields(layer)} == set(names)


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_every_field_is_written_and_read_back(layer: type[Layer]) -> None:
    other = {"count": 3, "pair": (2, 3), "sides": (0, 1, 0, 1), "switch": True}
    other["table"] = ""  # which excludes groups
    values = {field.name: other.get(field.kind, "relu") for field in layer.fields}
    network = Network((3, 9, 9), [layer(**values)])
    assert parse_network(str(network)) == network
    assert from_json(to_json(network)) == network


def test_what_a_layer_costs() -> None:
    conv = Conv2d(6, (5, 3), batch_norm=True)
    assert [(t.name, t.shape, t.trained) for t in conv.tensors((2, 28, 28))] == [
        ("weight", (6, 2, 5, 3), True),
        ("bias", (6,), True),
        ("scale", (6,), True),
        ("mean", (6,), False),
        ("variance", (6,), False),
    ]
    assert conv.multiply_adds((2, 28, 28)) == 180 * 24 * 26
    assert conv.connections((2, 28, 28)) == 186 * 24 * 26
    pool = MaxPool2d(2)
    assert (pool.tensors((6, 8, 8)), pool.multiply_adds((6, 8, 8))) == ((), 0)
    assert pool.connections((6, 8, 8)) == 4 * 6 * 16
    dense = Dense(10)
    assert dense.tensors((16, 4, 4))[0].shape == (10, 256)
    assert (dense.multiply_adds((16, 4, 4)), dense.connections((16, 4, 4))) == (2560, 2570)


def test_activations_say_what_training_needs() -> None:
    points = np.linspace(-8, 8, 100_001)
    for name, activation in ACTIVATIONS.items():
        values = operations.activate(name, points)
        derivative = np.diff(values) / np.diff(points)
        assert activation.monotone == (derivative >= -1e-9).all()
        assert np.abs(derivative).max() == pytest.approx(activation.steepest, abs=1e-4)
        flat = np.abs(derivative[[0, -1]]) < 0.01 * activation.steepest
        assert activation.saturates == flat.all()
