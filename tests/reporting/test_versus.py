"""Runs beside each other."""

import json
from math import comb

import pytest

import lenet
from lenet.errors import DataError, UsageError
from lenet.reporting.versus import compare_runs, mcnemar
from lenet.reporting.versus_text import render_runs


@pytest.mark.parametrize("lost", [0, 1, 3, 10, 40])
@pytest.mark.parametrize("won", [0, 2, 10, 41])
def test_mcnemar_against_counting_coins(lost, won):
    together = lost + won
    reach = abs(lost - won)
    ways = sum(comb(together, k) for k in range(together + 1) if abs(2 * k - together) >= reach)
    assert mcnemar(lost, won) == pytest.approx(ways / 2**together)
    assert mcnemar(lost, won) == mcnemar(won, lost)


def test_mcnemar_of_many():
    assert mcnemar(5000, 5000) == 1.0
    assert mcnemar(0, 10_000) < 1e-300


def test_what_differs(finished, other):
    found = compare_runs(finished, other)
    assert found.names == ("first", "second")
    assert {one.name: one.values for one in found.differences} == {
        "epochs": (3, 6),
        "seed": (0, 1),
    }
    first, second = (lenet.Model.load(run / "last.safetensors") for run in (finished, other))
    images, labels = lenet.load("digits").test.images, lenet.load("digits").test.labels
    right = [model.predict(images) == labels for model in (first, second)]
    (duel,) = found.duels
    assert list(duel.lost) == [i for i in range(360) if right[0][i] and not right[1][i]]
    assert list(duel.won) == [i for i in range(360) if right[1][i] and not right[0][i]]
    assert duel.p_value == mcnemar(len(duel.lost), len(duel.won))


def test_text(finished, other):
    text = render_runs(compare_runs(finished, other))
    assert text.splitlines()[0].split() == ["first", "second"]
    assert "test accuracy" in text
    assert "(McNemar's exact test)." in text
    assert max(map(len, text.splitlines())) <= 80


def test_a_run_against_itself(finished):
    found = compare_runs(finished, finished)
    assert found.names == (str(finished), str(finished))
    assert found.differences == ()
    assert found.duels[0].to_dict() == {"lost": [], "won": [], "p_value": 1.0}
    text = render_runs(found)
    assert "The same network, data, recipe and seed." in text
    assert "McNemar" not in text


@pytest.mark.parametrize("ending", ["svg", "png", "pdf", "tex", "html"])
def test_saved(finished, other, tmp_path, ending):
    path = compare_runs(finished, other).save(tmp_path / f"c.{ending}")
    assert path.stat().st_size > 2000


def test_the_page(finished, other, tmp_path):
    found = compare_runs(finished, other)
    text = found.save(tmp_path / "c.html").read_text(encoding="utf-8")
    assert "Right by second alone" in text
    assert text.count("<img ") == sum(
        min(18, len(n)) for n in (found.duels[0].lost, found.duels[0].won)
    )


def test_an_unknown_ending(finished, other, tmp_path):
    with pytest.raises(UsageError, match="does not say its format"):
        compare_runs(finished, other).save(tmp_path / "c.docx")


def test_other_data(finished, odd_data, tmp_path):
    recipe = lenet.recipe("original", epochs=1, lr=0.1)
    lenet.train("1x8x8 | dense 6", odd_data, recipe, run=tmp_path / "odd")
    found = compare_runs(finished, tmp_path / "odd")
    assert found.answers is None
    assert "Answers are not compared: they were not tested on the same" in render_runs(found)
    assert found.duels == ()
    assert json.dumps(found.to_dict())
    page = found.save(tmp_path / "c.html").read_text(encoding="utf-8")
    assert "<script" not in page
    with pytest.raises(DataError, match="other classes"):
        compare_runs(finished, tmp_path / "odd", data=odd_data)
    both = compare_runs(tmp_path / "odd", tmp_path / "odd", data=odd_data)
    assert both.duels[0].p_value == 1.0


@pytest.mark.parametrize("count", [0, 1])
def test_too_few(finished, count):
    with pytest.raises(UsageError, match=f"two or more runs to compare, not {count}"):
        compare_runs(*[finished] * count)
