"""``lenet tune`` from the command line."""

import json

import pytest

from lenet.cli import tune as module
from lenet.cli.main import main

FEW = ["tune", "--trials", "3", "--epochs", "1", "--seeds", "1", "--budget", "parameters=500"]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_search_and_what_it_leaves(here, capsys):
    assert main(FEW) == 0
    out = capsys.readouterr().out
    for words in (
        "at most 500 parameters",
        "Leaderboard",
        "lenet-relu",
        "lenet train digits --net",
    ):
        assert words in out
    (folder,) = (here / "runs").iterdir()
    page = (folder / "report.html").read_text()
    assert "Accuracy against parameters" in page
    assert page.count("lenet train digits") >= 4  # the winner, and each again
    (run,) = (path for path in folder.iterdir() if path.is_dir())
    assert (run / "report.html").exists()
    assert main(FEW) == 0
    assert capsys.readouterr().out == out  # from what is kept


def test_json_and_a_name(here, capsys):
    assert main([*FEW, "--run", "a", "--json", "--strategy", "halving"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["run"].startswith("runs/a/candidate-")
    assert told["strategy"] == "halving"
    assert all(trial["parameters"] <= 500 for trial in told["trials"])


def test_ctrl_c_says_how_to_go_on(here, capsys, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(module._Counter, "__call__", stop)
    assert main([*FEW, "--run", "a"]) != 0
    assert "the same command goes on" in capsys.readouterr().err


@pytest.mark.parametrize(
    "given",
    [
        ["--budget", "params=100"],
        ["--budget", "parameters=9"],
        ["--minutes", "0"],
        ["--strategy", "asha"],
        ["--seeds", "0"],
        ["--run", "a/b"],
        ["--recipe", "nosuch"],
        ["nosuch"],
    ],
)
def test_one_sentence(given, capsys):
    kept = [FEW[0]]
    for name, value in zip(FEW[1::2], FEW[2::2], strict=True):
        if name not in given and not (name == "--trials" and "--minutes" in given):
            kept += [name, value]
    assert main([*kept, *given]) == 2
    err = capsys.readouterr().err
    assert err.startswith("lenet: ")
    assert err.count("\n") == 1
