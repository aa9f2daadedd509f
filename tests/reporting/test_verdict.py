"""Why a run learned nothing: each reason from signals that show it, and from real trainings."""

from dataclasses import replace
from pathlib import Path

import pytest

import lenet
from lenet.reporting import html
from lenet.reporting.verdict import calibration_text, find_reasons, sentence, to_dict
from lenet.run_folder import LayerSignal, RunRecord, read_run

NETWORK = "1x8x8 | conv 6 k3 relu, maxpool 2 | dense 32 relu, dense 10"


def course(layer, *, weight=(0.1,), gradient=(0.1,), saturated=(None,), dead=(None,)):
    """The signals of a layer; of a value that stays, one is enough."""

    def at(values, epoch):
        return values[min(epoch, len(values) - 1)]

    return [
        LayerSignal(
            n, layer, at(weight, n), at(gradient, n), 1.0, at(saturated, n), None, at(dead, n)
        )
        for n in range(4)
    ]


def record(*courses, losses=(2.3, 2.3, 2.3), accuracy=0.1, status="finished", **recipe):
    epochs = [
        {"epoch": n, "loss": loss, "test_accuracy": accuracy} for n, loss in enumerate(losses, 1)
    ]
    recipe = {"lr": 0.1, "batch_size": 10, "optimizer": "sgd", "weight_decay": 0.0} | recipe
    info = {"status": status, "epochs": epochs, "classes": list("0123456789"), "recipe": recipe}
    signals = sorted((signal for one in courses for signal in one), key=lambda one: one.epoch)
    return RunRecord(Path("a"), info | {"train_images": 1000, "chance": 0.1028}, signals)


HEALTHY = course("dense0")


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (
            record(
                course("conv0", dead=(0.1, 1.0)), course("conv1", dead=(0.1, 0.5, 1.0)), HEALTHY
            ),
            ["All units of conv0 are dead from epoch 1 on: ", "learning rate than 0.1"],
        ),
        (
            record(course("conv0", dead=(1.0,)), course("conv1", dead=(1.0,)), HEALTHY),
            ["All units of conv0 and conv1 are dead from the start: "],
        ),
        (
            record(course("conv0", dead=(0.0, 0.0, 0.95)), HEALTHY),
            ["Nearly all units of conv0 are dead from epoch 2 on: "],
        ),
        (
            record(course("dense0", saturated=(0.1, 1.0)), course("dense1")),
            ["All outputs of dense0 are saturated from epoch 1 on: "],
        ),
        (
            record(course("conv0", weight=(0.2, 1e-3)), HEALTHY, weight_decay=0.1),
            [
                "The weights of conv0 shrank from 0.2 to 0.001",
                "The weight decay of 0.1, with sgd a",
            ],
        ),
        (
            record(
                course("conv0", weight=(0.2, 1e-3)), HEALTHY, weight_decay=9.0, optimizer="adamw"
            ),
            ["The weight decay of 9, pulls"],
        ),
        (
            record(course("conv0", weight=(0.2, 5e9)), HEALTHY),
            ["The weights of conv0 grew from 0.2 to 5e+09 "],
        ),
        (
            record(course("conv0", gradient=(1e-3, 3e-8)), HEALTHY),
            ["The gradients of conv0 are below 1e-07 in epoch 3, where those of dense0 are 0.1"],
        ),
        (
            record(course("conv0", gradient=(0.0,)), HEALTHY),
            ["The gradients of conv0 are zero in epoch 3"],
        ),
        (
            record(HEALTHY, lr=1e-6),
            ["In 300 steps at a learning rate of 1e-06 ", "about 0.03 %", "larger learning rate"],
        ),
        (record(HEALTHY, losses=(2.3, 2.2, 2.1)), ["The loss still falls, from 2.3 to 2.1: "]),
        (record(HEALTHY, losses=(0.676, 0.7, 0.685)), ["The loss rose from 0.676 to 0.685: "]),
        (record(HEALTHY, losses=(2.3, 2.4)), ["The loss rose from 2.3 to 2.4: ", "than 0.1"]),
    ],
)
def test_the_reason(found, words):
    told = sentence(found)
    assert told.startswith("It is hardly better than guessing: 10.00 % of the test images")
    assert "gives 10.28 %." in told
    for part in words:
        assert part in told
    assert " ".join(find_reasons(found)) in told


def test_no_reason_is_invented():
    for found in (record(HEALTHY), record()):
        assert find_reasons(found) == []
        assert "Its signals show no reason" in sentence(found)


def test_who_has_learned_or_was_not_tested_is_not_told():
    dead = course("conv0", dead=(1.0,))
    assert sentence(record(dead, accuracy=0.3)) == ""
    assert sentence(record(dead, accuracy=float("nan"))) == ""
    assert sentence(record(dead, losses=())) == ""


def test_who_diverged_is_told_why():
    grown = record(course("conv0", weight=(0.2, 5e9)), status="diverged", accuracy=0.9)
    assert sentence(grown).startswith("The weights of conv0")
    assert to_dict(grown) == {"guessing": False, "reasons": find_reasons(grown)}
    assert sentence(record(HEALTHY, status="diverged", losses=())) == ""


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        ({"recipe": "original", "epochs": 3}, "dead from epoch 3 on"),
        (
            {"recipe": "original", "epochs": 4, "weight_decay": 0.3, "lr": 0.9},
            "weight decay of 0.3",
        ),
        ({"epochs": 2, "lr": 1e-7}, "larger learning rate"),
    ],
)
def test_real_trainings(tmp_path, recipe, words):
    lenet.train(NETWORK, "digits", run=tmp_path / "a", **recipe)
    found = lenet.report(tmp_path / "a")
    told = sentence(read_run(tmp_path / "a"))
    assert words in told
    assert html.text(told) in found.html
    assert told in " ".join(str(found).split())
    assert found.to_dict()["guessing"] is True


def test_the_shares_that_a_network_has_are_explained_and_no_others(tmp_path):
    for name, words in (("relu", ("Sparsity is", "Dead are")), ("sigmoid", ("Saturated are",))):
        network = f"1x8x8 | conv 4 k3 {name}, maxpool 2 | dense 10"
        lenet.train(network, "digits", run=tmp_path / name, epochs=1)
        page = (tmp_path / name / "report.html").read_text(encoding="utf-8")
        for text in ("Sparsity is", "Dead are", "Saturated are"):
            assert (text in page) == (text in words)


def test_of_many_layers_the_first_are_named():
    dead = [course(f"dense{n}", dead=(1.0,)) for n in range(2000)]
    assert "All units of dense0, dense1, dense2, dense3 and 1,996 more layers are dead" in sentence(
        record(*dead)
    )


def told(**info):
    """A run that is better than guessing, and says this."""
    good = record(HEALTHY, accuracy=0.9)
    return RunRecord(good.folder, {**good.info, **info}, good.signals)


def test_a_class_that_is_never_recognised():
    words = sentence(told(unrecognised=["stop", "yield"]))
    assert words.startswith("No test image of the classes stop, yield is recognised. ")
    assert "--balance" in words
    many = sentence(told(unrecognised=list("abcdefgh")))
    assert many.startswith("No test image of the classes a, b, c, d, e and 3 more is recognised.")
    balanced = told(unrecognised=["stop"], recipe={"class_weight": "balanced"})
    assert "--balance" not in sentence(balanced)
    for nothing in ([], None, "stop", 3):
        assert sentence(told(unrecognised=nothing)) == ""


def test_what_calibration_did():
    done = {"temperature": 0.577, "images": 1200, "error_before": 0.0884, "error_after": 0.003}
    assert calibration_text(told(calibration=done)) == (
        "Its probabilities are calibrated on 1,200 validation images: there the expected "
        "calibration error was 8.84 % and is 0.30 % (temperature 0.577)."
    )
    for nothing in (None, {}, [], {**done, "images": "many"}, {"temperature": 1}):
        assert calibration_text(told(calibration=nothing)) == ""


def test_a_training_tells_both(tmp_path):
    """Digits of which one class has no image to train on."""
    digits = lenet.load("digits")
    data = replace(digits, train=digits.train.chosen(digits.train.labels != 3))
    recipe = lenet.recipe(epochs=12, validation_fraction=0.1)
    model = lenet.train(NETWORK, data, recipe, run=tmp_path / "run")
    assert model.training["unrecognised"] == ["3"]
    report = lenet.report(tmp_path / "run", data=data)
    top, below = report.html.split("<section", 1)
    assert "No test image of class 3 is recognised." in top
    assert calibration_text(report.record) in below
    assert "If the unsurest are left open" in below


def by_heart(train, test, **augment):
    epochs = [{"epoch": 1, "loss": 0.1, "train_accuracy": train, "test_accuracy": test}]
    info = record(HEALTHY).info | {"epochs": epochs, "recipe": {"augment": augment}}
    return RunRecord(Path("a"), info, [])


def test_what_is_learnt_by_heart_is_said_with_what_helps():
    words = sentence(by_heart(1.0, 0.555))
    assert "by heart (100.00 % right)" in words
    assert "55.50 %" in words
    assert "--recipe auto" in words
    words = sentence(by_heart(1.0, 0.555, shift=2))
    assert "--recipe auto" not in words
    assert "more pictures" in words
    for train, test in ((1.0, 0.95), (0.9, 0.6), (0.6, 0.9)):
        assert sentence(by_heart(train, test)) == ""
