"""A split that depends on each image alone, today and for ever."""

import hashlib

import numpy as np
import pytest

import lenet
from lenet.data.dataset import digest, digests_of
from lenet.data.splitting import split_by_content, split_by_label


def images(count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 1, 4, 4)).astype(np.uint8)


def test_the_digest_is_of_shape_and_pixels():
    image = np.arange(12, dtype=np.uint8).reshape(1, 3, 4)
    expected = hashlib.blake2b(b"(1, 3, 4)" + bytes(range(12)), digest_size=8).digest()
    assert digest(image) == int.from_bytes(expected, "little")
    assert digest(np.asfortranarray(image)) == digest(image) != digest(image.reshape(1, 4, 3))
    assert digests_of(image[np.newaxis]).tolist() == [digest(image)]


def split(found, labels):
    return split_by_content(np.array(found, np.uint64), np.array(labels, np.int64))


def test_a_fifth_of_every_class():
    labels = np.repeat([0, 1, 2], [3000, 500, 20])
    test = split_by_content(digests_of(images(3520)), labels)
    assert np.bincount(labels[test]).tolist() == [600, 100, 4]


@pytest.mark.parametrize(
    ("sizes", "test"),
    [((20,), [4]), ((10, 10), [2, 2]), ((7, 7, 6), [2, 1, 1]), ((2,) * 10, [1] * 10)],
)
def test_twenty_pictures(sizes, test):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    chosen = split_by_content(digests_of(images(20)), labels)
    assert np.bincount(labels[chosen]).tolist() == test


def test_the_digits_are_split_the_same_for_ever():
    data = lenet.load("digits").train
    test = split_by_content(digests_of(data.images), data.labels)
    assert (int(test.sum()), np.flatnonzero(test)[:5].tolist()) == SPLIT


def test_the_order_changes_nothing():
    found, labels = digests_of(images(400)), np.arange(400) % 4
    test = split_by_content(found, labels)
    order = np.random.default_rng(1).permutation(400)
    np.testing.assert_array_equal(split_by_content(found[order], labels[order]), test[order])


def test_more_images_move_few():
    found, labels = digests_of(images(2000)), np.arange(2000) % 4
    before, after = split_by_content(found[:1000], labels[:1000]), split_by_content(found, labels)
    assert (before != after[:1000]).mean() < 0.05


def test_the_lowest_hashes_are_to_test_on():
    assert np.flatnonzero(split([9, 3, 8, 1, 7, 6, 5, 4, 2, 10], [0] * 10)).tolist() == [3, 8]


def test_a_small_class_has_both_sides():
    low, high = 5, 2**63
    assert split([low, low + 1], [0, 0]).tolist() == [True, False]
    assert split([high, high + 1], [0, 0]).tolist() == [True, False]


def test_a_picture_alone_is_to_train_on_wherever_its_hash_lies():
    for found in (5, 2**63):
        assert split([found], [0]).tolist() == [False]
    assert split([*range(10), *range(20, 30)], range(20)).sum() == 0


def test_copies_stay_together():
    assert split([2**63, 2**63, 2**63 + 1, 2**62], [0] * 4).tolist() == [False] * 3 + [True]
    assert split([5, 5, 5], [0] * 3).tolist() == [False] * 3


def test_many_copies_do_not_fill_the_test_images():
    """175 blank pictures with the lowest hash, and 50 others beside them."""
    labels = np.repeat([0, 1], [225, 50])
    test = split([1] * 175 + list(range(10, 110)), labels)
    assert not test[:175].any()
    assert np.bincount(labels[test]).tolist() == [45, 10]
    # where nothing else is there, the smallest group is to test on
    assert np.flatnonzero(split([1] * 9 + [3, 3, 3], [0] * 12)).tolist() == [9, 10, 11]


@pytest.mark.parametrize("seed", range(30))
def test_every_split(seed):
    random = np.random.default_rng(seed)
    count, kinds, classes = random.integers(1, [300, 300, 12], endpoint=True)
    found = random.integers(0, 2**63, kinds, dtype=np.uint64)[random.integers(0, kinds, count)]
    labels = random.integers(0, classes, count)
    if seed % 2:  # copies within a class alone
        labels = (found % np.uint64(classes)).astype(np.int64)
    test = split_by_content(found, labels)
    for kind in np.unique(found):
        assert len(set(test[found == kind].tolist())) == 1
    for label in np.unique(labels):
        members = labels == label
        assert not test[members].all()
        different = len(np.unique(found[members]))
        if different == 1 or seed % 2:
            assert test[members].any() == (different > 1)
        # a fifth, one more by rounding, or the smallest group where none fits
        groups = np.unique(found[members], return_counts=True)[1]
        assert test[members].sum() <= max(members.sum() / 5 + 1, groups.min())


def test_copies_in_two_classes_stay_together():
    test = split([5, 5, 6, 7], [0, 1, 0, 1])
    assert test[0] == test[1]
    found = [1, 1, *range(2, 40)]
    test = split(found, [0, 1] * 20)
    assert test[:2].tolist() == [True, True]
    assert np.bincount(np.array([0, 1] * 20)[test]).tolist() == [4, 4]


SPLIT = (287, [18, 19, 25, 32, 33])


def test_a_split_by_label_is_stratified():
    data = lenet.load("digits")
    train, test = np.bincount(data.train.labels), np.bincount(data.test.labels)
    share = (train + test) * 360 / 1797
    assert test.sum() == 360
    assert (np.abs(test - share) < 1).all()


def test_a_split_by_label_of_uneven_classes():
    labels = np.array([0] * 7 + [1] * 2 + [2] * 1)
    test = split_by_label(labels, 4)
    assert np.bincount(labels[test], minlength=3).tolist() == [3, 1, 0]
    np.testing.assert_array_equal(test, split_by_label(labels, 4))


def test_the_package_s_split_is_the_same_for_ever():
    data = lenet.load("digits")
    assert hashlib.sha256(data.test.images.tobytes()).hexdigest() == SPLIT_IMAGES
    assert hashlib.sha256(data.test.labels.astype("<i8").tobytes()).hexdigest() == SPLIT_LABELS


SPLIT_IMAGES = "aad9221a6f3f0bca5190b5ac921b70df9559e2bc34d24279722ac5e4f0e9688c"
SPLIT_LABELS = "64c531995efcd520df9adba28c40e11cfc017148a34bb9a1b0bfdb742466637a"
