"""``lenet train --vary`` from the command line."""

import json

import pytest

from lenet.cli.main import main
from lenet.net.sources import split_sources

FEW = ["train", "--net", "1x8x8 | dense 10", "--epochs", "1", "--seeds", "2"]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_table_and_a_page(here, capsys):
    assert main([*FEW, "--vary", "lr=0.001,0.1"]) == 0
    out = capsys.readouterr().out
    assert "2 variants · 2 seeds · native " in out
    assert "lr 0.001" in out
    (folder,) = (here / "runs").iterdir()
    assert sorted(path.name for path in folder.iterdir()) == ["report.html", "trials.jsonl"]
    assert f"Saved runs/{folder.name}/report.html" in out
    assert main([*FEW, "--vary", "lr=0.001,0.1"]) == 0
    assert capsys.readouterr().out == out  # from what is kept, in the same folder
    assert len((folder / "trials.jsonl").read_text().splitlines()) == 4


def test_a_report_of_it_says_what_it_is(here, capsys):
    command = [*FEW, "--vary", "lr=0.001,0.1", "--run", "two"]
    assert main(command) == 0
    for page, words in (("report.html", "open report.html in it"), ("", "makes their page")):
        capsys.readouterr()
        assert main(["report", "runs/two"]) == 2
        told = capsys.readouterr().err
        assert "'runs/two' is no run: it holds many trainings" in told
        assert words in told
        (here / "runs" / "two" / "report.html").unlink(missing_ok=not page)


def test_json_and_a_name(here, capsys):
    command = [*FEW, "--vary", "optimizer=sgd,adamw", "--lr", "0.1", "--run", "two", "--json"]
    assert main(command) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["run"] == "runs/two"
    assert [row["name"] for row in told["variants"]] == ["optimizer sgd", "optimizer adamw"]


def test_networks_and_augmentations(capsys):
    command = ["train", "--epochs", "1", "--seeds", "1", "--quiet"]
    nets = "net=1x8x8 | conv 2 k3 relu, maxpool 2 | dense 10, lenet-relu"
    assert main([*command, "--vary", nets, "--vary", "augment.shift=0,1"]) == 0
    out = capsys.readouterr().out
    for name in ("net 1, shift 0", "net 1, shift 1", "lenet-relu, shift 0", "lenet-relu, shift 1"):
        assert name in out


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("lenet,tiny", ["lenet", "tiny"]),
        ("a.json, 1@8x8 | dense 4", ["a.json", "1@8x8 | dense 4"]),
        (
            "1x8x8 | conv 2 k3, maxpool 2 | dense 4, dense 2, m.onnx",
            ["1x8x8 | conv 2 k3, maxpool 2 | dense 4, dense 2", "m.onnx"],
        ),
        ("lenett,tiny", ["lenett", "tiny"]),
        ("tiny, vgg", ["tiny", "vgg"]),
    ],
)
def test_networks_beside_each_other(text, found):
    assert split_sources(text) == found


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--vary", "lr"], "lr=0.5,1,2.5"),
        (["--vary", "lr=1,,2"], "lr=0.5,1,2.5"),
        (["--vary", "=1"], "lr=0.5,1,2.5"),
        (["--vary", "lr=fast,slow"], "lr is 'fast'"),
        (["--vary", "rate=1,2"], "rate"),
        (["--vary", "lr=1,2", "--lr", "3"], "lr is given twice"),
        (["--vary", "lr=1,2", "--vary", "lr=3,4"], "lr is given twice"),
        (["--vary", "net=lenet,tiny"], "network is given twice"),
        (["--vary", "lr=1,2", "--seed", "3"], "give --seeds"),
        (["--vary", "lr=1,2", "--threads", "3"], "--jobs"),
        (["--vary", "lr=1,2", "--resume", "runs/x"], "the same command"),
        (["--vary", "lr=1,2", "--jobs", "0"], "jobs is 0"),
        (["--vary", "lr=1,2", "--run", "a/b"], "one folder"),
        (["--vary", "lr=1e30,1e31"], "1e+30"),
        (["--vary", "lr=1,1"], "lr has 1 twice"),
        (["--vary", "data=a,b"], "no 'data'"),
        (["--set", "name=x"], "no 'name'"),
    ],
)
def test_what_cannot_be_meant(here, capsys, options, words):
    assert main([*FEW, *options]) in (1, 2)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert words in captured.err
    assert captured.err.count("\n") == 1
    assert not (here / "runs").exists()


def test_the_folder_of_one_training_stays(here, capsys):
    assert main(["train", "--net", "1x8x8 | dense 10", "--epochs", "1", "--run", "one"]) == 0
    before = {path: path.read_bytes() for path in (here / "runs" / "one").iterdir()}
    capsys.readouterr()
    assert main([*FEW, "--vary", "lr=0.1,0.2", "--run", "one"]) == 2
    assert "another name" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in (here / "runs" / "one").iterdir()} == before


def test_ctrl_c_says_what_is_kept(here, capsys, monkeypatch):
    from lenet.studies import trials

    run = trials.run_trial

    def stopped(trial, data, pause=None):
        if trial.seed:
            raise KeyboardInterrupt
        return run(trial, data, pause)

    monkeypatch.setattr(trials, "run_trial", stopped)
    assert main([*FEW, "--jobs", "1", "--vary", "lr=0.001,0.1", "--run", "a"]) == 130
    assert "2 of 4 trainings are in runs/a; the same command goes on" in capsys.readouterr().err


def test_what_is_set_aside_is_told(capsys):
    assert main([*FEW, "--vary", "lr=0.001,0.1", "--set", "validation_fraction=0.3"]) == 0
    assert "1,006 to train on, 431 to validate" in capsys.readouterr().out
