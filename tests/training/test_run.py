"""A run: what is written, when, and never over anything."""

import csv
import json
import os
import resource
import shutil
import signal
import subprocess
import sys

import pytest

import lenet
from lenet import files
from lenet.errors import DivergenceError, OutputError, UsageError
from lenet.run_folder import read_run
from lenet.training import Recipe, Run
from lenet.training import run as run_module
from lenet.training.run import Pacing
from refusals import refused
from stopping import Stop

QUICK = Recipe(epochs=2, batch_size=100)
FILES = [
    *("history.csv", "last.safetensors", "learning-curve.png", "recipe.toml", "report.html"),
    *("run.json", "signals.csv", "trained-on.npz"),
]
CHECKPOINT = "checkpoint-1.safetensors"


def read(folder):
    return json.loads((folder / "run.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def run(few, tmp_path_factory):
    """A finished run, and the model that it was."""
    folder = tmp_path_factory.mktemp("runs") / "ein lauf · 1"
    network = "1x8x8 | conv 4 k3 relu, maxpool 2 | dense 10"
    return folder, lenet.train(network, few, QUICK, seed=3, threads=2, run=folder)


def test_files(run):
    assert sorted(os.listdir(run[0])) == FILES


def test_run_json(run):
    folder, model = run
    info = read(folder)
    assert (info["format"], info["version"]) == ("lenet-run", 1)
    assert info["status"] == "finished"
    assert info["network"] == str(model.network)
    assert lenet.parse(info["network"]) == model.network
    assert info["parameters"] == model.plan.parameters
    assert (info["dataset"], info["classes"]) == ("few", list("0123456789"))
    assert (info["train_images"], info["test_images"]) == (300, 100)
    assert Recipe.from_dict(info["recipe"]) == QUICK.replace(network=str(model.network))
    assert (info["seed"], info["threads"]) == (3, 2)
    assert info["engine"]
    assert info["test_accuracy"] == info["epochs"][-1]["test_accuracy"]
    assert info["train_seconds"] == sum(epoch["seconds"] for epoch in info["epochs"])
    assert [list(epoch) for epoch in info["epochs"]] == [
        [
            *("epoch", "loss", "train_accuracy", "test_accuracy", "seconds"),
            *("test_loss", "learning_rate"),
        ]
    ] * 2
    assert {"lenet", "python", "numpy", "system", "processor"} <= set(info["machine"])
    assert info["started"].endswith("+00:00")
    assert info["image_shape"] == [1, 8, 8]
    assert info["test_hash"] != info["data_hash"]


def test_the_model_carries_the_same(run):
    folder, model = run
    info, loaded = read(folder), lenet.Model.load(folder / "last.safetensors")
    assert loaded.table.tobytes() == model.table.tobytes()
    assert loaded.training == model.training
    info["epochs"] = without_seconds(info["epochs"])
    told = {key: value for key, value in loaded.training.items() if key != "profile"}
    assert {key: info[key] for key in told} == told  # the profile is the model's alone


def without_seconds(rows):
    return [{key: value for key, value in row.items() if key != "seconds"} for row in rows]


def test_equal_trainings_are_equal_files(few, tmp_path):
    network = "1x8x8 | conv 4 k3 relu, maxpool 2 | dense 10"
    paths = [tmp_path / name / "last.safetensors" for name in "ab"]
    for threads, path in enumerate(paths, 1):
        lenet.train(network, few, QUICK, threads=threads, run=path.parent)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_the_recipe_can_be_used_again(run, few, tmp_path):
    folder, model = run
    again = lenet.train(data=few, recipe=folder / "recipe.toml", seed=3)
    assert again.network == model.network
    assert again.table.tobytes() == model.table.tobytes()


def test_history_csv(run):
    with (run[0] / "history.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert float(rows[0]["seconds"]) > 0
    found = without_seconds([{k: float(v) for k, v in row.items()} for row in rows])
    assert found == run[1].training["epochs"]


def test_nothing_is_written_without_a_folder(few, small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lenet.train(small, few, QUICK)
    assert os.listdir(tmp_path) == []


def test_an_existing_folder_is_never_overwritten(few, small, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "notes").write_text("mine")
    (tmp_path / "b").write_text("mine")
    for name in ("a", "b"):
        with refused(UsageError, "exists already"):
            lenet.train(small, few, QUICK, run=tmp_path / name)
    assert (tmp_path / "a" / "notes").read_text() == (tmp_path / "b").read_text() == "mine"


def test_a_cell_that_is_run_again_makes_another_run(few, small, tmp_path):
    """The first stays as it is; what is in the next folder that is no run is not touched either."""
    folder = tmp_path / "x"
    lenet.train(small, few, QUICK, run=folder)
    first = (folder / "run.json").read_bytes()
    (tmp_path / "x-2").write_text("mine")
    for number in (3, 4):
        with pytest.warns(UserWarning, match=f"x holds a run already.*x-{number}.$"):
            lenet.train(small, few, QUICK, run=str(folder))
    assert (folder / "run.json").read_bytes() == first
    weights = {(tmp_path / name / "last.safetensors").read_bytes() for name in ("x", "x-3", "x-4")}
    assert len(weights) == 1


def test_a_callback_with_notices_is_told_of_the_other_folder(few, small, tmp_path, capsys):
    lenet.train(small, few, QUICK, run=tmp_path / "x")
    lenet.train(small, few, QUICK, run=tmp_path / "x", verbose=True)
    assert f"this one is in {tmp_path / 'x-2'}." in capsys.readouterr().err


def test_the_folder_one_is_in(few, small, tmp_path, monkeypatch):
    """It has no name to put a number behind."""
    lenet.train(small, few, QUICK, run=tmp_path / "x")
    monkeypatch.chdir(tmp_path / "x")
    with refused(UsageError, "exists already"):
        lenet.train(small, few, QUICK, run=".")


def test_numbered(tmp_path):
    (tmp_path / "x-2").write_text("")
    assert [Run.numbered(tmp_path, "x").folder.name for _ in range(3)] == ["x-1", "x-3", "x-4"]


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), "soon"])
def test_a_number_that_cannot_be_ends_at_once(tmp_path, seconds):
    """A refusal is no reason to try the next number."""
    with refused(UsageError, "time between checkpoints"):
        Run.numbered(tmp_path, "x", checkpoint_seconds=seconds)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("root", ["a-file", "a-file/b", "/proc", "zero\0byte"])
def test_a_place_that_takes_no_folder(tmp_path, monkeypatch, root):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a-file").write_text("")
    with pytest.raises(OutputError, match="cannot make") as at:
        Run.numbered(root, "x")
    assert at.value.exit_code == 1
    assert os.listdir(tmp_path) == ["a-file"]


@pytest.mark.parametrize(
    ("error", "status"), [(KeyboardInterrupt(), "interrupted"), (OSError(32, ""), "interrupted")]
)
def test_what_is_there_is_saved_when_it_stops(few, small, tmp_path, error, status):
    with pytest.raises(type(error)):
        lenet.train(small, few, QUICK, run=tmp_path / "a", callback=Stop(2, error))
    assert sorted(os.listdir(tmp_path / "a")) == sorted([*FILES, CHECKPOINT])
    info = read(tmp_path / "a")
    assert info["status"] == status
    assert len(info["epochs"]) == 1
    model = lenet.Model.load(tmp_path / "a" / "last.safetensors")
    assert model.training["status"] == status
    assert model.evaluate(few).count == 100


def test_stopped_in_the_first_epoch(few, small, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        lenet.train(small, few, QUICK, run=tmp_path / "a", callback=Stop(1))
    assert sorted(os.listdir(tmp_path / "a")) == sorted(
        {*FILES, CHECKPOINT} - {"learning-curve.png", "report.html"}
    )
    info = read(tmp_path / "a")
    assert (info["test_accuracy"], info["epochs"], info["train_seconds"]) == (None, [], 0)
    assert lenet.Model.load(tmp_path / "a" / "last.safetensors").evaluate(few).count == 100


@pytest.mark.parametrize("write", range(10))
def test_stopped_while_a_file_is_written(few, small, tmp_path, monkeypatch, write):
    """Ctrl-C at the start, on the way, and in the saving at the end: the run is whole."""
    write_bytes, written = files.write_bytes, []

    def stop(path, content, *more):
        written.append(path.name)
        if len(written) == write + 1:
            raise KeyboardInterrupt
        return write_bytes(path, content, *more)

    monkeypatch.setattr(files, "write_bytes", stop)
    with pytest.raises(KeyboardInterrupt):
        lenet.train(small, few, QUICK, run=tmp_path / "a")
    later = {"learning-curve.png", "report.html", "signals.csv"} if write < 3 else set()
    assert sorted(os.listdir(tmp_path / "a")) == sorted({*FILES, CHECKPOINT} - later)
    info = read(tmp_path / "a")
    assert info["status"] == "interrupted"
    model = lenet.Model.load(tmp_path / "a" / "last.safetensors")
    assert model.training["epochs"] == without_seconds(info["epochs"])
    assert len(info["epochs"]) == (0 if write < 3 else 1 if write < 5 else 2)
    resumed = lenet.resume(tmp_path / "a", few)
    assert resumed.table.tobytes() == lenet.train(small, few, QUICK).table.tobytes()


def test_diverged(few, small, tmp_path):
    wild = Recipe(epochs=2, batch_size=50, optimizer="sgd", schedule="constant", lr=1e20)
    with pytest.raises(DivergenceError):
        lenet.train(small, few, wild, run=tmp_path / "a")
    assert read(tmp_path / "a")["status"] == "diverged"
    assert sorted(os.listdir(tmp_path / "a")) == sorted(
        set(FILES) - {"learning-curve.png", "report.html"}
    )
    assert lenet.Model.load(tmp_path / "a" / "last.safetensors").evaluate(few).count == 100


def full(monkeypatch, *names):
    """From now on the disk is full for files of these names."""
    write = files.write_bytes

    def refuse(path, content, *more):
        if path.name in names:
            raise OutputError(f"cannot write {path}: no space left on device")
        return write(path, content, *more)

    monkeypatch.setattr(files, "write_bytes", refuse)


def test_a_disk_full_from_the_start_leaves_no_folder(few, small, tmp_path, monkeypatch):
    full(monkeypatch, "run.json")
    with refused(OutputError, "no space left"):
        lenet.train(small, few, QUICK, run=tmp_path / "a")
    assert os.listdir(tmp_path) == []


def test_a_history_that_cannot_be_written_costs_no_weights(few, small, tmp_path, monkeypatch):
    full(monkeypatch, "history.csv")
    with pytest.raises(OutputError, match=r"no space left.* --resume"):
        lenet.train(small, few, QUICK, run=tmp_path / "a")
    assert lenet.Model.load(tmp_path / "a" / "last.safetensors").training["status"] == "finished"
    assert read(tmp_path / "a")["status"] == "running"  # not before all is there


class Ears:
    """A callback that hears of trouble."""

    def __init__(self):
        self.heard = []

    def step(self, epoch, share):
        pass

    def epoch(self, record):
        pass

    def notice(self, text):
        self.heard.append(text)


def test_checkpoints_that_cannot_be_written_stop_nothing(few, small, tmp_path, monkeypatch):
    whole = lenet.train(small, few, QUICK)
    monkeypatch.setattr(run_module, "WRITING_SHARE", 1e9)
    full(monkeypatch, CHECKPOINT)
    ears = Ears()
    model = lenet.train(small, few, QUICK.replace(epochs=4), run=tmp_path / "a", callback=ears)
    (heard,) = ears.heard  # once, not every time
    assert heard.startswith("no checkpoint: cannot write ")
    assert "no space left" in heard
    assert read(tmp_path / "a")["status"] == "finished"
    assert len(model.training["epochs"]) == 4
    assert whole.network == model.network


def test_interrupted_on_a_full_disk_says_what_is_not_saved(few, small, tmp_path, monkeypatch):
    full(monkeypatch, CHECKPOINT)
    stop = Stop()
    with pytest.raises(OutputError, match=r"checkpoint-1.*make room"):
        lenet.train(small, few, QUICK, run=tmp_path / "a", callback=stop)
    assert lenet.Model.load(tmp_path / "a" / "last.safetensors").training["status"] == "interrupted"
    monkeypatch.undo()
    lenet.resume(tmp_path / "a", few)
    assert read(tmp_path / "a")["status"] == "finished"


@pytest.mark.parametrize("share", [1e9, run_module.WRITING_SHARE])
def test_the_history_grows_while_it_runs(few, small, tmp_path, monkeypatch, share):
    """Also where checkpoints would cost too much."""
    monkeypatch.setattr(run_module, "WRITING_SHARE", share)
    seen = []

    class Reader(Ears):
        def epoch(self, record):
            path = tmp_path / "a" / "history.csv"
            seen.append(len(path.read_text().splitlines()) if path.exists() else 0)

    lenet.train(small, few, QUICK.replace(epochs=4), run=tmp_path / "a", callback=Reader())
    assert seen[:2] == [0, 2]
    assert share < 1 or seen == [0, 2, 3, 4]


SCRIPT = """
import lenet, sys
try:
    lenet.train("1x8x8 | dense 3000 relu, dense 10", recipe=lenet.recipe(epochs=1), run="a")
except lenet.errors.OutputError as error:
    sys.exit(str(error))
"""


def test_a_file_that_outgrows_the_disk_is_not_half_there(tmp_path):
    """A real failure of write(2): the model is larger than a file may be."""

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        preexec_fn=limit,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(
        "cannot write a/last.safetensors: file too large; make room, then lenet train --resume a"
    )
    left = ["history.csv", "recipe.toml", "run.json", "signals.csv"]
    assert sorted(os.listdir(tmp_path / "a")) == left
    assert read(tmp_path / "a")["status"] == "running"


def test_after_a_costly_writing_it_waits(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(run_module.time, "monotonic", lambda: now[0])
    pace = Pacing()
    assert pace.is_due()
    assert not pace.is_due(1.0)
    with pace:
        now[0] += 0.5
    assert not pace.is_due()
    now[0] += 99.9  # half a second is half a hundredth of 100
    assert not pace.is_due()
    now[0] += 0.2
    assert pace.is_due()
    assert not pace.is_due(120)
    now[0] += 40
    assert pace.is_due(120)


def test_a_writing_that_fails_counts_too(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(run_module.time, "monotonic", lambda: now[0])
    pace = Pacing()
    try:
        with pace:
            now[0] += 1
            raise OSError
    except OSError:
        pass
    assert not pace.is_due()


@pytest.mark.parametrize(
    "names", [[], [".lock"], [".lock", "recipe.toml", ".run.json.0123abcd", "start.safetensors"]]
)
def test_a_folder_in_which_a_run_was_killed_before_it_began_is_taken_over(
    few, small, tmp_path, names
):
    folder = tmp_path / "a"
    folder.mkdir()
    for name in names:
        (folder / name).write_text("half")
    with refused(UsageError, "nothing was begun in it"):
        lenet.resume(folder, few)
    lenet.train(small, few, QUICK, run=folder)
    assert sorted(os.listdir(folder)) == FILES
    assert read(folder)["status"] == "finished"


@pytest.mark.parametrize("names", [["mine"], [".lock", "mine.txt"], ["recipe.toml"]])
def test_a_folder_of_somebodys_own_is_not(few, small, tmp_path, names):
    folder = tmp_path / "a"
    folder.mkdir()
    for name in names:
        (folder / name).write_text("mine")
    with refused(UsageError, "exists already"):
        lenet.train(small, few, QUICK, run=folder)
    assert sorted(os.listdir(folder)) == sorted(names)


def test_a_folder_in_which_another_process_is_just_beginning_is_not(tmp_path):
    first = Run(tmp_path / "x-1")
    with refused(UsageError, "exists already"):
        Run(tmp_path / "x-1")
    assert Run.numbered(tmp_path, "x").folder.name == "x-2"
    first.discard()
    assert not (tmp_path / "x-1").exists()


class After(Ears):
    """A callback that does something to the folder after the first epoch."""

    def __init__(self, work):
        super().__init__()
        self._work = work

    def epoch(self, record):
        if record.epoch == 1:
            self._work()


@pytest.mark.parametrize("share", [1e9, 0.0])
@pytest.mark.parametrize("way", ["removed", "renamed"])
def test_a_folder_that_is_taken_away_meanwhile_is_made_anew(
    few, small, tmp_path, monkeypatch, share, way
):
    """Noticed at the next checkpoint, or at the end: the trained model is not lost."""
    monkeypatch.setattr(run_module, "WRITING_SHARE", share or 1e-12)
    folder = tmp_path / "a"
    work = {
        "removed": lambda: shutil.rmtree(folder),
        "renamed": lambda: folder.rename(tmp_path / "b"),
    }
    ears = After(work[way])
    model = lenet.train(small, few, QUICK.replace(epochs=4), run=folder, callback=ears)
    assert sorted(os.listdir(folder)) == FILES
    assert ears.heard == [f"{folder} was taken away; it is made anew, and the run goes on."]
    assert lenet.Model.load(folder / "last.safetensors").table.tobytes() == model.table.tobytes()
    assert read_run(folder).is_complete
    assert {one.epoch for one in read_run(folder).signals} == set(range(5))


def test_a_folder_that_is_another_runs_by_now_is_left_to_it(few, small, tmp_path, monkeypatch):
    folder = tmp_path / "a"
    now = iter("123456789")
    monkeypatch.setattr(run_module, "_now", lambda: next(now))

    def work():
        shutil.rmtree(folder)
        lenet.train(small, few, QUICK.replace(epochs=1), run=folder)

    with refused(OutputError, "it is another run's by now; nothing is saved"):
        lenet.train(small, few, QUICK, run=folder, callback=After(work))
    assert len(read(folder)["epochs"]) == 1
    assert read_run(folder).is_complete


def test_a_place_that_is_gone_for_good_is_told_as_such(few, small, tmp_path):
    def work():
        shutil.rmtree(tmp_path / "deep")
        (tmp_path / "deep").write_text("no folder")

    with pytest.raises(OutputError) as caught:
        lenet.train(small, few, QUICK, run=tmp_path / "deep" / "a", callback=After(work))
    assert "cannot make the run folder" in str(caught.value)
    assert str(caught.value).endswith("; nothing is saved.")


def test_a_lock_that_is_a_link_is_not_followed(few, small, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        lenet.train(small, few, QUICK, run=tmp_path / "a", callback=Stop())
    (tmp_path / "a" / ".lock").symlink_to(tmp_path / "elsewhere")
    with refused(OutputError, ".lock"):
        lenet.resume(tmp_path / "a", few)
    assert not (tmp_path / "elsewhere").exists()


def test_what_saves_models_is_loaded_before_anything_is_trained(few, small, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)  # as if there were no memory
    with refused(OutputError, "what models are saved with cannot be loaded"):
        lenet.train(small, few, QUICK, run=tmp_path / "a")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["report.html", "learning-curve.png"])
@pytest.mark.parametrize("way", ["resume", "report"])
def test_a_page_that_was_never_drawn_is_drawn_by_who_comes_next(few, small, tmp_path, name, way):
    folder = tmp_path / "a"
    lenet.train(small, few, QUICK, run=folder)
    whole = {path.name: path.read_bytes() for path in folder.iterdir()}
    (folder / name).unlink()
    if way == "report":
        lenet.report(folder, data=few).save()
    else:
        for litter in (".lock", ".report.html.0123abcd", CHECKPOINT):
            (folder / litter).touch()
        lenet.resume(folder, few)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == whole


@pytest.mark.parametrize("name", ["history.csv", "report.html", "checkpoint-2.safetensors"])
def test_a_pipe_in_a_files_place_is_not_waited_for(few, small, tmp_path, name):
    folder = tmp_path / "a"
    with pytest.raises(KeyboardInterrupt):
        lenet.train(small, few, QUICK, run=folder, callback=Stop())
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)
    for go_on in (lambda: lenet.resume(folder, few), lenet.report(folder, data=few).save):
        with refused(OutputError, name, "no file"):
            go_on()
    assert not (folder / ".lock").exists()
