"""The twin that says what a distortion is: known cases by hand. The native kernel is held against
it in tests/parity/test_native_warp.py."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lenet.engine.augmentation import check_images
from lenet.engine.warp import NODES, ONE, Distortions, spline_weights
from lenet.engine.warp import warp_reference as warp
from lenet.errors import UsageError
from refusals import refused

IMAGE = np.arange(1, 13, dtype=np.uint8).reshape(1, 1, 3, 4) * 10
FILL = np.array([7], np.uint8)
SAME = (ONE, 0, 0, 0, ONE, 0)


def warped(affine: tuple[int, ...] = SAME, **more: Any) -> list[list[int]]:
    distortions = Distortions(np.array([affine], np.int32), **more)
    return warp(IMAGE, np.zeros(1, np.int32), distortions, FILL)[0, 0].tolist()


def test_the_identity() -> None:
    assert warped() == IMAGE[0, 0].tolist()


def test_a_shift_brings_the_fill() -> None:
    assert warped((ONE, 0, -ONE, 0, ONE, 2 * ONE)) == [
        [7, 90, 100, 110],
        [7, 7, 7, 7],
        [7, 7, 7, 7],
    ]


def test_a_mirror() -> None:
    assert warped((-ONE, 0, 3 * ONE, 0, ONE, 0)) == IMAGE[0, 0, :, ::-1].tolist()


def test_a_quarter_turn() -> None:
    image = np.arange(9, dtype=np.uint8).reshape(1, 1, 3, 3)
    affine = np.array([[0, ONE, 0, -ONE, 0, 2 * ONE]], np.int32)
    turned = warp(image, np.zeros(1, np.int32), Distortions(affine), FILL)
    assert turned[0, 0].tolist() == np.rot90(image[0, 0], -1).tolist()


def test_between_pixels() -> None:
    halfway = (ONE, 0, ONE // 2, 0, ONE, ONE // 4)
    # 10, 20, 50 and 60: the middle of the columns, a quarter between the rows; then fill outside.
    assert warped(halfway)[0][0] == round((15 * 3 + 55) / 4)
    assert warped(halfway)[2][3] == round((3 * (120 + 7) / 2 + 7) / 4)


@pytest.mark.parametrize("far", [2**31 - 1, -(2**31)])
def test_far_away_is_the_fill(far: int) -> None:
    assert warped((ONE, 0, far, 0, ONE, 0)) == [[7] * 4] * 3


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 28, 33, 224, 1000])
def test_spline_weights(size: int) -> None:
    weights = spline_weights(size)
    assert weights.shape == (NODES, size)
    assert (weights >= 0).all()
    assert (weights.sum(axis=0) == 256).all()
    np.testing.assert_array_equal(weights, weights[::-1, ::-1])
    # They reproduce a straight line: nodes at -1 .. 5 give the place itself.
    places = (np.arange(-1, NODES - 1) @ weights) / 256
    assert np.abs(places - (np.arange(size) + 0.5) * 4 / size).max() < 2 / 256


def test_equal_nodes_are_a_shift() -> None:
    nodes = np.full((1, 2, NODES, NODES), 255, np.uint8)
    pixel = round(ONE / 255)
    assert warped(nodes=nodes, elastic=pixel) == warped((ONE, 0, ONE, 0, ONE, ONE))
    nodes[:, 0] = 0
    assert warped(nodes=nodes, elastic=pixel) == warped((ONE, 0, -ONE, 0, ONE, ONE))


def test_noise_is_of_the_stream_and_bounded() -> None:
    one = warped(noise=5_000, noise_stream=(1, 2))
    assert one == warped(noise=5_000, noise_stream=(1, 2))
    assert one != warped(noise=5_000, noise_stream=(1, 3))
    loud = np.array(warped(noise=100_000_000))
    assert set(loud.ravel()) == {0, 255}


def test_a_blur_is_a_mean_of_neighbours_and_the_edge_goes_on() -> None:
    blurs = np.array([[128, 64]], np.int32)  # a quarter, a half, a quarter
    along = [[12.5, 20, 30, 37.5], [52.5, 60, 70, 77.5], [92.5, 100, 110, 117.5]]
    weights = np.array([[3, 1, 0], [1, 2, 1], [0, 1, 3]]) / 4
    expected = np.floor(weights @ along + 0.5)  # rounded once, after both axes
    assert warped(blurs=blurs) == expected.tolist()
    assert warped(blurs=np.array([[256, 0]], np.int32)) == IMAGE[0, 0].tolist()
    assert warped(blurs=np.array([[256]], np.int32)) == IMAGE[0, 0].tolist()
    # Far beyond the edge there is more of the edge.
    white = np.full((1, 1, 3, 4), 255, np.uint8)
    wide = Distortions(np.array([SAME], np.int32), blurs=np.array([[0, *[0] * 11, 128]], np.int32))
    assert (warp(white, np.zeros(1, np.int32), wide, FILL) == 255).all()


def test_tones_come_after_the_blur() -> None:
    found = warped(blurs=np.array([[128, 64]], np.int32), tones=np.array([[2 * ONE, 0]], np.int32))
    blurred = np.array(warped(blurs=np.array([[128, 64]], np.int32)))
    assert found == (2 * blurred).clip(0, 255).tolist()


def test_a_square_is_cut_out() -> None:
    corner = np.array([[1, 2]], np.int32)
    expected = IMAGE[0, 0].copy()
    expected[1:3, 2:4] = 7
    assert warped(corners=corner, side=2) == expected.tolist()
    assert warped(corners=corner - 3, side=2) == IMAGE[0, 0].tolist()
    assert warped(corners=corner - 3, side=3)[0] == [7, 7, 30, 40]
    assert warped(corners=corner + 2, side=2) == IMAGE[0, 0].tolist()


IMAGES, ORDER = np.zeros((3, 2, 4, 5), np.uint8), np.arange(3)
FILLS = np.zeros(2, np.uint8)


def test_images_that_can_be_distorted() -> None:
    for order in (ORDER, ORDER[:0], ORDER.astype(np.uint8), np.array([2, 2, 0], np.int32)):
        check_images(IMAGES, order, FILLS)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"images": IMAGES.astype(np.float32)}, ("float32 of shape (3, 2, 4, 5)",)),
        ({"images": IMAGES[0]}, ("uint8 of shape (2, 4, 5)", "(N, C, H, W)")),
        ({"images": IMAGES.tolist()}, ("images are a list",)),
        ({"images": IMAGES[:, :, :0]}, ("at least one pixel",)),
        ({"images": IMAGES[:0]}, ("at least one pixel",)),
        ({"images": np.zeros((1, 1, 1, 4097), np.uint8)}, ("4,096",)),
        ({"order": [0, 1]}, ("order is a list",)),
        ({"order": ORDER[:, None]}, ("order is int64 of shape (3, 1)",)),
        ({"order": ORDER * 1.0}, ("order is float64", "whole numbers")),
        ({"order": np.array([0, 3, 1])}, ("image 3", "0 to 2")),
        ({"order": np.array([0, -1])}, ("image -1", "0 to 2")),
        ({"order": np.array([2**32])}, ("image 4294967296",)),
        ({"fill": FILLS[:1]}, ("fill is uint8 of shape (1,)", "(2,)")),
        ({"fill": FILLS * 1.0}, ("fill is float64",)),
        ({"fill": 0}, ("fill is a int",)),
    ],
)
def test_what_cannot_be_distorted(changes: dict[str, Any], words: tuple[str, ...]) -> None:
    with refused(UsageError, *words):
        check_images(**({"images": IMAGES, "order": ORDER, "fill": FILLS} | changes))
