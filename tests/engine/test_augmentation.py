"""Augmentation: what may be asked for, and what is drawn."""

from __future__ import annotations

import json
import math
from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest

from lenet.engine.augmentation import Augmentation, augmented
from lenet.engine.warp import ONE
from lenet.errors import UsageError
from refusals import refused

BLACK = np.zeros(1, np.uint8)
MANY = np.arange(20_000)
RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (50, 1, 28, 28), np.uint8)


def drawn(augmentation: Augmentation, side: int = 28) -> Any:
    return augmentation.draw(0, 1, MANY, side, side)


def after(images: Any, augmentation: Augmentation, fill: Any = BLACK, **more: Any) -> Any:
    given = {"order": np.arange(len(images)), "seed": 3, "epoch": 1} | more
    return augmented(images, augmentation=augmentation, fill=fill, **given)


def matrices(augmentation: Augmentation) -> Any:
    """What happens to an image, forwards: (B, 2, 2)."""
    affine = drawn(augmentation).affine / ONE
    return np.linalg.inv(affine[:, [0, 1, 3, 4]].reshape(-1, 2, 2))


def test_settings_are_values() -> None:
    augmentation = Augmentation(shift=2, rotate=10, flip=True)
    assert Augmentation(**json.loads(json.dumps(augmentation.to_dict()))) == augmentation
    assert augmentation.active
    assert not Augmentation().active
    with pytest.raises(FrozenInstanceError):
        augmentation.shift = 3  # type: ignore[misc]


NOT_NUMBERS = (-1, float("nan"), float("inf"), "2", None, True, [1])


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("shift", (*NOT_NUMBERS, 1.5, 1001), ("a whole number of pixels", "0 to 1,000")),
        ("rotate", (*NOT_NUMBERS, 181), ("degrees", "0 to 180")),
        ("scale", (*NOT_NUMBERS, 0.51, 10), ("0 to 0.5",)),
        ("shear", (*NOT_NUMBERS, 46), ("degrees", "0 to 45")),
        ("elastic", (*NOT_NUMBERS, 17), ("pixels", "0 to 16")),
        ("noise", (*NOT_NUMBERS, 256), ("levels", "0 to 255")),
        ("cutout", (*NOT_NUMBERS, 2.5, 1001), ("a whole number",)),
        ("flip", (0, 1, "yes", None), ("True or False",)),
        ("blur", (*NOT_NUMBERS, 4.1), ("pixels", "0 to 4")),
    ],
)
def test_settings_out_of_range(name: str, values: Any, words: tuple[str, ...]) -> None:
    for value in values:
        with refused(UsageError, f"{name} is {value!r}", *words):
            Augmentation(**{name: value})


def test_nothing_asked_for_is_the_identity() -> None:
    order = np.array([3, 1, 3])
    same = augmented(IMAGES, order, Augmentation(), 0, 0, BLACK)
    np.testing.assert_array_equal(same, IMAGES[order])
    assert not np.shares_memory(same, IMAGES)
    assert after(IMAGES, Augmentation(shift=2), order=np.arange(0)).shape == (0, 1, 28, 28)


def test_epochs_seeds_and_images_differ() -> None:
    augmentation = Augmentation(2, 10.0, 0.1, 5.0, 1.0, 10.0, 4)
    again = {"order": np.zeros(2, int)}
    first = after(IMAGES, augmentation, **again)
    np.testing.assert_array_equal(first[0], first[1])
    same_images = np.repeat(IMAGES[:1], 50, axis=0)
    others = [
        after(IMAGES, augmentation, **again, epoch=2)[0],
        after(IMAGES, augmentation, **again, seed=4)[0],
        after(same_images, augmentation)[1],
    ]
    for other in others:
        assert (other != first[0]).mean() > 0.5


def test_kinds_draw_from_streams_of_their_own() -> None:
    alone, together = drawn(Augmentation(rotate=10)), drawn(Augmentation(rotate=10, elastic=1))
    np.testing.assert_array_equal(alone.affine, together.affine)
    more = drawn(Augmentation(rotate=10, cutout=3, elastic=1, noise=3, scale=0.1))
    np.testing.assert_array_equal(more.nodes, together.nodes)


def test_shifts_are_whole_and_even() -> None:
    affine = drawn(Augmentation(shift=2)).affine
    np.testing.assert_array_equal(affine[:, [0, 1, 3, 4]], [[ONE, 0, 0, ONE]] * len(MANY))
    for column in (2, 5):
        values, counts = np.unique(affine[:, column] / ONE, return_counts=True)
        assert values.tolist() == [-2, -1, 0, 1, 2]
        assert np.abs(counts / len(MANY) - 0.2).max() < 0.02
    assert abs(np.corrcoef(affine[:, 2], affine[:, 5])[0, 1]) < 0.03


def test_shifted_and_mirrored_pixels_are_copies() -> None:
    changed = after(IMAGES, Augmentation(shift=3, flip=True), np.array([9], np.uint8))
    wide = np.pad(IMAGES, ((0, 0), (0, 0), (3, 3), (3, 3)), constant_values=9)
    seen = set()
    for image, padded in zip(changed[:, 0], wide[:, 0], strict=True):
        places = [
            (dy, dx, step)
            for dy in range(7)
            for dx in range(7)
            for step in (1, -1)
            if np.array_equal(padded[dy : dy + 28, dx : dx + 28][:, ::step], image)
        ]
        assert len(places) == 1
        seen.add(places[0])
    assert len(seen) > 20
    assert {step for *_, step in seen} == {1, -1}


def test_every_second_image_is_mirrored() -> None:
    affine = drawn(Augmentation(flip=True)).affine
    mirrored = affine[:, 0] == -ONE
    assert abs(mirrored.mean() - 0.5) < 0.02
    assert (affine[mirrored, 2] == 27 * ONE).all()
    assert (affine[~mirrored] == [ONE, 0, 0, 0, ONE, 0]).all()


def test_turns() -> None:
    turns = matrices(Augmentation(rotate=30))
    angles = np.degrees(np.arctan2(turns[:, 1, 0], turns[:, 0, 0]))
    assert 29.9 < angles.max() < 30.01
    assert -30.01 < angles.min() < -29.9
    assert abs(angles.mean()) < 0.5
    assert abs(angles.std() - 30 / math.sqrt(3)) < 0.3
    np.testing.assert_allclose(np.linalg.det(turns), 1, atol=1e-3)


def test_scales() -> None:
    scales = matrices(Augmentation(scale=0.2))
    for axis in (0, 1):
        along = scales[:, axis, axis]
        assert 0.7999 < along.min() < 0.802
        assert 1.198 < along.max() < 1.2001
        assert abs(along.mean() - 1) < 0.005
    assert abs(np.corrcoef(scales[:, 0, 0], scales[:, 1, 1])[0, 1]) < 0.03
    assert not scales[:, [0, 1], [1, 0]].any()


def test_slants() -> None:
    slants = matrices(Augmentation(shear=20))
    angles = np.degrees(np.arctan(slants[:, 0, 1]))
    assert 19.9 < angles.max() < 20.01
    assert abs(angles.mean()) < 0.3
    np.testing.assert_allclose(slants[:, [0, 1], [0, 1]], 1, atol=1e-4)
    assert not slants[:, 1, 0].any()


def test_the_centre_stays() -> None:
    affine = drawn(Augmentation(rotate=180, scale=0.5, shear=45, flip=True), side=29).affine / ONE
    centre = np.array([14, 14, 1])
    np.testing.assert_allclose(affine.reshape(-1, 2, 3) @ centre, 14, atol=1e-3)


def test_between_pixels_shifts_are_any_number() -> None:
    affine = drawn(Augmentation(shift=2, elastic=0.1)).affine
    shifts = affine[:, [2, 5]] / ONE
    assert 1.99 < np.abs(shifts).max() <= 2
    assert np.abs(shifts.mean(axis=0)).max() < 0.03
    assert len(np.unique(shifts)) > len(MANY) / 2


def test_the_centre_of_mass_moves_by_the_shift() -> None:
    images = np.zeros((2000, 1, 28, 28), np.uint8)
    images[:, :, 12:16, 12:16] = 255
    for augmentation in (Augmentation(shift=4), Augmentation(shift=4, scale=1e-9)):
        mass = after(images, augmentation)[:, 0] / (16 * 255)
        rows, columns = mass.sum(axis=2) @ np.arange(28), mass.sum(axis=1) @ np.arange(28)
        expected = math.sqrt(20 / 3) if augmentation.scale == 0 else 4 / math.sqrt(3)
        for place in (rows, columns):
            assert abs(place.mean() - 13.5) < 0.2
            assert abs(place.std() - expected) < 0.15


@pytest.mark.parametrize("side", [8, 28, 64])
def test_the_root_mean_square_of_the_displacement(side: int) -> None:
    """In a ramp of grey, a pixel's change shows how far away it was read."""
    step, amount = 128 // side, side / 56
    ramp = np.tile(64 + step * np.arange(side, dtype=np.uint8), (side, 1))
    middle = slice(side // 4, -side // 4)
    for turned in (ramp, ramp.T):
        images = np.ascontiguousarray(np.broadcast_to(turned, (600, 1, side, side)))
        bent = after(images, Augmentation(elastic=amount)).astype(float)
        moved = ((bent - images) / step)[:, 0, middle, middle]
        assert abs(moved.mean()) < 0.1 * amount
        rounding = 1 / 12 / step**2
        assert abs(math.sqrt((moved**2).mean() - rounding) - amount) < 0.04 * amount


def test_noise_has_its_standard_deviation() -> None:
    grey = np.full((100, 1, 28, 28), 128, np.uint8)
    levels = after(grey, Augmentation(noise=12.5)).astype(float) - 128
    assert abs(levels.mean()) < 0.2
    assert abs(levels.std() - 12.5) < 0.2
    assert abs((levels**4).mean() / levels.var() ** 2 - 2.7) < 0.1  # four bytes: 3 - 0.3
    flat = levels.reshape(100, -1)
    assert abs(np.corrcoef(flat[:, 0::2].ravel(), flat[:, 1::2].ravel())[0, 1]) < 0.02
    assert abs(np.corrcoef(flat[:-1].ravel(), flat[1:].ravel())[0, 1]) < 0.02


def test_squares_are_anywhere() -> None:
    corners = drawn(Augmentation(cutout=5)).corners
    for axis in (0, 1):
        assert np.unique(corners[:, axis]).tolist() == list(range(-2, 26))
    white = np.full((500, 3, 9, 9), 255, np.uint8)
    fill = np.array([1, 2, 3], np.uint8)
    cut = after(white, Augmentation(cutout=3), fill) != 255
    assert (cut[:, 0] == cut[:, 1]).all()
    assert set(cut[:, 0].sum(axis=(1, 2))) == {4, 6, 9}
    assert cut.any(axis=0).all()
    assert (after(white, Augmentation(cutout=1000), fill)[0] == fill[:, None, None]).all()


COLOURS = np.random.default_rng(5).integers(60, 196, (400, 3, 6, 6), np.uint8)
NO_FILL = np.zeros(3, np.uint8)


def grey_of(images: Any) -> Any:
    return np.tensordot(images.astype(float), [0.299, 0.587, 0.114], (1, 0))


@pytest.mark.parametrize("most", [0.5, 1.0, 4.0])
def test_a_point_is_spread_by_up_to_the_deviation(most: float) -> None:
    images = np.zeros((3000, 1, 41, 41), np.uint8)
    images[:, 0, :, 20] = 255  # a line: along it, nothing changes
    found = after(images, Augmentation(blur=most)).astype(float)[:, 0]
    assert (found == found[:, :1]).all()
    spread = found[:, 0] / found[:, 0].sum(axis=1, keepdims=True)
    places = np.arange(41) - 20
    assert abs(spread @ places).max() < 0.05
    deviations = np.sqrt(spread @ places**2)
    assert most * 0.9 < deviations.max() < most * 1.05
    assert abs(deviations.mean() - most / 2) < 0.1 * most
    flat = np.full((50, 1, 9, 9), 77, np.uint8)
    assert (after(flat, Augmentation(blur=most)) == 77).all()


def test_a_blur_of_next_to_nothing_is_the_identity() -> None:
    np.testing.assert_array_equal(after(IMAGES, Augmentation(blur=1e-300)), IMAGES)


def test_brightness_is_a_factor() -> None:
    found = after(COLOURS, Augmentation(brightness=0.25), NO_FILL).astype(float)
    factors = (found / COLOURS).mean(axis=(1, 2, 3))
    assert 0.74 < factors.min() < 0.77
    assert 1.23 < factors.max() < 1.26
    expected = COLOURS * factors[:, None, None, None]
    assert abs(found - expected).max() < 1


def test_contrast_leaves_the_middle() -> None:
    found = after(COLOURS, Augmentation(contrast=0.5), NO_FILL).astype(float)
    away = (found - 127.5) / (COLOURS - 127.5)
    factors = np.median(away, axis=(1, 2, 3))
    assert 0.49 < factors.min() < 0.52
    assert 1.48 < factors.max() < 1.51
    flat = np.full((50, 1, 4, 4), 127, np.uint8)
    assert set(np.unique(after(flat, Augmentation(contrast=1.0)))) <= {127, 128}


def test_saturation_and_hue_keep_a_pixels_grey() -> None:
    found = after(COLOURS, Augmentation(saturation=0.3), NO_FILL)
    assert abs(grey_of(found) - grey_of(COLOURS)).max() < 1
    assert abs(found.astype(int) - COLOURS).max() > 10
    turned = after(COLOURS, Augmentation(hue=30), NO_FILL).astype(float)
    assert abs(turned.mean(axis=1) - COLOURS.mean(axis=1)).max() < 12  # some are cut at 255
    grey = np.repeat(COLOURS[:, :1], 3, axis=1)
    for how in (Augmentation(saturation=1.0), Augmentation(hue=180)):
        assert abs(after(grey, how, NO_FILL).astype(int) - grey).max() <= 1


def test_a_share_of_images_loses_its_colours() -> None:
    found = after(COLOURS, Augmentation(grey=0.3), NO_FILL)
    is_grey = (np.ptp(found, axis=1) <= 1).all(axis=(1, 2))
    assert 0.22 < is_grey.mean() < 0.38
    assert (found[~is_grey] == COLOURS[~is_grey]).all()
    assert abs(grey_of(COLOURS)[is_grey] - found[is_grey, 0]).max() < 1


def test_images_without_colour_have_no_colours_to_change() -> None:
    how = Augmentation(saturation=1.0, hue=180, grey=1.0)
    assert (after(IMAGES, how) == IMAGES).all()
    two = np.repeat(IMAGES, 2, axis=1)
    found = after(two, Augmentation(brightness=0.5), np.zeros(2, np.uint8))
    assert (found[:, 0] == found[:, 1]).all()
    assert (found != two).any()


def test_variants_take_turns_with_the_image_itself() -> None:
    """Of three copies and the image, each is shown once in four epochs, and then again."""
    how = Augmentation(shift=2, scale=0.1, variants=3)
    order = np.arange(50, dtype=np.uint8)[::-1]
    epochs = [after(IMAGES, how, order=order, epoch=epoch) for epoch in range(250, 258)]
    for place, image in enumerate(order):
        shown = [epoch[place].tobytes() for epoch in epochs]
        assert len(set(shown)) == 4
        assert shown[:4] == shown[4:]
        assert IMAGES[image].tobytes() in shown


def test_whatever_order_type_it_is() -> None:
    expected = after(IMAGES, Augmentation(shift=2))
    for kind in (np.uint8, np.int16, np.int32, np.uint64):
        order = np.arange(50, dtype=kind)
        np.testing.assert_array_equal(after(IMAGES, Augmentation(shift=2), order=order), expected)


def test_whatever_layout_the_images_have() -> None:
    expected = after(IMAGES, Augmentation(shift=2, rotate=5))
    columns_first = np.asfortranarray(IMAGES)
    np.testing.assert_array_equal(after(columns_first, Augmentation(shift=2, rotate=5)), expected)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"fill": np.zeros(3, np.uint8)}, "fill is uint8"),
        ({"order": np.array([50])}, "image 50"),
        ({"threads": 0}, "threads is 0"),
    ],
)
def test_arguments_that_cannot_be_meant(changes: dict[str, Any], text: str) -> None:
    given = {"images": IMAGES, "augmentation": Augmentation(rotate=3)}
    with refused(UsageError, text):
        after(**(given | changes))


def test_variants_of_few_images_are_drawn() -> None:
    """Of most variants there is no image then."""
    images = np.random.default_rng(0).integers(0, 256, (4, 1, 8, 8), np.uint8)
    how = Augmentation(variants=30, elastic=1, shift=1)
    order, fill = np.arange(4), np.zeros(1, np.uint8)
    whole = augmented(images, order, how, 0, 1, fill)
    parts = [augmented(images, order[i : i + 1], how, 0, 1, fill) for i in range(4)]
    np.testing.assert_array_equal(whole, np.concatenate(parts))
    plain = Augmentation(elastic=1)
    assert augmented(images, order[:0], plain, 0, 1, fill).shape == (0, 1, 8, 8)
