"""``lenet predict``: pictures of every kind, and what is none."""

import csv
import json

import numpy as np
import pytest

import lenet


@pytest.mark.parametrize(
    "name", ["a.png", "with space.png", "ünï 図.png", "no ending", "'quoted'.png", "-.png"]
)
def test_text(command, here, model, picture_bytes, name):
    (here / name).write_bytes(picture_bytes())
    found = command("predict", model, "--", name)
    assert (found.status, found.err) == (0, "")
    assert found.out.startswith(f"{name}  ")
    assert found.out.count("%") == 3


@pytest.mark.parametrize(
    "picture", [("L", (1, 1)), ("RGB", (1, 1)), ("RGBA", (9, 5)), ("1", (3, 3)), ("L", (1, 900))]
)
def test_json(command, here, model, picture_bytes, picture):
    (here / "a.png").write_bytes(picture_bytes(*picture))
    values = json.loads(command("predict", model, "a.png", "--json").out)
    assert values["model"] == model
    (found,) = values["predictions"]
    assert found["image"] == "a.png"
    assert sum(found["probabilities"].values()) == pytest.approx(1)
    assert found["probabilities"][found["class"]] == found["probability"]


def test_arrays(command, here, model):
    images = lenet.load("digits").test.images[:3]
    np.save(here / "a.npy", images)
    lines = command("predict", model, "a.npy", "a.npy").out.splitlines()
    assert [line.split()[0] for line in lines] == ["a.npy[0]", "a.npy[1]", "a.npy[2]"] * 2
    answers = lenet.Model.load(model).predict(images)
    assert [line.split()[1] for line in lines[:3]] == [str(answer) for answer in answers]


def test_a_network_of_one_class(command, here, picture_bytes):
    lenet.Model("1x8x8 | dense 1", ["only"]).initialize().save("one.safetensors")
    (here / "a.png").write_bytes(picture_bytes())
    assert command("predict", "one.safetensors", "a.png").out == "a.png  only  100.00 %\n"


def test_a_name_that_is_no_text(process, here, model, picture_bytes):
    name = b"\xff.png".decode(errors="surrogateescape")
    (here / name).write_bytes(picture_bytes())
    settings = {"PYTHONIOENCODING": "utf-8:strict", "PYTHONUTF8": "1"}
    found = process("predict", model, name, env=settings, errors="surrogateescape")
    assert (found.status, found.err) == (0, "")
    assert found.out.startswith("\\udcff.png ")
    values = json.loads(process("predict", model, name, "--json", env=settings).out)
    assert values["predictions"][0]["image"] == name


def test_no_image(refused, model):
    refused(["predict", model], 2, "'IMAGES...'")


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"BM", b"GIF89a" + bytes(50), b"\x93NUMPY"]
)
def test_what_is_no_picture(refused, here, model, content):
    (here / "a.png").write_bytes(content)
    refused(["predict", model, "a.png"], 1, "a.png")


@pytest.mark.parametrize("name", ["nowhere.png", ".", "/dev/null", "a" * 300])
def test_no_file(refused, model, name):
    refused(["predict", model, name], 1)


def test_a_picture_cut_in_half(refused, here, model, picture_bytes):
    content = picture_bytes("RGB", (99, 99), (1, 2, 3))
    (here / "a.png").write_bytes(content[: len(content) // 2])
    refused(["predict", model, "a.png"], 1, "a.png")


@pytest.fixture
def mixed(here, picture_bytes):
    """A folder of three pictures and three files that are none, in folders within."""
    (here / "own" / "deep" / "er").mkdir(parents=True)
    for name in ("2.png", "10.png", "deep/er/a.png"):
        (here / "own" / name).write_bytes(picture_bytes())
    (here / "own" / "bad.png").write_bytes(b"")
    (here / "own" / "deep" / "page.png").write_bytes(b"<html>404</html>")
    (here / "own" / "deep" / "cut.png").write_bytes(picture_bytes()[:40])
    return "own"


def test_bad_files_do_not_stop_the_others(command, model, mixed):
    found = command("predict", model, mixed)
    assert found.status == 1
    names = [line.split()[0] for line in found.out.splitlines()]
    assert names == ["own/2.png", "own/10.png", "own/deep/er/a.png"]
    assert found.err.splitlines() == [
        "lenet: own/bad.png is empty",
        "lenet: own/deep/cut.png is damaged",
        "lenet: own/deep/page.png is an HTML page, no picture that can be read",
        "lenet: 3 of 6 files cannot be read: 1 empty file, 1 damaged PNG picture, 1 HTML page; "
        "leave them out with skip_bad=True (on the command line: --skip-bad).",
    ]


def test_skip_bad(command, model, mixed):
    found = command("predict", model, mixed, "--skip-bad", "--json")
    assert (found.status, len(found.err.splitlines())) == (0, 3)
    values = json.loads(found.out)
    assert len(values["predictions"]) == 3
    assert values["faults"][0] == {"file": "own/bad.png", "reason": "is empty"}


def test_nothing_but_bad_files(refused, here, model):
    for name in ("a.png", "b.png"):
        (here / name).write_bytes(b"")
    refused(["predict", model, "a.png", "b.png", "--skip-bad"], 1, "2 of 2 files", "b.png is empty")
    (here / "empty").mkdir()
    refused(["predict", model, "empty"], 1, "the folder empty has no files")


def test_answers_in_a_table(command, here, model, mixed):
    assert command("predict", model, mixed, "-o", "a.csv", "--skip-bad").out == "a.csv\n"
    with open(here / "a.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["image"] for row in rows] == ["own/2.png", "own/10.png", "own/deep/er/a.png"]
    answers = json.loads(command("predict", model, mixed, "--skip-bad", "--json").out)
    for row, answer in zip(rows, answers["predictions"], strict=True):
        assert (row["class"], row["prepared"]) == (answer["class"], answer["prepared"])
        assert float(row["probability"]) == answer["probability"]
        assert row["second"] != row["class"]


def test_the_probability_of_every_class(command, refused, here, model, picture_bytes):
    (here / "a.png").write_bytes(picture_bytes())
    found = command("predict", model, "a.png", "-o", "a.csv", "--probabilities")
    assert (found.status, found.out) == (0, "a.csv\n")
    with (here / "a.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    shares = [float(value) for name, value in row.items() if name.startswith("probability_")]
    assert sum(shares) == pytest.approx(1)
    assert max(shares) == float(row["probability"])
    for more, word in ([], "--output"), (["--json"], "JSON"):
        refused(["predict", model, "a.png", "--probabilities", *more], 2, word)


def test_no_table_of_answers(refused, here, model, picture_bytes):
    (here / "a.png").write_bytes(picture_bytes())
    refused(["predict", model, "a.png", "-o", "a.txt"], 2, "end it in .csv")
    refused(["predict", model, "a.png", "-o", "nowhere/a.csv"], 1, "nowhere/a.csv")


def test_lists_of_files(command, here, model, mixed):
    """A table with a column of paths, and a text with a path in each line."""
    (here / "lists").mkdir()
    (here / "lists" / "a.csv").write_text("id,filename\n1,../own/2.png\n2,../own/10.png\n")
    (here / "b.txt").write_text(f"own/2.png\n\n{here}/own/10.png\n")
    (here / "c.csv").write_text("own/2.png,3\nown/10.png,5\n")
    (here / "with space.png").write_bytes((here / "own" / "2.png").read_bytes())
    (here / "d.txt").write_text("with space.png\nwith space.png\n")
    for name in ("lists/a.csv", "b.txt", "c.csv", "d.txt"):
        found = command("predict", model, name)
        assert (found.status, found.err) == (0, ""), name
        assert len(found.out.splitlines()) == 2
    (here / "b.txt").write_text("own/2.png\nown/none.png\n")
    found = command("predict", model, "b.txt")
    assert found.status == 1
    assert "own/none.png cannot be opened" in found.err


@pytest.mark.parametrize("content", ["path,label\n", "image\n\n"])
def test_a_list_of_no_files(refused, here, model, content):
    (here / "list.csv").write_text(content)
    refused(["predict", model, "list.csv"], 1, "list.csv lists no files; give a column of paths")


def test_images_as_numbers(command, here, model):
    images = lenet.load("digits").test.images[:5]
    expected = [str(n) for n in lenet.Model.load(model).predict(images)]
    rows = images.reshape(5, 64)
    np.save(here / "rows.npy", rows)
    np.savez(here / "a.npz", x=images, y=np.zeros(5))
    np.savez(here / "alone.npz", rows)
    header = ",".join(f"pixel{i}" for i in range(64))
    np.savetxt(here / "test.csv", rows, "%d", ",", header=header, comments="")
    labelled = np.column_stack([np.arange(5), rows])
    np.savetxt(here / "train.csv", labelled, "%d", ",", header=f"label,{header}", comments="")
    for name in ("rows.npy", "a.npz", "alone.npz", "test.csv", "train.csv"):
        found = command("predict", model, name)
        lines = found.out.splitlines()
        assert [line.split()[:2] for line in lines] == [
            [f"{name}[{i}]", answer] for i, answer in enumerate(expected)
        ], name


def test_files_of_numbers_in_a_folder_are_named_themselves(command, here, model, picture_bytes):
    images = lenet.load("digits").test.images[:3, 0]
    (here / "in").mkdir()
    (here / "in" / "a.png").write_bytes(picture_bytes())
    np.save(here / "in" / "n.npy", images)
    np.savez(here / "in" / "n.npz", images)
    header = b"\0\0\x08\x03" + b"".join(n.to_bytes(4, "big") for n in images.shape)
    (here / "in" / "n-idx3-ubyte").write_bytes(header + images.tobytes())
    found = command("predict", model, "in")
    assert (found.status, found.out.split()[0]) == (1, "in/a.png")
    for name in ("n.npy", "n.npz", "n-idx3-ubyte"):
        assert f"in/{name} holds images as numbers, to be given by itself" in found.err
        assert len(command("predict", model, f"in/{name}").out.splitlines()) == 3
    assert "3 of 4 files cannot be read: 3 files of numbers;" in found.err
    (here / "in" / "a.png").unlink()
    assert "; give such files one by one, not their folder" in command("predict", model, "in").err


def test_what_was_done_is_said(command, here, model, picture_bytes):
    (here / "a.png").write_bytes(picture_bytes("L", (20, 16), 255))
    (here / "b.png").write_bytes(picture_bytes("L", (8, 8), 255))
    both = command("predict", model, "a.png", "b.png").out.splitlines()
    assert both[0].endswith("inverted, 16x20 to 6x8, centred")
    assert both[1].endswith("inverted")
    alone = command("predict", model, "a.png").out.splitlines()
    assert alone[-1].strip() == "prepared: inverted, 16x20 to 6x8, centred"
    (found,) = json.loads(command("predict", model, "b.png", "--json").out)["predictions"]
    assert found["prepared"] == "inverted"


def test_a_run_is_a_model(command, here, model, picture_bytes):
    assert command("train", "digits", "--epochs", "1", "--run", "one").status == 0
    (here / "a.png").write_bytes(picture_bytes())
    by_run, by_file = (
        command("predict", place, "a.png").out
        for place in ("runs/one", "runs/one/last.safetensors")
    )
    assert by_run == by_file != ""
    assert command("evaluate", "runs/one", "digits").status == 0
    (here / "runs" / "one" / "last.safetensors").unlink()
    (here / "runs" / "one" / "best.safetensors").unlink(missing_ok=True)
    found = command("predict", "runs/one", "a.png")
    assert (found.status, "a run without a model" in found.err) == (1, True)


def legacy():
    return b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03."


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("net.pth", b"PK\3\4" + bytes(26) + b"net/data.pkl", "a PyTorch file"),
        ("net.bin", legacy(), "a PyTorch file"),
        ("net", legacy(), "a PyTorch file"),
        ("net.pkl", b"\x80\4\x95", "a pickle of Python objects"),
        ("net.h5", b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        ("net.keras", b"PK\3\4" + bytes(26) + b"model.weights.h5", "a Keras model"),
        ("net.onnx", b"\x08\x07\x12\x07pytorch", "an ONNX model"),
    ],
)
def test_files_of_other_programs(refused, here, model, picture_bytes, name, content, word):
    (here / name).write_bytes(content)
    (here / "a.png").write_bytes(picture_bytes())
    save = "safetensors.torch.save_file(torch.load(" if "Torch" in word else "save_file(tensors"
    words = [save, "lenet.reconcile("]
    if name in ("net.pth", "net.onnx", "net.keras"):  # these can be imported
        words = [f"`lenet import {name} -o "]
    for arguments in (["predict", name, "a.png"], ["evaluate", name, "digits"]):
        refused(arguments, 1, word, *words)
    refused(["predict", model, name], 1, f"is {word}")
    refused(["train", name], 2, f"is {word}, no data set")
    if name in ("net.onnx", "net.keras"):  # is read, and is cut
        refused(["explain", f"./{name}"], 1, "is no intact")
    else:
        refused(["explain", f"./{name}"], 2, word, words[0].replace(name, f"./{name}"))


@pytest.mark.parametrize(
    "array",
    [
        np.full((2, 8, 8), 7.5),
        np.zeros((0, 8, 8), np.uint8),
        np.zeros(8, np.uint8),
        np.zeros((2, 2, 8, 8), np.uint8),
        np.array([{}], dtype=object),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_arrays_that_are_no_images(refused, here, model, array):
    np.save(here / "a.npy", array, allow_pickle=True)
    refused(["predict", model, "a.npy"], 1)


def test_json_of_no_pictures(command, here, model):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"path": pa.array([], pa.string())}), here / "none.parquet")
    found = command("predict", model, "none.parquet", "--json")
    assert json.loads(found.out)["predictions"] == []
