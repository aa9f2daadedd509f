"""The page's preparation of pictures, run in node, against lenet's own and on what people write."""

import json
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

import lenet
from lenet.data.decoder import read_picture
from lenet.data.prepare import prepare_picture
from lenet.data.preprocess import FITS
from lenet.formats.page import page_facts, page_modules

pytestmark = pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")

#: Prepares the pictures, or strokes, of cases.json, as the page does.
RUN = """
import { readFileSync } from "node:fs";
const { how, cases } = JSON.parse(readFileSync(0, "utf8"));
const made = cases.map(({ picture, strokes, asItIs }) => {
  const given = strokes
    ? strokesModule.drawn(strokesModule.enlarged(strokes, 20 / 28), 280, 280, 24.6)
    : prepareModule.pictureOfBytes(Uint8Array.from(picture.bytes), picture.shape);
  const { bytes, done } = prepareModule.prepare(given, how, asItIs);
  return { bytes: Array.from(bytes), done: done.map(([name]) => name) };
});
console.log(JSON.stringify(made));
"""


@pytest.fixture(scope="module")
def prepare(tmp_path_factory):
    """Runs the page's own modules in node on cases; gives bytes (N, C * H * W) and words."""
    script = tmp_path_factory.mktemp("node") / "prepare.mjs"
    script.write_text(page_modules() + RUN, encoding="utf-8")

    def run(how, cases):
        given = json.dumps({"how": how, "cases": cases})
        command = ["node", str(script)]
        ran = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        made = json.loads(ran.stdout)
        return np.array([case["bytes"] for case in made], np.uint8), [c["done"] for c in made]

    return run


def preparation(**values):
    """What a page is told of the preparation of grey images of 28x28, as MNIST's unless given."""
    given = {"polarity": "dark", "box": 20, **values}
    seen = lenet.Preprocessing((1, 28, 28), (0.0,), (1.0,), **given)
    model = lenet.Model("1x28x28 | dense 10", preprocessing=seen).initialize()
    return seen, page_facts(model)["preparation"]


def digit():
    """A seven as MNIST has it: strokes of about two pixels, 20 high, its mass in the middle."""
    image = np.zeros((28, 28), np.uint8)
    image[5:7, 7:21] = 255
    for row in range(7, 25):
        column = 19 - (row - 7) // 2
        image[row, column : column + 2] = 255
    return image


def case(image, **values):
    shape = [1, *image.shape] if image.ndim == 2 else list(image.shape)
    return {"picture": {"bytes": image.ravel().tolist(), "shape": shape}, **values}


def changed():
    """The seven as people give it: moved, inverted, smaller, larger, on a canvas of any size."""
    seven = digit()
    large = np.asarray(Image.fromarray(seven).resize((140, 140), Image.Resampling.BICUBIC))
    small = np.zeros_like(seven)
    small[2:16, 3:17] = np.asarray(Image.fromarray(seven).resize((14, 14), Image.Resampling.BOX))
    canvas = np.zeros((200, 300), np.uint8)
    canvas[30:170, 120:260] = large
    return {
        "moved": np.roll(seven, (2, -4), (0, 1)),
        "inverted": 255 - seven,
        "small": small,
        "large": large,
        "canvas": canvas,
        "paper": 240 - (canvas // 2),
        "lamp": (215 + np.linspace(-12, 12, 300) - canvas * 0.6).astype(np.uint8),
    }


@pytest.mark.parametrize("name", list(changed()))
def test_it_is_as_lenet_prepares_it(name, prepare, tmp_path) -> None:
    seen, how = preparation()
    picture = changed()[name]
    path = tmp_path / "picture.png"
    Image.fromarray(picture).save(path)
    ours, _ = prepare_picture(read_picture(path), seen)
    theirs, (done,) = prepare(how, [case(picture)])
    difference = np.abs(ours[0].astype(int) - theirs.reshape(28, 28))
    assert difference.mean() < 1
    assert ("inverted" in done) == (name in ("inverted", "paper", "lamp"))
    assert "mass-centred" in done


def test_what_is_so_already_stays_to_the_bit(prepare) -> None:
    _, how = preparation()
    centred, _ = prepare(how, [case(digit())])
    again, done = prepare(how, [case(centred.reshape(28, 28))])
    assert (again == centred).all()
    assert done == [[]]


def test_as_it_is_only_the_size_changes(prepare) -> None:
    seen, how = preparation()
    moved = np.roll(digit(), 3, 1)
    made, done = prepare(
        how, [case(255 - moved, asItIs=True), case(moved.repeat(2, 0).repeat(2, 1), asItIs=True)]
    )
    assert (made[0].reshape(28, 28) == 255 - moved).all()
    larger = moved.repeat(2, 0).repeat(2, 1)
    ours = seen.as_it_is.prepare(larger[np.newaxis, np.newaxis])
    assert np.abs(made[1].reshape(28, 28) - ours[0, 0].astype(int)).max() <= 1
    assert done == [[], ["resized"]]


def test_nothing_is_drawn(prepare) -> None:
    _, how = preparation()
    made, done = prepare(how, [case(np.zeros((28, 28), np.uint8))])
    assert (made == 0).all()
    assert done == [[]]


SEVEN = [[[0.25, 0.25], [0.72, 0.25], [0.42, 0.85]]]


@pytest.mark.parametrize("scale", [1, 0.4])
@pytest.mark.parametrize("shift", [0, 0.15])
def test_strokes_of_any_size_and_place_are_one_digit(scale, shift, prepare) -> None:
    _, how = preparation()
    strokes = [[[x * scale + shift, y * scale + shift] for x, y in line] for line in SEVEN]
    (whole,), _ = prepare(how, [{"strokes": SEVEN}])
    (made,), _ = prepare(how, [{"strokes": strokes}])
    assert np.abs(made.astype(int) - whole).max() <= 1
    image = made.reshape(28, 28).astype(float)
    rows, columns = np.nonzero(image > 32)
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
    y, x = np.mgrid[:28, :28]
    assert abs((image * y).sum() / image.sum() - 14) < 0.6
    assert abs((image * x).sum() / image.sum() - 14) < 0.6
    assert 1.5 < image.sum() / 255 / 31 < 2.8  # over the length of the strokes: their width


def test_a_dot_is_a_dot(prepare) -> None:
    _, how = preparation()
    (made,), _ = prepare(how, [{"strokes": [[[0.1, 0.9]]]}])
    assert made.reshape(28, 28)[14, 14] > 200


def test_light_paper_and_plain_data(prepare) -> None:
    _, how = preparation(polarity="light")
    (made,), (done,) = prepare(how, [{"strokes": SEVEN}])
    assert "inverted" in done
    assert np.median(made) == 255
    _, how = preparation(polarity=None, box=None)
    (made,), (done,) = prepare(how, [{"strokes": SEVEN}])
    assert done == ["resized"]
    assert np.median(made) == 0


@pytest.mark.parametrize("fit", [*FITS, None])
@pytest.mark.parametrize("shape", [(30, 50), (50, 30), (9, 40), (100, 100), (28, 28), (1, 300)])
def test_every_fit_is_as_lenet_s(fit, shape, prepare, tmp_path) -> None:
    seen = lenet.Preprocessing((3, 24, 28), (0.0,) * 3, (1.0,) * 3, None, fit=fit)
    model = lenet.Model("3x24x28 | dense 10", preprocessing=seen).initialize()
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (6, 6, 3), np.uint8)
    picture = np.asarray(Image.fromarray(coarse).resize(shape[::-1]))
    path = tmp_path / "picture.png"
    Image.fromarray(picture).save(path)
    ours, words = prepare_picture(read_picture(path), seen)
    given = case(np.ascontiguousarray(picture.transpose(2, 0, 1)))
    theirs, (done,) = prepare(page_facts(model)["preparation"], [given])
    assert np.abs(ours.astype(int) - theirs.reshape(ours.shape)).max() <= 1
    assert done[1:] == list(words[1:])


def test_a_margin_is_as_lenet_s(prepare, tmp_path) -> None:
    seen = lenet.Preprocessing((1, 32, 32), (0.0,), (1.0,), None, margin=True, fit="border")
    model = lenet.Model("1x32x32 | dense 10", preprocessing=seen).initialize()
    path = tmp_path / "picture.png"
    image = np.full((28, 28), 40, np.uint8)
    image[4:20, 9:11] = 250
    Image.fromarray(image).save(path)
    ours, words = prepare_picture(read_picture(path), seen)
    theirs, (done,) = prepare(page_facts(model)["preparation"], [case(image)])
    np.testing.assert_array_equal(ours[0], np.pad(image, 2, constant_values=40))
    np.testing.assert_array_equal(ours[0], theirs.reshape(32, 32))
    assert done == ["margin"]
    assert words == ("28x28 in the middle of 32x32",)
