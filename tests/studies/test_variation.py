"""Variants side by side: their names, their numbers, and how they are shown."""

import json

import pytest

import lenet
from lenet.errors import UsageError
from lenet.studies.statistics import difference, mean
from lenet.writing import render
from refusals import refused
from studies.conftest import NET


@pytest.fixture(scope="module")
def rates(noise):
    return lenet.vary(NET, noise, lr=[0.001, 0.05], epochs=3, seeds=3)


def test_the_numbers_are_those_of_trainings(noise, rates):
    values = [
        [
            lenet.train(NET, noise, lr=lr, epochs=3, seed=seed).training["test_accuracy"]
            for seed in range(3)
        ]
        for lr in (0.001, 0.05)
    ]
    first, second = rates.rows
    assert [first.name, second.name] == ["lr 0.001", "lr 0.05"]
    assert [list(first.accuracies), list(second.accuracies)] == values
    assert first.accuracy == mean(values[0])
    assert first.difference is None
    assert second.difference == difference(values[1], values[0])
    assert second.difference.value > 0


def test_all_combinations(noise):
    found = lenet.vary(
        [NET, "1x4x4 | dense 3"], noise, lr=(0.1, 0.2), epochs=1, seeds=[7], batch_size=[5, 6]
    )
    assert [row.name for row in found.rows][:3] == [
        "net 1, lr 0.1, batch size 5",
        "net 1, lr 0.1, batch size 6",
        "net 1, lr 0.2, batch size 5",
    ]
    assert len(found.rows) == 8
    assert found.seeds == (7,)
    assert found.rows[-1].parameters == 51
    text = str(found)
    assert "net 2  1x4x4 | dense 3" in text
    assert "±" not in text
    assert "One seed" in text


def test_names_of_the_zoo_and_of_augmentations(noise):
    nets = lenet.vary(["tiny", "lenet-relu"], epochs=1, seeds=1)
    assert [row.name for row in nets.rows] == ["tiny", "lenet-relu"]
    found = lenet.vary(NET, noise, epochs=1, seeds=1, augment=[{"shift": 0}, {"shift": 1}])
    assert [row.name for row in found.rows] == ["shift 0", "shift 1"]


def test_seeds_alone_are_enough(noise):
    (row,) = lenet.vary(NET, noise, epochs=1, seeds=2).rows
    assert row.name == "net 1"
    assert len(row.accuracies) == 2


def test_an_optimizer_brings_its_own_values_but_those_given(noise):
    found = lenet.vary(NET, noise, epochs=1, seeds=1, optimizer=["sgd", "adamw"])
    assert [arm.recipe.lr for arm in found.arms] == [
        lenet.recipe(optimizer=name).lr for name in ("sgd", "adamw")
    ]
    found = lenet.vary(NET, noise, epochs=1, seeds=1, optimizer=["sgd", "adamw"], lr=0.3)
    assert [arm.recipe.lr for arm in found.arms] == [0.3, 0.3]


def test_a_variant_that_diverges_is_told(noise):
    found = lenet.vary(NET, noise, "original", lr=[0.1, 1e30], epochs=2, seeds=2)
    assert found.rows[1].diverged == 2
    assert found.rows[1].accuracies == (found.guess, found.guess)
    assert found.guess == pytest.approx(1 / 3)
    assert "33.33 %" in str(found)
    assert found.to_dict()["variants"][1]["train_seconds"] is not None
    assert str(found).splitlines()[2].split("%")[1].split()[-2:] == ["-", "2"]


def test_the_forms(rates, tmp_path):
    values = json.loads(render(rates, "json"))
    assert values["seeds"] == [0, 1, 2]
    assert [row["name"] for row in values["variants"]] == ["lr 0.001", "lr 0.05"]
    assert values["variants"][1]["difference"] == pytest.approx(rates.rows[1].difference.value)
    assert render(rates, "csv").startswith("name,test_accuracy,half,difference")
    for row in rates.rows:
        assert f"{100 * row.accuracy.value:.2f} ± {100 * row.accuracy.half:.2f} %" in str(rates)
        assert row.name in rates.drawing().svg
        assert row.name in rates.curves().svg
    assert rates.save(tmp_path / "v.png").read_bytes()[:4] == b"\x89PNG"
    page = rates.save(tmp_path / "v.html").read_text()
    assert page.count("<svg") == 2
    assert "<script" not in page
    with refused(UsageError, ".svg"):
        rates.save(tmp_path / "v.txt")


def test_intervals_end_where_accuracies_do(noise):
    found = lenet.vary(NET, noise, lr=[0.001], epochs=1, seeds=2)
    boxes = found.drawing().scene
    assert all(0 <= text.x <= boxes.width for text in boxes.texts)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"lr": []}, ("lr is an empty list",)),
        ({"network": []}, ("network is an empty list",)),
        ({"seeds": 0}, ("seeds is 0", "1 to")),
        ({"seeds": [1, 1]}, ("seeds is [1, 1]", "once")),
        ({"seeds": "3"}, ("seeds is '3'",)),
        ({"seeds": 1.5}, ("seeds is 1.5",)),
        ({"seeds": 10**30}, ("seeds is",)),
        ({"lr": [0.1, -1]}, ("lr is -1",)),
        ({"lr": [n / 10_000 for n in range(1, 1002)]}, ("1,001 variants", "1,000")),
        ({"rate": [1]}, ("rate",)),
        ({"network": ["nonesuch"]}, ("nonesuch",)),
        ({"folder": 5}, ("folder is 5",)),
        ({"folder": "a\0b"}, ("folder is",)),
        ({"lr": [0.1, 0.1]}, ("lr has 0.1 twice",)),
        ({"network": ["tiny", "tiny"]}, ("'tiny' twice",)),
        ({"lr": [n / 100 for n in range(1, 101)], "seeds": 5000}, ("500,000 trainings",)),
        ({"name": [1, 2]}, ("no 'name'",)),
        ({"path": 1}, ("no 'path'",)),
        ({"network": [NET, "1x4x4 | dense 4"]}, ("4 outputs", "3 classes")),
        ({"progress": 5}, ("progress is 5",)),
        ({"restore_best": [False, True]}, ("restore_best is True", "validation_fraction")),
        ({"patience": [0, 3]}, ("patience is 3", "validation_fraction")),
        (
            {
                "network": [NET, "1x4x4 | conv 2 k3 batchnorm | dense 3"],
                "optimizer": "levenberg-marquardt",
            },
            ("batch normalisation", "another optimizer"),
        ),
    ],
)
def test_what_cannot_be_meant_is_said_before_anything_is_trained(noise, values, words):
    done = []
    values = {"progress": lambda *one: done.append(one), **values}
    with refused(UsageError, *words):
        lenet.vary(**{"network": NET, "data": noise, "epochs": 1, **values})
    assert not done
