"""``lenet train``: what it prints and writes, and how it refuses."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
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


@pytest.mark.parametrize("name", ["mein lauf", "図", "-x", "a.b", "ä" * 100])
def test_run_names(command, here, name):
    assert command("train", *SMALL, "--quiet", f"--run={name}").status == 0
    assert (here / "runs" / name / "last.safetensors").exists()


def test_the_options_reach_the_recipe(command):
    given = {
        "recipe": "seed",
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
    expected = lenet.recipe("seed", epochs=2, net=SMALL[1], **given)
    assert values["recipe"] == expected.to_dict()


def test_set_reaches_all_the_others(command):
    given = {"validation": 0.1, "keep": "best", "warm_up": 1, "patience": 5, "dropout": 0.1}
    settings = [f"--set={name}={value}" for name, value in given.items()]
    options = ["--schedule", "cosine", "--balance", *settings]
    values = json.loads(command("train", *SMALL, *options, "--json").out)
    expected = lenet.recipe(epochs=2, net=SMALL[1], schedule="cosine", balance=True, **given)
    assert values["recipe"] == expected.to_dict()
    assert os.path.basename(values["model"]) == "best.safetensors"
    assert values["test_accuracy"] == values["epochs"][values["kept_epoch"] - 1]["test_accuracy"]


def test_validation_is_shown(command):
    options = ["--set", "validation=0.2", "--set", "keep=best", "--set", "patience=1"]
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
from lenet.training import Run, pacing
pacing.SHARE = 1e9
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
        *(["--lr", "1"], ["--net", "lenet"], ["--recipe", "seed"], ["--seed", "0"]),
        *(["--set", "lr=1"], ["--balance"], ["--run", "x"], ["--epochs", "9"]),
    ],
)
def test_resume_takes_no_other_wishes(refused, more):
    words = f"leave {more[0]} out"
    refused(["train", "--resume", "runs/a", *more], 2, "the run's own network, recipe and", words)


def test_resume_of_nothing(refused, command, here):
    refused(["train", "--resume", "x"], 2, "x holds no run that could be resumed: run.json: no su")
    command("train", *SMALL, "--run", "x")
    refused(["train", "--resume", "x"], 2, "(did you mean runs/x?)")


def test_equal_commands_give_equal_models(command, here):
    for name, threads in (("a", 1), ("b", 3)):
        command("train", *SMALL, "--quiet", "--run", name, "--threads", threads)
    first, second = (lenet.Model.load(here / "runs" / n / "last.safetensors") for n in "ab")
    assert first.parameters.tobytes() == second.parameters.tobytes()


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


WHOLE = "it must be a whole number"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--epochs", "0"], ["epochs is 0", f"{WHOLE} from 1 to 100,000"]),
        (["--epochs", "100001"], ["epochs is 100001", WHOLE]),
        (["--epochs", "9" * 25], ["epochs is 99999", WHOLE]),
        (["--epochs", "9" * 5000], ["--epochs is '9999", WHOLE]),
        (["--epochs", "abc"], ["--epochs is 'abc'", WHOLE, "see lenet train --help"]),
        (["--epochs", "1.5"], ["--epochs is '1.5'", WHOLE]),
        (["--epochs", "0x10"], ["--epochs is '0x10'", WHOLE]),
        (["--epochs", "1_0"], ["--epochs is '1_0'", WHOLE]),
        (["--epochs", ""], ["--epochs is ''", WHOLE]),
        (["--epochs"], ["--epochs has no value"]),
        (["--epochs", "1", "--epochs", "2"], ["--epochs is given more than once", "once"]),
        (["--lr", "nan"], ["(lr) is nan", "it must be a number above 0"]),
        (["--lr", "inf"], ["(lr) is inf", "it must be a number above 0"]),
        (["--lr", "0"], ["(lr) is 0.0", "it must be a number above 0"]),
        (["--lr", "-1"], ["(lr) is -1.0", "it must be a number above 0"]),
        (["--lr", "1e300"], ["(lr) is 1e+300", "at most 1e+30"]),
        (["--lr", "x"], ["--lr is 'x'", "it must be a number"]),
        (["--weight-decay", "-1"], ["weight decay is -1.0", "from 0 to"]),
        (["--batch-size", "-1"], ["batch size is -1", f"{WHOLE} from 1 to 1,000,000"]),
        (["--threads", "0"], ["threads is 0", "it must be from 1 to 1024"]),
        (["--threads", "1025"], ["threads is 1025", "it must be from 1 to 1024"]),
        (["--seed", "-1"], ["seed is -1", f"{WHOLE} from 0 to 2^63 - 1"]),
        (["--seed", str(2**63)], [f"seed is {2**63}", WHOLE]),
        (["--init", "normal:x"], ["'normal:x'", "normal:S", "xavier or kaiming"]),
        (["--init", "normal:1e300"], ["normal:1e300", "too large", "such as normal:0.2"]),
        (["--optimizer", "foo"], ["'foo'", "it must be sgd, momentum, nesterov or adamw"]),
        (["--schedule", "foo"], ["'foo'", "it must be constant, one-cycle, cosine or step"]),
        (["--recipe", "foo"], ["'foo'", "it must be best, modern, seed or a .toml file"]),
        (["--recipe", "no.toml"], ["cannot read the recipe no.toml: no such file or directory"]),
        (["--set", "lr"], ["--set is 'lr'; give a name and a value, such as lr=0.02"]),
        (["--set", "rate=1"], ["a recipe has no 'rate'"]),
        (["--set", "lr=x"], ["the learning rate (lr) is 'x'"]),
        (["--set", "lr=1", "--lr", "1"], ["lr is given by --lr and by --set; give it once"]),
        (["--set", "lr=1", "--set", "lr=2"], ["lr is set more than once"]),
        (["--set", "keep=best"], ["no validation images", "--set validation=0.1"]),
        (["--checkpoint-seconds", "-1"], ["the time between checkpoints is -1.0"]),
        (["--checkpoint-seconds", "nan"], ["the time between checkpoints is nan"]),
        (["--run", "../x"], ["--run is '../x'", "one folder under runs/, without slashes"]),
        (["--run", "a\\b"], ["--run is", "without slashes"]),
        (["--run", ".."], ["--run is '..'", "one folder under runs/"]),
        (["--run", ""], ["--run is ''", "one folder under runs/"]),
        (["--run", "a\0b"], ["--run is 'a\\x00b'", "one folder under runs/"]),
        (["--net", "lenat"], ["'lenat' names no network", "did you mean 'lenet'?"]),
        (["--net", ""], ["'' names no network", "give one of lenet"]),
        (
            ["--net", "1x28x28 | conv 6 k50 | dense 10"],
            ["conv0 gets", "use a 28x28 kernel in conv0"],
        ),
        (["--net", "1x28x28 | dense 9 | conv 3 k3"], ["conv0", "drop dense0"]),
        (["--net", "1x28x28 | dense 3"], ["3 outputs", "10 classes", "'dense 10'"]),
        (["--net", "nowhere.json"], ["'nowhere.json' cannot be read"]),
        (["--net", "1x30000x30000 | conv 1 k30000 | dense 10"], ["GB", "a smaller input"]),
        (["cifar"], ["no data set is called 'cifar'", "digits, mnist or fashion-mnist"]),
        ([""], ["no data set is called ''"]),
        (["digits", "extra"], ["no use for 'extra'", "no more arguments"]),
        (
            ["--foo"],
            ["no option '--foo'", "it takes --balance, --batch-size, --checkpoint-seconds"],
        ),
        (["--epoch", "3"], ["no option '--epoch' (did you mean '--epochs'?)"]),
        (["--no-json"], ["no option '--no-json' (did you mean '--json'?)"]),
        (["--json=3"], ["--json stands alone"]),
        (["-e", "3"], ["no option '-e'"]),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else None,
)
def test_wrong_usage(refused, arguments, words):
    refused(["train", *arguments], 2, *words)


def test_a_typo_in_a_notation_is_shown(refused):
    text = refused(
        ["train", "--net", "1x28x28 | conv 6 k5 sigmiod | dense 10"],
        2,
        "'sigmiod' does not fit here (did you mean 'sigmoid'?)",
    )
    assert text.endswith("\n  1x28x28 | conv 6 k5 sigmiod | dense 10\n                      ^\n")


def test_channels_that_do_not_match(refused):
    arguments = ["train", "--net", "2x8x8 | dense 10"]
    refused(arguments, 1, "channels cannot become 2", "give images with 2 channels")


def test_an_existing_run(refused, here):
    (here / "runs" / "x").mkdir(parents=True)
    refused(["train", *SMALL, "--run", "x"], 2, "runs/x exists already and is never overwritten")


def test_runs_is_a_file(refused, here):
    (here / "runs").write_text("")
    for more in ([], ["--run", "x"]):
        refused(["train", *SMALL, *more], 1, "cannot make the run folder", "work in a folder that")


def test_a_run_folder_that_cannot_be_made(refused, monkeypatch):
    monkeypatch.chdir("/proc")
    refused(["train", *SMALL], 1, "cannot make the run folder runs/digits-custom-1")


def test_a_name_too_long(refused, here):
    (here / "runs").mkdir()
    refused(["train", *SMALL, "--run", "a" * 300], 1, "file name too long")


def cut(folder):
    path = folder / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-1])


def wrong_magic(folder):
    path = folder / "t10k-labels-idx1-ubyte"
    path.write_bytes(b"\1\2" + path.read_bytes()[2:])


def fewer_labels(folder):
    (folder / "train-labels-idx1-ubyte").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 19]) + bytes(19))


def empty(folder):
    path = folder / "t10k-images-idx3-ubyte"
    path.write_bytes(bytes([0, 0, 8, 3, 0, 0, 0, 0, 0, 0, 0, 28, 0, 0, 0, 28]))
    (folder / "t10k-labels-idx1-ubyte").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 0]))


def strange_label(folder):
    labels = np.full(20, 10, np.uint8)
    (folder / "train-labels-idx1-ubyte").write_bytes(
        bytes([0, 0, 8, 1, 0, 0, 0, 20]) + labels.tobytes()
    )


def missing(folder):
    (folder / "train-labels-idx1-ubyte").unlink()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (cut, ["train-images-idx3-ubyte"]),
        (wrong_magic, ["t10k-labels-idx1-ubyte"]),
        (fewer_labels, ["20 images but 19 labels"]),
        (empty, ["t10k-images-idx3-ubyte"]),
        (strange_label, ["label 10"]),
        (missing, ["train-labels-idx1-ubyte", "put the missing files there"]),
    ],
)
def test_damaged_data(refused, idx_folder, damage, words):
    damage(idx_folder)
    refused(["train", "mnist", "--data-dir", "data", *SMALL], 1, *words)


def test_data_nowhere(refused, monkeypatch):
    refused(
        ["train", "mnist", "--data-dir", "nowhere"], 1, "the data folder is nowhere", "name one"
    )
    monkeypatch.setenv("LENET_DATA", "/nowhere")
    refused(["train", "mnist"], 1, "LENET_DATA is set to /nowhere", "name one")


@pytest.mark.parametrize(("name", "other"), [("LENET_ENGINE", "reference"), ("LENET_ISA", "auto")])
def test_settings_that_cannot_be(refused, monkeypatch, name, other):
    monkeypatch.setenv(name, "nonsense")
    refused(["train"], 2, "'nonsense'", other)


def test_divergence(command, here):
    found = command("train", *SMALL, "--lr", "1e20", "--optimizer", "sgd", "--run", "x")
    assert found.status == 1
    assert found.err.startswith("lenet: training diverged in epoch 1, step ")
    assert "--lr 1e+19" in found.err
    assert found.err.count("\n") == 1
    assert json.loads((here / "runs/x/run.json").read_text())["status"] == "diverged"
    lenet.Model.load(here / "runs/x/last.safetensors")


def limit_files():
    import resource

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))


def test_a_full_disk(process, here):
    found = process("train", "--epochs", "1", "--json", preexec_fn=limit_files)
    assert (found.status, found.out) == (1, "")
    assert found.err == (
        "lenet: cannot write runs/digits-lenet-relu-1/last.safetensors: file too large; make room, "
        "then lenet train --resume runs/digits-lenet-relu-1 goes on.\n"
    )
    left = ["history.csv", "recipe.toml", "run.json", "signals.csv"]
    assert sorted(os.listdir(here / "runs/digits-lenet-relu-1")) == left


@pytest.mark.skipif(
    not os.environ.get("LENET_DATA"),
    reason="LENET_DATA names no folder with MNIST and Fashion-MNIST",
)
def test_ctrl_c(here):
    line = [sys.executable, "-m", "lenet", "train", "mnist", "--epochs", "1000"]
    with subprocess.Popen(
        line, cwd=here, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        # Training has begun when the header is there; then somewhere inside the first epoch.
        assert process.stdout.readline().startswith("mnist")
        assert process.stdout.readline().startswith("lenet-relu")
        time.sleep(0.3)
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        took = time.monotonic() - start
    assert process.returncode == 130
    assert took < 2
    assert err == (
        "lenet: stopped by Ctrl-C after 0 of 1000 epochs; the weights so far are in "
        "runs/mnist-lenet-relu-1/last.safetensors; lenet train --resume runs/mnist-lenet-relu-1 "
        "goes on.\n"
    )
    model = lenet.Model.load(here / "runs/mnist-lenet-relu-1/last.safetensors")
    assert model.training["status"] == "interrupted"
    drawn = lenet.Model(model.network).initialize("kaiming", 0)
    assert not np.array_equal(model.parameters, drawn.parameters)


@pytest.mark.parametrize("delay", [0.0, 0.003, 0.03, 0.2, 0.7])
def test_ctrl_c_leaves_a_whole_run(here, delay):
    """So long after the header: while training starts, between files, in the middle of a step."""
    line = [sys.executable, "-m", "lenet", "train", "--epochs", "100000", "--run", "x"]
    with subprocess.Popen(
        line, cwd=here, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline().startswith("digits")
        time.sleep(delay)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err.startswith("lenet: stopped by Ctrl-C after ")
    assert err.count("\n") == 1
    if not (here / "runs/x").exists():  # it came before the training did
        assert err.endswith("epochs; nothing is saved.\n")
        return
    assert err.endswith(
        "epochs; the weights so far are in runs/x/last.safetensors; lenet train --resume runs/x "
        "goes on.\n"
    )
    info = json.loads((here / "runs/x/run.json").read_text())
    assert info["status"] == "interrupted"
    assert f"after {len(info['epochs'])} of 100000" in err
    rows = (here / "runs/x/history.csv").read_text().splitlines()
    assert len(rows) == 1 + len(info["epochs"])
    epochs = lenet.Model.load(here / "runs/x/last.safetensors").training["epochs"]
    assert [
        {**epoch, "seconds": row["seconds"]}
        for epoch, row in zip(epochs, info["epochs"], strict=True)
    ] == info["epochs"]
    assert {"history.csv", "last.safetensors", "run.json"} <= set(os.listdir(here / "runs/x"))
    assert not [name for name in os.listdir(here / "runs/x") if name.startswith(".")]


def test_ctrl_c_before_the_training_leaves_no_folder(command, here, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("lenet.cli.train.print_header", stop)
    found = command("train", "--run", "x")
    assert (found.status, found.out) == (130, "")
    assert found.err == "lenet: stopped by Ctrl-C after 0 of 20 epochs; nothing is saved.\n"
    assert list((here / "runs").iterdir()) == []


def test_a_reader_that_goes_away_costs_no_weights(here):
    """``lenet train | head -2``: the run is saved as far as it came."""
    line = [sys.executable, "-m", "lenet", "train", "--epochs", "300", "--run", "x", *SMALL[:2]]
    with subprocess.Popen(
        line, cwd=here, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stderr
        for _ in range(3):  # the header and the empty line below it: training begins
            process.stdout.readline()
        process.stdout.close()
        assert process.wait(30) == 1
        assert process.stderr.read() == ""
    assert json.loads((here / "runs/x/run.json").read_text())["status"] == "interrupted"
    lenet.Model.load(here / "runs/x/last.safetensors")
