"""Folds: every image answered once, by a network that has not seen it."""

import csv
import json
from dataclasses import replace
from statistics import fmean, stdev

import numpy as np
import pytest

import lenet
from lenet.data import Dataset, Split
from lenet.data.splitting import fold_by_content
from lenet.errors import DataError, DivergenceError, UsageError
from lenet.studies import folds as module
from lenet.studies import trials
from lenet.studies.folds import cross_validate, joined
from refusals import refused
from studies.conftest import NET

VALUES = {"recipe": "modern", "epochs": 3, "lr": 0.01}


@pytest.fixture(scope="module")
def found(noise):
    return cross_validate(NET, noise, folds=3, **VALUES)


def part(images, labels, which):
    return Split(images[which], labels[which])


def test_each_fold_is_what_train_would_make_of_it(found, noise):
    images = np.concatenate([noise.train.images, noise.test.images])
    labels = np.concatenate([noise.train.labels, noise.test.labels])
    assert found.fold_of.shape == (90,)
    for fold, outcome in enumerate(found.outcomes):
        tested = found.fold_of == fold
        data = Dataset(
            "noise",
            part(images, labels, ~tested),
            part(images, labels, tested),
            noise.classes,
        )
        model = lenet.train(NET, data, **VALUES)
        assert outcome.accuracy(0.0) == model.training["test_accuracy"]
        answers = model.evaluate(data).answers
        np.testing.assert_array_equal(found.evaluation.answers.predicted[tested], answers.predicted)
        np.testing.assert_allclose(
            found.evaluation.answers.probabilities[tested], answers.probabilities, rtol=1e-6
        )
    right = found.evaluation.answers.predicted == labels
    assert found.evaluation.accuracy == right.mean()
    assert found.evaluation.count == found.evaluation.confusion.sum() == 90


def test_mean_and_deviation(found):
    assert found.mean == pytest.approx(fmean(found.accuracies))
    assert found.std == pytest.approx(stdev(found.accuracies))
    told = found.to_dict()
    assert [row["test_images"] for row in told["folds"]] == [30, 30, 30]
    assert (told["mean"], told["std"]) == (found.mean, found.std)
    text = str(found)
    assert text.startswith(f"{100 * found.mean:.2f} ± {100 * found.std:.2f} %: mean and standard")
    assert "all 90 images are in the folds, whichever part they were in" in text
    assert "confusion matrix" in text
    json.dumps(told)


def test_the_folds_do_not_depend_on_jobs_and_the_seed_counts(found, noise):
    again = cross_validate(NET, noise, folds=3, jobs=1, **VALUES)
    assert again.to_dict()["evaluation"] == found.to_dict()["evaluation"]
    other = cross_validate(NET, noise, folds=3, seed=1, **VALUES)
    np.testing.assert_array_equal(other.fold_of, found.fold_of)
    assert other.evaluation.loss != found.evaluation.loss
    other = cross_validate(NET, noise, folds=3, split_seed=1, **VALUES)
    assert (other.fold_of != found.fold_of).any()
    assert np.bincount(other.fold_of).tolist() == [30, 30, 30]


def test_the_best_epoch_is_what_answers(noise):
    values = {"epochs": 6, "lr": 0.3, "restore_best": True, "validation_fraction": 0.2}
    found = cross_validate(NET, noise, folds=2, **values)
    assert any(outcome.kept < len(outcome.epochs) for outcome in found.outcomes)
    for fold, outcome in enumerate(found.outcomes):
        own = found.fold_of == fold
        answers = found.evaluation.answers
        right = answers.predicted[own] == answers.labels[own]
        assert outcome.accuracy(0.0) == right.mean()


def test_what_is_known_is_not_trained_again(noise, tmp_path, monkeypatch):
    ran, run = [], trials.run_trial

    def counting(trial, data, pause=None):
        if len(ran) == 2 and not ran[-1:] == ["again"]:
            raise KeyboardInterrupt
        ran.append(trial.fold)
        return run(trial, data, pause)

    monkeypatch.setattr(trials, "run_trial", counting)
    with pytest.raises(KeyboardInterrupt):
        cross_validate(NET, noise, folds=4, folder=tmp_path / "a", jobs=1, **VALUES)
    assert ran == [0, 1]
    ran.append("again")
    monkeypatch.setattr(
        trials, "run_trial", lambda *given: ran.append(given[0].fold) or run(*given)
    )
    found = cross_validate(NET, noise, folds=4, folder=tmp_path / "a", jobs=1, **VALUES)
    assert ran == [0, 1, "again", 2, 3]
    whole = cross_validate(NET, noise, folds=4, jobs=1, **VALUES)
    assert whole.to_dict()["evaluation"] == found.to_dict()["evaluation"]
    ran.clear()
    cross_validate(NET, noise, folds=4, folder=tmp_path / "a", **VALUES)
    assert not ran
    cross_validate(NET, noise, folds=5, folder=tmp_path / "a", **VALUES)
    assert sorted(ran) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    "change",
    [
        {"predicted": [0]},
        {"truth": None},
        {"confidence": ["x"] * 30},
        {"truth": [float("nan")] * 30},
        {"predicted": [[0] * 30]},
    ],
)
def test_answers_that_are_damaged(noise, tmp_path, change):
    cross_validate(NET, noise, folds=3, folder=tmp_path, **VALUES)
    path = tmp_path / trials.FILE
    first, *others = path.read_text().splitlines()
    values = json.loads(first)
    values["answers"] |= change
    path.write_text("\n".join([json.dumps(values), *others, ""]))
    with refused(DataError, "line 1 of", "no outcome of a trial"):
        cross_validate(NET, noise, folds=3, folder=tmp_path, **VALUES)


def test_groups_and_copies_stay_together(noise):
    groups = [f"g{place // 6}" for place in range(60)]
    labels = np.repeat(np.arange(2), 30)
    images = noise.train.images.copy()
    images[6] = images[0]  # joins g0 and g1
    train = Split(images, labels, groups=groups)
    data = Dataset("grouped", train, None, ("a", "b"))
    found = cross_validate("1x4x4 | dense 2", data, folds=4, epochs=1)
    folds = {}
    for group, fold in zip(groups, found.fold_of.tolist(), strict=True):
        folds.setdefault(group, set()).add(fold)
    assert all(len(kinds) == 1 for kinds in folds.values())
    assert folds["g0"] == folds["g1"]
    assert "10 groups, each in one fold" in found.notes


def test_all_parts_are_joined_in_order(noise):
    split = noise.train
    parts = [split.chosen(np.arange(*ends)) for ends in ((0, 30), (30, 50), (50, 60))]
    weighted = Split(parts[0].images, parts[0].labels, np.full(30, 2, np.float32), ["n"] * 30)
    data = Dataset("d", weighted, parts[2], noise.classes, parts[1])
    whole = joined(data)
    assert list(whole.splits) == ["train"]
    np.testing.assert_array_equal(whole.train.images, split.images)
    assert whole.train.weights.tolist() == [2] * 30 + [1] * 30
    assert whole.train.names is None
    np.testing.assert_array_equal(
        cross_validate(NET, data, folds=2, epochs=1).fold_of,
        fold_by_content(whole.train.digests, whole.train.labels, 2),
    )


def of(labels, groups=None, copies=0):
    count = len(labels)
    images = np.random.default_rng(0).integers(0, 256, (count, 1, 4, 4)).astype(np.uint8)
    images[:copies] = images[0]
    return Dataset("d", Split(images, np.array(labels), groups=groups), None, ("a", "b", "c"))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (of([0, 1, 2]), ("d has 3 different images, too few for 5 folds",)),
        (of([0] * 9 + [1] * 9 + [2]), ("class c of d has one different image only",)),
        (of([0] * 9 + [1] * 9 + [2] * 9, copies=9), ("class a of d has one different image only",)),
        (
            of([0, 1, 2] * 9, [f"g{place % 4}" for place in range(27)]),
            ("d has 4 groups, too few for 5 folds",),
        ),
        (
            of([0] * 9 + [1] * 9 + [2] * 9, [*map(str, range(18)), *["x"] * 9]),
            ("class c of d has one group only",),
        ),
    ],
)
def test_what_cannot_be_divided(data, words):
    with refused(DataError, *words) as caught:
        cross_validate(NET, data, folds=5)
    assert caught.value.parameter == "folds"


@pytest.mark.parametrize("predicted", [[3] * 30, [-1] * 30, [0] * 29])
def test_answers_of_other_images_or_classes(noise, tmp_path, predicted):
    cross_validate(NET, noise, folds=3, folder=tmp_path, **VALUES)
    path = tmp_path / trials.FILE
    first, *others = path.read_text().splitlines()
    values = json.loads(first)
    count = len(predicted)
    values["answers"] = {name: array[:count] for name, array in values["answers"].items()} | {
        "predicted": predicted
    }
    path.write_text("\n".join([json.dumps(values), *others, ""]))
    with refused(DataError, "has no answers for its images"):
        cross_validate(NET, noise, folds=3, folder=tmp_path, **VALUES)


@pytest.mark.parametrize("folds", [0, 1, -5, 1001, 2.0, "5", None, True, 10**400])
def test_what_is_no_number_of_folds(noise, folds):
    with refused(UsageError, "folds is", "from 2 to 1,000") as caught:
        cross_validate(NET, noise, folds=folds)
    assert caught.value.parameter == "folds"


def test_a_class_with_fewer_images_than_folds_is_said():
    found = cross_validate(NET, of([0] * 9 + [1] * 9 + [2] * 3), folds=5, epochs=1)
    assert "1 class has fewer different images than there are folds: c" in found.notes


def test_a_fold_that_diverges_has_no_answers(noise):
    with refused(DivergenceError, "fold 1 of 3 diverged", "learning rate"):
        cross_validate(NET, noise, folds=3, epochs=2, lr=1e30, recipe="original")


def test_answers_as_a_table_page_and_chart(found, noise, tmp_path):
    with open(found.save(tmp_path / "a.csv"), newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["fold"]) for row in rows] == (found.fold_of + 1).tolist()
    columns = ("image", "label", "class", "probability", "correct", "second", "second_probability")
    assert list(rows[0]) == [*columns, "fold"]
    right = sum(row["correct"] == "1" for row in rows)
    assert right / len(rows) == found.evaluation.accuracy
    page = found.save(tmp_path / "a.html").read_text(encoding="utf-8")
    for words in ("3 folds of noise", "What they get wrong", "Confusion matrix"):
        assert words in page
    assert found.save(tmp_path / "a.svg").read_text().startswith("<svg")
    pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    table = pq.read_table(found.save(tmp_path / "a.parquet"))
    assert table["fold"].to_pylist() == (found.fold_of + 1).tolist()
    with refused(UsageError, "a.docx"):
        found.save(tmp_path / "a.docx")
    assert module.MAX_FOLDS == 1000


def test_a_recipe_that_is_open_is_chosen_once_and_a_list_is_one_value(noise):
    found = cross_validate(None, noise, folds=2, epochs=1)
    assert len({outcome.parameters for outcome in found.outcomes}) == 1
    rates = {"schedule": "listed", "epoch_rates": [0.1, 0.01]}
    found = cross_validate(NET, noise, "modern", folds=2, epochs=2, **rates)
    assert [record.learning_rate for record in found.outcomes[0].epochs] == [0.1, 0.01]


def test_the_probabilities_are_calibrated_as_those_of_a_model(noise):
    how = {**VALUES, "folds": 2, "validation_fraction": 0.3}
    plain, done = (cross_validate(NET, noise, **how, calibrate=asked) for asked in (False, True))
    before, after = (found.evaluation.answers for found in (plain, done))
    np.testing.assert_array_equal(before.predicted, after.predicted)
    assert (before.probabilities != after.probabilities).any()


def test_some_images_without_a_group_do_not_take_the_groups_of_others(noise):
    groups = tuple(f"g{number // 6}" for number in range(len(noise.train)))
    data = replace(noise, train=replace(noise.train, groups=groups))
    assert joined(data).train.groups == groups + ("",) * len(noise.test)
    fold_of = cross_validate(NET, data, folds=2, epochs=1).fold_of
    assert all(len(set(fold_of[start : start + 6])) == 1 for start in range(0, len(groups), 6))


def test_numbers_of_numpy_will_do(noise):
    found = cross_validate(NET, noise, folds=np.int64(2), jobs=np.int64(1), epochs=np.int64(1))
    assert len(found.outcomes) == 2


def test_the_rates_of_an_open_recipe_may_be_listed(noise):
    rates = {"schedule": "listed", "epoch_rates": [0.1, 0.01]}
    found = cross_validate(None, noise, folds=2, epochs=2, **rates)
    assert [record.learning_rate for record in found.outcomes[0].epochs] == [0.1, 0.01]
