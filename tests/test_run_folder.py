"""Run folders: the name of every file, and reading them with care."""

import json
import math
import os
import re
from pathlib import Path

import pytest

import lenet
from lenet import run_folder
from lenet.errors import DataError, UsageError
from lenet.reporting.results import compare_runs, report
from lenet.reporting.run_page import value_text
from lenet.run_folder import (
    LayerSignal,
    RunRecord,
    holds_runs,
    is_run,
    read_run,
    read_signals,
    write_signals,
)
from refusals import refused

NETWORK = "1x8x8 | conv 4 k3 relu, maxpool 2 | dense 10"
#: The best epoch is not the last.
BEST = {"epochs": 9, "lr": 0.3, "schedule": "constant", "validation_fraction": 0.3}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a finished run on the digits."""
    folder = tmp_path_factory.mktemp("runs") / "first"
    lenet.train(NETWORK, run=folder, epochs=3)
    return folder


@pytest.fixture(scope="module")
def best(tmp_path_factory):
    """A run that keeps its best epoch, which is not its last."""
    folder = tmp_path_factory.mktemp("runs") / "best"
    model = lenet.train(NETWORK, run=folder, restore_best=True, **BEST)
    epochs = model.training["epochs"]
    assert epochs[-1]["test_accuracy"] != model.training["test_accuracy"]
    return folder


@pytest.fixture
def folder(finished, tmp_path):
    """Makes a run folder whose run.json is changed."""

    def make(**changes):
        info = json.loads((finished / "run.json").read_text()) | changes
        info = {key: value for key, value in info.items() if value is not ...}
        (tmp_path / "run.json").write_text(json.dumps(info))
        return tmp_path

    return make


def test_nobody_else_knows_a_files_name():
    source = Path(run_folder.__file__).parent
    names = [*run_folder.FILES, run_folder.LOCK]
    words = re.compile("|".join(f'"{re.escape(name)}"' for name in names))
    for path in source.rglob("*.py"):
        if path != Path(run_folder.__file__):
            assert not words.search(path.read_text(encoding="utf-8")), path


def test_the_model_that_is_kept_is_one_for_all_that_describe_a_run(best):
    """The page at the end of a run, ``lenet report``, ``compare`` and the model card."""
    record, model = read_run(best), lenet.Model.load(best / "best.safetensors")
    assert record.model == best / "best.safetensors"
    assert record.kept["epoch"] == model.training["kept_epoch"]
    accuracy = model.training["test_accuracy"]
    page = (best / "report.html").read_text(encoding="utf-8")
    assert f"{100 * accuracy:.2f}" in page
    assert "best.safetensors" in page
    assert "last.safetensors" not in page
    found = report(best)
    assert found.predictions.evaluation.accuracy == accuracy
    assert found.html == page
    assert compare_runs(best, best).figures[0]["test_accuracy"] == accuracy
    assert lenet.resume(best).table.tobytes() == model.table.tobytes()


def test_without_the_images_the_kept_epoch_speaks(best):
    info = json.loads((best / "run.json").read_text())
    found = report_without_images(best)
    assert f"{100 * info['test_accuracy']:.2f}" in found.html


def report_without_images(folder):
    from lenet.reporting.results import RunReport

    record = read_run(folder)
    return RunReport(record, lenet.Model.load(record.model), None, "they are away")


def test_a_best_model_that_the_recipe_does_not_keep_is_not_taken(folder):
    path = folder()
    (path / "best.safetensors").write_bytes(b"")
    assert read_run(path).model == path / "last.safetensors"


def test_an_older_run_is_read_under_todays_names(folder):
    recipe = {"keep": "best", "validation": 0.1, "clip": 1.0, "net": "1x8x8 | dense 10"}
    path = folder(recipe=recipe)
    (path / "best.safetensors").write_bytes(b"")
    record = read_run(path)
    assert record.recipe == {
        "restore_best": True,
        "validation_fraction": 0.1,
        "max_grad_norm": 1.0,
        "network": "1x8x8 | dense 10",
    }
    assert record.model == path / "best.safetensors"


def test_where_runs_lie(finished, tmp_path):
    for name in ("runs", "others"):
        (tmp_path / name / "a").mkdir(parents=True)
        (tmp_path / name / "file").write_text("")
    assert not holds_runs(tmp_path / "runs")
    for name in ("runs", "others"):
        (tmp_path / name / "a" / "run.json").write_text("")
    assert holds_runs(tmp_path / "runs")
    assert not holds_runs(tmp_path / "others")


def test_signals_come_back(tmp_path):
    signals = [
        LayerSignal(0, "conv0", 0.1 + 0.2, 1e-300, 1.0, None),
        LayerSignal(1, 'a,"b', 0.0, 1.0, 2.0, 0.25),
        LayerSignal(1, "c", 0.0, 1.0, 2.0, None, 0.5, 0.125),
    ]
    for written in (signals, []):
        write_signals(tmp_path, written)
        assert read_signals(tmp_path, lenet.parse(NETWORK)) == written


@pytest.mark.parametrize("values", ["-1,1,1,,,", "1,-1e-9,1,,,", "1,1,1,1.5,,", "1,1,1,,,nan"])
def test_signals_that_cannot_be(folder, values):
    """A root of squares is not negative, and a share is at most 1."""
    path = folder()
    path.joinpath("signals.csv").write_text(
        f"epoch,layer,weight,gradient,output,saturated,sparsity,dead\n1,conv0,{values}\n"
    )
    with refused(DataError, "signals.csv", "no table of signals"):
        read_signals(path, lenet.parse(NETWORK))


def test_signals_of_an_older_lenet(folder):
    """It counted the zeros of a relu as saturated, and those of a leaky one too."""
    path = folder(network="1x8x8 | conv 2 k3 relu | dense 3 sigmoid, dense 4 leaky-relu, dense 10")
    (path / "signals.csv").write_text(
        "epoch,layer,weight,gradient,output,saturated\n0,conv0,1,2,3,0.75\n0,dense0,1,2,3,0.25\n"
        "0,dense1,1,2,3,0.5\n0,dense2,1,2,3,\n"
    )
    shares = [(s.saturated, s.sparsity, s.dead) for s in read_run(path).signals]
    assert shares == [(None, 0.75, None), (0.25, None, None), (None,) * 3, (None,) * 3]


def test_a_folders_name_is_one_printable_line():
    """It stands on pages and in a terminal: no line break, no colour, no turn of the direction."""
    assert RunRecord(Path("new\nline\x1b[31m\u202egnp.exe\udcff"), {}).name == (
        r"new\nline\x1b[31m\u202egnp.exe\udcff"
    )
    assert RunRecord(Path("数字 1"), {}).name == "数字 1"


def test_what_a_run_wrote_is_read(finished):
    record = read_run(finished)
    assert record.name == "first"
    assert record.info["status"] == "finished"
    assert [epoch["epoch"] for epoch in record.epochs] == [1, 2, 3]
    assert lenet.Recipe(**record.recipe).epochs == 3
    assert record.network.input_shape == (1, 8, 8)
    assert {one.epoch for one in record.signals} == {0, 1, 2, 3}
    assert record.seconds > 0
    assert record.model.exists()


def test_a_number_that_was_none_is_no_number(folder):
    record = read_run(folder(epochs=[{"epoch": 1, "loss": None}]))
    assert math.isnan(record.epochs[0]["loss"])


def test_broken_signals_are_done_without(folder):
    path = folder()
    for content in (
        *(b"nonsense", b"\xff\xfe\x00", b"", b"\0", b"a,b\n1,2\n", b'epoch,"x', b"\r"),
        b"epoch,layer,weight,gradient,output,saturated\n1,conv0\n",
    ):
        (path / "signals.csv").write_bytes(content)
        record = read_run(path)
        assert record.signals == ()
        assert record.no_signals.startswith(f"{path / 'signals.csv'} cannot be read (")


def test_signals_that_are_a_pipe_are_not_waited_for(folder):
    path = folder()
    os.mkfifo(path / "signals.csv")
    assert "no file" in read_run(path).no_signals


@pytest.mark.parametrize("name", ["nowhere", "", "zero\0byte", "run.json"])
def test_no_run(tmp_path, name):
    assert not is_run(tmp_path / name)
    with refused(UsageError, "is no run"):
        read_run(tmp_path / name)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": "x"}, "its format is not lenet-run"),
        ({"version": 2}, "its version is 2 and this lenet reads 1"),
        ({"epochs": ...}, "its epochs is missing or of the wrong kind"),
        ({"epochs": {}}, "its epochs is missing"),
        ({"epochs": [3]}, "its epochs are no list of numbers by name"),
        ({"epochs": [{"loss": "1"}]}, "its epochs are no list of numbers"),
        ({"epochs": [{"loss": 1.0}]}, "an epoch has no number"),
        ({"classes": [1]}, "its classes is 1"),
        ({"seed": True}, "its seed is missing"),
        ({"epochs": [{"epoch": 10**400}]}, "its epochs are no list of numbers"),
        ({"train_seconds": 10**400}, "its train_seconds"),
        ({"network": "1x28x28 | conv"}, "is damaged"),
        ({"network": "1x8x8 | conv 3 k9"}, "is damaged"),
        ({"recipe": []}, "its recipe is missing"),
        ({"recipe": {"lr": None}}, "its recipe"),
        ({"arguments": {"source": "digits", "evil": 1}}, "'evil'"),
        ({"arguments": {"source": 3}}, "source"),
        ({"arguments": {"source": "digits", "gray": 1}}, "gray"),
        ({"arguments": {"source": "digits", "size": [1.5, []]}}, "size"),
        ({"arguments": [1]}, "its arguments"),
        ({"resumed": 3}, "its resumed"),
        ({"resumed": [3]}, "its resumed"),
        ({"train_images": "1"}, "its train_images"),
        ({"train_images": 10**400}, "its train_images"),
        ({"chance": 10**400}, "its chance"),
        ({"chance": True}, "its chance"),
        ({"dataset": "\ud800"}, "its dataset"),
        ({"status": "a\x1b[2J"}, "its status"),
        ({"machine": {"lenet": "\ud800"}}, "its machine"),
        ({"source": "\ud800"}, "its source"),
        ({"arguments": {"source": "\ud800"}}, "source"),
        ({"classes": ["\ud800"]}, "its classes"),
    ],
)
def test_damaged(folder, changes, words):
    with pytest.raises(DataError) as caught:
        read_run(folder(**changes))
    assert words in str(caught.value)
    assert "intact" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000])
def test_no_json(tmp_path, content):
    (tmp_path / "run.json").write_bytes(content)
    with refused(DataError, "damaged"):
        read_run(tmp_path)


def test_a_source_may_be_a_path_of_any_bytes(folder):
    assert read_run(folder(source="x\udcff")).source == "x\udcff"


def test_an_empty_value_is_shown():
    assert value_text("") == "-"
