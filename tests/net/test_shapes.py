"""The shape formula against counting, and what a layer that does not fit says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lenet.errors import ShapeError
from lenet.net import AvgPool2d, Conv2d, Dense, MaxPool2d, Shape
from lenet.net.shapes import (
    ChannelsFirst,
    channels_first,
    elements,
    input_text,
    is_channels_last,
    output_size,
    read_shape,
    shape_text,
    size_formula,
)

small = st.integers(1, 12)


@given(small, small, st.integers(0, 8), small)
def test_the_formula_counts_the_places_of_a_window(
    size: int, kernel: int, padding: int, stride: int
) -> None:
    places = len(range(0, size + padding - kernel + 1, stride))
    assert max(0, output_size(size, kernel, padding, stride)) == places


def test_the_formula_is_shown_with_its_numbers() -> None:
    assert size_formula(28, 5, 0, 1) == "(28 - 5 + 0 + 1) / 1 = 24"
    assert size_formula(28, 3, 0, 2) == "floor((28 - 3 + 0 + 2) / 2) = 13"


def test_an_average_over_the_whole_map_is_global() -> None:
    assert AvgPool2d(7).describe() == AvgPool2d(7).describe((6, 8, 7)) == "average pooling"
    assert AvgPool2d((8, 7)).describe((6, 8, 7)) == "global average pooling"
    assert MaxPool2d(7).describe((6, 7, 7)) == "max pooling"
    assert AvgPool2d(7, 1).is_global((6, 7, 7))
    assert not AvgPool2d(7, padding=1).is_global((6, 7, 7))  # the padding counts in the mean
    assert not Dense(7).is_global((6, 7, 7))


def test_shapes_flow_through_layers() -> None:
    assert Conv2d(6, (5, 3), (1, 2)).output_shape((1, 28, 28), "conv0") == (6, 24, 13)
    assert MaxPool2d(2).output_shape((6, 24, 24), "pool0") == (6, 12, 12)
    assert Dense(10).output_shape((16, 4, 4), "dense0") == (10,)


def test_a_window_that_does_not_fit_names_layer_axis_and_remedy() -> None:
    with pytest.raises(ShapeError) as caught:
        Conv2d(32, 5).output_shape((16, 6, 4), "conv2")
    assert caught.value.layer == "conv2"
    assert str(caught.value) == (
        "conv2 gets 16@6x4 and its 5x5 kernel does not fit the width: (4 - 5 + 0 + 1) / 1 = 0; "
        "use a kernel of at most 4, more padding, or a larger input."
    )
    with pytest.raises(ShapeError, match=r"9x2 window.*height"):
        MaxPool2d((9, 2)).output_shape((16, 6, 4), "pool2")


def test_a_convolution_after_a_dense_layer_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"conv0.*feature maps"):
        Conv2d(6, 5).output_shape((120,), "conv0")


def test_texts() -> None:
    assert shape_text((6, 24, 12)) == "6@24x12"
    assert shape_text((120,)) == "120"
    assert elements((6, 24, 24)) == 3456


def test_a_shape_is_read_from_text() -> None:
    for text in (" 3X64x65 ", "3@64x65", "64x65@3", "3 @ 64×65", "3*64*65"):
        assert read_shape(text) == (3, 64, 65)
    assert read_shape("64x65") == (1, 64, 65)
    wrong = ["", "3", "3@64", "3@64x65@3", "3x64x65x2", "3@3x64x65", "3x-1x2", "3x1_0x2", "3x６x2"]
    for text in [*wrong, "3x64x" + "9" * 20, "1x" * 50_000]:
        assert read_shape(text) is None


@pytest.mark.parametrize(
    "shape",
    [
        *[(28, 28, 1), (32, 32, 3), (1000, 1000, 3), (84, 84, 4), (224, 224, 3), (8, 8, 1)],
        *[(66, 200, 3), (480, 640, 3), (640, 480, 3), (32, 100, 1), (13, 13, 256), (5, 5, 64)],
    ],
)
def test_channels_last_are_seen(shape: Shape) -> None:
    assert is_channels_last(shape)
    meant = channels_first(shape)
    assert meant == (shape[2], shape[0], shape[1])
    assert not is_channels_last(meant)
    assert not is_channels_last(tuple(meant))
    assert not is_channels_last(ChannelsFirst(shape))


@pytest.mark.parametrize(
    "shape",
    [
        *[(1, 28, 28), (3, 32, 32), (3, 66, 200), (256, 13, 13), (4, 84, 84), (3, 480, 640)],
        *[(9, 128, 1), (22, 1000, 1), (784, 1, 1), (64, 3, 20), (64, 7, 3), (16, 16, 8), (120,)],
        *[(1, 1, 128), (3, 3, 64), (1, 1, 1), (28, 28, 28)],
    ],
)
def test_channels_first_and_what_may_be_so_are_left_alone(shape: Shape) -> None:
    assert not is_channels_last(shape)


def test_an_input_is_written_so_that_it_is_read_again() -> None:
    assert input_text((28, 28, 1)) == "28x28x1"
    assert input_text(ChannelsFirst((28, 28, 1))) == "28@28x1"
    assert input_text(ChannelsFirst((1, 28, 28))) == "1x28x28"
    for shape in ((28, 28, 1), ChannelsFirst((28, 28, 1))):
        again = read_shape(input_text(shape))
        assert again == shape
        assert type(again) is type(shape)
