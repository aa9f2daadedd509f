"""``lenet predict``: pictures of every kind, and what is none."""

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


def test_good_ones_among_bad_ones_are_not_half_printed(refused, here, model, picture_bytes):
    (here / "good.png").write_bytes(picture_bytes())
    (here / "bad.png").write_bytes(b"")
    refused(["predict", model, "good.png", "bad.png"], 1, "bad.png is not a picture")


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((2, 8, 8)),
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
