"""One model in many threads, and sent to other processes."""

import copy
import multiprocessing
import pickle
import pickletools
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest

import lenet
from lenet.errors import ModelFileError, UsageError
from lenet.formats.int8 import quantise
from lenet.model import Model
from refusals import refused

TEXTS = ("network", "classes", "preprocessing", "training")
NETWORK = "1x8x8 | conv 6 k3 batchnorm relu, maxpool 2 | dense 20 relu, dense 10"


@pytest.fixture(scope="module")
def model():
    return lenet.train(NETWORK, "digits", epochs=2)


@pytest.fixture(scope="module")
def images():
    return lenet.load("digits").test.images


@pytest.mark.parametrize("threads", [None, 1])
def test_eight_threads_with_one_model(model, images, threads):
    """Each asks for other images, many times, of a model whose engine none of them made."""
    fresh = Model.from_bytes(model.to_bytes())
    parts = np.array_split(np.arange(len(images)), 40)
    expected = [model.scores(images[part], threads) for part in parts]

    def asked(number):
        return fresh.scores(images[parts[number % 40]], threads)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(asked, range(200)))
    for number, scores in enumerate(found):
        np.testing.assert_array_equal(scores, expected[number % 40])


def test_predicting_pictures_in_threads(model, images):
    expected = [p.probabilities for p in lenet.predict(model, images)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda image: lenet.predict(model, image)[0], images))
    np.testing.assert_allclose([p.probabilities for p in found], expected, rtol=1e-4, atol=1e-6)
    assert [p.label for p in found] == [model.classes[i] for i in model.predict(images)]


def test_a_process_pool(model, images):
    """Spawned processes know nothing but what they are sent."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        tasks = [pool.submit(lenet.predict, model, part) for part in (images[:50], images[50:90])]
        back = pool.submit(copy.copy, model).result()
        found = [prediction for task in tasks for prediction in task.result()]
    expected = lenet.predict(model, images[:90])
    assert [p.probabilities for p in found] == [p.probabilities for p in expected]
    assert back.to_bytes() == model.to_bytes()


def integers():
    digits = lenet.load("digits")
    return quantise(lenet.train("1x8x8 | dense 10", digits, epochs=1), digits.train.images)


RBF = "1x8x8 | conv 4 k3 tanh, maxpool 2 | dense 84 tanh, rbf 10"


@pytest.mark.parametrize(
    "make",
    [
        lambda: Model(NETWORK).initialize(),
        lambda: Model(NETWORK, list("abcdefghij")),  # without weights
        lambda: Model(RBF).initialize(),
        integers,
    ],
)
def test_a_pickle_carries_bytes_and_texts(make):
    model = make()
    content = pickle.dumps(model)
    words = {text for _, text, _ in pickletools.genops(content) if isinstance(text, str)}
    assert {word for word in words if word.startswith("lenet")} == {"lenet.model"}
    assert not any("numpy" in word for word in words)
    for back in (pickle.loads(content), copy.copy(model), copy.deepcopy(model)):
        assert (back.network, back.classes) == (model.network, model.classes)
        assert back.preprocessing == model.preprocessing
        assert back.training == model.training
        if model.integers is None and model._table is None:
            with refused(UsageError, "has no weights yet"):
                back.table  # noqa: B018
            assert back.initialize(seed=1).predict(np.zeros((1, 8, 8), np.uint8)).shape == (1,)
        else:
            assert back.to_bytes() == model.to_bytes()


def test_a_copy_of_a_model_that_cannot_be_saved():
    model = Model(NETWORK).initialize()
    model["dense0"].weight[0, 0] = np.nan
    assert np.isnan(copy.deepcopy(model)["dense0"].weight[0, 0])
    with refused(UsageError, "the model cannot be saved"):
        pickle.dumps(model)


@pytest.mark.parametrize(
    "state",
    [
        None,
        {},
        [],
        {"_table": np.zeros(9), "network": "lenet"},
        {"content": "text"},
        {"content": b""},
        {"content": b"\x80\x04N."},
        {"content": b"\0" * 500},
        {"content": b"", "metadata": {}},
        {"metadata": {}},
        {"metadata": {"network": 3, "classes": [], "preprocessing": {}, "training": {}}},
        {"metadata": {"network": "{}", "classes": "[]", "preprocessing": "1", "training": "2"}},
        {
            "metadata": dict.fromkeys(
                ("network", "classes", "preprocessing", "training"), "[" * 9999
            )
        },
    ],
)
def test_a_hostile_state_is_refused(state):
    with pytest.raises(ModelFileError) as caught:
        Model.__new__(Model).__setstate__(state)
    assert "\n" not in str(caught.value)


def test_a_state_that_was_changed_is_refused(model):
    content = model.to_bytes()
    for place in (8, len(content) // 2, len(content) - 40):
        broken = bytearray(content)
        broken[place] ^= 0x7F
        other = Model.__new__(Model)
        try:
            other.__setstate__({"content": bytes(broken)})
        except ModelFileError:
            continue
        assert np.isfinite(other.table).all()  # another number is a weight, too
