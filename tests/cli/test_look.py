"""``lenet look``: pictures in every layer, drawn or in the terminal."""

import json

import numpy as np
import pytest

import lenet


def test_text(command, here, model, picture_bytes):
    (here / "a.png").write_bytes(picture_bytes("L", (20, 20)))
    found = command("look", model, "digits:3", "a.png")
    assert (found.status, found.err) == (0, "")
    network = lenet.Model.load(model).network
    assert all(name in found.out for name in network.names)
    assert "it is" in found.out
    assert "a.png: prepared: 20x20 to 8x8" in found.out


@pytest.mark.parametrize(
    ("ending", "start"),
    [
        ("svg", b"<svg"),
        ("png", b"\x89PNG"),
        ("pdf", b"%PDF"),
        ("html", b"<!DOCTYPE"),
        ("tex", b"%"),
    ],
)
def test_a_file(command, here, model, ending, start):
    found = command("look", model, "digits:3", "-o", f"look.{ending}", "--occlusion")
    assert (found.status, found.err) == (0, "")
    answer, path = found.out.splitlines()
    assert answer.startswith("digits:3: ")
    assert answer.endswith(" %")
    assert path == f"look.{ending}"
    assert (here / path).read_bytes().startswith(start)


def test_json(command, model):
    first = lenet.Model.load(model).network.names[0]
    found = command("look", model, "digits:3", "--unit", f"{first}[0,1,2]", "--occlusion", "--json")
    values = json.loads(found.out)
    assert values["model"] == model
    (unit,) = values["units"]
    assert unit["unit"] == f"{first}[0,1,2]"
    products = np.multiply(unit["window"], unit["kernel"])
    assert unit["terms"][0]["value"] == pytest.approx(products.sum())
    assert np.shape(values["occlusion"]) == (1, 8, 8)


def test_a_layer(command, model):
    found = command("look", model, "digits:3", "--layer", "conv0")
    assert found.status == 0
    assert "map 0" in found.out


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["M"], 2, ("PICTURES",)),
        (["M", "nowhere.png"], 1, ("nowhere.png",)),
        (["M", "digits"], 2, ("digits:0",)),
        (["M", "digits:9999"], 2, ("0 to 359",)),
        (["M", "digits:3", "--layer", "conv9"], 2, ("conv9",)),
        (["M", "digits:3", "--unit", "conv0"], 2, ("conv1[3,5,7]", "--unit")),
        (["M", "digits:3", "--unit", "conv0[0,0,0]", "--layer", "conv0"], 2, ("one of them",)),
        (["M", "digits:3", "-o", "look.gif"], 2, (".svg", ".html", "--output")),
        (["M", "digits:3", "-o", "M"], 2, (".svg",)),
        (["M", ""], 2, ("must be a path",)),
        (["M", "digits:-1"], 2, ("0 to 359",)),
        (["M", "digits:3", "-o", "no/where.svg"], 1, ("no/where.svg",)),
        (["M", "digits:3", "-o", "look.svg", "--theme", "pink"], 2, ("theme",)),
        (["no.safetensors", "digits:3"], 1, ("no.safetensors",)),
    ],
)
def test_refusals(refused, model, arguments, status, words):
    refused(["look", *(model if word == "M" else word for word in arguments)], status, *words)


def test_a_picture_is_not_drawn_over(refused, here, model, picture_bytes):
    (here / "a.png").write_bytes(picture_bytes())
    refused(["look", model, "a.png", "-o", "./a.png"], 2, "is what is read")


def test_a_picture_that_is_cut_in_half(refused, here, model, picture_bytes):
    content = picture_bytes("RGB", (99, 99), (1, 2, 3))
    (here / "a.png").write_bytes(content[: len(content) // 2])
    refused(["look", model, "a.png"], 1, "a.png")


def test_the_terminal_cannot_show_shades(process, model):
    found = process("look", model, "digits:3", env={"PYTHONIOENCODING": "ascii"})
    assert (found.status, found.err) == (0, "")
    assert found.out.isascii()
    assert "#" in found.out
