"""From bytes to a network's input: against Pillow, against NumPy, and against hostile files."""

import json
import math

import numpy as np
import pytest
from PIL import Image

from lenet.data import ground, load, preprocess
from lenet.data.preprocess import Preprocessing
from lenet.errors import DataError
from refusals import refused


def random_images(*shape):
    return np.random.default_rng(sum(shape)).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("old", [(1, 1), (8, 8), (28, 28), (31, 17), (200, 3)])
@pytest.mark.parametrize("new", [(1, 1), (7, 5), (28, 28), (32, 32), (64, 90)])
def test_resize_is_pillows(old, new):
    images = random_images(2, 3, *old)
    resized = preprocess.resize(images, *new)
    assert resized.shape == (2, 3, *new)
    for plane, ours in zip(images.reshape(-1, *old), resized.reshape(-1, *new), strict=True):
        theirs = np.asarray(Image.fromarray(plane).resize(new[::-1], Image.Resampling.BILINEAR))
        assert np.abs(ours.astype(int) - theirs).max() <= 1


def test_resize_to_the_same_size_copies_nothing():
    images = random_images(2, 1, 8, 8)
    assert preprocess.resize(images, 8, 8) is images


def test_resize_keeps_a_constant():
    images = np.full((1, 1, 9, 9), 255, np.uint8)
    assert (preprocess.resize(images, 28, 5) == 255).all()


def test_chunks_change_nothing(monkeypatch):
    images = random_images(50, 3, 8, 8)
    whole = preprocess.match(images, (1, 12, 12)), Preprocessing.measure(images, (1, 12, 12))
    monkeypatch.setattr(preprocess, "_CHUNK", 1000)
    np.testing.assert_array_equal(preprocess.match(images, (1, 12, 12)), whole[0])
    assert Preprocessing.measure(images, (1, 12, 12)) == whole[1]


def test_grey_is_pillows():
    images = random_images(1, 3, 40, 50)
    theirs = np.asarray(Image.fromarray(images[0].transpose(1, 2, 0)).convert("L"))
    np.testing.assert_array_equal(preprocess.match(images, (1, 40, 50))[0, 0], theirs)


def test_grey_to_rgb_repeats():
    images = random_images(2, 1, 5, 5)
    matched = preprocess.match(images, (3, 5, 5))
    assert matched.shape == (2, 3, 5, 5)
    assert (matched == images).all()


@pytest.mark.parametrize(("given", "wanted"), [(2, 1), (1, 2), (4, 3), (3, 4)])
def test_other_channels_are_refused(given, wanted):
    with refused(DataError, f"{given} channels cannot become {wanted}"):
        preprocess.match(random_images(1, given, 4, 4), (wanted, 4, 4))


def test_equal_channels_of_any_number_pass():
    assert preprocess.match(random_images(1, 5, 4, 4), (5, 8, 8)).shape == (1, 5, 8, 8)


@pytest.mark.parametrize("channels", [1, 3])
def test_fit_measures_every_pixel(channels):
    images = random_images(30, channels, 9, 9)
    images[:, 0] //= 2
    fitted = Preprocessing.measure(images, (channels, 9, 9))
    np.testing.assert_allclose(fitted.mean, (images / 255).mean((0, 2, 3)), rtol=1e-12)
    np.testing.assert_allclose(fitted.std, (images / 255).std((0, 2, 3)), rtol=1e-12)


def test_fit_measures_what_the_network_sees():
    images = random_images(20, 3, 9, 9)
    prepared = preprocess.match(images, (1, 6, 6))
    assert Preprocessing.measure(images, (1, 6, 6)) == Preprocessing.measure(prepared, (1, 6, 6))


def test_fit_without_standardizing():
    fitted = Preprocessing.measure(random_images(3, 1, 4, 4), (1, 4, 4), standardize=False)
    assert (fitted.mean, fitted.std) == ((0.0,), (1.0,))


def test_fit_of_a_constant():
    fitted = Preprocessing.measure(np.full((3, 1, 4, 4), 51, np.uint8), (1, 4, 4))
    assert fitted.mean == pytest.approx((0.2,))
    assert fitted.std == (1 / 255,)


@pytest.mark.parametrize(
    ("light", "expected"), [(0, "dark"), (1, "dark"), (2, None), (198, None), (199, "light")]
)
def test_polarity_needs_a_clear_majority(light, expected):
    images = np.zeros((200, 1, 4, 4), np.uint8)
    images[:light] = 200
    assert Preprocessing.measure(images, (1, 4, 4)).polarity == expected


def test_polarity_looks_at_the_border_only():
    image = np.full((1, 1, 9, 9), 255, np.uint8)
    image[:, :, 1:-1, 1:-1] = 0
    assert ground.has_light_border(image).tolist() == [True]
    assert ground.has_light_border(~image).tolist() == [False]


def test_backgrounds():
    image = np.full((2, 3, 6, 4), 200, np.uint8)
    image[:, :, 1:-1, 1:-1] = 5
    image[:, 1] = ~image[:, 1]
    image[0, 2] = 30  # as many border pixels as have 200: the lower one counts
    assert ground.background(image).tolist() == [200, 55, 30]
    assert ground.background(image[:, :1, :1]).tolist() == [200]
    assert ground.background(image[:, :, 2:3, 2:3]).tolist() == [5, 250, 5]
    assert ground.background(load("digits").train.images).tolist() == [0]


def test_digits_are_light_on_dark():
    fitted = Preprocessing.measure(load("digits").train.images, (1, 28, 28))
    assert fitted.polarity == "dark"
    assert fitted.mean == pytest.approx((0.3055,), abs=1e-3)


def test_prepare():
    fitted = Preprocessing((1, 28, 28), (0.0,), (1.0,), None)
    assert fitted.prepare(load("digits").test.images).shape == (360, 1, 28, 28)


def test_scale_and_shift_standardize():
    images = random_images(30, 3, 9, 9)
    scale, shift = Preprocessing.measure(images, (3, 9, 9)).scale_and_shift()
    assert scale.dtype == shift.dtype == np.float32
    x = images * scale[:, None, None] + shift[:, None, None]
    np.testing.assert_allclose(x.mean((0, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(x.std((0, 2, 3)), 1, atol=1e-5)


GOOD = {"input_shape": [1, 28, 28], "mean": [0.1307], "std": [0.3081], "polarity": "dark"}


def test_dict_round_trip_is_exact():
    fitted = Preprocessing.measure(random_images(30, 3, 9, 9), (3, 9, 9))
    assert Preprocessing.from_dict(json.loads(json.dumps(fitted.to_dict()))) == fitted
    assert Preprocessing.from_dict(GOOD).to_dict() == GOOD


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"input_shape": [1, 28]}, "has input_shape (1, 28) where three whole numbers above 0"),
        ({"input_shape": [1, 28, 0]}, "has input_shape (1, 28, 0) where"),
        ({"input_shape": [1, 28, 28.0]}, "has input_shape (1, 28, 28.0) where"),
        ({"input_shape": [True, 28, 28]}, "has input_shape (True, 28, 28) where"),
        ({"input_shape": "abc"}, "has input_shape 'abc' where a list of numbers is needed"),
        ({"mean": []}, "has mean () where a number of size 1,000,000 at most for each of 1"),
        ({"mean": [0.1, 0.2]}, "has mean (0.1, 0.2) where"),
        ({"mean": [math.nan]}, "has mean (nan,) where"),
        ({"mean": [10**400]}, "has mean (1000"),
        ({"mean": ["0"]}, "has mean ('0',) where"),
        ({"mean": [None]}, "has mean (None,) where"),
        ({"mean": 0.1}, "has mean 0.1 where a list of numbers is needed"),
        ({"std": [0]}, "has std (0,) where numbers of at least 1e-06 is needed"),
        ({"std": [-1.0]}, "has std (-1.0,) where numbers"),
        ({"std": [1e-300]}, "has std (1e-300,) where numbers"),
        ({"std": [math.inf]}, "has std (inf,) where"),
        ({"polarity": "grey"}, "has polarity 'grey' where 'dark', 'light' or nothing is needed"),
        ({"polarity": ["dark"]}, "has polarity ['dark'] where"),
        ({"extra": 1}, "an object with input_shape, mean, std, polarity is needed"),
    ],
)
def test_from_dict_trusts_nothing(change, message):
    with pytest.raises(DataError) as caught:
        Preprocessing.from_dict(GOOD | change)
    assert str(caught.value).startswith("the preprocessing ")
    assert message in str(caught.value)
    assert str(caught.value).endswith("; use an intact model file")
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("values", [None, [], "x", {}, {"mean": [0.1]}, {1: 2}])
def test_from_dict_of_something_else(values):
    with refused(DataError, "input_shape, mean, std, polarity"):
        Preprocessing.from_dict(values)


@pytest.mark.parametrize("fit", preprocess.FITS)
def test_many_are_fitted_as_one_is(fit):
    images = random_images(2, 3, 3, 4)
    both = preprocess.fit_to(images, (7, 5), fit)
    for index in range(2):
        one = preprocess.fit_to(images[index : index + 1], (7, 5), fit)
        np.testing.assert_array_equal(both[index], one[0])


def test_the_margin_of_an_image_does_not_depend_on_others():
    images = load("digits").train.images[:40]
    mixed = np.concatenate([images, 255 - images])
    alone = [preprocess.set_in_middle(image[np.newaxis], (1, 12, 12)) for image in mixed]
    found = preprocess.set_in_middle(mixed, (1, 12, 12))
    np.testing.assert_array_equal(found, np.concatenate(alone))
    assert (found[:40, 0, 0, 0] == 0).all()
