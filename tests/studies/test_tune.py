"""A search: within its budget, the same however it is run, and honest about the test split."""

import json
import re
import shlex
from dataclasses import asdict, replace

import pytest

import lenet
from digit_pictures import write_digits
from lenet.cli.main import main
from lenet.errors import DataError, MissingPackageError, UsageError
from lenet.formats.c_int8 import int8_memory, int8_source
from lenet.formats.int8 import quantise
from lenet.studies import sampling
from lenet.studies import tune as module
from lenet.studies.space import CHOICES, Candidate, Space, limited_costs, read_limits
from lenet.studies.trials import FILE, Outcome
from lenet.studies.tuning import BASELINES, Entry, _importance, best_of, front_of
from lenet.training import EpochRecord
from refusals import refused

RECIPE = lenet.recipe("modern", epochs=4)
FEW = {"trials": 6, "epochs": 4, "seeds": 2, "budget": {"parameters": 400}}


def space(limits, shape=(1, 8, 8), seed=0):
    return Space(shape, 10, limits, RECIPE, seed)


@pytest.fixture
def small(monkeypatch):
    """Digits in few images, of which one epoch is a first look."""
    monkeypatch.setattr(module, "_LOOK_IMAGES", 1)
    monkeypatch.setattr(module, "BASELINES", ("lenet-relu", "best-tiny"))
    data = lenet.load("digits")
    return replace(data, train=data.train.chosen(slice(200)), test=data.test.chosen(slice(60)))


def few_at_a_time(monkeypatch):
    monkeypatch.setattr(module, "GENERATION", 3)
    monkeypatch.setattr(sampling, "FREE", 3)


def without_times(found):
    """What must not depend on how a search is run."""
    text = json.dumps(found.to_dict())
    return re.sub(r'"(train_seconds|run)": [^,}]*', "", text)


@pytest.mark.parametrize(
    "limits",
    [{"parameters": 3000}, {"macs": 40_000}, {"flash": 6000, "ram": 1200}, {"ram": 900}],
)
def test_every_candidate_is_within_the_limits(limits):
    drawn = [space(limits).draw(number) for number in range(30)]
    drawn += [space(limits).change(number, drawn[number]) for number in range(30)]
    for candidate in drawn:
        costs = limited_costs(candidate.network)
        assert all(costs[name] <= most for name, most in limits.items())
        assert candidate.network.input_shape == (1, 8, 8)
    assert len({str(candidate.network) for candidate in drawn}) > 20


def test_most_candidates_use_the_budget():
    drawn = [space({"parameters": 20_000}, (1, 28, 28)).draw(number) for number in range(40)]
    used = [limited_costs(one.network)["parameters"] / 20_000 for one in drawn]
    assert sum(share > 0.85 for share in used) > len(used) / 2
    assert min(used) < 0.4  # and some are for the front


def test_a_candidate_is_a_function_of_seed_and_number():
    one, other = space({"parameters": 3000}), space({"parameters": 3000}, seed=1)
    assert one.draw(3) == one.draw(3)
    assert one.draw(3) != one.draw(4)
    assert one.draw(3) != other.draw(3)
    parent = one.draw(0)
    for number in range(20):
        child = one.change(number, parent)
        changed = [name for name in CHOICES if child.choices[name] != parent.choices[name]]
        assert len(changed) <= 2


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 1, 9), (1, 2, 2), (3, 32, 20)])
def test_images_of_any_shape(shape):
    for number in range(15):
        candidate = space({"parameters": 5000}, shape).draw(number)
        assert candidate.network.input_shape == shape
        assert lenet.parse(str(candidate.network)) == candidate.network


@pytest.mark.parametrize(
    "net",
    [
        "1x8x8 | conv 4 k3 p1 relu, maxpool 2 | dense 10",
        "1x8x8 | conv 4 k3 p1 batchnorm silu, maxpool 2 | conv 6 k3 p1 silu, avgpool 2 | dense 10",
        "1x8x8 | conv 4 k5 p2 tanh, conv 5 k3 relu, avgpool 2, avgpool 3 | dense 9 tanh, dense 10",
        "1x8x8 | maxpool 2 | dense 7 relu, dense 10 sigmoid",
    ],
)
def test_flash_and_memory_are_known_before_the_training(net):
    data = lenet.load("digits")
    model = lenet.Model(net, data.classes).initialize()
    text = int8_source(quantise(model, data.train.images[:64]))
    flash, memory, stack = (
        int(re.search(rf"\* +{word} +([\d,]+) bytes", text)[1].replace(",", ""))
        for word in ("constants", "memory", "stack")
    )
    most, ram = int8_memory(model.network)
    assert ram == memory + stack
    assert flash <= most <= flash + 2 * 40 + 400  # two bytes a channel, and part of the powers


def test_the_outcome_depends_neither_on_jobs_nor_on_the_kind_of_length(small, monkeypatch):
    few_at_a_time(monkeypatch)
    found = lenet.tune(small, **FEW, jobs=1)
    assert found.trials == 6
    assert without_times(lenet.tune(small, **FEW, jobs=3)) == without_times(found)
    timed = lenet.tune(small, **{**FEW, "trials": None}, minutes=1e-6)
    assert timed.trials == 3
    again = lenet.tune(small, **{**FEW, "trials": 3})
    assert without_times(timed) == without_times(again)


def test_the_test_part_is_looked_at_once(small):
    found = lenet.tune(small, **FEW)
    for entry in [*found.entries, *found.baselines]:
        assert all(record.test_accuracy is None for record in entry.outcome.epochs)
        assert entry.accuracy == entry.outcome.epochs[-1].validation_accuracy
    ended = [entry for entry in found.entries if entry.epochs == 4]
    assert found.winner.accuracy == max(entry.accuracy for entry in ended)
    assert {entry.name for entry in found.leaderboard} == {*BASELINES, *(e.name for e in ended)}
    for entry, accuracies in zip((found.winner, found.baselines[0]), found.finals, strict=True):
        recipe = entry.recipe.replace(validation_fraction=0.0)
        for seed, accuracy in enumerate(accuracies):
            model = lenet.train(entry.network, small, recipe, seed=seed)
            assert accuracy == model.training["test_accuracy"]


def test_it_goes_on_after_a_kill(small, tmp_path):
    whole = lenet.tune(small, **FEW, folder=tmp_path / "whole")
    for stop in (2, 5, 3):
        told = []

        def progress(*what, stop=stop, told=told):
            told.append(what)
            if len(told) == stop:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            lenet.tune(small, **FEW, folder=tmp_path / "cut", progress=progress)
    found = lenet.tune(small, **FEW, folder=tmp_path / "cut")
    assert without_times(found) == without_times(whole)
    lines = [(tmp_path / name / FILE).read_text().splitlines() for name in ("whole", "cut")]
    keys = [sorted(json.loads(line)["trial"] for line in some) for some in lines]
    assert keys[0] == keys[1]
    assert found.run.name.startswith(f"candidate-{found.winner.candidate.number}-")
    model = lenet.Model.load(found.run / "last.safetensors")
    assert model.training["test_accuracy"] == found.finals[0][0]
    assert lenet.tune(small, **FEW, folder=tmp_path / "cut").run == found.run
    other = lenet.tune(small, **{**FEW, "budget": "parameters=500"}, folder=tmp_path / "cut")
    assert lenet.Model.load(other.run / "last.safetensors").network == other.winner.network


@pytest.mark.parametrize("strategy", ["best-k", "halving"])
def test_the_strategies(small, strategy):
    small = replace(small, name="own")  # which lenet-relu is fitted to, as far as it can be
    found = lenet.tune(small, trials=12, epochs=9, seeds=1, strategy=strategy, budget="macs=20k")
    counts = {n: sum(e.epochs == n for e in found.entries) for n in (1, 3, 9)}
    assert counts == ({1: 12, 3: 4, 9: 3} if strategy == "halving" else {1: 12, 3: 0, 9: 3})


@pytest.mark.parametrize("strategy", [s for s in sampling.STRATEGIES if s.startswith("optuna-")])
def test_optunas_samplers(small, strategy, monkeypatch, tmp_path):
    """The same of a seed, whatever runs at a time and whatever was killed."""
    pytest.importorskip("optuna")
    few_at_a_time(monkeypatch)
    options = sampling._SAMPLERS[strategy.removeprefix("optuna-")][1]
    for name in {"n_startup_trials", "population_size"} & set(options):
        monkeypatch.setitem(options, name, 3)
    how = {**FEW, "trials": 9, "strategy": strategy}
    found = lenet.tune(small, **how, jobs=1)
    told = []

    def progress(*what):
        told.append(what)
        if len(told) == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lenet.tune(small, **how, folder=tmp_path, progress=progress)
    assert without_times(lenet.tune(small, **how, folder=tmp_path)) == without_times(found)
    assert without_times(lenet.tune(small, **how, jobs=3)) == without_times(found)
    other = lenet.tune(small, **how, seed=1)
    assert [str(e.network) for e in other.entries] != [str(e.network) for e in found.entries]
    assert all(e.outcome.parameters <= 400 for e in found.entries)
    assert len(found.free) == 3


def test_without_optuna_a_sentence_says_so(small, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "optuna", None)
    with refused(MissingPackageError, "optuna", "lenet[tune]"):
        lenet.tune(small, **FEW, strategy="optuna-tpe")


def test_the_fewest_parameters(small, monkeypatch):
    few_at_a_time(monkeypatch)
    small, how = "digits", {"trials": 12, "epochs": 4, "seeds": 1, "budget": "parameters=3000"}
    found = lenet.tune(small, **how, reach=40)
    reached = [e for e in found.entries if e.epochs == 4 and e.accuracy >= found.goal]
    assert found.goal > 0.4
    assert reached
    assert found.winner.outcome.parameters == min(e.outcome.parameters for e in reached)
    assert found.leaderboard[0] == found.winner
    assert "The smallest network that reached 40 %" in str(found)
    # Each generation has its limit below the smallest that reached the goal before it.
    ended = [e for e in found.entries if e.epochs == 4]
    for entry in ended:
        before = [
            e.outcome.parameters
            for e in reached
            if e.candidate.number // 3 < entry.candidate.number // 3
        ]
        assert entry.outcome.parameters < min(before, default=3001)
    assert without_times(lenet.tune(small, **how, reach=40, jobs=3)) == without_times(found)
    assert "No network reached 99.9 %" in str(lenet.tune(small, **how, reach=99.9))


def test_the_command_repeats_a_training(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    found = lenet.tune(trials=3, epochs=1, seeds=1, budget="parameters=500")
    for entry in (found.winner, *found.baselines):
        assert main([*shlex.split(found.command(entry))[1:], "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["epochs"][-1]["validation_accuracy"] == entry.accuracy
    assert main([*shlex.split(found.command(found.winner, final=True))[1:], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["test_accuracy"] == found.finals[0][0]


def test_the_command_says_the_recipe_also_for_pictures_of_ones_own(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_digits("own", dict.fromkeys("357", 12))
    found = lenet.tune("own", trials=2, epochs=1, seeds=1)
    assert main([*shlex.split(found.command(found.winner, final=True))[1:], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["test_accuracy"] == found.finals[0][0]


def test_a_winner_that_diverges_is_told_all_the_same(small, tmp_path):
    how = {"recipe": lenet.recipe("modern", optimizer="sgd", lr=1e25), "trials": 1, "epochs": 1}
    for _ in range(2):
        found = lenet.tune(small, **how, seeds=1, folder=tmp_path / "found")
        assert found.winner.outcome.diverged
        assert found.run.is_dir()


def entry(number, accuracy, parameters=10, **choices):
    record = EpochRecord(1, 0.1, 0.5, validation_accuracy=accuracy)
    drawn = Candidate(number, choices, lenet.parse("1x2x2 | dense 2"), RECIPE)
    return Entry(drawn, RECIPE, Outcome("finished", parameters, (record,)), accuracy)


def test_the_front():
    some = [entry(0, 0.5, 10), entry(1, 0.4, 20), entry(2, 0.6, 20), entry(3, 0.6, 30)]
    assert [one.candidate.number for one in front_of(some)] == [0, 2]


def test_the_smallest_network_that_there_is_ends_a_search_for_few_parameters(small):
    """What any network reaches lets the limit fall below all of them."""
    how = {"reach": 1, "trials": 480, "epochs": 1, "seeds": 1, "budget": {"parameters": 200}}
    found = lenet.tune(small, **how)
    assert found.trials < 480
    assert found.winner.outcome.parameters == 30  # a 3x3 convolution and a unit for each class


def test_the_best_are_the_smallest_that_reached_a_goal():
    some = [entry(0, 0.5, 10), entry(1, 0.7, 30), entry(2, 0.6, 20), entry(3, 0.4, 5)]
    assert [one.candidate.number for one in best_of(some, 4)] == [1, 2, 0, 3]
    assert [one.candidate.number for one in best_of(some, 4, goal=0.6)] == [2, 1, 0, 3]


def test_what_mattered():
    some = [
        entry(i, 0.5 + 0.2 * (i % 2) + 0.01 * (i // 2 % 2), kernel=i % 2, shift=i // 2 % 2, flip=0)
        for i in range(40)
    ]
    kernel, shift, flip = (_importance(name, some) for name in ("kernel", "shift", "flip"))
    assert (kernel.share, kernel.best) == (pytest.approx(1, abs=0.01), 1)
    assert shift.share < 0.01
    assert flip.share == 0.0


def test_a_diverged_candidate_is_the_last(small):
    found = lenet.tune(small, **FEW, recipe=lenet.recipe("original", lr=1e25))
    assert asdict(found.winner.outcome)["status"] == "diverged"
    assert found.winner.accuracy < 0.2
    assert "#" in str(found)


@pytest.mark.parametrize("budget", ["parameters", "steps=3", ["ram=1", "ram=2"], {"macs": 1.5}, 7])
def test_a_budget_that_is_none(budget):
    with refused(UsageError, "budget"):
        read_limits(budget)


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"minutes": 0}, "minutes"),
        ({"minutes": float("nan")}, "minutes"),
        ({"minutes": 1, "trials": 1}, "minutes"),
        ({"trials": 0}, "trials"),
        ({"trials": True}, "trials"),
        ({"strategy": "halvin"}, "strategy"),
        ({"strategy": "optuna-tp"}, "optuna-tpe"),
        ({"reach": 0}, "reach"),
        ({"reach": 100}, "reach"),
        ({"reach": True}, "reach"),
        ({"on": "moon"}, "on"),
        ({"seeds": 0}, "seeds"),
        ({"jobs": 0}, "jobs"),
        ({"seed": -1}, "seed"),
        ({"budget": "parameters=9"}, "budget"),
        ({"progress": 3}, "progress"),
        ({"folder": 3}, "folder"),
    ],
)
def test_what_cannot_be_meant_is_refused(given, word):
    with refused(UsageError, word):
        lenet.tune(**given)


def test_data_without_a_test_part(small):
    with refused(DataError, "test split"):
        lenet.tune(replace(small, test=None), **FEW)


def test_what_no_engine_holds_is_over_any_budget():
    network = lenet.parse("1x100x100 | conv 1000 k3 p1 | dense 1000")
    costs = limited_costs(network, ["ram", "flash"])
    assert min(costs.values()) > 10**12
