"""Claims are read, run, and judged as their files say."""

import json

import numpy as np
import pytest

import lenet
from lenet.errors import UsageError
from lenet.studies import claim as claims
from lenet.studies.claim import Expectation, read_study
from lenet.studies.statistics import Mean, quantile
from lenet.studies.study import StudyResult, page_name, shuffled, study
from lenet.studies.study import _groups as groups_of
from lenet.studies.trials import FILE, Outcome
from lenet.studies.variation import Arm, Variation
from lenet.training import EpochRecord
from lenet.writing import render
from refusals import refused

SMALL = """
claim = "A rate of 0.05 is better than 0.00001."
data = "digits"
network = "1x8x8 | dense 10"
seeds = 3

[values]
epochs = 2
lr = 0.05

[arms]
"slow" = { lr = 0.00001 }

[[expect]]
text = "it is better"
higher = "base"
lower = "slow"
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "rates.toml"
    path.write_text(SMALL)
    return path


@pytest.mark.parametrize(
    ("given", "low", "high", "answer"),
    [
        ({"higher": "a", "lower": "b"}, 0.1, 0.3, "yes"),
        ({"higher": "a", "lower": "b"}, -0.3, -0.1, "no"),
        ({"higher": "a", "lower": "b"}, -0.1, 0.3, "open"),
        ({"higher": "a", "lower": "b", "by": -0.5}, -0.1, 0.3, "yes"),
        ({"higher": "a", "lower": "b", "by": 1}, 0.1, 0.3, "no"),
        ({"same": ("a", "b"), "within": 0.5}, -0.1, 0.3, "yes"),
        ({"same": ("a", "b"), "within": 0.5}, -0.7, 0.3, "open"),
        ({"same": ("a", "b"), "within": 0.5}, 0.6, 0.9, "no"),
        ({"same": ("a", "b"), "within": 0.5}, -0.9, -0.6, "no"),
    ],
)
def test_an_interval_answers(given, low, high, answer):
    found = Mean((low + high) / 2, (high - low) / 2)
    assert Expectation("x", **given).answer(found) == answer


def test_one_seed_answers_nothing():
    assert Expectation("x", "a", "b").answer(Mean(5.0, None)) == "open"


def made(values, expect, noise, **changes):
    """A result of accuracies by arm and seed; in each, the last of the epochs counts."""
    arms = [Arm(name, "n", lenet.parse("1x4x4 | dense 3"), lenet.recipe()) for name in values]
    outcomes = [
        [
            Outcome(
                "finished",
                51,
                tuple(
                    EpochRecord(n, 1.0, 0.5, test_accuracy=a, seconds=s)
                    for n, (a, s) in enumerate(seed, 1)
                ),
            )
            for seed in seeds
        ]
        for seeds in values.values()
    ]
    asked = claims.Study("x", "C.", "noise", tuple(expect), {}, seeds=3, **changes)
    return StudyResult(asked, Variation(arms, range(3), outcomes, noise, None))


def at(*accuracies, seconds=1.0):
    return [[(value, seconds)] for value in accuracies]


def test_terms_are_what_they_say(noise):
    values = {
        "base": [[(0.5, 1), (0.7, 2)], [(0.4, 1), (0.6, 2)], [(0.6, 1), (0.8, 2)]],
        "up": [[(0.5, 2), (0.9, 2)], [(0.5, 2), (0.9, 3)], [(0.5, 2), (0.9, 2)]],
    }
    found = made(
        values,
        [
            Expectation("last", "up", "base"),
            Expectation("first", {"arm": "up", "epoch": 1}, {"arm": "base", "epoch": 1}),
            Expectation("constant", "up", 20),
            Expectation("range", ["base", "up"], ["base", "base"]),
            Expectation("time", "up", "base", measure="seconds"),
            Expectation("shake", "up", "base", measure="shake"),
        ],
        noise,
    )
    values = [check.difference.value for check in found.checks]
    assert values == pytest.approx([20, 0, 70, 20, 4 / 3, 0])


def test_a_curve_that_shakes(noise):
    """Of four epochs the last two count: steps of 10 and of 30."""
    calm = [[(0.1, 1), (0.9, 1), (0.5, 1), (0.6, 1)]] * 3
    wild = [[(0.5, 1), (0.5, 1), (0.5, 1), (0.8, 1)]] * 3
    (check,) = made(
        {"base": calm, "wild": wild}, [Expectation("s", "wild", "base", measure="shake")], noise
    ).checks
    assert check.difference.value == pytest.approx(20)
    assert check.answer == "yes"


@pytest.mark.parametrize(
    ("cases", "answer", "words"),
    [
        ({"": "y"}, "yes", "holds"),
        ({"": "n"}, "no", "does not hold"),
        ({"": "o"}, "open", "is not decided by 3 seeds"),
        ({"": "yo"}, "open", "is not decided"),
        ({"": "no"}, "no", "does not hold"),
        ({"a": "y", "b": "n"}, "only", "holds only if a"),
        ({"": "y", "a": "y", "b": "n"}, "only", "holds only if a"),
        ({"a": "y", "b": "y"}, "yes", "holds"),
        ({"a": "n", "b": "n"}, "no", "does not hold"),
        ({"a": "y", "b": "o"}, "open", "is not decided"),
        ({"": "n", "a": "y"}, "no", "does not hold"),
        ({"": "y", "a": "n", "b": "n"}, "no", "does not hold"),
    ],
)
def test_verdicts(noise, cases, answer, words):
    arms = {"base": at(0.5, 0.5, 0.5), "y": at(0.6, 0.6, 0.6), "n": at(0.4, 0.4, 0.4)}
    arms["o"] = at(0.1, 0.5, 0.9)
    expect = [Expectation(n, n, "base", case=case) for case, ns in cases.items() for n in ns]
    found = made(arms, expect, noise)
    assert found.answer == answer
    assert found.verdict.startswith(words)


@pytest.mark.parametrize("measure", ["shake", "seconds"])
def test_nothing_follows_from_what_diverged(noise, measure):
    """It is neither quick nor calm."""
    arms = {"base": [[(0.1, 1), (0.5, 1), (0.6, 1), (0.1, 1)]] * 3}
    found = made(
        arms | {"n": arms["base"]}, [Expectation("x", "base", "n", measure=measure)], noise
    )
    found.variation.outcomes[1][:] = [Outcome("diverged", 51, ())] * 3
    again = StudyResult(found.study, found.variation)
    assert [check.answer for check in again.checks] == ["open"]
    assert "diverged" in str(again)


def test_two_looks_have_half_the_error_each(noise):
    arms = {"base": at(0.1, 0.2, 0.3), "up": at(0.2, 0.2, 0.5)}
    one = made(arms, [Expectation("x", "up", "base")], noise)
    two = made(arms, [Expectation("x", "up", "base")], noise, most_seeds=6)
    assert (one.study.looks, two.study.looks) == ([3], [3, 6])
    ratio = two.checks[0].difference.half / one.checks[0].difference.half
    assert ratio == pytest.approx(quantile(2, 0.975) / quantile(2))


def test_a_file_is_run_and_kept(file, tmp_path):
    found = study(file, folder=tmp_path / "kept")
    assert (found.answer, found.verdict) == ("yes", "holds")
    assert [arm.name for arm in found.variation.arms] == ["base", "slow"]
    accuracy = lenet.train("1x8x8 | dense 10", epochs=2, lr=0.05, seed=2).training["test_accuracy"]
    assert found.variation.rows[0].accuracies[2] == accuracy
    lines = (tmp_path / "kept" / FILE).read_text()
    assert study(file, folder=tmp_path / "kept").to_dict() == found.to_dict()
    assert (tmp_path / "kept" / FILE).read_text() == lines
    text = str(found)
    for words in ("better than 0.00001", "This holds.", "it is better", "yes", "slow"):
        assert words in text
    assert json.loads(render(found, "json"))["verdict"] == "holds"
    page = found.save(tmp_path / "x.html").read_text()
    assert "This holds." in page
    assert page.count("<svg") == 2
    assert found.save(tmp_path / "x.svg").exists()


def test_paths_start_from_the_files_folder(tmp_path, monkeypatch):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "mine.toml").write_text("epochs = 1\nlr = 0.5\n")
    (tmp_path / "own" / "a.json").write_text(lenet.net.to_json(lenet.parse("1x8x8 | dense 10")))
    path = tmp_path / "own" / "rates.toml"
    text = SMALL.replace('network = "1x8x8 | dense 10"', 'network = "a.json"\nrecipe = "mine.toml"')
    path.write_text(text.replace("epochs = 2", ""))
    monkeypatch.chdir(tmp_path)
    found = study("own/rates.toml")
    assert all(len(one.epochs) == 1 for some in found.variation.outcomes for one in some)
    monkeypatch.chdir(tmp_path / "own")
    assert page_name(read_study("rates.toml")) == page_name(read_study(path))


@pytest.mark.parametrize(("change", "word"), [("lrx = 1", "lrx"), ("lr = -1", "lr is -1")])
def test_a_bad_arm_is_named_with_its_file(file, change, word):
    file.write_text(SMALL.replace("lr = 0.00001", change))
    with refused(UsageError, "rates.toml: ", "the arm 'slow'", word):
        study(file)


def test_more_seeds_only_where_it_is_open(file, tmp_path):
    file.write_text(SMALL.replace("seeds = 3", "seeds = 2\nmost_seeds = 4"))
    assert len(study(file).variation.seeds) == 2
    file.write_text(
        SMALL.replace("seeds = 3", "seeds = 2\nmost_seeds = 4").replace("0.00001", "0.04")
    )
    found = study(file)
    assert len(found.variation.seeds) == 4
    assert found.verdict == "is not decided by 4 seeds"


def test_pixels_are_shuffled_alike(file):
    data = lenet.load("digits")
    mixed = shuffled(data)
    assert not np.array_equal(mixed.test.images, data.test.images)
    np.testing.assert_array_equal(
        np.sort(mixed.test.images.reshape(360, -1)), np.sort(data.test.images.reshape(360, -1))
    )
    marked = np.flatnonzero((mixed.train.images == data.train.images).all(axis=(0, 1)).ravel())
    assert len(marked) < 8
    np.testing.assert_array_equal(shuffled(data).train.images, mixed.train.images)
    file.write_text(SMALL.replace("{ lr = 0.00001 }", '{ pixels = "shuffled" }'))
    found = study(file)
    assert found.variation.arms[1].name == "slow"
    assert found.variation.rows[0].accuracies != found.variation.rows[1].accuracies


def test_the_package_has_the_nine_notes():
    names = claims.names()
    assert [f"note-{number}" for number in range(1, 10)] == [n for n in names if "note" in n]
    for name in names:
        asked = read_study(name)
        assert asked.claim.endswith(".")
        assert asked.expect
    assert read_study("3") == read_study("note-3")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('claim = "A', 'clam = "A', ("clam", "claim")),
        ('claim = "A', 'title = "A', ("title",)),
        ('data = "digits"', "", ("lacks data",)),
        ('data = "digits"', "data = 5", ("data", "wrong type")),
        ("seeds = 3", "seeds = 1", ("seeds is 1", "at least 2")),
        ("seeds = 3", "seeds = true", ("seeds", "wrong type")),
        ("seeds = 3", "most_seeds = -1", ("most_seeds is -1",)),
        ('lower = "slow"', 'lower = "slwo"', ("'slwo'", "slow")),
        ('lower = "slow"', "", ("higher and lower",)),
        ('lower = "slow"', 'same = ["base", "slow"]', ("higher and lower",)),
        ('higher = "base"\nlower = "slow"', 'same = ["base", "slow"]', ("needs within",)),
        ('lower = "slow"', 'lower = { arm = "slow" }', ("arm and epoch",)),
        ('lower = "slow"', 'lower = { arm = "slow", epoch = 0 }', ("arm and epoch",)),
        ('lower = "slow"', 'lower = ["slow", 5]', ("an arm of", "is 5; it must be base or slow")),
        ('lower = "slow"', "lower = []", ("two arms",)),
        ('higher = "base"', 'higher = ["base", "slow"]', ("by chance", "as many")),
        ('lower = "slow"', 'lower = [["slow"], "base"]', ("slow",)),
        ('lower = "slow"', "lower = nan", ("lower", "finite")),
        ('lower = "slow"', f"lower = {10**400}", ("finite",)),
        ('lower = "slow"', "lower = true", ("wrong type",)),
        ('lower = "slow"', "lower = { arm = 5, epoch = 1 }", ("arm 5",)),
        ('lower = "slow"', 'lower = "base"', ("another arm",)),
        ('higher = "base"\nlower = "slow"', "higher = 5\nlower = 3", ("another arm",)),
        ('lower = "slow"', 'lower = "slow"\nby = inf', ("by", "finite")),
        ('lower = "slow"', 'lower = "slow"\nmeasure = "loss"', ("'loss'", "seconds")),
        ('"slow" = { lr = 0.00001 }', '"slow" = 5', ("'slow'", "table")),
        ("[[expect]]", "[[expects]]", ("expects", "expect")),
        ("[values]", "[values", ("no TOML",)),
    ],
)
def test_a_file_that_cannot_be_meant(file, old, new, words):
    file.write_text(SMALL.replace(old, new))
    with refused(UsageError, "rates.toml", *words):
        read_study(file)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("{ rate = 1 }", ("rate",)),
        ("{ lr = -1 }", ("lr is -1",)),
        ('{ data = "x" }', ("no 'data'",)),
        ('{ pixels = "mirrored" }', ("mirrored", "shuffled")),
        ('{ network = "lenett" }', ("lenett", "lenet")),
    ],
)
def test_arms_that_cannot_be_meant(file, change, words):
    file.write_text(SMALL.replace("{ lr = 0.00001 }", change))
    with refused(UsageError, *words):
        study(file)


def test_an_epoch_that_an_arm_has_not(file):
    file.write_text(SMALL.replace('lower = "slow"', 'lower = { arm = "slow", epoch = 3 }'))
    with refused(UsageError, "epoch 3 of slow", "for 2"):
        study(file)


def test_what_is_no_study(tmp_path):
    with refused(UsageError, "'note-12'", "note-1"):
        read_study("note-12")
    with refused(UsageError, "nonesuch.toml"):
        read_study(tmp_path / "nonesuch.toml")
    for wrong in (None, 5):
        with refused(UsageError, repr(wrong)):
            read_study(wrong)


def test_the_latest_of_two_epochs_of_an_arm_counts(file):
    two = 'higher = { arm = "base", epoch = 100 }\nlower = { arm = "base", epoch = 1 }'
    file.write_text(SMALL.replace('higher = "base"\nlower = "slow"', two))
    with refused(UsageError, "epoch 100 of base", "for 2"):
        study(file)


def test_an_arm_keeps_what_it_does_not_name(file):
    text = SMALL.replace("lr = 0.05", "lr = 0.05\naugment = { shift = 2 }")
    file.write_text(text.replace('"slow" = {', '"slow" = { augment = { flip = true },'))
    (_, arms), *_ = groups_of(read_study(file), lenet.load("digits"))
    changes = [(arm.recipe.augment.shift, arm.recipe.augment.flip) for arm in arms]
    assert changes == [(2, False), (2, True)]
