"""What must not change between a run's beginning and its going on."""

from dataclasses import replace

import numpy as np
import pytest
from lenet.training.identity import data_hash, difference, identity

import lenet
from lenet.data import Split
from lenet.training import Recipe, Training


def test_equal_trainings_are_equal(few, small):
    one, other = (
        identity(Training(lenet.parse(small), few, Recipe(), 0, threads)) for threads in (1, 2)
    )
    assert one == other
    assert difference(one, other, "runs/x") is None


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("lenet", "0.0.1", "runs/x was begun by lenet 0.0.1 and this is lenet"),
        ("engine", "native vax", "was begun on the engine 'native vax' and this is "),
        ("network", "1x8x8 | dense 10", "was begun with the network '1x8x8 | dense 10' and its"),
        ("seed", 3, "runs/x was begun with the seed 3 and its files now say 0; put that back"),
        ("data", "?", "the images or labels are not those that runs/x was begun with; bring"),
        ("recipe", {**Recipe().to_dict(), "lr": 0.02}, "with lr = 0.02 and its recipe.toml now"),
        ("recipe", {}, "was begun with epochs = None and its recipe.toml now says 20; put"),
    ],
)
def test_what_is_not_as_it_was_is_named(few, small, name, value, words):
    now = identity(Training(lenet.parse(small), few, Recipe(), 0, 1))
    assert words in (difference({**now, name: value}, now, "runs/x") or "")


def test_the_hash_knows_every_pixel_label_and_class(few):
    train, test = few.train, few.test
    pixel = train.images.copy()
    pixel[17, 0, 3, 3] ^= 1
    label = test.labels.copy()
    label[-1] = (label[-1] + 1) % 10
    others = [
        replace(few, train=Split(pixel, train.labels)),
        replace(few, test=Split(test.images, label)),
        replace(few, classes=(*few.classes[:9], "nine")),
        replace(few, validation=few.test),
        replace(few, test=None),
        replace(few, train=Split(train.images, train.labels, np.ones(300, np.float32))),
        replace(few, train=Split(train.images[:-1], train.labels[:-1])),
        replace(
            few,
            train=Split(train.images.reshape(300, 1, 4, 16), train.labels),
            test=Split(test.images.reshape(100, 1, 4, 16), test.labels),
        ),
    ]
    hashes = {data_hash(each) for each in (few, *others)}
    assert len(hashes) == 1 + len(others)
    assert data_hash(few) == data_hash(replace(few, name="other"))
    assert data_hash(few) == data_hash(
        replace(few, train=Split(np.asfortranarray(train.images), train.labels))
    )
