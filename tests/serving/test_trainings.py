"""Trainings beside each other: each the same as lenet.train's."""

import json
import shutil
import time

import lenet
from lenet.errors import UsageError
from lenet.net import parse_network
from lenet.run_folder import read_run
from lenet.serving.runs import Runs
from lenet.serving.trainings import Trainings, Wish, titled
from refusals import refused

NET = parse_network("1x8x8 | conv 4 k3 relu, maxpool 2 | dense 10")
LONG = 100_000


def wish(seed=0, network=NET, title="try", **values):
    return Wish(network, "digits", lenet.recipe("modern", **{"epochs": 2, **values}), seed, title)


def test_a_training_is_that_of_lenet_train(here, trainings, ended):
    (number,) = trainings.start([wish(seed=3)])
    job = ended(number)
    assert (job["status"], job["run"], job["share"]) == ("finished", "try-1", 1.0)
    model = lenet.train(NET, seed=3, epochs=2)
    found = lenet.Model.load(here / "runs" / "try-1" / "last.safetensors")
    assert found.table.tobytes() == model.table.tobytes()
    assert job["last"]["test_accuracy"] == model.training["test_accuracy"]
    assert (here / "runs" / "try-1" / "report.html").exists()


def test_seeds_are_trained_beside_each_other(here, trainings, ended):
    numbers = trainings.start([wish(seed) for seed in range(5)])
    jobs = [ended(number) for number in numbers]
    assert {job["status"] for job in jobs} == {"finished"}
    assert [job["seed"] for job in jobs] == [0, 1, 2, 3, 4]
    runs = {job["run"] for job in jobs}
    assert runs == {f"try-{n}" for n in range(1, 6)}
    assert len({read_run(here / "runs" / run).info["seed"] for run in runs}) == 5


def begun(trainings, number):
    """Wait until a training makes steps."""
    while True:
        (job,) = (job for job in trainings.news(0)["trainings"] if job["number"] == number)
        if job["share"] > 0:
            return job
        assert job["status"] in ("waiting", "preparing", "running")
        time.sleep(0.005)


def test_one_that_is_stopped_goes_on(here, trainings, ended):
    (number,) = trainings.start([wish(epochs=LONG)])
    begun(trainings, number)
    trainings.stop(number)
    job = ended(number)
    assert (job["status"], job["epochs"], job["can_resume"]) == ("stopped", LONG, True)
    folder = here / "runs" / job["run"]
    done = len(read_run(folder).epochs)
    assert read_run(folder).info["status"] == "interrupted"
    (again,) = trainings.resume(folder)
    with refused(UsageError, "is being trained"):
        trainings.resume(folder)
    begun(trainings, again)
    trainings.stop(again)
    assert ended(again)["run"] == job["run"]
    assert len(read_run(folder).epochs) >= done


def test_a_run_is_called_as_its_page_calls_it(here, tmp_path_factory):
    """Of two folders of one name, one is called by its path."""
    other = tmp_path_factory.mktemp("other") / "run-0"
    shutil.copytree(here / "runs" / "run-0", other)
    runs = Runs([other])
    trainings = Trainings(runs.root, name=runs.name)
    for folder in (here / "runs" / "run-0", other):
        (number,) = trainings.resume(folder)
        told = trainings.news(0)["trainings"][number - 1]["run"]
        assert runs.find(told)[0].samefile(folder)
    trainings.close()


def test_a_run_of_data_elsewhere_is_resumed_with_them(here, trainings, ended, monkeypatch):
    (number,) = trainings.start([wish(epochs=LONG)])
    begun(trainings, number)
    trainings.stop(number)
    folder = here / "runs" / ended(number)["run"]
    info = json.loads((folder / "run.json").read_text())
    info["arguments"]["data_dir"] = str(here)
    (folder / "run.json").write_text(json.dumps(info))
    asked = []
    monkeypatch.setattr(trainings, "load", asked.append)
    (again,) = trainings.resume(folder)
    trainings.stop(again)
    ended(again)
    assert not asked


def test_a_step_that_is_too_large_is_not_resumed_either(here, trainings, ended, monkeypatch):
    monkeypatch.setattr("lenet.serving.trainings._LARGEST_STEP", 1)
    with refused(UsageError, "multiply-adds"):
        trainings.resume(here / "runs" / "run-0")


def test_a_finished_one_has_nothing_left(here, trainings, ended):
    job = ended(*trainings.resume(here / "runs" / "run-0"))
    assert job["status"] == "failed"
    assert "nothing left to do" in job["notes"][0]


def test_curves_are_there_while_it_goes_on(here, trainings, service):
    (number,) = trainings.start([wish(epochs=LONG)])
    while begun(trainings, number)["last"] is None:
        time.sleep(0.005)
    record = trainings.live(here / "runs" / "try-1")
    assert record.epochs
    assert record.signals
    assert record.chance == read_run(here / "runs" / "try-1").chance
    assert "test" in service.curves({"runs": ["try-1"]})["charts"][1]


def test_more_than_there_are_slots_wait(here):
    trainings = Trainings(here / "runs", slots=1)
    first, second = trainings.start([wish(epochs=LONG), wish(1, epochs=LONG)])
    begun(trainings, first)
    states = {job["number"]: job["status"] for job in trainings.news(0)["trainings"]}
    assert states == {first: "running", second: "waiting"}
    trainings.stop(second)
    states = {job["number"]: job["status"] for job in trainings.news(0)["trainings"]}
    assert states[second] == "stopped"
    commands = trainings.close()
    assert len(commands) == 1
    assert commands[0].startswith("lenet train --resume ")
    assert read_run(here / "runs" / "try-1").info["status"] == "interrupted"
    with refused(UsageError, "at its end"):
        trainings.start([wish()])


def test_too_many_may_not_wait(here):
    trainings = Trainings(here / "runs", slots=1)
    trainings.start([wish(epochs=LONG)])
    trainings.start([wish(seed, epochs=LONG) for seed in range(31)])
    with refused(UsageError, "wait already", "at most 32"):
        trainings.start([wish(seed) for seed in range(9)])
    trainings.close()


def test_one_that_diverges_says_so(trainings, ended):
    job = ended(*trainings.start([wish(optimizer="sgd", lr=1e20)]))
    assert job["status"] == "diverged"
    assert "smaller learning rate" in job["notes"][-1]


def test_a_browsers_large_number_is_no_whole_one(ask, ended, here):
    values = {"lr": 10**20, "optimizer": "sgd", "epochs": 1}
    (number,) = ask("train", net=str(NET), values=values)["numbers"]
    job = ended(number)
    assert job["status"] == "diverged"
    assert read_run(here / "runs" / job["run"]).recipe["lr"] == 1e20


def test_one_that_does_not_fit_its_data_says_so(trainings, ended, here):
    job = ended(*trainings.start([wish(network=parse_network("1x8x8 | dense 7"))]))
    assert job["status"] == "failed"
    assert "7 outputs" in job["notes"][0]
    assert job["run"] is None
    assert {path.name for path in (here / "runs").iterdir()} == {"run-0", "run-1"}


def test_a_fault_ends_one_alone(trainings, ended, monkeypatch):
    monkeypatch.setattr(trainings, "load", lambda name: 1 / 0)
    job = ended(*trainings.start([wish()]))
    assert (job["status"], job["notes"]) == ("failed", ["ZeroDivisionError: division by zero"])


def test_no_training_of_that_number(trainings):
    with refused(UsageError, "no training 7"):
        trainings.stop(7)


def test_what_a_run_is_called():
    assert titled(lenet.net.zoo.get("lenet"), "mnist", "modern") == "mnist-lenet"
    assert titled(NET, "digits", "best") == "digits-custom-best"
