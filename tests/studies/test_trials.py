"""Many trainings: the same outcome however many run at a time, and whatever was killed when."""

import json
from dataclasses import asdict

import pytest

import lenet
from lenet.errors import DataError, OutputError, UsageError
from lenet.net import read_network
from lenet.studies import trials as module
from lenet.studies.trials import FILE, Outcome, Record, Trial, run_trials
from lenet.training.guards import FolderLock
from refusals import refused
from studies.conftest import NET

RECIPE = lenet.recipe("modern", epochs=3)


def some(count, recipe=RECIPE):
    return [Trial(read_network(NET), recipe, seed) for seed in range(count)]


def without_times(outcomes):
    return [
        (o.status, o.parameters, [{**asdict(e), "seconds": 0} for e in o.epochs]) for o in outcomes
    ]


@pytest.fixture
def counted(monkeypatch):
    """The seeds of the trials that are run."""
    seeds, run = [], module.run_trial

    def counting(trial, data, pause=None):
        seeds.append(trial.seed)
        return run(trial, data, pause)

    monkeypatch.setattr(module, "run_trial", counting)
    return seeds


def test_the_outcome_is_that_of_train_and_does_not_depend_on_jobs(noise):
    one = run_trials(some(5), noise, Record(), jobs=1)
    for jobs in (2, 5):
        assert without_times(run_trials(some(5), noise, Record(), jobs=jobs)) == without_times(one)
    for seed, outcome in enumerate(one):
        model = lenet.train(NET, noise, RECIPE, seed=seed, threads=2)
        assert outcome.accuracy(0.0) == model.training["test_accuracy"]
        assert outcome.epochs[-1].loss == model.training["epochs"][-1]["loss"]
        assert outcome.parameters == model.parameter_count
        assert outcome.seconds > 0


@pytest.mark.parametrize(
    ("network", "values", "varied"),
    [
        (NET, {"standardize": False}, {"pixel_range": [(0.0, 1.0), (-1.0, 5.0)]}),
        ("1x6x6 | dense 3", {}, {"margin": [False, True]}),
        (NET, {}, {"standardize": [True, False]}),
    ],
)
def test_each_trial_has_its_own_preprocessing(noise, network, values, varied):
    (name, choices), *_ = varied.items()
    recipes = [RECIPE.replace(**values, **{name: choice}) for choice in choices]
    trials = [Trial(read_network(network), recipe, 0) for recipe in recipes]
    losses = [outcome.epochs[-1].loss for outcome in run_trials(trials, noise, Record())]
    models = [lenet.train(network, noise, recipe, seed=0) for recipe in recipes]
    assert losses == [model.training["epochs"][-1]["loss"] for model in models]
    assert losses[0] != losses[1]


def test_what_is_known_is_not_run_again(noise, tmp_path, counted):
    first = run_trials(some(3), noise, Record(tmp_path / "a"))
    assert sorted(counted) == [0, 1, 2]
    again = run_trials(some(4), noise, Record(tmp_path / "a"))
    assert sorted(counted) == [0, 1, 2, 3]
    assert again[:3] == first
    run_trials(some(1, RECIPE.replace(lr=0.5)), noise, Record(tmp_path / "a"))
    assert len(counted) == 5
    lines = (tmp_path / "a" / FILE).read_text().splitlines()
    assert len({json.loads(line)["trial"] for line in lines}) == 5


def test_one_process_at_a_time_runs_trials_in_a_folder(noise, tmp_path, counted):
    first, late = run_trials(some(2), noise, Record(tmp_path)), Record(tmp_path / "b")
    lock = FolderLock(tmp_path)
    assert run_trials(some(2), noise, Record(tmp_path)) == first  # nothing to run
    with refused(UsageError, "in use by another process"):
        run_trials(some(3), noise, Record(tmp_path))
    lock.release()
    assert counted == [0, 1]
    with Record(tmp_path / "b") as kept:
        run_trials(some(1), noise, kept)
        with refused(UsageError, "in use by another process"):  # between its trials, too
            run_trials(some(1), noise, late)
        run_trials(some(2), noise, kept)
    run_trials(some(2), noise, late)  # what it did not know when it was made
    assert counted == [0, 1, 0, 1]
    assert [path.name for path in (tmp_path / "b").iterdir()] == [FILE]


def test_a_folder_in_which_nothing_was_done_goes(noise, tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "run_trial", stop)
    with pytest.raises(KeyboardInterrupt):
        run_trials(some(1), noise, Record(tmp_path / "a"))
    assert not (tmp_path / "a").exists()


def test_the_same_trial_twice_is_one(noise, counted):
    first, second = run_trials(some(1) * 2, noise, Record())
    assert first is second
    assert counted == [0]


def test_other_data_are_another_trial(noise, tmp_path, counted):
    from dataclasses import replace

    run_trials(some(1), noise, Record(tmp_path))
    fewer = replace(noise, test=noise.train)
    run_trials(some(1), fewer, Record(tmp_path))
    assert counted == [0, 0]


@pytest.mark.parametrize("cut", range(1, 400, 37))
def test_a_kill_in_the_middle_of_a_line_loses_that_line_alone(noise, tmp_path, cut, counted):
    whole = run_trials(some(2), noise, Record(tmp_path), jobs=1)
    file = tmp_path / FILE
    content = file.read_bytes()
    first = content.index(b"\n") + 1
    file.write_bytes(content[: first + cut])
    counted.clear()
    again = run_trials(some(2), noise, Record(tmp_path))
    assert counted == [1]
    assert without_times(again) == without_times(whole)
    assert len(file.read_bytes().splitlines()) == 2
    assert Record(tmp_path).known.keys() == Record(tmp_path).known.keys()


def test_ctrl_c_keeps_what_is_done(noise, tmp_path):
    def stop(done, total, left):
        assert (done, total) == (1, 4)
        assert left >= 0
        raise KeyboardInterrupt

    long = RECIPE.replace(epochs=100_000)
    trials = [*some(1), *some(3, long)]
    with pytest.raises(KeyboardInterrupt):
        run_trials(trials, noise, Record(tmp_path), jobs=2, progress=stop)
    assert len(Record(tmp_path).known) == 1


def test_progress_counts_what_was_known(noise, tmp_path):
    told = []
    run_trials(some(2), noise, Record(tmp_path))
    run_trials(some(3), noise, Record(tmp_path), progress=lambda *values: told.append(values))
    assert told == [(3, 3, 0.0)]


def test_a_training_that_diverges_counts_as_a_guess(noise):
    wild = lenet.recipe("original", epochs=3, lr=1e30)
    (outcome,) = run_trials(some(1, wild), noise, Record())
    assert outcome.diverged
    assert outcome.accuracy(0.25) == outcome.accuracy(0.25, 3) == 0.25
    assert Outcome.from_dict(outcome.to_dict()) == outcome


def test_accuracies_by_epoch(noise):
    (outcome,) = run_trials(some(1), noise, Record())
    values = [record.test_accuracy for record in outcome.epochs]
    assert [outcome.accuracy(0.0, epoch) for epoch in (1, 2, 3, 9)] == [*values, values[-1]]
    assert outcome.accuracy(0.0) == values[-1]


@pytest.mark.parametrize(
    "line",
    [
        "x", "[]", "{}", '{"trial": "a"}', "[" * 5000, "\x00", '{"trial": [], "status": 1}',
        '{"trial": "a", "status": "finished", "parameters": 1, "epochs": []}',
        '{"trial": "a", "status": "done", "parameters": 1, "epochs": []}',
        '{"trial": "a", "status": "diverged", "parameters": true, "epochs": []}',
        '{"trial": "a", "status": "diverged", "parameters": 1, "epochs": 5}',
        '{"trial": "a", "status": "diverged", "parameters": 1, "kept": 1, "epochs": []}',
        '{"trial": "a", "status": "diverged", "parameters": 1, "kept": 0.0, "epochs": []}',
        '{"trial": "a", "status": "diverged", "parameters": 1, "epochs": [{"epoch": 1}]}',
        '{"trial": "a", "status": "diverged", "parameters": 1, "epochs": '
        '[{"epoch": 1, "loss": NaN, "train_accuracy": 1, "test_accuracy": 1}]}',
        '{"trial": "a", "status": "diverged", "parameters": 1, "epochs": '
        '[{"epoch": 2, "loss": 1, "train_accuracy": 1, "test_accuracy": 1}]}',
        '{"trial": "a", "status": "diverged", "parameters": 1, "epochs": '
        '[{"epoch": 1, "loss": 1, "train_accuracy": 1, "test_accuracy": "1"}]}',
        '{"trial": "a", "status": "diverged", "parameters": 1, "kept": 0, "epochs": '
        '[{"epoch": 1, "loss": 1, "train_accuracy": 1, "test_accuracy": 7}]}',
        '{"trial": "a", "status": "diverged", "parameters": 1, "kept": 0, "epochs": '
        '[{"epoch": 1, "loss": 1, "train_accuracy": 1, "test_accuracy": 1, "seconds": -1}]}',
    ],
)  # fmt: skip
def test_a_damaged_line_is_named(noise, tmp_path, line):
    run_trials(some(1), noise, Record(tmp_path))
    with (tmp_path / FILE).open("a") as file:
        file.write(line + "\n")
    with refused(DataError, "line 2", FILE, "remove it"):
        Record(tmp_path)


def test_an_editors_empty_line_is_left_out(noise, tmp_path):
    run_trials(some(1), noise, Record(tmp_path))
    with (tmp_path / FILE).open("a") as file:
        file.write("\n \n")
    assert len(Record(tmp_path).known) == 1


def test_a_folder_that_cannot_be(noise, tmp_path):
    (tmp_path / "file").write_text("x")
    with refused(OutputError, "another folder"):
        run_trials(some(1), noise, Record(tmp_path / "file"))
    (tmp_path / FILE).mkdir()
    with refused(DataError, "cannot read"):
        Record(tmp_path)


def test_the_epoch_that_counts_is_the_one_that_is_kept(noise, tmp_path):
    how = {"validation_fraction": 0.3, "restore_best": True, "patience": 4, "epochs": 40}
    recipe = lenet.recipe("modern", lr=0.05, **how)
    (found,) = run_trials(some(1, recipe), noise, Record(tmp_path))
    training = lenet.train(NET, noise, recipe).training
    assert found.accuracy(0.0) == training["test_accuracy"]
    assert 0 < found.kept < len(found.epochs) < 40
    assert Record(tmp_path).known.popitem()[1] == found


def test_data_without_images_to_test_on(noise):
    from dataclasses import replace

    with refused(DataError, "no images to test on"):
        run_trials(some(1), replace(noise, test=None), Record())


@pytest.mark.parametrize("jobs", [0, -1, 257, 1.5, "2", True])
def test_jobs_that_cannot_be(noise, jobs):
    with refused(UsageError, "jobs is", "1 to 256"):
        run_trials(some(1), noise, Record(), jobs=jobs)
