"""A split that depends on each image alone, today and for ever."""

import hashlib

import numpy as np

import lenet
from lenet.data.dataset import digest, digests_of, split_by_content, split_by_label


def images(count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 1, 4, 4)).astype(np.uint8)


def test_the_digest_is_of_shape_and_pixels():
    image = np.arange(12, dtype=np.uint8).reshape(1, 3, 4)
    expected = hashlib.blake2b(b"(1, 3, 4)" + bytes(range(12)), digest_size=8).digest()
    assert digest(image) == int.from_bytes(expected, "little")
    assert digest(np.asfortranarray(image)) == digest(image) != digest(image.reshape(1, 4, 3))
    assert digests_of(image[np.newaxis]).tolist() == [digest(image)]


def test_about_a_fifth():
    test = split_by_content(digests_of(images(5000)), np.zeros(5000, np.int64))
    assert 0.18 < test.mean() < 0.22


def test_the_digits_are_split_the_same_for_ever():
    data = lenet.load("digits").train
    test = split_by_content(digests_of(data.images), data.labels)
    assert (int(test.sum()), np.flatnonzero(test)[:5].tolist()) == SPLIT


def test_others_change_nothing():
    found, labels = digests_of(images(400)), np.arange(400) % 4
    test = split_by_content(found, labels)
    order = np.random.default_rng(1).permutation(400)
    np.testing.assert_array_equal(split_by_content(found[order], labels[order]), test[order])
    np.testing.assert_array_equal(split_by_content(found[:200], labels[:200]), test[:200])


def test_a_small_class_has_both_sides():
    low, high = np.uint64(5), np.uint64(2**63)
    two_low = split_by_content(np.array([low, low + np.uint64(1)]), np.zeros(2, np.int64))
    assert two_low.tolist() == [True, False]
    two_high = split_by_content(np.array([high, high + np.uint64(1)]), np.zeros(2, np.int64))
    assert two_high.tolist() == [True, False]


def test_a_picture_alone_is_to_train_on_wherever_its_hash_lies():
    for found in (5, 2**63):
        assert split_by_content(np.array([found], np.uint64), np.zeros(1, np.int64)).tolist() == [
            False
        ]


def test_copies_stay_together():
    found = np.array([2**63, 2**63, 2**63 + 1, 2**62], np.uint64)
    assert split_by_content(found, np.zeros(4, np.int64)).tolist() == [False, False, False, True]
    same = np.full(3, 5, np.uint64)
    assert split_by_content(same, np.zeros(3, np.int64)).tolist() == [False] * 3


SPLIT = (289, [3, 18, 19, 25, 32])


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
