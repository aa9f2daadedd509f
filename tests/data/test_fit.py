"""How pictures of other proportions get a network's size: what each way gives, and one way for all.

The table of ways in is at the end: the same picture, however it is given, is the same to the bit.
"""

import io

import numpy as np
import pytest
from PIL import Image

import lenet
from lenet.data import load_split
from lenet.data.preprocess import FITS, Preprocessing, fit_to, resize
from lenet.data.unlabelled import read_unlabelled
from lenet.errors import DataError, PictureError, UsageError
from lenet.inference.predicting import flattened
from lenet.looking.pictures import read_pictures
from refusals import refused

#: 2 pixels high and 4 wide: three columns of one level each, and a fourth.
FLAT = np.array([[10, 20, 30, 40], [50, 60, 70, 80]], np.uint8)[np.newaxis, np.newaxis]


def test_stretched_gives_proportions_up():
    np.testing.assert_array_equal(fit_to(FLAT, (4, 4), "stretch"), resize(FLAT, 4, 4))


def test_padded_repeats_the_edges():
    made = fit_to(FLAT, (5, 4), "pad")[0, 0].tolist()
    top, bottom = FLAT[0, 0].tolist()
    assert made == [top, top, bottom, bottom, bottom]
    upright = fit_to(FLAT.swapaxes(2, 3), (4, 5), "pad")[0, 0]
    assert upright.T.tolist() == made


def test_cropped_keeps_the_middle():
    assert fit_to(FLAT, (2, 2), "crop")[0, 0].tolist() == [[20, 30], [60, 70]]
    assert fit_to(FLAT.swapaxes(2, 3), (2, 2), "crop")[0, 0].T.tolist() == [[20, 30], [60, 70]]
    middle = FLAT[:, :, :, 1:3]
    np.testing.assert_array_equal(fit_to(FLAT, (6, 6), "crop"), resize(middle, 6, 6))


def test_on_the_border_s_median():
    made = fit_to(FLAT, (4, 4), "border")[0, 0]
    assert made[1:3].tolist() == FLAT[0, 0].tolist()
    assert set(made[[0, 3]].ravel().tolist()) == {45}


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (900, 1), (3, 7), (64, 64)])
def test_every_picture_gets_the_size(fit, shape):
    image = np.full((1, 3, *shape), 77, np.uint8)
    made = fit_to(image, (9, 13), fit)
    assert made.shape == (1, 3, 9, 13)
    assert set(made.ravel().tolist()) == {77}


@pytest.mark.parametrize("fit", FITS)
def test_a_picture_that_was_shrunk_keeps_its_own_proportions(fit):
    """Of 101x33 pixels, a decoder's half has 51x17."""
    image = np.random.default_rng(0).integers(0, 256, (1, 1, 51, 17), np.uint8)
    made = fit_to(image, (32, 32), fit, (101, 33))
    if fit == "pad":
        assert (made[..., :12] == made[..., :1]).all()
        assert not (made[..., :13] == made[..., :1]).all()
    assert made.shape == (1, 1, 32, 32)


@pytest.mark.parametrize("fit", [*FITS, None])
def test_a_model_file_keeps_it(fit):
    seen = Preprocessing((1, 4, 4), (0.0,), (1.0,), None, fit=fit)
    assert Preprocessing.from_dict(seen.to_dict()) == seen
    assert seen.to_dict().get("fit") == fit


@pytest.mark.parametrize("fit", ["", "Pad", 1, [], True])
def test_another_fit_is_refused(fit):
    with refused(DataError, "fit", "stretch, pad, crop, border"):
        Preprocessing((1, 4, 4), (0.0,), (1.0,), None, fit=fit)
    with refused(UsageError, "fit", "stretch, pad, crop or border"):
        lenet.load("/", fit=fit)


def test_a_named_data_set_has_no_fit():
    with refused(UsageError, "fit", "digits is ready"):
        lenet.load("digits", fit="pad")


def picture():
    """A colourful picture, 30 high and 50 wide."""
    y, x = np.mgrid[:30, :50]
    planes = [x * 5, 255 - y * 8, (x * y) % 256]
    return np.stack(planes, axis=-1).astype(np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Pictures of two classes, of several proportions; the first is picture()."""
    root = tmp_path_factory.mktemp("pictures")
    for label, turned in (("a", picture()), ("b", picture().transpose(1, 0, 2))):
        (root / label).mkdir()
        for n in range(5):
            Image.fromarray(turned[n:]).save(root / label / f"{n}.png")
    return root


def model_of(folder, fit, network="3x16x16 | dense 2"):
    return lenet.train(network, lenet.load(folder, size=16, fit=fit), epochs=1, batch_size=4)


@pytest.mark.parametrize("fit", FITS)
def test_the_way_goes_from_the_data_into_the_model(folder, fit, tmp_path):
    data = lenet.load(folder, size=16, fit=fit)
    assert data.fit == fit
    model = model_of(folder, fit)
    again = lenet.Model.load(model.save(tmp_path / "model.safetensors"))
    assert model.preprocessing.fit == again.preprocessing.fit == fit
    split = load_split(folder, model.classes, (3, 16, 16), preprocessing=model.preprocessing)
    names, images = data.test.names, data.test.images
    assert split.names == names
    np.testing.assert_array_equal(split.images, images)


def test_arrays_decide_for_themselves():
    """Images of the network's proportions say nothing of others; images of others do."""
    noise = np.random.default_rng(0).integers(0, 256, (40, 3, 8, 8), np.uint8)
    assert Preprocessing.measure(noise, (3, 16, 16)).fit == "pad"
    assert Preprocessing.measure(noise, (3, 16, 12)).fit == "stretch"
    assert Preprocessing.measure(lenet.load("digits").train.images, (1, 8, 8)).fit == "border"
    assert Preprocessing.measure(noise, (3, 16, 12), fit="crop").fit == "crop"


def seen_of_files(model, sources):
    """What the network sees of paths and of pictures in memory: (N, C, H, W)."""
    found = list(read_unlabelled(flattened(sources), model.preprocessing))
    return np.concatenate([batch.images for batch in found])


def seen_by_evaluate(model, folder):
    split = load_split(
        *(folder, model.classes, model.network.input_shape),
        everything=True,
        preprocessing=model.preprocessing,
    )
    return split.images[[split.names.index("a/0.png")]]


def seen_in_training(model, folder):
    data = lenet.load(folder, size=16, fit=model.preprocessing.fit)
    names = data.train.names + data.test.names
    images = np.concatenate([data.train.images, data.test.images])
    return model.as_bytes(images[[names.index("a/0.png")]])


def in_rows():
    return np.ascontiguousarray(picture().transpose(2, 0, 1))


def seen_of_open(model, folder):
    with (folder / "a" / "0.png").open("rb") as file:
        return seen_of_files(model, [file])


def seen_of_lazy(model, folder):
    with Image.open(folder / "a" / "0.png") as image:
        return seen_of_files(model, [image])


def content(folder):
    return (folder / "a" / "0.png").read_bytes()


def look_at(model, source):
    (found,) = read_pictures(model, [source])
    np.testing.assert_array_equal(found.given, in_rows())
    return found.image[np.newaxis]


WAYS_IN = {
    "file": lambda model, folder: seen_of_files(model, [folder / "a" / "0.png"]),
    "folder": lambda model, folder: seen_of_files(model, [folder / "a"])[:1],
    "bytes": lambda model, folder: seen_of_files(model, [content(folder)]),
    "open file": seen_of_open,
    "Pillow": lambda model, folder: seen_of_files(model, [Image.fromarray(picture())]),
    "Pillow, lazy": seen_of_lazy,
    "array": lambda model, folder: model.as_bytes(in_rows()),
    "floats": lambda model, folder: model.as_bytes(in_rows() / 255),
    "prepare": lambda model, folder: model.preprocessing.prepare(in_rows()[np.newaxis]),
    "evaluate": seen_by_evaluate,
    "training": seen_in_training,
    "look": lambda model, folder: read_pictures(model, [folder / "a" / "0.png"])[0].image[None],
    "look at bytes": lambda model, folder: look_at(model, content(folder)),
    "look at Pillow's": lambda model, folder: look_at(model, Image.fromarray(picture())),
    "look at an open file": lambda model, folder: look_at(model, io.BytesIO(content(folder))),
    "look at an array": lambda model, folder: read_pictures(model, [in_rows()])[0].image[None],
}


@pytest.fixture(scope="module", params=FITS)
def model(request, folder):
    return model_of(folder, request.param)


@pytest.mark.parametrize("way", WAYS_IN)
def test_every_way_in_gives_the_same_bytes(model, folder, way):
    (found,) = WAYS_IN[way](model, folder)
    expected = fit_to(in_rows()[np.newaxis], (16, 16), model.preprocessing.fit)
    np.testing.assert_array_equal(found, expected[0])


def test_predict_says_the_same_of_all(model, folder):
    path = folder / "a" / "0.png"
    with path.open("rb") as file, Image.open(path) as image:
        answers = lenet.predict(model, path, path.read_bytes(), image, file, in_rows())
    assert len({answer.probabilities for answer in answers}) == 1
    assert len({answer.prepared for answer in answers[:4]}) == 1
    names = [answer.image for answer in answers]
    assert names == [str(path), "image[0]", str(path), str(path), "image"]
    assert lenet.predict(model, [picture_in_memory()])[0].image == "image"


def picture_in_memory():
    return Image.fromarray(picture())


@pytest.mark.parametrize(
    ("given", "what"),
    [
        (b"", "is empty"),
        (b"no picture", "no picture"),
        (io.StringIO("text"), "instead of bytes"),
        (Image.new("RGB", (0, 4)), "no pixels"),
    ],
)
def test_what_is_no_picture_in_memory(model, given, what):
    with refused(PictureError, "image", what):
        lenet.predict(model, given)
    found = lenet.predict(model, [given, picture_in_memory()], skip_bad=True)
    assert [answer.image for answer in found] == ["image[1]"]
    assert [fault.path for fault in found.faults] == ["image[0]"]


def test_an_image_of_pillow_stays_as_it_is(model):
    turned = picture_in_memory()
    turned.getexif()[0x0112] = 6
    before = turned.tobytes(), turned.size, turned.getexif().get(0x0112)
    lenet.predict(model, turned)
    assert (turned.tobytes(), turned.size, turned.getexif().get(0x0112)) == before
    upright = Image.fromarray(np.rot90(picture(), -1))
    np.testing.assert_array_equal(seen_of_files(model, [turned]), seen_of_files(model, [upright]))


@pytest.mark.parametrize(
    ("size", "fit", "expected"),
    [(None, None, None), ((16, 24), None, None), (16, None, "stretch"), (16, "pad", "pad")],
)
def test_array_files_that_keep_their_proportions_say_nothing(tmp_path, size, fit, expected):
    images = np.random.default_rng(0).integers(0, 256, (20, 8, 12), np.uint8)
    np.savez(tmp_path / "a.npz", x=images, y=np.arange(20) % 2)
    assert lenet.load(tmp_path / "a.npz", size=size, fit=fit).fit == expected
