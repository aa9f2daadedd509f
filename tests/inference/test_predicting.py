"""Using a model: predict and evaluate, and what an evaluation tells."""

import csv
import json
import warnings

import numpy as np
import pytest
from PIL import Image

import lenet
from lenet.cli.main import main
from lenet.data import Dataset, Split
from lenet.data.unlabelled import read_unlabelled
from lenet.errors import DataError, ModelFileError, PictureError, UsageError
from lenet.inference.writing import predict_into
from lenet.writing import FORMATS, render
from refusals import refused


@pytest.fixture(scope="module")
def digits():
    return lenet.load("digits")


@pytest.fixture(scope="module")
def model():
    network = "1x8x8 | conv 8 k3 relu, maxpool 2 | dense 10"
    return lenet.train(network, "digits", lenet.recipe(epochs=5))


def saved(path, image):
    Image.fromarray(image).save(path)
    return path


def test_predict_is_the_models_answer(model, digits, tmp_path):
    images = digits.test.images[:5]
    np.save(tmp_path / "a.npy", images)
    found = lenet.predict(model, tmp_path / "a.npy")
    probabilities = model.predict_proba(images)
    assert [one.image for one in found] == [f"{tmp_path / 'a.npy'}[{i}]" for i in range(5)]
    for one, row in zip(found, probabilities, strict=True):
        assert one.label == model.classes[row.argmax()]
        assert one.probability == row.max()
        assert list(one.probabilities) == sorted(row.tolist(), reverse=True)
        assert sorted(one.classes) == list(model.classes)


def test_predict_a_picture_from_a_file(model, digits, tmp_path):
    path = saved(tmp_path / "a.png", digits.test.images[0, 0])
    (by_path,) = lenet.predict(model, path)
    (by_name,) = lenet.predict(str(model.save(tmp_path / "m.safetensors")), str(path))
    assert by_path == by_name
    assert by_path.image == str(path)
    values = json.loads(json.dumps(by_path.to_dict()))
    assert (values["class"], values["image"]) == (by_path.label, str(path))
    assert values["probability"] == max(values["probabilities"].values())


def test_predict_nothing(model):
    none = lenet.predict(model)
    assert (len(none), list(none), str(none)) == (0, [], "")


def test_predictions_are_a_sequence_that_shows_itself(model, digits, tmp_path):
    images = digits.test.images[:3]
    np.save(tmp_path / "a.npy", images)
    predictions = lenet.predict(model, tmp_path / "a.npy", images[0, 0] / 255, images)
    assert [p.image.rpartition("/")[2] for p in predictions] == [
        *("a.npy[0]", "a.npy[1]", "a.npy[2]", "image", "image[0]", "image[1]", "image[2]")
    ]
    assert len(predictions[4:]) == 3
    assert predictions[3].classes == predictions[0].classes
    lines = str(predictions).splitlines()
    assert len(lines) == 7
    assert str(predictions[3]).split() == lines[3].split()
    assert lines[3].split()[:2] == ["image", predictions[3].label]
    assert predictions.to_dict()["predictions"][0] == predictions[0].to_dict()
    assert "probability" in predictions._repr_html_()


def test_predictions_are_a_list(model, digits, tmp_path):
    paths = [saved(tmp_path / f"{i}.png", digits.test.images[i, 0]) for i in range(2)]
    predictions = lenet.predict(model, paths)
    assert predictions == lenet.predict(model, *map(str, paths))
    assert predictions == lenet.predict(model, tuple(paths))
    assert len(predictions + predictions[:1]) == 3
    assert repr(predictions) == str(predictions)


def test_wrong_types_are_refused_in_words(model):
    for wrong in (None, 3):
        for use, arguments in (
            (lenet.load, (wrong,)),
            (lenet.predict, (wrong,)),
            (lenet.predict, (model, wrong)),
            (lenet.evaluate, (wrong, "digits")),
            (lenet.evaluate, (model, wrong)),
        ):
            with pytest.raises((UsageError, DataError)):
                use(*arguments)


def test_equal_probabilities_are_in_the_order_of_the_classes(tmp_path):
    model = lenet.Model("1x8x8 | dense 3", ["c", "a", "b"]).initialize()
    model.table[:] = 0
    (found,) = lenet.predict(model, saved(tmp_path / "a.png", np.zeros((8, 8), np.uint8)))
    assert found.classes == ("c", "a", "b")


def test_refusals(model, tmp_path):
    for use, arguments, error in (
        (lenet.predict, (tmp_path / "nowhere.safetensors", "a"), ModelFileError),
        (lenet.predict, (model, tmp_path / "nowhere.png"), PictureError),
        (lenet.evaluate, (model, "nowhere"), UsageError),
    ):
        with refused(error, "nowhere"):
            use(*arguments)
    with pytest.raises(PictureError):
        lenet.predict(model, "a\0.png")
    with pytest.raises(UsageError):
        lenet.evaluate(lenet.Model("lenet"), "digits")


def test_evaluate(model, digits):
    found = lenet.evaluate(model, "digits")
    assert found.accuracy == lenet.evaluate(model, digits).accuracy > 0.8
    assert found.accuracy == (model.predict(digits.test.images) == digits.test.labels).mean()
    assert found.count == 360
    assert found.confusion.sum(axis=1).tolist() == np.bincount(digits.test.labels).tolist()
    chosen = model.predict_proba(digits.test.images)[np.arange(360), digits.test.labels]
    assert found.loss == pytest.approx(-np.log(chosen).mean(), rel=1e-4)


def test_evaluate_a_split(model, digits):
    assert lenet.evaluate(model, digits.train).count == 1437
    assert "1,437 images" in str(lenet.evaluate(model, digits.train))
    assert "360 test images of digits" in str(lenet.evaluate(model, "digits"))


def test_a_class_without_images(model, digits):
    zeros = digits.test.labels == 0
    found = lenet.evaluate(model, Split(digits.test.images[zeros], digits.test.labels[zeros]))
    assert found.class_accuracy[0] == found.accuracy
    assert found.class_accuracy[1:] == (None,) * 9
    assert json.loads(json.dumps(found.to_dict()))["classes"][1]["accuracy"] is None


def test_evaluate_on_other_classes(model, digits):
    part = Split(digits.test.images, digits.test.labels % 2)
    other = Split(digits.test.images, digits.test.labels + 1)
    for data in (Dataset("parity", part, part, ("even", "odd")), other):
        with pytest.raises(DataError, match=r"2 classes|label 10"):
            lenet.evaluate(model, data)


@pytest.mark.parametrize("text", ["path", "id;image\n", "id;;image\n1;d0.png\n"])
def test_a_list_that_names_no_file_is_refused(model, tmp_path, text):
    path = tmp_path / "list.txt"
    path.write_text(text)
    with refused(DataError, "list.txt lists no files"):
        lenet.predict(model, path)


def test_a_list_that_is_no_text_is_told_what_predict_takes(model, tmp_path):
    path = tmp_path / "list.txt"
    path.write_bytes(b"a.png\0b.png\n")
    with refused(DataError, "list.txt is no table in UTF-8", "a path in each line") as caught:
        lenet.predict(model, path)
    assert "label" not in str(caught.value)


def test_no_predictions_can_be_written_too(model):
    found = lenet.predict(model)
    assert len(found) == 0
    for form in FORMATS:
        assert isinstance(render(found, form), str)


def test_answers_as_they_come_are_those_of_predict(model, digits, tmp_path):
    np.save(tmp_path / "many.npy", digits.train.images[:700])  # more than a batch
    (tmp_path / "bad.png").write_text("no picture")
    saved(tmp_path / "one.png", digits.test.images[0, 0])
    given = [tmp_path / name for name in ("many.npy", "bad.png", "one.png")]
    some = digits.test.images[:3]
    whole = lenet.predict(model, *given, some, skip_bad=True)
    whole.save(tmp_path / "whole.csv")
    written = predict_into(tmp_path / "come.csv", model, *given, some)
    assert (tmp_path / "come.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert (written.path, written.images) == (tmp_path / "come.csv", 704)
    assert written.faults == whole.faults
    predict_into(tmp_path / "all.csv", model, *given, probabilities=True)
    with (tmp_path / "all.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    wanted = model.predict_proba(digits.train.images[:700])
    found = [[float(row[f"probability_{name}"]) for name in model.classes] for row in rows[:700]]
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    assert [row["class"] for row in rows[:700]] == [model.classes[i] for i in wanted.argmax(1)]


def test_answers_as_they_come_leave_no_half_file(model, tmp_path):
    (tmp_path / "bad.png").write_text("no picture")
    with refused(PictureError, "bad.png"):
        predict_into(tmp_path / "a.csv", model, tmp_path / "bad.png")
    with refused(UsageError, "end it in .csv"):
        predict_into(tmp_path / "a.txt", model, tmp_path / "bad.png")
    assert [path.name for path in tmp_path.iterdir()] == ["bad.png"]


def test_answers_never_take_the_place_of_what_is_read(model, digits, tmp_path):
    table = tmp_path / "a.csv"
    rows = digits.test.images[:3].reshape(3, -1)
    np.savetxt(table, rows, fmt="%d", delimiter=",")
    content = table.read_bytes()
    (tmp_path / "link.csv").symlink_to(table)
    for path in (table, tmp_path / "link.csv"):
        with refused(UsageError, "is what is read"):
            predict_into(path, model, digits.test.images[:1], [table])
    assert table.read_bytes() == content
    assert (
        main(["predict", str(model.save(tmp_path / "m.safetensors")), str(table), "-o", str(table)])
        == 2
    )
    assert main(["evaluate", str(tmp_path / "m.safetensors"), str(table), "-o", str(table)]) == 2
    assert table.read_bytes() == content
    with refused(UsageError, "the file of answers is None"):
        lenet.predict(model, table).save(None)


def test_one_class_has_no_second(tmp_path):
    model = lenet.Model("1x4x4 | dense 1", ["only"]).initialize()
    predict_into(tmp_path / "a.csv", model, np.zeros((2, 4, 4), np.uint8), probabilities=True)
    lines = (tmp_path / "a.csv").read_text().splitlines()
    assert lines[1:] == ["image[0],only,1.0,,,,1.0", "image[1],only,1.0,,,,1.0"]


def test_warnings_are_the_callers_own_while_files_are_read(model, digits, tmp_path):
    """Two at a time, of which the first is done first."""
    for number, image in enumerate(digits.test.images[:4, 0]):
        saved(tmp_path / f"{number}.png", image)
    before = list(warnings.filters)
    first, second = (read_unlabelled([tmp_path], model.preprocessing) for _ in range(2))
    for some in (first, second):
        next(some)
        assert warnings.filters == before
    for some in (first, second):
        list(some)
    assert warnings.filters == before
