"""``lenet train --folds`` from the command line."""

import csv
import json

import pytest

from digit_pictures import write_digits
from lenet.cli.main import main

FEW = ["train", "--net", "1x8x8 | dense 10", "--epochs", "1"]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_table_a_page_and_the_answers(here, capsys):
    command = [*FEW, "--folds", "3", "-o", "a.csv"]
    assert main(command) == 0
    out = capsys.readouterr().out
    lines = out.splitlines()
    assert lines[0] == "digits · 1,797 images of 8x8, 10 classes · 3 folds"
    assert "mean and standard deviation of the accuracy over 3 folds of digits" in lines[3]
    (folder,) = (here / "runs").iterdir()
    assert sorted(path.name for path in folder.iterdir()) == ["report.html", "trials.jsonl"]
    assert lines[-1] == f"Saved runs/{folder.name}/report.html and a.csv"
    with open("a.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 1797
    assert {row["fold"] for row in rows} == {"1", "2", "3"}
    assert main(command) == 0
    assert capsys.readouterr().out == out  # from what is kept, in the same folder
    assert len((folder / "trials.jsonl").read_text().splitlines()) == 3


def test_other_folds_of_data_with_a_test_part(here, capsys):
    for seed in ("0", "1"):
        assert main([*FEW, "--folds", "2", "--split-seed", seed, "--json"]) == 0
    first, other = capsys.readouterr().out.split("\n}\n{\n")
    assert first.replace("{\n", "", 1) != other
    assert len(list((here / "runs").iterdir())) == 2


def test_groups_of_pictures(here, capsys):
    write_digits("own", {"3": 20, "5": 20})
    for number, path in enumerate(sorted(here.rglob("own/*/*.png"))):
        path.rename(path.with_name(f"{number // 4}_{path.name}"))
    command = [*FEW[:1], "own", "--size", "8", "--net", "tiny", "--epochs", "1", "--folds", "4"]
    assert main([*command, "--group", "{group}_*", "--json", "-o", "a.csv"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["dataset"], told["output"], len(told["folds"])) == ("own", "a.csv", 4)
    assert "10 groups, each in one fold" in told["notes"]
    assert not any("to test on" in note or "kept for testing" in note for note in told["notes"])
    folds = {}
    with open("a.csv", newline="") as file:
        for row in csv.DictReader(file):
            folds.setdefault(row["image"].split("/")[1].split("_")[0], set()).add(row["fold"])
    assert len(folds) == 10
    assert all(len(kinds) == 1 for kinds in folds.values())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--folds", "1"], ["folds is 1", "--folds"]),
        (["--folds", "2.5"], ["--folds is '2.5'"]),
        (["--folds", "5", "--vary", "lr=1,2"], ["--vary does not go with --folds"]),
        (["--folds", "5", "--seeds", "3"], ["--seeds does not go with --folds"]),
        (["--folds", "5", "--on", "ray"], ["--on does not go with --folds"]),
        (["--folds", "5", "--resume", "runs/x"], ["--resume does not go with --folds"]),
        (["--folds", "5", "--dry-run"], ["--dry-run does not go with --folds"]),
        (["--folds", "5", "-o", "a.txt"], ["a.txt", ".csv or .parquet"]),
        (["--folds", "5", "--jobs", "0"], ["jobs is 0"]),
        (["--folds", "5", "--seed", "-1"], ["the seed is -1"]),
        (["--folds", "5", "--quick"], ["--quick does not go with --folds"]),
        (["--folds", "1000", "--run", "a/b"], ["--run"]),
        (["-o", "a.csv"], ["--output", "give --folds"]),
        (["--vary", "lr=1,2", "-o", "a.csv"], ["--output", "give --folds"]),
        (["nothing", "--folds", "5"], ["nothing"]),
    ],
)
def test_refusals(here, capsys, options, words):
    assert main([*FEW, *options]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    for word in words:
        assert word in told
    assert not (here / "runs").exists()


def test_a_folder_of_one_training_is_left_alone(here, capsys):
    assert main([*FEW, "--run", "one", "--quiet"]) == 0
    assert main([*FEW, "--run", "one", "--folds", "2"]) == 2
    assert "is the folder of one training" in capsys.readouterr().err


def test_other_data_of_the_same_name_have_a_folder_of_their_own(here, capsys):
    for place, classes in (("a", "35"), ("b", "38")):
        write_digits(f"{place}/pets", dict.fromkeys(classes, 12))
        command = ["train", f"{place}/pets", "--size", "8", "--net", "tiny", "--recipe", "modern"]
        assert main([*command, "--epochs", "1", "--folds", "2"]) == 0
        assert main([*command, "--epochs", "1", "--seeds", "1"]) == 0
    assert len(list((here / "runs").iterdir())) == 4


def test_a_value_that_is_a_list_is_one_value(here, capsys):
    listed = ["--schedule", "listed", "--set", "epoch_rates=[0.1,0.01]"]
    for more in (["--folds", "2"], ["--seeds", "1"]):
        assert main([*FEW, *more, *listed, "--json"]) == 0, capsys.readouterr().err
