"""``lenet train``: what it refuses, in one sentence each."""

import numpy as np
import pytest

SMALL = ("--net", "1x8x8 | conv 4 k3 relu, maxpool 2 | dense 10", "--epochs", "2")


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
        (["--epochs"], ["'--epochs' requires"]),
        (["--epochs", "1", "--epochs", "2"], ["--epochs is given more than once", "once"]),
        (["--lr", "nan"], ["lr is nan", "it must be a number above 0"]),
        (["--lr", "inf"], ["lr is inf", "it must be a number above 0"]),
        (["--lr", "0"], ["lr is 0.0", "it must be a number above 0"]),
        (["--lr", "-1"], ["lr is -1.0", "it must be a number above 0"]),
        (["--lr", "1e300"], ["lr is 1e+300", "at most 1e+30"]),
        (["--lr", "x"], ["--lr is 'x'", "it must be a number"]),
        (["--weight-decay", "-1"], ["weight_decay is -1.0", "from 0 to"]),
        (["--batch-size", "-1"], ["batch_size is -1", f"{WHOLE} from 1 to 1,000,000"]),
        (["--threads", "0"], ["threads is 0", "it must be from 1 to 1024"]),
        (["--threads", "1025"], ["threads is 1025", "it must be from 1 to 1024"]),
        (["--seed", "-1"], ["seed is -1", f"{WHOLE} from 0 to 2^63 - 1"]),
        (["--seed", str(2**63)], [f"seed is {2**63}", WHOLE]),
        (["--init", "normal:x"], ["'normal:x'", "normal:S", "xavier, kaiming, lecun or"]),
        (["--init", "normal:1e300"], ["normal:1e300", "at most 1e+30", "such as normal:0.2"]),
        (
            ["--optimizer", "foo"],
            ["'foo'", "it must be sgd, momentum, nesterov, adamw or levenberg-marquardt"],
        ),
        (
            ["--schedule", "foo"],
            ["'foo'", "it must be constant, one-cycle, cosine, step or listed"],
        ),
        (
            ["--recipe", "foo"],
            ["'foo'", "lenet-5-distorted, modern or original, or a .toml file"],
        ),
        (["--recipe", "no.toml"], ["cannot read the recipe no.toml: no such file or directory"]),
        (["--set", "lr"], ["'lr' is no setting", "lr=0.02"]),
        (["--set", "rate=1"], ["a recipe has no 'rate'"]),
        (["--set", "lr=x"], ["lr is 'x'"]),
        (["--set", "lr=1", "--lr", "1"], ["lr is given by --lr and by --set; give it once"]),
        (["--set", "lr=1", "--set", "lr=2"], ["lr is set more than once"]),
        (["--set", "keep=best"], ["no validation images", "validation_fraction=0.1"]),
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
        (["digits", "extra"], ["unexpected", "extra"]),
        (["--foo"], ["'--foo'", "see lenet train --help"]),
        (["--epoch", "3"], ["'--epoch' (did you mean '--epochs'?)"]),
        (["--no-json"], ["'--no-json' (did you mean '--json'?)"]),
        (["--json=3"], ["'--json' does not take a value"]),
        (["-e", "3"], ["'-e'"]),
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
    (here / "runs" / "x" / "notes.txt").write_text("mine")
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
        (missing, ["train-labels-idx1-ubyte", "put them there"]),
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
