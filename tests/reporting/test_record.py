"""Run folders are read with care."""

import json
import math

import pytest

import lenet
from lenet.errors import DataError, UsageError
from lenet.reporting.record import is_run, read_run


@pytest.fixture
def folder(finished, tmp_path):
    """Makes a run folder whose run.json is changed."""

    def make(**changes):
        info = json.loads((finished / "run.json").read_text()) | changes
        info = {key: value for key, value in info.items() if value is not ...}
        (tmp_path / "run.json").write_text(json.dumps(info))
        return tmp_path

    return make


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
    for content in (b"nonsense", b"\xff\xfe\x00", b""):
        (path / "signals.csv").write_bytes(content)
        assert read_run(path).signals == []


@pytest.mark.parametrize("name", ["nowhere", "", "zero\0byte", "run.json"])
def test_no_run(tmp_path, name):
    assert not is_run(tmp_path / name)
    with pytest.raises(UsageError, match=r"is no run: it has no run\.json; name a folder that"):
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
        ({"classes": [1]}, "its classes are no list of names"),
        ({"seed": True}, "its seed is missing"),
        ({"epochs": [{"epoch": 10**400}]}, "its epochs are no list of numbers"),
        ({"train_seconds": 10**400}, "its train_seconds is no number"),
        ({"network": "1x28x28 | conv"}, "is damaged"),
        ({"network": "1x8x8 | conv 3 k9"}, "is damaged"),
        ({"recipe": []}, "its recipe is missing"),
    ],
)
def test_damaged(folder, changes, words):
    with pytest.raises(DataError) as caught:
        read_run(folder(**changes))
    assert words in str(caught.value)
    assert str(caught.value).endswith("; give an intact run folder.")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000])
def test_no_json(tmp_path, content):
    (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(DataError, match=r"run\.json is damaged"):
        read_run(tmp_path)
