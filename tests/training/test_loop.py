"""The loop: the same seed, the same weights; and what stops it."""

import math

import numpy as np
import pytest

import lenet
from lenet.data import Dataset, Split
from lenet.errors import DataError, DivergenceError, ModelFileError, UsageError
from lenet.training import Recipe, Training, loop
from refusals import refused

QUICK = Recipe(epochs=2, batch_size=37)
WILD = Recipe(epochs=3, batch_size=50, optimizer="sgd", schedule="constant", lr=1e20)


def trained(data, network, recipe=QUICK, seed=0, threads=1):
    return lenet.train(network, data, recipe, seed=seed, threads=threads)


@pytest.mark.parametrize("recipe", [QUICK, lenet.recipe("original", epochs=2, lr=0.5)])
def test_the_thread_count_does_not_matter(few, small, recipe):
    one = trained(few, small, recipe)
    for threads in (2, 3):
        other = trained(few, small, recipe, threads=threads)
        assert other.table.tobytes() == one.table.tobytes()
        assert other.training == one.training


def test_the_seed_matters(few, small):
    assert not np.array_equal(trained(few, small, seed=0).table, trained(few, small, seed=1).table)


def test_looks_at_the_progress_do_not_matter(few, small, monkeypatch):
    before = trained(few, small).table
    monkeypatch.setattr(loop, "LOOK_SECONDS", 0.0)  # a look after every step
    assert np.array_equal(trained(few, small).table, before)


AUGMENTED = QUICK.replace(augment={"shift": 1, "rotate": 10}, class_weight="balanced", lr=0.05)


def test_augmented_images_are_a_function_of_their_epoch(few, small, monkeypatch):
    """Neither threads nor looks at the progress matter; the seed and the augmentation do."""
    before = trained(few, small, AUGMENTED).table
    monkeypatch.setattr(loop, "LOOK_SECONDS", 0.0)
    assert np.array_equal(trained(few, small, AUGMENTED, threads=3).table, before)
    more = AUGMENTED.replace(augment={"shift": 2})
    for other in (AUGMENTED.replace(augment={"rotate": 0}), more):
        assert not np.array_equal(trained(few, small, other).table, before)


def test_every_epoch_has_other_images(few, small):
    """With a rate of next to nothing, the loss of an epoch is that of its images."""
    still = {"lr": 1e-30, "optimizer": "sgd", "schedule": "constant", "weight_decay": 0.0}
    for augment, equal in (({}, True), ({"shift": 2}, False)):
        recipe = Recipe(epochs=2, batch_size=300, augment=augment, **still)
        first, second = trained(few, small, recipe).training["epochs"]
        assert (first["loss"] == pytest.approx(second["loss"], rel=1e-6)) == equal
        assert first["test_loss"] == second["test_loss"]  # the test's images stay as they are


def test_balance_lets_every_class_count_alike(few):
    """Nine in ten images are of one class: the biases alone then say that all are as likely."""
    chosen = np.concatenate(
        [np.flatnonzero(few.train.labels == 0)[:2], np.flatnonzero(few.train.labels == 1)[:18]]
    )
    part = Split(np.zeros((20, 1, 8, 8), np.uint8), few.train.labels[chosen])
    data = Dataset("two", part, part, ("a", "b"))
    recipe = Recipe(epochs=200, optimizer="sgd", lr=0.5, schedule="constant", weight_decay=0.0)
    for balance, share in (("", 0.1), ("balanced", 0.5)):
        model = trained(
            data, "1x8x8 | dense 2", recipe.replace(class_weight=balance, batch_size=20)
        )
        assert model.predict_proba(part.images)[0, 0] == pytest.approx(share, abs=0.01)


def test_the_average_is_what_is_tested_and_kept(few, small):
    recipe = Recipe(epochs=2, batch_size=300, optimizer="sgd", lr=0.1, schedule="constant")
    tables = []
    training = Training(lenet.parse(small), few, recipe, 0, 1)
    for _ in training.epochs():
        tables.append(training.model.table.astype(np.float64))
    model = trained(few, small, recipe.replace(ema_decay=0.5))
    expected = (0.25 * tables[0] + 0.5 * tables[1]) / 0.75
    np.testing.assert_allclose(model.table, expected, rtol=1e-5, atol=1e-6)
    assert model.evaluate(few).accuracy == model.training["test_accuracy"]


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adamw"])
def test_the_reference_engine_agrees(few, small, monkeypatch, optimizer):
    recipe = Recipe(epochs=1, batch_size=32, optimizer=optimizer, lr=0.01)
    native = trained(few, small, recipe)
    monkeypatch.setenv("LENET_ENGINE", "reference")
    reference = trained(few, small, recipe)
    assert reference.training["engine"] == "reference"
    np.testing.assert_allclose(native.table, reference.table, rtol=1e-3, atol=2e-4)
    mine, others = native.training["epochs"][0], reference.training["epochs"][0]
    assert mine["loss"] == pytest.approx(others["loss"], rel=1e-4)


def test_history(few, small):
    training = Training(lenet.parse(small), few, QUICK, 0, 1)
    assert training.steps == math.ceil(300 / 37)
    seen = []
    for record in training.epochs():
        seen.append(record)
        assert training.history == seen
    assert [record.epoch for record in seen] == [1, 2]
    assert seen[1].loss < seen[0].loss
    for record in seen:
        assert record.loss > 0
        assert 0 <= record.train_accuracy <= 1
        assert record.seconds > 0
    assert training.seconds == sum(record.seconds for record in seen)
    assert training.model.evaluate(few).accuracy == pytest.approx(seen[-1].test_accuracy)


def test_the_loss_is_the_mean_over_images(few, small):
    """A last step of few images counts for those few: one step of all gives the same mean."""
    still = {"lr": 1e-30, "optimizer": "sgd", "schedule": "constant", "weight_decay": 0.0}
    one, many = (
        trained(few, small, Recipe(epochs=1, batch_size=size, **still)).training["epochs"][0]
        for size in (300, 37)
    )
    assert many["loss"] == pytest.approx(one["loss"], rel=1e-5)
    assert many["train_accuracy"] == one["train_accuracy"]


class Looks:
    """A callback that writes down what it is told, and may stop the training."""

    def __init__(self, stop_at=None):
        self.shares, self.records, self._stop_at = [], [], stop_at

    def step(self, epoch, share):
        self.shares.append((epoch, share))
        if self._stop_at and epoch == self._stop_at:
            raise KeyboardInterrupt

    def epoch(self, record):
        self.records.append(record.epoch)


def test_a_watcher_is_told(few, small):
    watcher = Looks()
    lenet.train(small, few, QUICK, callback=watcher)
    assert watcher.records == [1, 2]
    assert watcher.shares == sorted(watcher.shares)
    assert [share for share in watcher.shares if share[1] == 1] == [(1, 1.0), (2, 1.0)]


def test_a_batch_larger_than_the_data(few, small):
    model = trained(few, small, Recipe(epochs=2, batch_size=1_000_000))
    assert len(model.training["epochs"]) == 2


@pytest.mark.parametrize("threads", [1, 64])
def test_many_threads(few, small, threads):
    training = Training(lenet.parse(small), few, QUICK, 0, threads)
    assert len(list(training.epochs())) == 2
    assert training.engine.threads == (threads if training.engine.name != "reference" else 1)


@pytest.mark.parametrize(
    "network",
    [
        "1x8x8 | conv 10 k8",
        "1x8x8 | conv 10 k7 relu, maxpool 2",
        "3x8x8 | conv 4 k3 relu | dense 10",  # grey becomes RGB
        "1x1x1 | dense 10",
        "1x16x5 | conv 3 k3x2 tanh | dense 10",
        "1x8x8 | dense 10",
    ],
)
def test_unusual_networks_train(few, network):
    model = trained(few, network)
    assert np.isfinite(model.table).all()
    assert model.evaluate(few).count == 100


def test_rgb_images_for_a_grey_network(few, small):
    images = {part: np.repeat(getattr(few, part).images, 3, axis=1) for part in ("train", "test")}
    parts = (Split(images[part], getattr(few, part).labels) for part in ("train", "test"))
    coloured = Dataset("coloured", *parts, few.classes)
    assert np.array_equal(trained(coloured, small).table, trained(few, small).table)


@pytest.mark.parametrize("seed", [-1, 2**63, 1.0, True, "0", None])
def test_seeds_out_of_range(few, small, seed):
    with refused(UsageError, "whole number from 0"):
        trained(few, small, seed=seed)


def test_a_seed_from_numpy(few, small, tmp_path):
    model = lenet.train(small, few, QUICK, seed=np.int64(3), run=tmp_path / "a")
    assert np.array_equal(model.table, trained(few, small, seed=3).table)


def test_the_largest_seed(few, small):
    assert trained(few, small, seed=2**63 - 1).training["seed"] == 2**63 - 1


@pytest.mark.parametrize("threads", [0, -1, 1025])
def test_threads_out_of_range(few, small, threads):
    with pytest.raises(UsageError, match=rf"threads is {threads}; it must be from 1 to 1024"):
        trained(few, small, threads=threads)


def test_outputs_must_be_the_classes(few, blank):
    with pytest.raises(UsageError) as caught:
        trained(few, "1x8x8 | dense 3")
    assert "3 outputs" in str(caught.value)
    assert "dense 10" in str(caught.value)
    with refused(UsageError, "dense 2"):
        trained(blank, "1x8x8 | dense 10")


def test_channels_must_be_reachable(few):
    with refused(DataError, "cannot become 2"):
        trained(few, "2x8x8 | dense 10")


def test_images_that_do_not_fit_into_memory(few):
    with pytest.raises(UsageError, match=r"360\.0 GB.*smaller input"):
        trained(few, "1x30000x30000 | conv 1 k30000 | dense 10")


def test_weights_that_do_not_fit_into_floats(few, small):
    with refused(UsageError, "'normal:1e300'", "at most 1e+30"):
        trained(few, small, Recipe(init="normal:1e300"))


@pytest.mark.parametrize("engine", ["native", "reference"])
def test_divergence_names_the_place_and_what_to_try(few, small, monkeypatch, engine):
    monkeypatch.setenv("LENET_ENGINE", engine)
    with pytest.raises(DivergenceError) as caught:
        trained(few, small, WILD)
    text = str(caught.value)
    assert text.startswith("training diverged in epoch 1, step 2 of 6: the loss is no longer a ")
    assert "(lr 1e+19)" in text
    assert "(init xavier)" in text
    assert caught.value.exit_code == 1


def test_divergence_by_the_last_step(few, small):
    """The step's own loss is still a number; only the test shows what the update did."""
    recipe = WILD.replace(batch_size=300, lr=1e30)
    with refused(DivergenceError, "after step 1 of 1"):
        trained(few, small, recipe)


def test_divergence_leaves_the_weights_of_the_last_whole_epoch(few, small):
    training = Training(lenet.parse(small), few, WILD, 0, 1)
    drawn = training.model.table.copy()
    with pytest.raises(DivergenceError):
        list(training.epochs())
    assert np.array_equal(training.model.table, drawn)
    assert training.history == []


def test_weights_are_repetitions(few):
    """All images in each step: an image that weighs twice is there twice."""
    images, labels = few.train.images[:40], few.train.labels[:40]
    times = np.arange(40) % 3
    weighted = Split(images, labels, (times / times.mean()).astype(np.float32))
    repeated = Split(images.repeat(times, axis=0), labels.repeat(times))
    for balance in ("", "balanced"):
        found = [
            Training(
                lenet.Model("1x8x8 | dense 10").initialize(),
                Dataset("x", part, None, few.classes),
                Recipe(epochs=5, batch_size=100, optimizer="sgd", lr=0.5, class_weight=balance),
                *(0, 1),
            )
            for part in (weighted, repeated)
        ]
        losses = [[record.loss for record in training.epochs()] for training in found]
        np.testing.assert_allclose(*losses, rtol=1e-5)
        tables = [training.model.table for training in found]
        np.testing.assert_allclose(*tables, atol=1e-5)
        assert found[0].history[0].to_dict().keys().isdisjoint({"test_accuracy", "test_loss"})


def test_a_weight_belongs_to_its_image_however_that_is_changed(few, small):
    """Rare images weigh all there is: they are what is learnt."""
    train, rare = few.train, few.train.labels == 3
    weights = np.where(rare, 1, 1e-9).astype(np.float32)
    data = Dataset("x", Split(train.images, train.labels, weights), few.test, few.classes)
    for augment in ({}, {"shift": 1}):
        model = trained(data, small, Recipe(epochs=5, batch_size=50, augment=augment))
        assert (model.predict(few.test.images) == 3).mean() > 0.95


MEMORY = Recipe(
    epochs=1, batch_size=37, schedule="constant", dropout=0.2, ema_decay=0.9, max_grad_norm=1.0
)


def split(data, middle):
    parts = (slice(None, middle), slice(middle, None))
    return [Dataset("x", data.train.chosen(part), None, data.classes) for part in parts]


def test_what_is_remembered_goes_on(few, small):
    """Two trainings in turn on the same images are one of two epochs."""
    whole = trained(few, small, MEMORY.replace(epochs=2))
    first = Training(lenet.parse(small), few, MEMORY, 0, 1)
    list(first.epochs())
    second = Training(first.model, few, MEMORY, 0, 1)
    second.load_optimizer_state(first.optimizer_state())
    list(second.epochs())
    assert second.model is first.model
    assert second.model.table.tobytes() == whole.table.tobytes()
    assert second.optimizer_state()["epochs"] == 2
    assert second.optimizer_state()["steps"] == 2 * first.steps


def test_what_is_remembered_may_go_on_with_other_images(few, small):
    one, other = split(few, 120)
    first = Training(lenet.parse(small), one, MEMORY, 0, 1)
    list(first.epochs())
    second = Training(first.model, other, MEMORY.replace(lr=0.02), 0, 1)
    second.load_optimizer_state(first.optimizer_state())
    list(second.epochs())
    assert second.optimizer_state()["steps"] == math.ceil(120 / 37) + math.ceil(180 / 37)
    assert not np.array_equal(second.optimizer_state()["table"], second.model.table)  # the average


@pytest.mark.parametrize("change", [{"optimizer": "nesterov"}, {"ema_decay": 0.5}])
def test_another_optimizer_or_average_forgets(few, small, change):
    first = Training(lenet.parse(small), few, MEMORY, 0, 1)
    list(first.epochs())
    second = Training(first.model, few, MEMORY.replace(**change), 0, 1)
    second.load_optimizer_state(first.optimizer_state())
    memory = second.optimizer_state()
    assert (memory["epochs"], memory["steps"]) == (1, 0)
    assert not memory["state"].any()
    np.testing.assert_array_equal(memory["table"], first.model.table)


@pytest.mark.parametrize("name", ["table", "state"])
def test_a_memory_of_another_model(few, small, name):
    training = Training(lenet.parse(small), few, MEMORY, 0, 1)
    memory = training.optimizer_state()
    with pytest.raises(ModelFileError, match=name):
        training.load_optimizer_state({**memory, name: memory[name][..., :-1]})


def test_divergence_after_a_memory_changes_nothing(few, small):
    first = Training(lenet.parse(small), few, MEMORY, 0, 1)
    list(first.epochs())
    before = first.model.table.copy()
    second = Training(first.model, few, MEMORY.replace(lr=1e30, max_grad_norm=0.0), 0, 1)
    second.load_optimizer_state(first.optimizer_state())
    with refused(DivergenceError, "in epoch 2"):
        list(second.epochs())
    np.testing.assert_array_equal(first.model.table, before)


def test_divergence_is_seen_without_a_test_part(few):
    part = Dataset("x", few.train, None, few.classes)
    with refused(DivergenceError, "after step 1 of 1"):
        trained(part, "1x8x8 | dense 10", WILD.replace(batch_size=300, lr=1e30, weight_decay=1e30))


class Unread(list):
    """A history that nobody may look through: an epoch would cost more, the more there were."""

    def __iter__(self):
        raise AssertionError("an epoch looks at all epochs before it")


def test_an_epoch_costs_the_same_however_many_there_were(few, small):
    recipe = Recipe(epochs=4, validation_fraction=0.2, patience=4, restore_best=True)
    training = Training(lenet.parse(small), few, recipe, 0, 1)
    training.history = Unread()
    assert [record.epoch for record in training.epochs()] == [1, 2, 3, 4]
    losses = [training.history[i].validation_loss for i in range(4)]
    assert training.best_epoch == 1 + losses.index(min(losses))
