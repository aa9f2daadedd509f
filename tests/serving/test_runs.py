"""The runs that may be shown."""

import json
import os
import shutil

import pytest

from lenet.errors import DataError, UsageError
from lenet.serving.runs import Runs
from refusals import refused


def test_runs_elsewhere_are_shown_beside_those_here(here, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    shutil.copytree(here / "runs", other / "more")
    runs = Runs([other / "more", here / "runs" / "run-1"])
    assert len(runs.folders()) == 4
    (path,) = runs.find("run-0")  # of its own folder
    assert path.samefile(here / "runs" / "run-0")
    elsewhere = other / "more" / "run-0"
    assert runs.folders()[str(elsewhere)] == elsewhere
    for folder in (path, elsewhere):
        assert runs.find(runs.name(folder))[0].samefile(folder)


def test_the_same_run_is_shown_once(here):
    assert runs_of(here / "runs", here / "runs" / "run-0") == {"run-0", "run-1"}


def runs_of(*places):
    return set(Runs(places).folders())


def test_no_run_is_a_sentence(here):
    with refused(UsageError, "is no run and holds none", "nothing"):
        Runs(["nothing"])
    with refused(UsageError, "the run is 5"):
        Runs([5])


def test_a_folder_that_cannot_be_read_is_a_sentence(here, monkeypatch):
    def forbidden(path):
        raise PermissionError(13, "Permission denied")

    runs = Runs([])
    monkeypatch.setattr("pathlib.Path.iterdir", forbidden)
    with refused(DataError, "cannot read the folder runs: permission denied"):
        runs.entries()
    with refused(DataError, "cannot read the folder runs"):
        Runs(["runs"])


def test_without_any_run_the_list_is_empty(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Runs([]).entries() == []


def test_what_changed_is_read_again(here):
    runs = Runs([])
    assert {entry["status"] for entry in runs.entries()} == {"finished"}
    path = here / "runs" / "run-0" / "run.json"
    path.write_text(path.read_text().replace('"finished"', '"interrupted"'))
    states = {entry["name"]: entry["status"] for entry in runs.entries()}
    assert states == {"run-0": "interrupted", "run-1": "finished"}


def test_a_damaged_run_says_so(here):
    (here / "runs" / "run-0" / "run.json").write_text("{}")
    entries = {entry["name"]: entry for entry in Runs([]).entries()}
    assert "damaged" in entries["run-0"]["problem"]
    assert entries["run-1"]["status"] == "finished"


@pytest.mark.parametrize("is_link", [True, False])
def test_a_page_that_leads_elsewhere_is_not_shown(here, is_link):
    page = here / "runs" / "run-0" / "report.html"
    page.unlink()
    if is_link:
        (here / "secret.html").write_text("secret")
        page.symlink_to(here / "secret.html")
    with refused(UsageError, "run-0 has no page"):
        Runs([]).page("run-0")


def test_a_hostile_name_is_printable(here):
    folder = here / "runs" / "a\x1b[31m\udcff"
    shutil.copytree(here / "runs" / "run-0", folder)
    assert json.dumps(Runs([]).entries())
    assert any("\\udcff" in name for name in Runs([]).folders())


def test_a_page_and_a_model_come_and_go(here):
    runs = Runs([])
    folder = here / "runs" / "run-0"

    def entry():
        return next(one for one in runs.entries() if one["name"] == "run-0")

    page, model = folder / "report.html", folder / "last.safetensors"
    before = entry()
    for path, name in ((page, "has_page"), (model, "has_model")):
        had, kept = before[name], path.read_bytes() if path.exists() else b"x"
        path.unlink(missing_ok=True)
        assert entry()[name] is False
        path.write_bytes(kept)
        assert entry()[name] is True
        assert had in (True, False)
    os.utime(model, (1, 1))
    assert entry()["model_changed"] == "1000000000"
