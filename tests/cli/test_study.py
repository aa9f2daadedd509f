"""``lenet study`` from the command line."""

import json

import pytest

from lenet.cli.main import main
from lenet.studies import claim
from studies.test_study import SMALL


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rates.toml").write_text(SMALL)
    return tmp_path


def test_the_list(capsys):
    assert main(["study"]) == 0
    out = capsys.readouterr().out
    assert [name for name in claim.names() if f"\n{name} " in f"\n{out}"] == list(claim.names())
    assert max(map(len, out.splitlines())) <= 80
    assert main(["study", "--json"]) == 0
    assert list(json.loads(capsys.readouterr().out)["studies"]) == list(claim.names())


def test_one_study(here, capsys):
    assert main(["study", "rates.toml"]) == 0
    out = capsys.readouterr().out
    assert "This holds." in out
    (page,) = (here / "runs" / "studies").glob("rates-*.html")
    assert f"Saved runs/studies/{page.name}" in out
    (here / "rates.toml").write_text(SMALL.replace("0.05 is", "0.05 may be"))
    assert main(["study", "rates.toml"]) == 0
    assert len(list((here / "runs" / "studies").glob("rates-*.html"))) == 2
    capsys.readouterr()
    assert main(["study", "rates.toml", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["answer"] == "yes"


def test_all_studies(here, capsys, monkeypatch):
    (here / "other.toml").write_text(SMALL.replace('"base"\nlower = "slow"', '"slow"\nlower = 99'))
    monkeypatch.setattr(claim, "FOLDER", here)
    assert main(["study", "all"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["other", "rates"]
    assert lines[0].endswith("This does not hold.")
    trials = (here / "runs" / "studies" / "trials.jsonl").read_text().splitlines()
    assert len(trials) == 6  # both studies have the same arms
    assert main(["study", "all", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["studies"]) == 2


def test_no_text_of_a_file_reaches_the_terminal_raw(here, capsys, monkeypatch):
    (here / "rates.toml").write_text(SMALL.replace("A rate", "\\u001b[31mA\\u202e rate"))
    (here / "other.toml").write_text(SMALL.replace("it is better", "\\u001b[2Jit"))
    monkeypatch.setattr(claim, "FOLDER", here)
    for arguments in ([], ["all"], ["rates"], ["other"]):
        assert main(["study", *arguments]) == 0
        out = capsys.readouterr().out
        assert "\x1b" not in out
        assert "\u202e" not in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nonesuch"], "nonesuch"),
        (["rates.toml", "--jobs", "0"], "jobs is 0"),
        (["no.toml"], "no.toml"),
    ],
)
def test_what_cannot_be_meant(here, capsys, arguments, words):
    assert main(["study", *arguments]) in (1, 2)
    err = capsys.readouterr().err
    assert words in err
    assert err.count("\n") == 1
    assert not (here / "runs").exists()
