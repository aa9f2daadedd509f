"""Near-copies: found in bursts, silent on what is only of one kind, and told where they matter."""

import numpy as np
import pytest

import lenet
from bursts import frame, scene, write_bursts
from lenet.data import likeness
from lenet.data.likeness import NONE, UNKNOWN, Measure, WithoutCopies


def stack(pictures):
    return np.stack([picture.transpose(2, 0, 1) for picture in pictures])


PICTURES = [scene(seed) for seed in range(20)]
FRAMES = [frame(picture, seed) for seed, picture in enumerate(PICTURES)]


def labels(count):
    return np.zeros(count, np.int64)


def test_concordance_is_lins():
    """The formula of the paper, by hand, for two small images; equal ones are at 1."""
    first, second = (np.random.default_rng(seed).integers(0, 256, 48) for seed in (1, 2))
    images = np.stack([first, second]).astype(np.uint8).reshape(2, 3, 4, 4)
    covariance = np.cov(first, second, bias=True)[0, 1]
    apart = first.var() + second.var() + (first.mean() - second.mean()) ** 2
    thumbnails = Measure((4, 4), 0.93).thumbnails(images)
    found = thumbnails.concordance(thumbnails)
    np.testing.assert_allclose(found[0, 1], 2 * covariance / apart, rtol=1e-5)
    np.testing.assert_allclose(np.diag(found), 1, rtol=1e-5)


def test_each_frame_finds_its_scene():
    places, found = likeness.nearest(stack(FRAMES), labels(20), (stack(PICTURES), labels(20)))
    assert places.tolist() == list(range(20))
    assert (found > 0.95).all()


def test_other_scenes_and_other_classes_are_no_near_copies():
    half = stack(PICTURES[:10])
    places, found = likeness.nearest(half, labels(10), (stack(PICTURES[10:]), labels(10)))
    assert (places == NONE).all()
    assert not found.any()
    places, _ = likeness.nearest(stack(FRAMES), labels(20), (stack(PICTURES), labels(20) + 1))
    assert (places == NONE).all()


def test_a_darker_picture_of_the_same_shapes_is_another():
    dark = (stack(PICTURES) * 0.4).astype(np.uint8)
    places, _ = likeness.nearest(dark, labels(20), (stack(PICTURES), labels(20)))
    assert (places == NONE).all()


def test_among_themselves_nobody_is_its_own_copy():
    images = stack([PICTURES[0], FRAMES[0], PICTURES[1], PICTURES[2], FRAMES[2]])
    places, _ = likeness.nearest(images, labels(5))
    assert places.tolist() == [1, 0, NONE, 4, 3]


def test_flat_pictures_are_like_nothing():
    flat = np.full((4, 3, 24, 24), 90, np.uint8)
    images = np.concatenate([flat, stack(PICTURES)])
    places, _ = likeness.nearest(images, labels(24))
    assert (places == NONE).all()


def test_digits_are_only_of_one_kind():
    """Most of each is its ground, and a photograph's measure would call 89 % of them copies."""
    data = lenet.load("digits")
    assert Measure.of(data.train.images) == Measure((8, 8), 0.995)
    known = data.train.images, data.train.labels
    places, _ = likeness.nearest(data.test.images, data.test.labels, known)
    assert (places == NONE).all()


def test_ink_that_was_saved_twice_is_found():
    images = lenet.load("digits").test.images
    noise = np.random.default_rng(0).integers(-2, 3, images.shape)
    again = (images + noise).clip(0, 255).astype(np.uint8)
    places, _ = likeness.nearest(again, labels(len(again)), (images, labels(len(images))))
    assert places.tolist() == list(range(len(images)))


def test_of_too_many_pairs_a_part_is_looked_at():
    others = stack(PICTURES), labels(20)
    places, _ = likeness.nearest(stack(FRAMES), labels(20), others, most=100)
    assert (places != UNKNOWN).sum() == 5
    again, _ = likeness.nearest(stack(FRAMES), labels(20), others, most=100)
    np.testing.assert_array_equal(places, again)


def test_blocks_change_nothing(monkeypatch):
    everything = likeness.nearest(stack(FRAMES), labels(20), (stack(PICTURES), labels(20)))
    monkeypatch.setattr(likeness, "_ROWS", 3)
    monkeypatch.setattr(likeness, "_BLOCK", 6)
    parts = likeness.nearest(stack(FRAMES), labels(20), (stack(PICTURES), labels(20)))
    for whole, found in zip(everything, parts, strict=True):
        np.testing.assert_allclose(whole, found, rtol=1e-6)


def test_accuracy_without_near_copies():
    near = np.array([3, NONE, NONE, NONE, UNKNOWN])
    correct = np.array([True, True, False, False, True])
    without = WithoutCopies.of(near, correct)
    assert without == WithoutCopies(looked=4, images=3, accuracy=1 / 3)
    assert without.text == "33.33 % of the 3 that are no near-copy of a training image"
    wanted = {"share": 0.25, "images_without": 3, "accuracy_without": 1 / 3}
    assert without.to_dict() == pytest.approx(wanted)
    assert WithoutCopies.of(np.full(100, NONE), np.ones(100, bool)) is None
    everything = WithoutCopies.of(np.zeros(3, np.int64), np.ones(3, bool))
    assert (everything.share, everything.images, everything.accuracy) == (1, 0, None)
    assert everything.text == "all of them are near-copies of training images"
    assert WithoutCopies.of(None, correct) is None


def test_bursts_that_a_split_tears_apart_are_told(tmp_path):
    folder = write_bursts(tmp_path / "bursts")
    data = lenet.load(folder)
    note = data.notes[-1]
    assert "% of the test images are near-copies of training images (such as " in note
    assert note.endswith("keep groups together with the option group")
    share = (data.test.near_copies >= 0).mean()
    assert note.startswith(f"{100 * share:.2f} %")
    assert share > 0.8  # a scene has three frames, and seldom are all on one side
    for mine, other in zip(data.test.names, data.test.near_copies.tolist(), strict=True):
        if other >= 0:
            assert mine.split("_")[0] == data.train.names[other].split("_")[0]
    again = lenet.load(folder)  # from the cache
    np.testing.assert_array_equal(data.test.near_copies, again.test.near_copies)
    assert again.notes == data.notes


def test_bursts_that_are_kept_together_are_not_told(tmp_path):
    write_bursts(tmp_path / "set" / "train", scenes=6)
    write_bursts(tmp_path / "set" / "test", scenes=3, classes="ba", first=500)
    data = lenet.load(tmp_path / "set")
    assert not any("near-copies" in note for note in data.notes)
    assert (data.test.near_copies == NONE).all()


def test_exact_copies_are_told_as_such_alone(tmp_path):
    for split in ("train", "test"):
        write_bursts(tmp_path / split, scenes=6, frames=1)
    notes = lenet.load(tmp_path).notes
    assert not any("near-copies" in note for note in notes)
    assert any("in more than one split" in note for note in notes)


def test_a_split_holds_them(tmp_path):
    split = lenet.load(write_bursts(tmp_path)).test
    chosen = split.chosen(np.arange(len(split))[::2])
    np.testing.assert_array_equal(chosen.near_copies, split.near_copies[::2])
