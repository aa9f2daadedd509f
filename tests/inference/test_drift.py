"""Drift: no alarm where nothing changed, and each change by its name."""

import json

import numpy as np
import pytest
from PIL import Image, ImageFilter

import lenet
from lenet.errors import DataError, PictureError, UsageError
from lenet.inference.drift import LEVEL
from lenet.inference.shifts import chance, stability
from lenet.writing import FORMATS, render
from refusals import refused
from striped import dataset, striped, trained


@pytest.fixture(scope="module")
def model():
    return trained()


@pytest.fixture(scope="module")
def images():
    """As many as drift shows on, and others than those of the profile."""
    return striped(400, 5).images


def names(found):
    return {shift.name for shift in found.found}


def blurred(images, radius=1.0):
    def each(image):
        return Image.fromarray(image.transpose(1, 2, 0)).filter(ImageFilter.GaussianBlur(radius))

    return np.stack([np.asarray(each(image)).transpose(2, 0, 1) for image in images])


def test_the_test_part_itself_is_no_drift(model):
    found = lenet.drift(model, dataset().test.images)
    assert not found.found
    assert [shift.drift for shift in found.shifts] == [0] * len(found.shifts)
    assert (found.images, found.reference_images) == (600, 600)
    assert str(found).startswith("no drift: 600 pictures against the 600 test images of the train")
    assert not found.above(0)


def test_other_pictures_of_the_same_kind_are_rarely_drift(model):
    """Random thirds of the test split, and pictures that the profile has not seen."""
    test, random = dataset().test.images, np.random.default_rng(0)
    thirds = [lenet.drift(model, test[random.permutation(600)[:200]]) for _ in range(20)]
    assert not any(found.found for found in thirds)
    others = [lenet.drift(model, striped(200, seed).images) for seed in range(100, 130)]
    assert sum(bool(found.found) for found in others) <= 2


@pytest.mark.parametrize(
    ("change", "named", "kept", "words"),
    [
        (
            lambda x: x * 0.6,
            {"brightness", "contrast"},
            {"sharpness", "colour", "red"},
            "are darker: on average 0.25, 0.42 before",
        ),
        (blurred, {"sharpness"}, {"brightness", "red"}, "less sharp"),
        (lambda x: 255 - x, {"brightness"}, {"contrast", "sharpness"}, "may be negatives"),
        (
            lambda x: x * np.array([1.2, 1, 0.7])[:, None, None],
            {"red", "blue"},
            {"sharpness"},
            "colour of the light: red",
        ),
        (
            lambda x: np.repeat(x.mean(axis=1, keepdims=True), 3, axis=1),
            {"colour"},
            {"brightness"},
            "colours are paler: on average 0.0 %",
        ),
        (
            lambda x: x + np.random.default_rng(1).normal(0, 40, x.shape),
            {"sharpness"},
            {"brightness"},
            "sharper or noisier",
        ),
    ],
    ids=["darkened", "blurred", "inverted", "tinted", "grey", "noisy"],
)
def test_each_change_by_its_name(model, images, change, named, kept, words):
    found = lenet.drift(model, change(images).clip(0, 255).astype(np.uint8))
    assert named <= names(found)
    assert not kept & names(found)
    assert any(words in sentence for sentence in found.sentences), found.sentences


def test_another_mix_of_classes(model):
    found = lenet.drift(model, striped(400, 7, (0.04, 0.06, 0.9)).images)
    assert names(found) == {"answers"}
    (sentence,) = found.sentences
    assert "aslant is the answer for 8" in sentence
    assert "of the pictures, 2" in sentence


def test_what_is_no_pattern_at_all_is_less_certain(model):
    random = np.random.default_rng(3)
    noise = random.integers(100, 130, (300, 3, 16, 16)).astype(np.uint8)
    found = lenet.drift(model, noise)
    assert "certainty" in names(found)
    assert any("less certain" in sentence for sentence in found.sentences)


def test_few_pictures_say_what_they_cannot_show(model, images):
    found = lenet.drift(model, images[:8])
    assert not found.found
    assert "With 8 pictures, chance alone" in str(found)
    assert all(shift.chance > 0.5 for shift in found.shifts if shift.name != "answers")


def test_files_are_read_as_predict_reads_them(model, images, tmp_path):
    for number, image in enumerate(images[:60]):
        Image.fromarray(image.transpose(1, 2, 0)).save(tmp_path / f"{number:03}.png")
    by_files, by_array = lenet.drift(model, tmp_path), lenet.drift(model, images[:60])
    assert by_files.to_dict() == by_array.to_dict()
    path = model.save(tmp_path / "m.safetensors")
    np.save(tmp_path / "a.npy", images[:60])
    assert lenet.drift(path, [tmp_path / "a.npy"]).to_dict() == by_array.to_dict()
    (tmp_path / "x.png").write_text("no picture")
    with refused(PictureError, "skip_bad"):
        lenet.drift(model, tmp_path / "000.png", tmp_path / "x.png")
    found = lenet.drift(model, tmp_path / "000.png", tmp_path / "x.png", skip_bad=True)
    assert (found.images, len(found.faults)) == (1, 1)
    assert found.to_dict()["faults"][0]["file"].endswith("x.png")


def test_against_other_pictures(model, images, tmp_path):
    """Last week's with this week's; and a model without a profile can do that alone."""
    dark = (images * 0.6).astype(np.uint8)
    found = lenet.drift(model, dark[:200], against=dark[200:])
    assert not found.found
    assert (found.reference, found.reference_images) == ("images", 200)
    np.save(tmp_path / "a.npy", images)
    found = lenet.drift(model, dark, against=tmp_path / "a.npy")
    assert "brightness" in names(found)
    assert found.reference == f"images of {tmp_path / 'a.npy'}"
    bare = lenet.Model(model.network).initialize()
    with refused(UsageError, "no profile of its training", "train it again", "against"):
        lenet.drift(bare, images)
    assert lenet.drift(bare, dark, against=images).found


def test_nothing_to_compare(model, images):
    for nothing in ((), (images[:0],)):
        with refused(DataError, "no pictures to compare"):
            lenet.drift(model, *nothing)
    with refused(DataError, "no pictures to compare"):
        lenet.drift(model, images, against=images[:0])


@pytest.mark.parametrize("level", [-1, float("nan"), float("inf"), "0.2", None, True])
def test_levels_that_are_none(model, images, level):
    found = lenet.drift(model, images[:20])
    with refused(UsageError, "level is"):
        found.above(level)


def test_the_level_is_what_the_index_must_reach(model, images):
    found = lenet.drift(model, (images * 0.6).astype(np.uint8))
    assert found.above(LEVEL) == found.found
    assert found.above(1e9) == ()
    most = max(found.found, key=lambda shift: shift.drift)
    assert found.above(most.drift) == (most,)


def test_every_format(model, images):
    found = lenet.drift(model, (images * 0.6).astype(np.uint8))
    values = json.loads(render(found, "json"))
    assert values["drifted"] == [shift.name for shift in found.found]
    assert [row["name"] for row in values["classes"]] == list(model.classes)
    assert sum(row["now"] for row in values["classes"]) == 400
    for histogram in values["histograms"].values():
        assert len(histogram["edges"]) + 1 == len(histogram["before"]) == len(histogram["now"])
        assert (sum(histogram["before"]), sum(histogram["now"])) == (600, 400)
    for form in FORMATS:
        assert "brightness" in render(found, form)
    assert "The pictures are darker" in found._repr_html_()


def test_the_index_by_hand():
    before, now = np.array([8, 2]), np.array([2, 8])
    p, q = np.array([8.5, 2.5]) / 11, np.array([2.5, 8.5]) / 11
    assert stability(before, now) == pytest.approx(((q - p) * np.log(q / p)).sum())
    assert stability(before, before * 1) == 0


def test_chance_is_what_is_exceeded_once_in_a_thousand_times():
    """Of many images, the index of equal parts is a chi-square (Yurdakul 2018)."""
    counts = np.full(16, 500)
    expected = 37.70 * (1 / 8000 + 1 / 8000)  # the quantile for 15 degrees of freedom
    assert chance(counts, counts) == pytest.approx(expected, rel=0.1)
    wide = np.full(2_000, 3)
    assert np.isfinite(chance(wide, wide))


def test_pictures_in_memory(model, images):
    pictures = [Image.fromarray(image.transpose(1, 2, 0)) for image in images[:30]]
    assert lenet.drift(model, pictures).images == 30
