"""Numbers of NumPy's count as Python's own, wherever one is asked for; and any value is shown."""

import copy

import numpy as np
import pytest

import lenet
from lenet.arguments import plain, shown
from lenet.estimator import samples
from refusals import refused

NET = "1x4x4 | conv 2 k3 | dense 10"
WHOLE = [np.int64, np.int32, np.uint8, lambda n: np.array(n)]


def test_plain():
    assert plain(np.int64(3)) == 3
    assert type(plain(np.float32(0.5))) is float
    assert type(plain(np.bool_(True))) is bool
    assert plain(np.array([1, 2])) == [1, 2]
    assert plain((np.int64(1), [np.int64(2)])) == (1, [2])
    assert plain("a") == "a"
    marker = object()
    assert plain(marker) is marker


@pytest.mark.parametrize("whole", WHOLE)
def test_whole_numbers_are_taken_everywhere(whole):
    layer = lenet.Conv2d(whole(2), whole(3), stride=(whole(1), whole(1)), padding=whole(1))
    assert layer == lenet.Conv2d(2, 3, padding=1)
    grouped = lenet.Conv2d(whole(4), 3, groups=whole(2))
    for one in (layer, grouped):  # JSON has no numbers of NumPy's
        assert all(type(value) in (int, str, bool, tuple) for value in one.values.values())
    assert lenet.Network((whole(1), whole(4), whole(4)), [lenet.Dense(whole(3))]).layers
    assert lenet.Network(np.array([1, 4, 4]), [lenet.Dense(3)]).input_shape == (1, 4, 4)
    assert lenet.explain(NET, batch=whole(3), input_shape=np.array([1, 5, 5]))
    assert lenet.balance(NET, budget={"parameters": whole(200)})
    assert lenet.recipe(epochs=whole(3), batch_size=whole(4)).to_dict()["epochs"] == 3
    assert lenet.Augmentation(shift=whole(2)) == lenet.Augmentation(shift=2)
    model = lenet.Model(NET).initialize(seed=whole(3))
    np.testing.assert_array_equal(model.table, lenet.Model(NET).initialize(seed=3).table)
    images = np.zeros((2, 4, 4), np.uint8)
    np.testing.assert_array_equal(model.scores(images, threads=whole(1)), model.scores(images))
    assert samples.find_layout((64,), np.array([4, 16]), None).image_shape == (1, 4, 16)
    prepared = lenet.Preprocessing((whole(1), whole(4), whole(4)), [0.0], np.array([1.0]), None)
    assert prepared == copy.copy(prepared)


def test_other_numbers_are_taken_too():
    recipe = lenet.recipe(lr=np.float64(0.1), restore_best=np.bool_(False))
    assert recipe == lenet.recipe(lr=0.1, restore_best=False)
    assert lenet.Augmentation(rotate=np.float64(3), flip=np.bool_(True)).flip is True


@pytest.mark.parametrize("seed", [-1, 1.5, 2**64, None, True, np.float64(3), "3"])
def test_a_seed_that_is_none(seed):
    with refused(lenet.errors.UsageError, "the seed is", "from 0 to 2^63 - 1"):
        lenet.Model(NET).initialize(seed=seed)


@pytest.mark.parametrize("init", ["normal:1e38", "normal:-1", "normal:nan", "normal", 5, None, ""])
def test_an_initialisation_that_is_none(init):
    with refused(lenet.errors.UsageError, "the initialisation is", "at most 1e+30"):
        lenet.Model(NET).initialize(init)
    with refused(lenet.errors.UsageError, "the initialisation is"):
        lenet.Recipe(init=init)


def test_the_largest_initialisation_is_finite():
    assert np.isfinite(lenet.Model("lenet").initialize("normal:1e30").table).all()


def test_numbers_of_any_size_are_refused_in_words(tmp_path):
    huge = 10**5000
    (tmp_path / "r.toml").write_text(f"[augment]\nshift = {hex(huge)}\n")
    (tmp_path / "i.toml").write_text(f"init = {hex(huge)}\n")
    for refuse in (
        lambda: lenet.train(seed=huge),
        lambda: lenet.train(threads=huge),
        lambda: lenet.train(checkpoint_seconds=huge, run=tmp_path / "x"),
        lambda: lenet.Augmentation(shift=huge),
        lambda: lenet.Augmentation(flip=huge),
        lambda: lenet.recipe(tmp_path / "r.toml"),
        lambda: lenet.recipe(tmp_path / "i.toml"),
        lambda: lenet.Dense(huge),
        lambda: lenet.deduce("28x28 -> 10", params=huge),
        lambda: lenet.LeNetClassifier(image_shape=(huge, 2)).fit(np.eye(4), [0, 1, 0, 1]),
        lambda: lenet.LeNetClassifier(value_range=(huge, 2)).fit(np.eye(4), [0, 1, 0, 1]),
    ):
        with refused(lenet.errors.UsageError, "something too large to show"):
            refuse()


def test_shown_is_short_and_on_one_line():
    assert shown(np.eye(3)).startswith("array([[1., 0., 0.],")
    assert "\n" not in shown(np.eye(3))
    assert len(shown("y" * 1_000)) == 60
    deep = []
    for _ in range(100_000):
        deep = [deep]
    assert shown(deep) == "something too large to show (list)"
