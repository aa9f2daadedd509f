"""``lenet train``: what it prints and writes."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import lenet

SMALL = ("--net", "1x8x8 | conv 4 k3 relu, maxpool 2 | dense 10", "--epochs", "2")


def test_prints_the_seeds_line_and_what_to_type_next(command, here):
    found = command("train", "--epochs", "2")
    assert (found.status, found.err) == (0, "")
    lines = found.out.splitlines()
    assert lines[0] == ("digits · 1,797 images of 8x8, 10 classes · 1,437 to train on, 360 to test")
    assert lines[1].startswith(
        "lenet-relu · 5 layers (2 conv + 3 dense) · 44,426 parameters · native "
    )
    assert [line.split()[:2] for line in lines[3:5]] == [["epoch", "1/2"], ["epoch", "2/2"]]
    assert [word for word in lines[3].split() if word.isalpha()] == [
        *("epoch", "loss", "train", "test", "s")
    ]
    assert " % of 360 test images in " in lines[6]
    assert lines[6].endswith(" s of training. Saved runs/digits-lenet-relu-1/")
    for line in lines[7:]:
        for word in line.split():
            assert not word.startswith("runs/") or (here / word).exists()
    assert lines[-1].endswith("lenet train mnist")
    assert sorted(os.listdir("runs/digits-lenet-relu-1")) == [
        *("history.csv", "last.safetensors", "learning-curve.png", "recipe.toml", "report.html"),
        *("run.json", "signals.csv"),
    ]


def test_what_to_type_next_can_be_typed(command, here, picture_bytes):
    (here / "your-image.png").write_bytes(picture_bytes())
    for line in command("train", *SMALL).out.splitlines():
        words = line.split()
        if "lenet" in words and "mnist" not in words:
            assert command(*words[words.index("lenet") + 1 :]).status == 0


def test_json_is_one_object(command):
    found = command("train", *SMALL, "--seed", "7", "--threads", "2", "--run", "x", "--json")
    assert (found.status, found.err) == (0, "")
    values = json.loads(found.out)
    assert values["network"].replace("\n", "").startswith("1x8x8")
    assert values["parameters"] == 4 * 9 + 4 + 36 * 10 + 10
    assert (values["dataset"], values["seed"], values["threads"]) == ("digits", 7, 2)
    assert values["recipe"]["epochs"] == len(values["epochs"]) == 2
    assert list(values["epochs"][0]) == [
        *("epoch", "loss", "train_accuracy", "test_accuracy", "seconds"),
        *("test_loss", "learning_rate"),
    ]
    assert values["test_accuracy"] == values["epochs"][-1]["test_accuracy"]
    assert values["train_seconds"] > 0
    assert values["run"] == os.path.join("runs", "x")
    assert lenet.Model.load(values["model"]).training["seed"] == 7


def test_quiet_prints_the_last_lines_only(command):
    found = command("train", *SMALL, "--quiet")
    assert (found.status, found.err) == (0, "")
    assert found.out.splitlines()[0].endswith("Saved runs/digits-custom-1/")
    assert "epoch" not in found.out


def test_runs_are_numbered(command):
    for number in (1, 2):
        assert f"runs/digits-custom-{number}/" in command("train", *SMALL, "--quiet").out


@pytest.mark.parametrize(
    ("options", "folder"),
    [
        ((), "digits-lenet-relu-1"),
        (("--net", "LeNet-Relu"), "digits-lenet-relu-1"),
        (("--recipe", "best"), "digits-best-1"),
        (("--recipe", " BEST "), "digits-best-1"),
        (("--recipe", "modern"), "digits-modern-1"),
        (("--recipe", "best", "--net", "lenet-relu"), "digits-lenet-relu-best-1"),
        (("--recipe", "best", *SMALL[:2]), "digits-custom-best-1"),
        (("--recipe", "in/Größer.v2.TOML"), "digits-Größer.v2-1"),
        (("--recipe", "in/.toml", *SMALL[:2]), "digits-custom-1"),
        (("--set", f"net={SMALL[1]}"), "digits-custom-1"),
    ],
)
def test_a_run_has_the_names_that_were_given(command, here, options, folder):
    """Those of the network and of the recipe; if neither is given, the network's that is taken."""
    (here / "in").mkdir()
    for name in ("Größer.v2.TOML", ".toml"):
        (here / "in" / name).write_text(f"net = {SMALL[1]!r}")
    found = command("train", *options, "--epochs", "1", "--quiet")
    assert found.status == 0
    assert os.listdir("runs") == [folder]
    assert found.out.splitlines()[0].endswith(f"Saved runs/{folder}/")


@pytest.mark.parametrize("name", ["mein lauf", "図", "-x", "a.b", "ä" * 100])
def test_run_names(command, here, name):
    assert command("train", *SMALL, "--quiet", f"--run={name}").status == 0
    assert (here / "runs" / name / "last.safetensors").exists()


def test_the_options_reach_the_recipe(command):
    given = {
        "recipe": "original",
        "batch_size": 64,
        "lr": 0.25,
        "optimizer": "momentum",
        "schedule": "one-cycle",
        "init": "normal:0.1",
        "weight_decay": 0.001,
    }
    options = [f"--{name.replace('_', '-')}={value}" for name, value in given.items()]
    values = json.loads(command("train", *SMALL, *options, "--json").out)
    del given["recipe"]
    expected = lenet.recipe("original", epochs=2, net=SMALL[1], **given)
    assert values["recipe"] == expected.to_dict()


def test_the_former_name_of_a_recipe_says_what_it_is_called_now(command):
    found = command("train", *SMALL[:2], "--recipe", " Seed ", "--epochs", "1", "--quiet")
    assert found.status == 0
    assert "original" in found.err
    assert os.listdir("runs") == ["digits-custom-original-1"]


def test_a_file_with_a_former_name_keeps_its_own(command):
    Path("seed.toml").write_text("epochs = 1\n")
    assert command("train", *SMALL[:2], "--recipe", "seed.toml", "--quiet").status == 0
    assert os.listdir("runs") == ["digits-custom-seed-1"]


def test_former_names_are_taken_too(command):
    options = ["--set", "validation=0.2", "--set", "keep=best", "--set", "clip=1"]
    values = json.loads(command("train", *SMALL, *options, "--json").out)
    expected = {"validation_fraction": 0.2, "restore_best": True, "max_grad_norm": 1}
    assert expected.items() <= values["recipe"].items()


def test_set_reaches_all_the_others(command):
    given = {
        "validation_fraction": 0.1,
        "restore_best": True,
        "warmup_epochs": 1,
        "patience": 5,
        "dropout": 0.1,
    }
    settings = [f"--set={name}={value}" for name, value in given.items()]
    options = ["--schedule", "cosine", "--balance", *settings]
    values = json.loads(command("train", *SMALL, *options, "--json").out)
    expected = lenet.recipe(
        epochs=2, net=SMALL[1], schedule="cosine", class_weight="balanced", **given
    )
    assert values["recipe"] == expected.to_dict()
    assert os.path.basename(values["model"]) == "best.safetensors"
    assert values["test_accuracy"] == values["epochs"][values["kept_epoch"] - 1]["test_accuracy"]


def test_validation_is_shown(command):
    options = ["--set", "validation_fraction=0.2", "--set", "keep=best", "--set", "patience=1"]
    found = command("train", *SMALL[:2], "--lr", "0.3", "--epochs", "40", *options)
    assert "1,150 to train on, 287 to validate, 360 to test" in found.out
    lines = found.out.splitlines()
    epochs = [line for line in lines if line.startswith("epoch")]
    assert all("   validation 0." in line for line in epochs)
    done = len(epochs)
    assert f"stopped after epoch {done}: no lower validation loss since epoch {done - 1}." in lines
    assert f"kept epoch {done - 1}, whose validation loss is the lowest." in lines
    assert any(line.split()[-2].endswith("best.safetensors") for line in lines if "test it" in line)


def test_a_recipes_network_is_taken_unless_one_is_named(command, here):
    (here / "r.toml").write_text('epochs = 1\nnet = "1x8x8 | dense 10"\n')
    values = json.loads(command("train", "--recipe", "r.toml", "--json").out)
    assert values["network"] == "1x8x8 | dense 10"
    values = json.loads(command("train", "--recipe", "r.toml", "--net", SMALL[1], "--json").out)
    assert values["network"] == SMALL[1]


def test_a_runs_recipe_repeats_it(command, here):
    command("train", *SMALL, "--run", "a", "--lr", "0.02")
    command("train", "--recipe", "runs/a/recipe.toml", "--run", "b")
    first, second = (here / "runs" / name / "last.safetensors" for name in "ab")
    assert first.read_bytes() == second.read_bytes()


def test_resume(command, here):
    """Killed after the first of two epochs."""
    command("train", *SMALL, "--run", "whole")
    begun = ["train", *SMALL, "--run", "cut dead", "--threads", "1"]
    training = [sys.executable, "-c", KILLED, *begun]
    assert subprocess.run(training, check=False).returncode == -signal.SIGKILL
    assert json.loads((here / "runs/cut dead/run.json").read_text())["status"] == "running"
    found = command("train", "--resume", "runs/cut dead", "--threads", "2")
    assert (found.status, found.err) == (0, "")
    assert found.out.splitlines()[2:4] == ["", "going on after epoch 1"]
    assert found.out.splitlines()[4].startswith("epoch 2/2 ")
    one, other = (here / "runs" / name / "last.safetensors" for name in ("whole", "cut dead"))
    assert one.read_bytes() == other.read_bytes()
    again = command("train", "--resume", "runs/cut dead")
    assert again.status == 0
    assert again.out.startswith("runs/cut dead/ is finished with ")
    assert again.out.endswith(" of the test images; there is nothing left to do.\n")
    values = json.loads(command("train", "--resume", "runs/cut dead", "--json").out)
    assert values["model"] == os.path.join("runs", "cut dead", "last.safetensors")


#: Dies after the first epoch's checkpoint.
KILLED = """
import os, signal, sys
from lenet.cli.main import main
from lenet.training import Run, run
run.WRITING_SHARE = 1e9
record = Run.record
def dies(run, training):
    record(run, training)
    os.kill(os.getpid(), signal.SIGKILL)
Run.record = dies
main(sys.argv[1:])
"""


def test_a_torn_checkpoint_is_told(command, here):
    begun = ["train", *SMALL, "--run", "a"]
    subprocess.run([sys.executable, "-c", KILLED, *begun], check=False)
    (here / "runs/a/checkpoint-1.safetensors").write_bytes(b"torn")
    found = command("train", "--resume", "runs/a", "--quiet")
    assert found.status == 0
    assert found.err == (
        "lenet: runs/a/checkpoint-1.safetensors is no intact checkpoint: it is cut or changed; "
        "going on at its start.\n"
    )


@pytest.mark.parametrize(
    "more",
    [
        *(["--lr", "1"], ["--net", "lenet"], ["--recipe", "original"], ["--seed", "0"]),
        *(["--set", "lr=1"], ["--balance"], ["--run", "x"], ["--epochs", "9"]),
    ],
)
def test_resume_takes_no_other_wishes(refused, more):
    words = f"leave {more[0]} out"
    refused(["train", "--resume", "runs/a", *more], 2, "the run's own network, recipe and", words)


def test_resume_of_nothing(refused, command, here):
    refused(["train", "--resume", "x"], 2, "'x' is no run: it has no run.json")
    command("train", *SMALL, "--run", "x")
    refused(["train", "--resume", "x"], 2, "(did you mean runs/x?)")


def test_equal_commands_give_equal_models(command, here):
    for name, threads in (("a", 1), ("b", 3)):
        command("train", *SMALL, "--quiet", "--run", name, "--threads", threads)
    first, second = (lenet.Model.load(here / "runs" / n / "last.safetensors") for n in "ab")
    assert first.table.tobytes() == second.table.tobytes()


@pytest.mark.parametrize("net", ["net.json", "m.safetensors"])
def test_a_network_from_a_file(command, here, model, net):
    text = command("explain", model, "--json").out
    assert json.loads(text)
    network = lenet.Model.load(model).network
    from lenet.net import to_json

    (here / "net.json").write_text(to_json(network))
    values = json.loads(command("train", "--net", net, "--epochs", "1", "--json").out)
    assert lenet.parse(values["network"]) == network
    assert os.path.basename(values["run"]) == f"digits-{net.split('.')[0]}-1"


def test_a_folder_of_idx_files(command, idx_folder):
    values = json.loads(command("train", "mnist", "--data-dir", "data", *SMALL, "--json").out)
    assert values["dataset"] == "mnist"


def test_a_training_that_learns_nothing_says_so(command):
    """A rate for sigmoids, and none there."""
    network = "1x8x8 | conv 6 k3 relu, maxpool 2 | dense 32 relu, dense 10"
    found = command("train", "--recipe", "original", "--net", network, "--epochs", "3", "--quiet")
    assert found.status == 0
    (line,) = [line for line in found.out.splitlines() if "better than guessing" in line]
    assert line.startswith("It is hardly better than guessing: ")
    assert "All units of conv0 are dead from epoch 3 on: " in line
    found = command("report", "runs/digits-custom-original-1", "--json")
    values = json.loads(found.out)
    assert values["guessing"]
    assert all(reason in line for reason in values["reasons"])
    command("report", "runs/digits-custom-original-1")
    page = Path("runs/digits-custom-original-1/report.html").read_text(encoding="utf-8")
    assert line in page


def test_a_saved_model_gives_its_layers(command, model):
    found = command("train", "--net", model, "--epochs", "1")
    assert f"lenet: {model} gives its layers alone; their weights begin anew." in found.err


def test_where_the_data_lie_is_part_of_what_to_type(command, idx_folder):
    found = command("train", "mnist", "--data-dir", idx_folder, "--epochs", "1", "--quiet")
    assert f"last.safetensors mnist --data-dir {idx_folder}\n" in found.out
