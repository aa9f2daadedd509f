"""Data sets by name."""

from pathlib import Path

import pytest

from lenet.data import load
from lenet.errors import DataError, UsageError
from refusals import refused


@pytest.mark.parametrize("name", ["digits", "DIGITS", " Digits ", Path("digits")])
def test_digits(name):
    assert load(name).name == "digits"


@pytest.mark.parametrize("name", ["fashion-mnist", "fashion_mnist", "Fashion-MNIST"])
def test_spellings(name, tmp_path):
    with refused(DataError, "fashion-mnist"):
        load(name, data_dir=tmp_path)


@pytest.mark.parametrize(
    ("name", "hint"), [("mnits", "(did you mean 'mnist'?)"), ("cifar", ""), ("", "")]
)
def test_unknown_name(name, hint):
    words = [f"no data set is called {name!r}", "digits, mnist or fashion-mnist", ".csv or .npz"]
    with refused(UsageError, *words, hint) as caught:
        load(name)
    assert caught.value.exit_code == 2
    assert bool(hint) == ("did you mean" in str(caught.value))


def test_a_model_a_run_and_a_network_are_no_data(tmp_path):
    (tmp_path / "run.json").write_text("{}")
    (tmp_path / "last.safetensors").write_bytes(b"")
    for model in (tmp_path / "last.safetensors", "no/model.safetensors", "M.SafeTensors"):
        with refused(UsageError, "a saved model", f"lenet.Model.load({str(model)!r})"):
            load(model)
    words = ["a run", "lenet.Model.load(", "last.safetensors", f"lenet.resume({str(tmp_path)!r})"]
    with refused(UsageError, *words):
        load(tmp_path)
    for network in ("lenet", "LeNet-60", "1x28x28 | conv 6 k5 | dense 10"):
        with refused(UsageError, "a network", f"lenet.train({network!r}"):
            load(network)


def test_a_folder_of_runs_is_no_data(tmp_path):
    for name in ("runs", "mine"):
        (tmp_path / name / "1").mkdir(parents=True)
        (tmp_path / name / "1" / "run.json").write_text("{}")
        with refused(UsageError, "folder of runs", "pictures"):
            load(tmp_path / name)


def test_a_folder_may_be_called_like_a_network(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lenet").mkdir()
    with refused(DataError, "there is nothing in"):
        load("lenet")


def test_options_are_for_own_pictures():
    with refused(UsageError, "skip_bad", "./digits"):
        load("digits", skip_bad=True)
