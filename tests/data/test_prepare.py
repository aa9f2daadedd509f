"""One rule for a picture: what its background is, what is done to it, and that all agree on it."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

import lenet
from lenet.data.decoder import Picture, read_picture
from lenet.data.frame import inside_of_frame
from lenet.data.ground import background_of, is_ink
from lenet.data.prepare import prepare_picture
from lenet.data.preprocess import Preprocessing
from lenet.errors import DataError

DARK = Preprocessing((1, 28, 28), (0.1,), (0.3,), "dark")
LIGHT = Preprocessing((1, 28, 28), (0.1,), (0.3,), "light")
ANY = Preprocessing((1, 28, 28), (0.1,), (0.3,), None)
COLOUR = Preprocessing((3, 28, 28), (0.1,) * 3, (0.3,) * 3, "dark")


def ground(grey):
    return background_of(grey)[0]


def stroke(side=200, paper=255, ink=0):
    """A seven in the middle: (side, side) uint8."""
    picture = np.full((side, side), paper, np.float64)
    unit = side // 20
    picture[5 * unit : 7 * unit, 6 * unit : 14 * unit] = ink
    picture[7 * unit : 16 * unit, 11 * unit : 13 * unit] = ink
    return picture.astype(np.uint8)


def done(picture, preprocessing=DARK):
    pixels = picture[np.newaxis] if picture.ndim == 2 else picture
    return prepare_picture(Picture(pixels, pixels.shape[1:]), preprocessing)[1]


def shaded(kind, side=200, ink=30):
    """A dark seven on light paper, lit unevenly."""
    y, x = np.mgrid[0:side, 0:side] / side
    light = {
        "slope": 0.35 + 0.65 * x,
        "vignette": 1 - 1.5 * ((x - 0.5) ** 2 + (y - 0.5) ** 2),
        "shadow on the left": np.where(x < 0.6, 0.45, 1.0),
        "shadow below": np.where(y > 0.4, 0.45, 1.0),
        "light shadow": np.where(x + y < 0.8, 0.75, 1.0),
    }[kind]
    grain = np.random.default_rng(0).normal(0, 3, (side, side))
    return (stroke(side, 230, ink) * light + grain).clip(0, 255).astype(np.uint8)


SHADES = ["slope", "vignette", "shadow on the left", "shadow below", "light shadow"]


@pytest.mark.parametrize("kind", SHADES)
def test_light_falls_unevenly(kind):
    picture = shaded(kind)
    assert ground(picture) == "light"
    assert ground(255 - picture) == "dark"
    assert "inverted" in done(picture)
    assert "inverted" not in done(255 - picture)


@pytest.mark.parametrize(
    ("kind", "ink"), [("slope", 120), ("shadow on the left", 120), ("shadow below", 90)]
)
def test_pale_ink_is_ink_where_light_falls_unevenly(kind, ink):
    """Some of it is as light as the paper in the shadow."""
    picture = shaded(kind, ink=ink)
    assert ground(picture) == "light"
    assert ground(255 - picture) == "dark"


@pytest.mark.parametrize(("paper", "ink"), [(255, 0), (110, 18), (60, 5), (240, 200), (130, 120)])
def test_dim_paper_is_paper(paper, ink):
    assert ground(stroke(200, paper, ink)) == "light"
    assert ground(stroke(200, ink, paper)) == "dark"


def test_all_but_flat_paper_is_as_light_as_it_looks():
    assert ground(stroke(200, 255, 254)) == ground(stroke(200, 254, 255)) == "light"
    assert ground(stroke(200, 1, 0)) == ground(stroke(200, 0, 1)) == "dark"


def test_a_tight_crop():
    """Its ink touches the border on three sides."""
    crop = stroke()[50:160, 60:140]
    assert ground(crop) == "light"
    assert ground(255 - crop) == "dark"


def test_training_images_go_through_as_they_are():
    """Every image of a known kind has its background, so that none is turned."""
    for images in (lenet.load("digits").test.images[:100], lenet.load("digits").train.images[:100]):
        assert {ground(image[0]) for image in images} == {"dark"}
    image = lenet.load("digits").test.images[0]
    same = Preprocessing((1, 8, 8), (0,), (1,), "dark")
    seen, what = prepare_picture(Picture(image, (8, 8)), same)
    np.testing.assert_array_equal(seen, image)
    assert what == ()


def test_what_was_done_is_said():
    assert done(stroke(28)) == ("inverted",)
    assert done(255 - stroke(28)) == ()
    assert done(stroke()) == ("inverted", "200x200 to 28x28")
    wide = np.full((600, 800), 255, np.uint8)
    wide[200:400, 390:420] = 0
    assert done(wide) == ("inverted", "600x800 to 21x28", "centred")
    assert done(wide.T) == ("inverted", "800x600 to 28x21", "centred")
    assert done(wide, LIGHT) == done(wide, ANY) == ("600x800 to 21x28", "centred")
    deep = (stroke(28).astype(np.uint16) * 16)[np.newaxis]
    assert done(deep) == ("12 of 16 bits", "inverted")


def test_pictures_of_16_bits_are_read_as_the_training_pictures_were():
    values = np.full((1, 28, 28), 1000, np.uint16)
    values[0, 10:18, 13:15] = 0
    for depth, level in ((None, round(1000 * 255 / 1023)), (12, 62), (16, 4)):
        known = Preprocessing((1, 28, 28), (0,), (1,), None, depth)
        assert prepare_picture(Picture(values, (28, 28)), known)[0].max() == level


def coloured(ground, disc, side=48):
    y, x = np.mgrid[0:side, 0:side]
    inside = (x - side / 2) ** 2 + (y - side / 2) ** 2 < (side / 3) ** 2
    return np.where(inside, np.reshape(disc, (3, 1, 1)), np.reshape(ground, (3, 1, 1))).astype(
        np.uint8
    )


def test_a_network_that_sees_colour_gets_no_negative():
    red = coloured((240, 240, 235), (200, 30, 30))
    assert "inverted" not in done(red, COLOUR)
    assert "inverted" not in done(np.repeat(stroke()[np.newaxis], 3, axis=0), COLOUR)


@pytest.mark.parametrize("paper", [(255, 255, 255), (250, 240, 215), (190, 190, 190)])
@pytest.mark.parametrize("ink", [(30, 50, 170), (200, 30, 30), (20, 130, 50), (15, 15, 15)])
def test_bold_ink_of_one_hue_is_set_upright(ink, paper):
    disc = coloured(paper, ink)
    assert (disc[2] != paper[2]).mean() > 0.3
    for picture in (disc, disc[:, 10:, 10:]):  # the second one is cut where the ink is
        assert done(picture)[0] == "inverted"
    dim = (disc * np.linspace(0.5, 1, 48)).astype(np.uint8)
    assert done(dim)[0] == "inverted"


def test_other_colour_is_no_ink():
    two = coloured((240, 240, 235), (200, 30, 30))
    two[:, :, 24:] = coloured((240, 240, 235), (30, 30, 200))[:, :, 24:]
    cliff = coloured((235, 235, 235), (30, 60, 200))
    cliff[:, 24:, :10] = 20  # on its border is more than paper
    for picture in (two, cliff, coloured((250, 200, 30), (30, 60, 20))):
        assert done(picture)[0] == "not inverted, for it has colour"


def test_photographs_are_no_ink():
    folder = Path(os.environ.get("LENET_DATA", "")) / "traffic-signs" / "test"
    if not folder.is_dir():
        pytest.skip("no photographs here")
    found = [done(read_picture(path).pixels) for path in sorted(folder.glob("*/*.png"))]
    assert sum("not inverted, for it has colour" in what for what in found) >= 34


def test_ink_on_tinted_paper_is_no_colour():
    paper, ink = np.array([[[235]], [[205]], [[150]]]), np.array([[[30]], [[25]], [[20]]])
    lamp = np.where(stroke() == 0, ink, paper).astype(np.uint8)
    pen = np.where(stroke() == 0, [[[30]], [[50]], [[170]]], [[[240]], [[240]], [[238]]])
    for picture in (lamp, pen.astype(np.uint8)):
        assert is_ink(picture, False)
        assert done(picture)[0] == "inverted"


BOXED = Preprocessing((1, 28, 28), (0.1,), (0.3,), "dark", None, 20)


def mass_centred(image):
    """A stroke image (28, 28), brought into MNIST's form."""
    return prepare_picture(Picture(image[np.newaxis], (28, 28)), BOXED)[0]


@pytest.fixture(scope="module")
def seven():
    """A seven as MNIST has it: light on dark, 20 pixels high, its mass in the middle."""
    image = np.zeros((28, 28), np.uint8)
    image[4:7, 8:20] = 255
    image[7:24, 16:19] = 255
    return mass_centred(np.roll(image, 1, axis=0))[0]


def as_given(picture, preprocessing=BOXED):
    return prepare_picture(Picture(picture[np.newaxis], picture.shape), preprocessing)


def test_what_is_centred_stays_to_the_bit(seven):
    seen, what = as_given(seven)
    np.testing.assert_array_equal(seen[0], seven)
    assert what == ()
    seen, what = as_given(255 - seven)
    np.testing.assert_array_equal(seen[0], seven)
    assert what == ("inverted",)


@pytest.mark.parametrize("shift", [(1, -3), (-3, 2), (0, 4)])
def test_what_was_moved_comes_back_to_the_bit(seven, shift):
    moved = np.roll(seven, shift, axis=(0, 1))
    canvas = np.zeros((200, 300), np.uint8)
    canvas[90:118, 40:68] = seven
    for picture in (moved, 255 - moved, canvas, 255 - canvas):
        seen, what = as_given(picture)
        np.testing.assert_array_equal(seen[0], seven)
        assert what[-1] == "mass-centred"
    assert as_given(moved, replace(BOXED, box=None))[1] == ()
    np.testing.assert_array_equal(as_given(moved, BOXED.as_it_is)[0][0], moved)


@pytest.mark.parametrize("kind", ["small", "large", "dim", *SHADES])
def test_ink_of_any_size_fills_the_box(seven, kind):
    large = np.asarray(Image.fromarray(seven).resize((140, 140), Image.Resampling.BILINEAR))
    pictures = {
        "small": np.asarray(Image.fromarray(seven).resize((14, 14), Image.Resampling.BILINEAR)),
        "large": large,
        "dim": (110 - 0.8 * large / 2).astype(np.uint8),
    }
    seen, what = as_given(pictures[kind] if kind in pictures else shaded(kind))
    ink = np.argwhere(seen[0] > 64)
    assert 18 <= np.ptp(ink, axis=0).max() + 1 <= 22
    places = np.indices((28, 28)).reshape(2, -1)
    middle = np.average(places, axis=1, weights=seen[0].ravel())
    np.testing.assert_allclose(middle, 14, atol=0.6)
    assert what[-1] == "mass-centred"
    assert (seen[0] == 0).mean() > 0.5
    assert seen.max() == 255


def framed(kind, ink=0, side=200):
    """A seven with a frame: (side, side) uint8, and what it is without the frame."""
    picture = stroke(side)
    frame = Image.new("L", (side, side), 255)
    draw = ImageDraw.Draw(frame)
    edge, width, colour = {"on the edge": (0, 2, 0), "faint": (9, 3, 150), "thick": (5, 9, 0)}.get(
        kind, (12, 3, 0)
    )
    box = [edge, edge, side - 1 - edge, side - 1 - edge]
    if kind == "round":
        draw.rounded_rectangle(box, 12, outline=0, width=3)
    elif kind == "of a grid":
        for place in (12, side - 12):
            draw.line([(place, 0), (place, side)], 0, 3)
            draw.line([(0, place), (side, place)], 0, 3)
    elif kind == "by hand":
        shake = np.random.default_rng(1).normal(0, 1.5, (4, 9, 2))
        along = np.linspace(0, side - 30, 9)
        zero, far = np.zeros(9), np.full(9, side - 30.0)
        ways = [(along, zero), (far, along), (along[::-1], far), (zero, along[::-1])]
        points = np.concatenate([np.stack(way, axis=1) for way in ways]) + 15
        draw.line([tuple(point) for point in points + shake.reshape(-1, 2)], 0, 4)
    else:
        draw.rectangle(box, outline=colour, width=width)
    if kind == "askew":
        frame = frame.rotate(3, Image.Resampling.BICUBIC, fillcolor=255)
    return np.minimum(picture, np.asarray(frame)), picture


FRAMES = ["drawn", "on the edge", "faint", "thick", "round", "of a grid", "by hand", "askew"]


@pytest.mark.parametrize("kind", FRAMES)
def test_a_frame_is_no_ink(kind):
    picture, without = framed(kind)
    right = as_given(without)[0]
    shade = np.linspace(0.8, 1, 200)
    for given in (picture, 255 - picture):
        seen, what = as_given(given)
        np.testing.assert_array_equal(seen, right)
        assert "frame left out" in what
        assert "ink of 110x80 to 20x15" in what
    assert "frame left out" in as_given((picture * shade).astype(np.uint8))[1] or kind == "faint"
    assert "frame left out" not in as_given(without)[1]
    assert "frame left out" not in done(picture)  # of images that are not like MNIST's


@pytest.mark.parametrize("thickness", [0.05, 0.1, 0.2, 0.35])
@pytest.mark.parametrize("corners", [2, 2.5, 4, 20])  # from round to square
@pytest.mark.parametrize("margin", [0, 0.02, 0.1])
def test_a_zero_is_no_frame(thickness, corners, margin):
    y, x = np.abs(np.mgrid[-99:100:2, -99:100:2] / 100)
    radius = (x**corners + y**corners) ** (1 / corners)
    zero = (radius < 1 - margin) & (radius > 1 - margin - thickness)
    dotted = zero | (np.hypot(y, x) < 0.1)
    for ink in (zero, dotted):
        for picture in (np.where(ink, 20, 220), np.where(ink, 220, 20)):
            assert inside_of_frame(picture.astype(np.uint8)) is None


def test_what_is_no_frame():
    """Three sides, a line across, a ring, one that is small, and pictures of few pixels."""
    picture, without = framed("drawn")
    assert inside_of_frame(picture)
    across, ring = picture.copy(), Image.fromarray(without)
    across[100, :] = 0
    ImageDraw.Draw(ring).ellipse([12, 12, 188, 188], outline=0, width=3)
    small = np.pad(picture, 150, mode="edge")
    for other in (picture[:, 20:], across, np.asarray(ring), small):
        assert inside_of_frame(other) is None
    for shape in ((1, 1), (1, 9), (9, 1), (5, 5)):
        assert inside_of_frame(np.eye(*shape, dtype=np.uint8) * 255) is None


def test_ink_is_told_in_the_pixels_of_the_file(seven):
    large = np.kron(seven, np.ones((10, 10), np.uint8))
    shrunk = Picture(large[np.newaxis, ::2, ::2], (280, 280))
    assert prepare_picture(shrunk, BOXED)[1][0].startswith("ink of 200x")


def test_a_picture_without_ink_stays():
    for level in (0, 90, 255):
        _, what = as_given(np.full((50, 50), level, np.uint8))
        assert "mass-centred" not in what


def test_the_box_is_found_and_kept(seven, tmp_path):
    images = np.repeat(seven[np.newaxis, np.newaxis], 50, axis=0)
    fitted = Preprocessing.measure(images, (1, 28, 28))
    assert (fitted.box, fitted.polarity) == (20, "dark")
    assert Preprocessing.measure(255 - images, (1, 28, 28)).box == 20
    assert Preprocessing.from_dict(json.loads(json.dumps(fitted.to_dict()))) == fitted
    images[7] = np.roll(images[7], 3, axis=1)
    assert Preprocessing.measure(images, (1, 28, 28)).box is None
    assert Preprocessing.measure(lenet.load("digits").train.images, (1, 28, 28)).box is None
    for wrong in (0, 28, 2.5, True):
        with pytest.raises(DataError):
            replace(BOXED, box=wrong)
    with pytest.raises(DataError):
        replace(BOXED, polarity=None)


@pytest.fixture(scope="module")
def model():
    network = "1x8x8 | conv 8 k3 relu, maxpool 2 | dense 10"
    return lenet.train(network, "digits", lenet.recipe(epochs=4))


def pictures_of_many_kinds(folder, count=3):
    """Test digits as a person has them: on white, small, wide, deep, lit from a side, by class."""
    split = lenet.load("digits").test
    for number, (image, label) in enumerate(zip(split.images[:40], split.labels, strict=False)):
        place = folder / str(label)
        place.mkdir(parents=True, exist_ok=True)
        large = np.kron(255 - image[0], np.ones((6, 6), np.uint8))
        kinds = {
            "plain.png": Image.fromarray(image[0]),
            "white.png": Image.fromarray(large),
            "dim.pgm": Image.fromarray(large // 3),
            "wide.bmp": Image.fromarray(np.pad(large, ((0, 0), (9, 9)), mode="edge")),
            "deep.png": Image.fromarray(large.astype(np.uint16) * 16),
            "lit.tiff": Image.fromarray((large * np.linspace(0.5, 1, 48)).astype(np.uint8)),
        }
        name = list(kinds)[number % len(kinds)]
        kinds[name].save(place / f"{number}-{name}")


def test_predict_evaluate_and_the_model_agree(model, tmp_path):
    """Image by image: on files, on the folder, on a table of it, and on what was prepared."""
    folder = tmp_path / "own"
    pictures_of_many_kinds(folder)
    answers = {p.image: p for p in lenet.predict(model, folder)}
    assert len(answers) == 40
    one_by_one = lenet.predict(model, *sorted(folder.rglob("*.*")))
    assert {p.image: p for p in one_by_one} == answers
    found = lenet.evaluate(model, folder, everything=True)
    table = tmp_path / "table.csv"
    names = [path.relative_to(tmp_path).as_posix() for path in sorted(folder.rglob("*.*"))]
    table.write_text("path,label\n" + "".join(f"{n},{n.split('/')[1]}\n" for n in names))
    listed = lenet.evaluate(model, table, everything=True)
    for evaluation, root in ((found, folder), (listed, tmp_path)):
        rows = evaluation.answers.rows(model.classes)
        assert len(rows) == 40
        for row in rows:
            answer = answers[str(root / row["image"])]
            assert row["class"] == answer.label
            assert row["prepared"] == answer.prepared
            assert row["probability"] == pytest.approx(answer.probability, rel=1e-5)
    assert any("inverted" in answer.prepared for answer in answers.values())
    # Each kind of preparation is counted once, whatever the sizes.
    (note,) = found.notes
    assert note.startswith("pictures were prepared: ")
    assert "..." not in note
    inverted = sum("inverted" in answer.prepared.split(", ") for answer in answers.values())
    assert f"inverted ({inverted} of 40)" in note
    assert inverted
    sized = sum(" to " in answer.prepared for answer in answers.values())
    assert f"and other sizes ({sized} of 40)" in note
    part = lenet.evaluate(model, folder)  # counts the pictures that it tests on
    rows = part.answers.rows(model.classes)
    assert {row["prepared"] for row in rows} <= {answer.prepared for answer in answers.values()}
    inverted = sum("inverted" in row["prepared"].split(", ") for row in rows)
    assert 0 < inverted <= len(rows) < 40
    assert f"inverted ({inverted} of {len(rows)})" in part.notes[0]
    right = [a.label == a.image.split("/")[-2] for a in answers.values()]
    assert found.accuracy == listed.accuracy == np.mean(right) > 0.4
    for path, answer in answers.items():
        pixels = np.asarray(Image.open(path))
        picture = Picture(pixels[np.newaxis], pixels.shape)
        image, what = prepare_picture(picture, model.preprocessing)
        assert ", ".join(what) == answer.prepared
        assert model.predict_proba(image).max() == pytest.approx(answer.probability, rel=1e-5)


def test_the_test_split_of_the_training_folder_stays_as_it_was(tmp_path):
    """Evaluated by its path it is what the training tested on, bit for bit."""
    split = lenet.load("digits").train
    for number, (image, label) in enumerate(zip(split.images[:400], split.labels, strict=False)):
        place = tmp_path / "own" / str(label)
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[0].astype(np.uint16) * 16).save(place / f"{number}.png")
    data = lenet.load(tmp_path / "own")
    assert data.depth == 12
    assert "pictures of 16 bits use 12 of them: 0 to 4,095 become 0 to 255" in data.notes
    network = "1x8x8 | conv 8 k3 relu, maxpool 2 | dense 10"
    model = lenet.train(network, data, lenet.recipe(epochs=2))
    assert model.preprocessing.depth == 12
    by_path, by_split = lenet.evaluate(model, tmp_path / "own"), lenet.evaluate(model, data.test)
    assert by_path.loss == by_split.loss
    assert by_path.answers.names == data.test.names
    kept = lenet.Model.load(model.save(tmp_path / "m.safetensors"))
    assert kept.preprocessing == model.preprocessing


def test_pictures_of_a_set_share_one_depth(tmp_path):
    """A dark one of a set of twelve bits is not made lighter than the others."""
    for name, most in (("a", 4095), ("b", 500)):
        (tmp_path / name).mkdir()
        for number in range(4):
            values = np.full((8, 8), most - number, np.uint16)
            values[0, 0] = 0
            Image.fromarray(values).save(tmp_path / name / f"{number}.png")
    data = lenet.load(tmp_path)
    brightest = {int(image.max()) for image in data.train.images[data.train.labels == 1]}
    assert brightest <= {31}
    assert data.depth == 12
    assert lenet.load(tmp_path).depth == 12  # out of the cache


def test_preprocessing_without_a_depth_is_read():
    old = {"input_shape": [1, 28, 28], "mean": [0.1], "std": [0.3], "polarity": "dark"}
    known = Preprocessing.from_dict(old)
    assert (known.depth, known.to_dict()) == (None, old)
    new = Preprocessing((1, 28, 28), (0.1,), (0.3,), "dark", 12)
    assert Preprocessing.from_dict(json.loads(json.dumps(new.to_dict()))) == new


@pytest.mark.parametrize("shape", [(3, 100), (2, 100), (100, 3), (1, 1)])
def test_thin_pictures_with_ink_in_the_middle(shape) -> None:
    grey = np.zeros(shape, np.uint8)
    height, width = shape
    grey[height // 3 :, width // 3 : 2 * width // 3] = 255
    seen = Preprocessing((1, 28, 28), (0.1,), (0.3,), "dark", None, 20, None, "border")
    image, _ = prepare_picture(Picture(grey[np.newaxis], shape, ()), seen)
    assert image.shape == (1, 28, 28)
