"""What a look holds: the network's own numbers, whatever the network."""

import json
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

import lenet
from lenet.errors import DataError, ModelFileError, PictureError, UsageError
from lenet.formats.int8 import quantise
from lenet.looking.pictures import MOST_PICTURES
from looked_at import NETWORKS, drawn
from refusals import refused


@pytest.mark.parametrize("name", NETWORKS)
def test_the_numbers_are_those_of_the_loop_over_layers(name):
    model, images = drawn(name)
    look = lenet.look(model, images)
    x = model.prepare(images)
    np.testing.assert_array_equal(look.inputs, x)
    for layer in model:
        x = layer(x)
        np.testing.assert_array_equal(look[layer.name], x)
    np.testing.assert_array_equal(look.probabilities, model.predict_proba(images))
    assert list(look.outputs) == list(model.network.names)
    assert look.answers == tuple(model.classes[i] for i in model.predict(images))


@pytest.mark.parametrize("name", NETWORKS)
def test_it_shows_itself_in_every_way(name, tmp_path):
    model, images = drawn(name)
    look = lenet.look(model, images, occlusion=name != "wide")
    assert look.answers[0] in str(look)
    assert "<svg" in look._repr_html_()
    assert json.loads(json.dumps(look.to_dict()))["layers"][0]["name"] == model.network.names[0]
    page = look.save(tmp_path / "look.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 1
    assert "<script" not in page
    for ending, start in ((".svg", b"<svg"), (".png", b"\x89PNG"), (".pdf", b"%PDF")):
        assert look.save(tmp_path / f"look{ending}").read_bytes().startswith(start)


def test_a_picture_is_prepared_as_for_predict(model, digits, tmp_path):
    path = tmp_path / "ink.png"
    ink = 255 - np.kron(digits.test.images[0, 0], np.ones((9, 9), np.uint8))
    Image.fromarray(ink).save(path)
    look, answer = lenet.look(model, path), lenet.predict(model, path)[0]
    picture = look.pictures[0]
    assert (picture.name, picture.prepared) == (str(path), answer.prepared)
    assert "inverted" in picture.prepared
    assert look.answers[0] == answer.label
    np.testing.assert_array_equal(look.probabilities[0].max(), np.float32(answer.probability))
    np.testing.assert_array_equal(picture.given[0], ink)
    plain = lenet.look(model, path, as_it_is=True)
    assert "inverted" not in plain.pictures[0].prepared
    assert plain.pictures[0].image.mean() > 128 > picture.image.mean()


def test_images_of_a_data_set_by_index_and_by_class(model, digits):
    look = lenet.look(model, "digits:12", ["digits:7"])
    names = [picture.name for picture in look.pictures]
    assert names == ["digits:12", "digits:7"]
    labels = digits.test.labels
    assert [p.truth for p in look.pictures] == [digits.classes[labels[i]] for i in (12, 7)]
    np.testing.assert_array_equal(look.pictures[0].image, digits.test.images[12])


def test_a_class_is_its_first_test_image(monkeypatch, model):
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (8, 1, 8, 8), dtype=np.uint8)
    labels = np.array([0, 1, 2, 3, 0, 1, 2, 3])
    split = lenet.Split(images, labels)
    data = lenet.Dataset("mnist", split, split, ("shoe", "Coat", "bag", "hat"))
    monkeypatch.setattr("lenet.looking.pictures.load", lambda *_, **__: data)
    picture = lenet.look(model, "fashion-mnist:coat").pictures[0]
    assert (picture.name, picture.truth) == ("fashion-mnist:1", "Coat")
    with refused(UsageError, "'cot'", "did you mean 'coat'", "0 to 7"):
        lenet.look(model, "fashion-mnist:cot")
    with refused(UsageError, "'8'", "0 to 7"):
        lenet.look(model, "fashion-mnist:8")


def test_one_of_the_images_of_a_file(model, digits, tmp_path):
    path = tmp_path / "many.npy"
    np.save(path, digits.test.images[:5])
    look = lenet.look(model, f"{path}:3")
    assert look.pictures[0].name == f"{path}:3"
    np.testing.assert_array_equal(look.pictures[0].image, digits.test.images[3])
    with refused(UsageError, "no image 5", "0 to 4"):
        lenet.look(model, f"{path}:5")


def test_a_file_with_a_colon_in_its_name(model, tmp_path):
    path = tmp_path / "digits:7"
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(path, format="PNG")
    assert lenet.look(model, path).pictures[0].truth is None


@pytest.mark.parametrize(
    ("images", "error", "words"),
    [
        ((), UsageError, ("no picture",)),
        (("digits",), UsageError, ("data set", "digits:0")),
        (("no.png",), PictureError, ("no.png",)),
        (("no.png:3",), PictureError, ("no.png:3",)),
        (("nothing:3",), PictureError, ("nothing:3",)),
        ((np.zeros((MOST_PICTURES + 1, 8, 8)),), UsageError, ("more than 6",)),
        ((np.zeros((0, 1, 8, 8)),), UsageError, ("no picture",)),
        ((5,), DataError, ("images",)),
        (([5],), DataError, ("images",)),
    ],
)
def test_what_cannot_be_looked_at(model, images, error, words):
    with refused(error, *words):
        lenet.look(model, *images)


def test_options_that_do_not_fit(model):
    with refused(UsageError, "conv7", "it has"):
        lenet.look(model, "digits:1", layer="conv7")
    with refused(UsageError, "one of them"):
        lenet.look(model, "digits:1", layer="conv0", unit="conv0[0,0,0]")
    with refused(ModelFileError, "nowhere"):
        lenet.look("nowhere.safetensors", "digits:1")
    look = lenet.look(model, "digits:1")
    with refused(UsageError, ".svg"):
        look.save("look.gif")
    with refused(UsageError, "theme"):
        look.drawing(theme="pink")
    with refused(UsageError, "no weights"):
        lenet.look(lenet.Model("1x8x8 | dense 3"), "digits:1")


def test_an_int8_model_shows_its_whole_numbers(model, digits):
    small = quantise(model, digits.train.images[:200])
    images = digits.test.images[:2]
    look = lenet.look(small, images, occlusion=True)
    assert look["conv0"].dtype.kind == "i"
    assert look["conv0"].min() == look["pool0"].min() == 0  # relu: its zero is zero
    assert look["pool0"].max() == look["conv0"].max()
    scores = look["dense0"] / 2.0**small.integers.bits
    np.testing.assert_allclose(scores, small.scores(images))
    assert "int8" in str(look)
    assert "int8" in look.drawing().description
    for layer in small:
        assert lenet.look(small, images, layer=layer.name).drawing().svg
    with refused(UsageError, "int8"):
        lenet.look(small, images, unit="conv0[0,0,0]")


def test_overflow_is_shown(model, digits):
    broken = lenet.Model(model.network, model.classes, model.preprocessing).initialize()
    for values in broken.parameters.values():
        values[...] = 3e37
    look = lenet.look(broken, digits.test.images[:2])
    assert look.drawing().svg
    assert str(look)


def test_where_a_picture_matters(model, digits):
    image = digits.test.images[3]
    look = lenet.look(model, image, occlusion=True)
    lost = look.occlusion[0]
    assert lost.shape == (8, 8)
    answer = int(look.probabilities[0].argmax())
    for row, column in ((0, 0), (3, 4), (7, 7)):
        covered = image.copy()
        top, left = max(0, row - 0), max(0, column - 0)  # a cover of 1x1 on 8x8
        covered[:, top : row + 1, left : column + 1] = np.median(
            np.concatenate([image[0, 0], image[0, -1], image[0, 1:-1, 0], image[0, 1:-1, -1]])
        )
        less = look.probabilities[0, answer] - model.predict_proba(covered[None])[0, answer]
        assert lost[row, column] == pytest.approx(less, abs=1e-6)
    assert "falls from" in str(look)


def test_a_large_picture_is_covered_in_larger_steps():
    model = lenet.Model("1x70x90 | conv 2 k5 s4 relu, maxpool 4 | dense 3").initialize()
    look = lenet.look(model, np.zeros((70, 90), np.uint8), occlusion=True)
    assert look.occlusion.shape == (1, 32, 32)
    assert not look.occlusion.any()
    assert "no part of it lowers" in str(look)


class Markup(HTMLParser):
    """What a browser makes of a page."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes = set(), set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


def test_names_that_would_like_to_be_more_than_text(tmp_path):
    names = ["<script>alert(1)</script>", '" onload="x', "図" * 30]
    model = lenet.Model("1x8x8 | conv 2 k3 relu | dense 3", names).initialize()
    path = tmp_path / "<img src=x onerror=alert(1)>&amp;.png"
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(path)
    for options in ({}, {"layer": "conv0"}, {"layer": "dense0"}, {"unit": "dense0[0]"}):
        look = lenet.look(model, path, **options)
        page = look.save(tmp_path / "look.html").read_text(encoding="utf-8")
        parser = Markup()
        parser.feed(page)
        assert not {"script", "img", "b"} & parser.tags
        assert not {name for name in parser.attributes if name.startswith("on")}
        assert look.save(tmp_path / "look.png").exists()
