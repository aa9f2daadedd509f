"""Whatever the public functions return can be copied, pickled and sent to a process, after use."""

import copy
import dataclasses
import inspect
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest

import lenet
from hostile.elsewhere import answer, refuse
from lenet.errors import NotationError
from lenet.formats.importing import read_model
from lenet.writing import Result


@pytest.fixture(scope="module")
def returned(tmp_path_factory):
    """One of each type that a public function returns, every one of them used already."""
    folder = tmp_path_factory.mktemp("runs")
    data = lenet.load("digits")
    recipe = lenet.recipe(epochs=1)
    net = "1x8x8 | conv 4 k3 batchnorm relu, maxpool 2 | dense 10"
    models = [
        lenet.train(net, data, recipe, seed=seed, threads=1, run=folder / str(seed))
        for seed in range(2)
    ]
    model, weights = models[0], folder / "0" / "last.safetensors"
    classifier = lenet.LeNetClassifier(epochs=1, threads=1)
    classifier.fit(data.test.images[:60, 0], data.test.labels[:60])
    predictions = lenet.predict(model, data.test.images[:2])
    figure = "1x8x8 -> 4@6x6 -> 4@3x3 -> 10"
    values = [
        *(model, next(iter(model)), model.engine(), model.preprocessing, model.network),
        *(data, data.test, recipe, recipe.augment, classifier, lenet.checks()),
        *(lenet.explain(net), lenet.balance(net), lenet.compare(net, "tiny"), lenet.deduce(figure)),
        *(lenet.diagnose(net), lenet.reconcile(net, weights), lenet.draw(net)),
        *(lenet.dense_versus_conv((1, 8, 8)), lenet.report(folder / "0")),
        *(lenet.compare_runs(folder / "0", folder / "1"), lenet.evaluate(model, data)),
        lenet.clean(data, folds=2, threads=1),
        lenet.choose(dataclasses.replace(data, name="own")),
        lenet.cross_validate(net, data, folds=2, epochs=1),
        lenet.drift(model, data.test.images[:50]),
        *(predictions, predictions[0], lenet.export(model, folder / "a.c")),
        read_model(weights),
        *(model.network.blocks[0], lenet.MaxPool2d(2), lenet.AvgPool2d(2)),
        *(lenet.Subsample(2), lenet.Rbf(10), lenet.quiz(net), lenet.quiz(net).key),
        lenet.look(model, data.test.images[:1], layer="conv0"),
        *(model.network.layers[0], model.network.layers[-1]),
        lenet.bench("1x4x4 | dense 2", batch=1, threads=1, seconds=0.001),
        lenet.vary("1x8x8 | dense 10", data, epochs=1, seeds=2, lr=[0.01, 0.1]),
        lenet.study(claim(folder)),
        lenet.tune(data, trials=2, epochs=1, seeds=1),
    ]
    used = [str(value) for value in values] + [repr(value) for value in values]
    assert all(used)
    return values


def claim(folder):
    path = folder / "claim.toml"
    path.write_text(
        'claim = "C."\ndata = "digits"\nnetwork = "1x8x8 | dense 10"\nseeds = 2\n'
        'values = { epochs = 1 }\n[[expect]]\ntext = "t"\nhigher = "base"\nlower = 50\n'
    )
    return path


def kinds(kind):
    return {kind}.union(*map(kinds, kind.__subclasses__()))


def test_every_public_type_is_tried(returned):
    """A new type fails here until it is one of ``returned``."""
    names = set(dir(lenet)) - {"from_torch", "to_torch"}  # functions, which need PyTorch
    public = {value for name in names if inspect.isclass(value := getattr(lenet, name))}
    results = {kind for kind in kinds(Result) if kind.__module__.startswith("lenet.")}
    assert public | results - {Result} <= {type(value) for value in returned}


def same(value, other):
    """Is the one what the other is, as far as it says?"""
    assert type(value) is type(other)
    for name in ("to_dict", "to_bytes", "get_params"):
        if hasattr(value, name):
            mine, its = getattr(value, name)(), getattr(other, name)()
            assert pickle.dumps(mine) == pickle.dumps(its) or repr(mine) == repr(its)
    assert str(value) == str(other)


@pytest.mark.parametrize("travel", [copy.copy, copy.deepcopy, None])
def test_everything_travels(returned, travel):
    for value in returned:
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1) if travel is None else (None,):
            again = travel(value) if travel else pickle.loads(pickle.dumps(value, protocol))
            same(value, again)


def test_everything_is_used_in_a_process_that_begins_anew(returned):
    images = lenet.load("digits").test.images[:20]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        answers = list(pool.map(answer, returned, [images] * len(returned)))
        predicted = pool.submit(returned[0].predict, images).result()
    np.testing.assert_array_equal(predicted, returned[0].predict(images))
    for value, (again, told, scores) in zip(returned, answers, strict=True):
        assert told == str(value)
        same(value, again)
        if scores is not None:
            np.testing.assert_array_equal(scores, answer(value, images)[2])


def test_an_error_comes_out_of_a_process_as_itself():
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool, pytest.raises(NotationError) as caught:
        list(pool.map(refuse, [0]))
    assert str(caught.value).endswith("^")
