"""Small images: mistakes and first windows."""

import io

import numpy as np
import pytest
from PIL import Image

import lenet
from lenet.reporting.thumbnails import (
    chance,
    draw_tiles,
    image_tile,
    mistake_tiles,
    window_tiles,
)


def test_mistakes_say_what_was_said_and_what_is_true(answers_of):
    answers = answers_of([[0.9, 0.1], [0.25, 0.75], [0.9996, 0.0004]], [0, 0, 1], ("cat", "dog"))
    first, second = mistake_tiles(answers)
    assert first.lines == ("said cat, >99.9\u00a0%", "is dog, <0.1\u00a0%")
    assert second.lines == ("said dog, 75.0\u00a0%", "is cat, 25.0\u00a0%")
    assert second.words == "test image 1: said dog (75.0\u00a0%), is cat (25.0\u00a0%)"
    assert np.array_equal(second.pixels, answers.part.images[1])
    assert [tile.words for tile in mistake_tiles(answers, most=1)] == [first.words]


@pytest.mark.parametrize(("channels", "shown"), [(1, 1), (2, 1), (3, 3), (4, 1)])
@pytest.mark.parametrize(
    ("size", "small"), [((8, 8), (8, 8)), ((500, 100), (64, 13)), ((1, 300), (1, 64))]
)
def test_any_image_can_be_shown(channels, shown, size, small):
    tile = image_tile(np.full((channels, *size), 77, np.uint8), (), "")
    assert tile.pixels.shape == (shown, *small)
    assert (tile.pixels == 77).all()


def test_windows_of_a_convolution():
    model = lenet.Model("1x8x8 | conv 5 k3 relu | dense 10").initialize("xavier", 0)
    tiles = window_tiles(model)
    weight = model.state_dict()["conv0.weight"]
    assert len(tiles) == 5
    assert tiles[0].pixels.shape == (1, 3, 3)
    flat = np.concatenate([tile.pixels.ravel() for tile in tiles]).astype(float)
    expected = 127.5 + 127.5 * weight.ravel() / np.abs(weight).max()
    np.testing.assert_allclose(flat, expected, atol=0.51)


def test_windows_of_a_dense_layer_are_images():
    model = lenet.Model("1x8x8 | dense 10").initialize("xavier", 0)
    assert [tile.pixels.shape for tile in window_tiles(model)] == [(1, 8, 8)] * 10


@pytest.mark.parametrize(
    ("network", "count", "shape"),
    [
        ("3x8x8 | conv 4 k3 | dense 10", 4, (3, 3, 3)),
        ("2x8x8 | conv 4 k3 | dense 10", 4, (1, 3, 3)),
        ("1x8x8 | conv 200 k3 | dense 10", 64, (1, 3, 3)),
        ("1x8x8 | maxpool 2 | conv 4 k3 | dense 10", 4, (1, 3, 3)),
        ("1x8x8 | conv 4 k1 | dense 10", 0, None),
        ("1x8x8 | maxpool 2 | dense 10", 0, None),
    ],
)
def test_windows_of_other_networks(network, count, shape):
    tiles = window_tiles(lenet.Model(network).initialize("xavier", 0))
    assert [tile.pixels.shape for tile in tiles] == [shape] * count


def test_weights_that_are_nothing_or_no_numbers():
    model = lenet.Model("1x8x8 | conv 2 k3 | dense 10").initialize()
    for value in (0, np.nan, np.inf):
        model.table[...] = value
        assert window_tiles(model) == []


@pytest.mark.parametrize("count", [0, 1, 5, 36])
def test_as_a_picture(random_answers, overlapping, count):
    names = ("a rather long name of a class", *map(str, range(9)))
    answers = random_answers(10, 400, names, channels=3)
    drawing = draw_tiles(mistake_tiles(answers, count), "t", "heading", 6, 96)
    assert not overlapping(drawing.scene)
    with Image.open(io.BytesIO(drawing.png)) as picture:
        assert picture.width == pytest.approx(2 * drawing.scene.width, abs=1)
    assert drawing.svg.count("<image ") == count


def test_chances_are_never_certain_by_rounding():
    shown = [chance(p).replace("\u00a0", " ") for p in (0, 1e-9, 0.5, 0.99999, 1)]
    assert shown == ["0.0 %", "<0.1 %", "50.0 %", ">99.9 %", "100.0 %"]
