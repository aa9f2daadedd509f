"""What is left open, which classes are told, and which images are the least certain."""

import csv
import json

import numpy as np
import pytest

import lenet
from lenet.data.pictures import Fault
from lenet.errors import ModelFileError, UsageError
from lenet.inference import predicting
from lenet.inference.predicting import Answered, columns_of, least_certain
from lenet.inference.rejecting import threshold_of
from lenet.kinds import EMPTY
from refusals import refused

NETWORK = "1x8x8 | conv 8 k3 relu, maxpool 2 | dense 10"


@pytest.fixture(scope="module")
def digits():
    return lenet.load("digits")


@pytest.fixture(scope="module")
def model():
    return lenet.train(NETWORK, "digits", epochs=5, validation_fraction=0.2)


def knowing(thresholds):
    """A model that says this of its thresholds."""
    model = lenet.Model("1x8x8 | dense 10")
    model.training = {"coverage": {"split": "test", "images": 9, "thresholds": thresholds}}
    return model


def test_a_share_that_is_known_and_one_between():
    model = knowing({"1": 0.2, "0.9": 0.6, "0.8": 0.9})
    assert threshold_of(model, 0.0, 0.9) == 0.6
    assert threshold_of(model, 0.0, 0.8) == 0.9
    odds = np.sqrt((0.6 / 0.4) * (0.9 / 0.1))  # their geometric mean
    assert threshold_of(model, 0.0, 0.85) == pytest.approx(odds / (1 + odds))
    assert threshold_of(model, 0.0, 1) == 0.0
    assert threshold_of(model, 0.7, None) == 0.7
    certain = knowing({"0.9": 1.0, "0.8": 1.0})
    assert threshold_of(certain, 0.0, 0.85) == pytest.approx(1)


@pytest.mark.parametrize(
    "thresholds",
    [
        None,
        {},
        [],
        "0.9",
        {"0.9": "x"},
        {"x": 0.9},
        {"0.9": None},
        {"0.9": float("nan")},
        {"2": 0.5},
        {"0.9": -1},
        {"0.9": 10**400},
    ],
)
def test_what_a_file_may_say_instead(thresholds):
    with refused(UsageError, "the model does not know how many images reach which probability"):
        threshold_of(knowing(thresholds), 0.0, 0.9)
    for training in ({}, {"coverage": 3}):
        model = lenet.Model("1x8x8 | dense 10")
        model.training = training
        with refused(UsageError, "train it anew, or give reject"):
            threshold_of(model, 0.0, 0.9)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"reject": -0.1}, "reject is -0.1"),
        ({"reject": True}, "reject is True"),
        ({"coverage": 1.01}, "coverage is 1.01"),
        ({"coverage": "0.9"}, "coverage is '0.9'"),
        ({"coverage": float("nan")}, "coverage is nan"),
        ({"coverage": 0.9, "reject": 0.5}, "give one of them"),
        ({"coverage": 0.1}, "the model knows shares from 0.5 on"),
        ({"top": 0}, "top is 0; it must be a whole number from 1 on"),
        ({"top": 2.5}, "top is 2.5"),
        ({"top": True}, "top is True"),
        ({"uncertain": 0}, "uncertain is 0"),
        ({"uncertain": "all"}, "uncertain is 'all'"),
    ],
)
def test_refusals(model, digits, tmp_path, how, words):
    with refused(UsageError, words):
        lenet.predict(model, digits.test.images, **how)
    with refused(UsageError, words):
        lenet.predict_into(tmp_path / "a.csv", model, digits.test.images, **how)
    assert not list(tmp_path.iterdir())
    if not {"top", "uncertain"} & set(how):
        with refused(UsageError, words):
            lenet.evaluate(model, digits, **how)


@pytest.mark.parametrize("share", [0.95, 0.925, 0.6])
def test_about_so_many_are_answered(model, digits, tmp_path, share):
    found = lenet.predict(model, digits.test.images, coverage=share)
    answered = np.mean([not one.is_unsure for one in found])
    assert answered == pytest.approx(share, abs=0.05)
    evaluation = lenet.evaluate(model, digits, coverage=share)
    assert evaluation.answered.share == answered
    right = [one.label == str(label) for one, label in zip(found, digits.test.labels, strict=True)]
    assert evaluation.answered.accuracy == pytest.approx(sum(right) / answered / len(right))
    written = lenet.predict_into(tmp_path / "a.csv", model, digits.test.images, coverage=share)
    assert written.unsure == sum(one.is_unsure for one in found)
    again = lenet.Model.from_bytes(model.to_bytes())
    assert lenet.predict(again, digits.test.images, coverage=share) == found


def test_the_most_probable_classes(model, digits, tmp_path):
    images = digits.test.images[:30]
    whole = lenet.predict(model, images)
    for top in (1, 3, 10, 99):
        found = lenet.predict(model, images, top=top)
        for one, other in zip(found, whole, strict=True):
            assert one.classes == other.classes[:top]
            assert one.probabilities == other.probabilities[:top]
            assert list(one.to_dict()["probabilities"]) == list(other.classes[:top])
        assert str(found).splitlines()[0].count("%") == min(top, 10)
        found.save(tmp_path / "a.csv")
        lenet.predict_into(tmp_path / "b.csv", model, images, top=top)
        assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
        with open(tmp_path / "a.csv", newline="") as file:
            first = next(csv.DictReader(file))
        assert tuple(first) == columns_of(min(top, 10))
    third = ("image", "class", "probability", "prepared", "second", "second_probability")
    assert columns_of(3) == (*third, "third", "third_probability")
    assert columns_of(12)[-4:] == ("11th", "11th_probability", "12th", "12th_probability")


def test_unsure_ones_keep_their_place_in_a_wider_table(model, digits, tmp_path):
    images = digits.test.images[:40]
    how = {"top": 3, "reject": 0.97}
    found = lenet.predict(model, images, **how)
    assert 0 < sum(one.is_unsure for one in found) < 40
    found.save(tmp_path / "a.csv")
    written = lenet.predict_into(tmp_path / "b.csv", model, images, probabilities=True, **how)
    assert written.unsure == sum(one.is_unsure for one in found)
    with open(tmp_path / "a.csv", newline="") as a, open(tmp_path / "b.csv", newline="") as b:
        for row, wide, one in zip(csv.DictReader(a), csv.DictReader(b), found, strict=True):
            assert row == {name: wide[name] for name in row}
            assert (row["third"] == "") == one.is_unsure
            assert sum(float(wide[f"probability_{i}"]) for i in range(10)) == pytest.approx(1)


def test_parquet_has_nothing_where_a_class_is_open(model, digits, tmp_path):
    pq = pytest.importorskip("pyarrow.parquet")
    images = digits.test.images[:40]
    found = lenet.predict(model, images, reject=0.97, top=3)
    found.save(tmp_path / "a.parquet")
    rows = pq.read_table(tmp_path / "a.parquet").to_pylist()
    for row, one in zip(rows, found, strict=True):
        assert row["class"] == (one.label or None)
        assert (row["third"] is None) == (row["third_probability"] is None) == one.is_unsure


def test_the_least_certain(model, digits, tmp_path):
    """By the margin between the first two classes, against all of them sorted."""
    whole = lenet.predict(model, digits.test.images)
    margins = [one.probabilities[0] - one.probabilities[1] for one in whole]
    order = sorted(range(360), key=lambda i: margins[i])
    for count in (1, 50, 360, 1000):
        found = lenet.predict(model, digits.test.images, uncertain=count)
        assert sorted(one.image for one in found[:40]) == sorted(
            whole[i].image for i in order[:count][:40]
        )
        assert len(found) == min(count, 360)
        nearest = [one.probabilities[0] - one.probabilities[1] for one in found]
        assert nearest == sorted(nearest)
    found = lenet.predict(model, digits.test.images, uncertain=20, top=2)
    written = lenet.predict_into(tmp_path / "a.csv", model, digits.test.images, uncertain=20, top=2)
    found.save(tmp_path / "b.csv")
    assert written.images == 20
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_the_least_certain_of_a_great_many_take_no_memory(monkeypatch):
    """Never more are held than twice those asked for, and some; ties are in order."""

    def answers():
        random = np.random.default_rng(0)
        for part in range(400):
            sure = random.integers(50, 101, 100).astype(np.float32) / 100
            names = [f"{part}-{i}" for i in range(100)]
            yield Answered(names, np.stack([sure, 1 - sure], axis=1), [""] * 100)
            if part == 7:
                yield Fault("x.png", "it is empty", EMPTY)

    held, least = [], predicting._least

    def watched(parts, count):
        held.append(sum(len(part.names) for part in parts))
        return least(parts, count)

    monkeypatch.setattr(predicting, "_least", watched)
    whole = [part for part in answers() if isinstance(part, Answered)]
    sure = np.concatenate([part.probabilities[:, 0] for part in whole])
    names = [name for part in whole for name in part.names]
    fault, found = least_certain(answers(), 300)
    assert fault.path == "x.png"
    assert list(found.names) == [names[i] for i in np.argsort(sure, kind="stable")[:300]]
    assert len(held) > 1
    assert max(held) <= 2 * 300 + predicting._SOME + 100


def test_nothing_to_be_uncertain_of(model, tmp_path):
    assert not lenet.predict(model, uncertain=3)
    (tmp_path / "a.png").write_bytes(b"")
    with refused(lenet.errors.PictureError, "is empty"):
        lenet.predict(model, tmp_path / "a.png", uncertain=3)


def test_one_class_has_no_margin(tmp_path):
    model = lenet.Model("1x8x8 | dense 1", ["only"]).initialize()
    images = np.zeros((5, 8, 8), np.uint8)
    found = lenet.predict(model, images, uncertain=2, top=3)
    assert [one.classes for one in found] == [("only",)] * 2
    found.save(tmp_path / "a.csv")
    lenet.predict_into(tmp_path / "b.csv", model, images, uncertain=2, top=3)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_a_model_file_of_before_is_told_what_it_lacks(model, digits, tmp_path):
    old = lenet.Model.from_bytes(model.to_bytes())
    old.training = {name: value for name, value in old.training.items() if name != "coverage"}
    path = old.save(tmp_path / "old.safetensors")
    with refused(UsageError, "train it anew, or give reject"):
        lenet.predict(path, digits.test.images, coverage=0.9)
    assert json.dumps(dict(old.training))
    with pytest.raises(ModelFileError):
        lenet.predict(tmp_path / "none.safetensors", coverage=0.9)
