"""Which models turn a picture into its negative: those whose training images all bear the rule."""

import numpy as np
import pytest
from PIL import Image

import lenet
from lenet.data.ground import background_of, has_colour, has_light_border
from lenet.data.preprocess import Preprocessing


def disc(ground, colour, random, side=48):
    """A disc somewhere near the middle: (side, side, 3) uint8."""
    y, x = np.mgrid[:side, :side] - side / 2
    (row, column), radius = random.integers(-5, 6, 2), random.integers(8, 15)
    inside = (y - row) ** 2 + (x - column) ** 2 < radius**2
    picture = np.where(inside[..., np.newaxis], colour, ground)
    return (picture + random.normal(0, 4, picture.shape)).clip(0, 255).astype(np.uint8)


def write_discs(root, ground, colours, count=20, mode="RGB"):
    random = np.random.default_rng(0)
    for name, colour in colours.items():
        (root / name).mkdir(parents=True)
        for n in range(count):
            image = Image.fromarray(disc(ground, colour, random)).convert(mode)
            image.save(root / name / f"{n}.png")
    return root


HUES = {"red": (205, 35, 35), "blue": (35, 45, 205)}
LIGHT, DARK = (235, 235, 230), (25, 25, 30)


def grey_model(folder):
    return lenet.train("1x32x32 | dense 2", lenet.load(folder, size=32, gray=True), epochs=2)


def test_pictures_with_colours_that_are_made_grey_are_never_inverted(tmp_path):
    data = lenet.load(write_discs(tmp_path / "light", LIGHT, HUES), size=32, gray=True)
    assert data.image_shape == (1, 32, 32)
    assert data.has_colours
    model = grey_model(tmp_path / "light")
    assert model.preprocessing.polarity is None
    dark = write_discs(tmp_path / "dark", DARK, HUES)
    found = lenet.evaluate(model, dark, everything=True)
    assert not any("inverted" in note for note in found.notes)
    plain = lenet.evaluate(model, dark, everything=True, as_it_is=True)
    assert found.confusion.tolist() == plain.confusion.tolist()


def test_tinted_ink_is_still_ink(tmp_path):
    tints = {"a": (40, 30, 30), "b": (60, 50, 55)}
    data = lenet.load(write_discs(tmp_path, (235, 225, 205), tints), size=32, gray=True)
    assert not data.has_colours
    assert grey_model(tmp_path).preprocessing.polarity == "light"


def test_grey_files_and_colour_networks_are_no_loss(tmp_path):
    grey = write_discs(tmp_path / "grey", LIGHT, HUES, mode="L")
    assert not lenet.load(grey, size=32).has_colours
    assert not lenet.load(write_discs(tmp_path / "rgb", LIGHT, HUES), size=32).has_colours
    assert grey_model(grey).preprocessing.polarity == "light"


def test_the_cache_keeps_it(tmp_path):
    write_discs(tmp_path, LIGHT, HUES)
    first, second = (lenet.load(tmp_path, size=32, gray=True) for _ in range(2))
    assert first.has_colours
    assert second.has_colours
    assert first.sizes == second.sizes == ((48, 48),) * 3
    assert first.fit == second.fit == "stretch"


def test_arrays_with_colours(tmp_path):
    random = np.random.default_rng(0)
    images = np.stack([disc(LIGHT, HUES["red"], random) for _ in range(20)]).transpose(0, 3, 1, 2)
    images = np.ascontiguousarray(images)
    assert Preprocessing.measure(images, (1, 48, 48)).polarity is None
    assert Preprocessing.measure(images[:, :1].repeat(3, 1), (1, 48, 48)).polarity == "light"
    np.savez(tmp_path / "a.npz", x=images, y=np.arange(20) % 2)
    assert lenet.load(tmp_path / "a.npz", gray=True).has_colours
    assert not lenet.load(tmp_path / "a.npz").has_colours


def vignette(random, side=32):
    """A dark stroke on light paper, whose border lies in shadow."""
    y, x = np.mgrid[:side, :side] / side - 0.5
    picture = np.full((side, side), 230.0)
    column = random.integers(10, 20)
    picture[8:24, column : column + 3] = 30
    return (picture * (1 - 1.5 * (x**2 + y**2))).clip(0, 255).astype(np.uint8)


def test_a_rule_that_would_turn_training_images_is_left_out():
    """By its border alone each is dark, and whoever looks at it sees that it is light."""
    random = np.random.default_rng(0)
    images = np.stack([vignette(random) for _ in range(30)])[:, np.newaxis]
    assert not has_light_border(images).any()
    assert {background_of(image[0])[0] for image in images} == {"light"}
    assert Preprocessing.measure(images, (1, 32, 32)).polarity is None


@pytest.mark.parametrize(
    ("ground", "colour", "expected"),
    [
        (LIGHT, (205, 35, 35), True),
        (DARK, (35, 45, 205), True),
        (LIGHT, (20, 20, 40), False),
        ((240, 200, 150), (60, 50, 40), False),  # under a lamp
    ],
)
def test_what_has_colour(ground, colour, expected):
    picture = disc(ground, colour, np.random.default_rng(1)).transpose(2, 0, 1)
    assert has_colour(picture) is expected
    assert not has_colour(picture[:1])
