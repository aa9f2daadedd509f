"""Profiles: what is measured of pictures, how it is kept, and what a training leaves."""

import copy
import json

import numpy as np
import pytest

import lenet
from lenet.errors import DataError
from lenet.profile import ANSWERS, BINS, ENOUGH, Histogram, Profile, look
from refusals import refused
from striped import NETWORK, dataset, striped, trained


def of(images):
    """What is measured of pictures, whatever the answers."""
    return look(images, np.tile([0.25, 0.75], (len(images), 1)))


def test_measures_by_hand():
    image = np.zeros((1, 1, 10, 10), np.uint8)
    image[..., ::2] = 255  # columns of white and black
    found = of(image)
    assert found["brightness"] == found["contrast"] == 0.5
    # Along a row every step is of 1, along a column there is none; two pixels at random: 1/2.
    assert found["sharpness"] == 1
    assert (found["darkest"], found["lightest"]) == (0, 1)
    assert (found["certainty"], found[ANSWERS]) == (0.75, 1)
    assert "colour" not in found
    flat = of(np.full((2, 1, 5, 5), 51, np.uint8))
    assert flat["brightness"].tolist() == [0.2, 0.2]
    assert not flat["contrast"].any()
    assert not flat["sharpness"].any()


def test_colours_by_hand():
    red = np.zeros((1, 3, 4, 4), np.uint8)
    red[:, 0] = 100
    found = of(red)
    assert (found["colour"], found["red"], found["green"]) == (1, 1, 0)
    black = of(np.zeros((1, 3, 4, 4), np.uint8))
    assert (black["colour"], black["red"]) == (0, 0)
    assert set(of(np.zeros((1, 2, 4, 4), np.uint8))) > {"channel 0", "channel 1"}
    assert "channel 0" not in of(np.zeros((1, 17, 4, 4), np.uint8))


def test_light_leaves_sharpness_and_colour():
    images = striped(100, 3).images
    plain, dark = of(images), of((images * 0.5).astype(np.uint8))
    for name, tolerance in {"sharpness": 0.02, "colour": 0.03, "red": 0.01}.items():
        np.testing.assert_allclose(dark[name], plain[name], atol=tolerance)
    np.testing.assert_allclose(dark["brightness"], plain["brightness"] / 2, atol=0.004)


def test_sharpness_of_noise_is_one():
    noise = np.random.default_rng(0).integers(0, 256, (50, 1, 40, 40)).astype(np.uint8)
    assert of(noise)["sharpness"].mean() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 1, 9), (1, 9, 1), (2, 2, 2), (4096, 1, 1)])
def test_pictures_of_any_shape(shape):
    images = np.random.default_rng(0).integers(0, 256, (7, *shape)).astype(np.uint8)
    assert all(np.isfinite(values).all() and len(values) == 7 for values in of(images).values())


def test_bins_hold_equally_many():
    values = np.random.default_rng(0).normal(size=1600).round(6)
    histogram = Histogram.of(values)
    assert histogram.counts == (100,) * BINS
    assert histogram.like(values) == histogram
    assert histogram.mean == pytest.approx(values.mean(), abs=1e-6)
    shifted = histogram.like(values + 10)
    assert shifted.counts == (*[0] * (BINS - 1), 1600)


@pytest.mark.parametrize("values", [[0.5] * 9, [1.0] * 90 + [0.3] * 10, [0.25]])
def test_a_value_that_is_most_has_a_bin_of_its_own(values):
    values = np.array(values)
    histogram = Histogram.of(values)
    most = np.median(values)
    for other in (most - 0.01, most + 0.01):
        moved = histogram.like(np.full(5, other)).counts
        assert moved != histogram.like(np.full(5, most)).counts


def test_a_training_leaves_a_profile():
    model = trained()
    profile = Profile.from_dict(model.training["profile"], 3)
    assert (profile.source, profile.images) == ("test", 600)
    answers = model.predict(dataset().test.images)
    assert profile.measures[ANSWERS].counts == tuple(np.bincount(answers, minlength=3))
    again = lenet.Model.from_bytes(model.to_bytes())
    assert Profile.from_dict(again.training["profile"], 3) == profile
    assert len(json.dumps(model.training["profile"])) < 8_000


def test_what_the_profile_is_of():
    whole = dataset()
    recipe = lenet.recipe(epochs=1)
    alone = lenet.Dataset("alone", whole.train, None, whole.classes)
    for data, how, source, count in (
        (alone, recipe, "train", 900),
        (alone, recipe.replace(validation=0.2), "validation", 180),
        (whole, recipe.replace(validation=0.2), "test", 600),
    ):
        values = lenet.train(NETWORK, data, how).training["profile"]
        profile = Profile.from_dict(values, 3)
        assert profile.source == source
        assert abs(profile.images - count) <= 2


def test_a_profile_is_of_no_more_than_enough():
    images = np.zeros((ENOUGH + 1_000, 1, 2, 2), np.uint8)
    profile = Profile.of_images(images, lambda x: np.full((len(x), 2), 0.5), "test")
    assert profile.images == ENOUGH


def test_weights_beyond_all_measure_still_give_a_file():
    profile = Profile.of_images(
        np.zeros((9, 1, 2, 2), np.uint8), lambda x: np.full((len(x), 2), np.nan), "test"
    )
    values = json.loads(json.dumps(profile.to_dict(), allow_nan=False))
    assert Profile.from_dict(values, 2) == profile


GOOD = Profile.of(of(np.zeros((9, 1, 3, 3), np.uint8)), 2, "test").to_dict()


def changed(*path, to):
    values = copy.deepcopy(GOOD)
    *places, last = path
    holder = values
    for place in places:
        holder = holder[place]
    holder[last] = to
    return values


@pytest.mark.parametrize(
    "values",
    [
        *(None, 5, "x", [], {}, {"source": "test"}, {"source": "test", "measures": {}}),
        changed("source", to=5),
        changed("measures", to=[1]),
        changed("measures", "brightness", to=None),
        *(changed("measures", "brightness", "edges", to=to) for to in (None, 5, ["a"], [2, 1])),
        changed("measures", "brightness", "edges", to=[float("nan")]),
        changed("measures", "brightness", "counts", to=[1]),
        changed("measures", "brightness", "counts", to=[-1] * 3),
        changed("measures", "brightness", "counts", to=[0] * 3),
        changed("measures", "brightness", "counts", to=[10**12] * 3),
        changed("measures", "brightness", "mean", to="x"),
        changed("measures", "brightness", "deviation", to=float("inf")),
        changed("measures", "answers", "counts", to=[1, 1, 1]),
    ],
)
def test_a_damaged_profile_is_refused(values):
    Profile.from_dict(GOOD, 2)
    with refused(DataError, "profile in the model is damaged", "intact model file"):
        Profile.from_dict(values, 2)
