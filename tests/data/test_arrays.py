"""``.npz`` files: every layout, every misunderstanding, and files made to harm."""

import io
import os
import zipfile
from contextlib import suppress

import numpy as np
import pytest

import lenet
from lenet.data import arrays
from lenet.data.collection import LoadOptions
from lenet.data.own import read
from lenet.errors import DataError
from refusals import refused

RANDOM = np.random.default_rng(0)
X = RANDOM.integers(0, 256, (40, 8, 6), dtype=np.uint8)
Y = np.arange(40) % 4
RGB = RANDOM.integers(0, 256, (40, 8, 6, 3), dtype=np.uint8)


@pytest.fixture
def load(tmp_path):
    """Saves arrays and reads them."""

    def load(options=LoadOptions(), /, save=np.savez, **values):  # noqa: B008 - immutable
        save(tmp_path / "x.npz", **values)
        return read(str(tmp_path / "x.npz"), options)

    return load


def pixels(found):
    """The images in the order in which they were given, by their content."""
    return sorted(image.tobytes() for image in found.images)


@pytest.mark.parametrize(
    "names", [("x", "y"), ("X", "Y"), ("images", "labels"), ("data", "target")]
)
def test_names(load, names):
    found = load(**dict(zip(names, (X, Y), strict=True)))
    assert pixels(found) == sorted(image.tobytes() for image in X)
    assert found.classes == ("0", "1", "2", "3")
    by_content = dict(zip((image.tobytes() for image in X), Y.tolist(), strict=True))
    for image, label in zip(found.images, found.labels, strict=True):
        assert by_content[image.tobytes()] == label


def test_the_four_arrays_of_keras(load):
    found = load(
        x_train=X[:30], y_train=Y[:30], x_test=X[30:], y_test=Y[30:], save=np.savez_compressed
    )
    np.testing.assert_array_equal(found.images[:, 0], X)
    np.testing.assert_array_equal(found.labels, Y)
    assert (found.counts, found.notes) == ((30, 0, 10), ())


def test_three_splits_and_labels_in_columns(load):
    splits = {"train": slice(0, 20), "val": slice(20, 30), "test": slice(30, 40)}
    images = {f"{name}_images": X[split] for name, split in splits.items()}
    labels = {f"{name}_labels": Y[split][:, np.newaxis] for name, split in splits.items()}
    found = load(**images, **labels)
    assert found.counts == (20, 10, 10)
    np.testing.assert_array_equal(found.labels, Y)


@pytest.mark.parametrize(
    ("array", "channels"),
    [(X[:, np.newaxis], 1), (X[..., np.newaxis], 1), (RGB, 3), (RGB.transpose(0, 3, 1, 2), 3)],
)
def test_layouts(load, array, channels):
    found = load(x=array, y=Y)
    expected = X[:, np.newaxis] if channels == 1 else RGB.transpose(0, 3, 1, 2)
    assert found.images.shape[1:] == (channels, 8, 6)
    assert pixels(found) == sorted(image.tobytes() for image in expected)


@pytest.mark.parametrize(
    ("kind", "scale"),
    [
        (np.float32, 255),
        (np.float64, 255),
        (np.float16, 255),
        (np.float64, 1),
        (">i4", 1),
        (np.int64, 1),
    ],
)
def test_types(load, kind, scale):
    assert pixels(load(x=(X / scale).astype(kind), y=Y)) == pixels(load(x=X, y=Y))


def test_bits(load):
    assert set(np.unique(load(x=X > 100, y=Y).images)) == {0, 255}


def test_names_for_labels(load):
    found = load(x=X, y=np.array(["cat", "10", "9", "ä"])[Y])
    assert found.classes == ("9", "10", "cat", "ä")
    assert load(x=X, y=Y.astype(np.float32) + 8).classes == ("8", "9", "10", "11")


def test_options(load):
    assert load(LoadOptions((4, 4), 3), x=X, y=Y).images.shape == (40, 3, 4, 4)
    assert load(LoadOptions(None, 1), x=RGB, y=Y).images.shape == (40, 1, 8, 6)
    large = load(x=np.zeros((10, 100, 200), np.uint8), y=Y[:10])
    assert large.images.shape[1:] == (1, 32, 64)
    assert "images of 100x200 become 32x64; the option size says otherwise" in large.notes


def test_floats_of_another_scale_are_refused(load):
    with refused(DataError, "divide by 16"):
        load(x=RGB / RGB.max() * 16, y=Y)
    assert load(x=RGB.astype(np.int64) // 16, y=Y).images.max() == RGB.max() // 16


def test_many_pieces(load, monkeypatch):
    whole = load(x=RGB / 255, y=Y)
    monkeypatch.setattr(arrays, "_PIECE", 1000)
    np.testing.assert_array_equal(load(x=RGB / 255, y=Y).images, whole.images)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"a": X}, ["no labels for x.npz"]),
        ({"a": X, "b": Y}, ["the arrays 'a', 'b'", "x_train"]),
        ({"x": X}, ["'x' but no labels"]),
        ({"y_test": Y, "x": X, "y": Y}, ["'y_test' but no images"]),
        ({"x": X, "y": Y, "x_test": X, "y_test": Y}, ["the arrays 'x', 'y', 'x_test'"]),
        ({"x": X, "images": X, "y": Y}, ["both 'x' and 'images'"]),
        ({"x": X, "y": Y[:39]}, ["(40, 8, 6)", "(39,)", "as many labels as images"]),
        ({"x": X[:0], "y": Y[:0]}, ["at least one"]),
        ({"x": X, "y": np.eye(40)}, ["'y' of type float64 and shape (40, 40)"]),
        ({"x": X, "y": Y + 0.5}, ["'y' that are no whole numbers"]),
        ({"x": X, "y": np.full(40, np.nan)}, ["'y' that are no whole numbers"]),
        ({"x": X, "y": Y.astype("S1")}, ["'y' of type |S1"]),
        ({"x": X, "y": np.full(40, "x" * 300)}, ["give shorter ones"]),
        ({"x": X[:, 1:].reshape(40, 42), "y": Y}, ["'x' of shape (40, 42)", "(N, H, W)"]),
        ({"x": X.reshape(40, 4, 4, 3)[..., :2], "y": Y}, ["with 1 or 3 channels"]),
        ({"x": X.reshape(40, 3, 16, 1), "y": Y}, ["channels may come first or last"]),
        ({"x": X.astype(complex), "y": Y}, ["'x' of type complex128"]),
        ({"x": X - 1.0, "y": Y}, ["'x' with values from -1 to 254"]),
        ({"x": np.full((40, 2, 2), np.nan), "y": Y}, ["'x' with values that are no numbers"]),
        ({"x": np.asfortranarray(X), "y": Y}, ["'x' in Fortran order"]),
        ({"x_train": X, "y_train": Y, "x_test": X[:, :7], "y_test": Y}, ["7x6 and 8x6"]),
        ({"x": np.array([print] * 40), "y": Y}, ["not an intact .npz", "numpy.savez"]),
        ({"x": X, "y": np.array([print] * 40)}, ["not an intact .npz"]),
    ],
)
def test_refusals(load, values, words):
    with refused(DataError, *words):
        load(**values)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_damaged_files_raise_nothing_else(tmp_path, save):
    path = tmp_path / "x.npz"
    save(path, x=X, y=Y)
    intact = np.frombuffer(path.read_bytes(), np.uint8)
    for end in range(2, len(intact), len(intact) // 40):
        path.write_bytes(intact[:end].tobytes())
        with refused(DataError, "not an intact .npz"):
            read(str(path), LoadOptions())
    for _ in range(100):
        content = intact.copy()
        content[RANDOM.integers(2, len(content), 8)] = RANDOM.integers(0, 256, 8)
        path.write_bytes(content.tobytes())
        with suppress(DataError):
            read(str(path), LoadOptions())


def test_a_header_that_promises_too_much(tmp_path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|u1", "fortran_order": False, "shape": (10**9, 1000, 1000)}
    )
    labels = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        labels, {"descr": "|u1", "fortran_order": False, "shape": (10**9,)}
    )
    with zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", header.getvalue() + bytes(10**6))
        archive.writestr("y.npy", labels.getvalue() + bytes(10**6))
    with refused(DataError, "would fill"):
        read(str(tmp_path / "x.npz"), LoadOptions())


@pytest.mark.skipif(not os.environ.get("LENET_DATA"), reason="LENET_DATA names no folder")
def test_mnist_as_keras_has_it(tmp_path):
    data = lenet.load("mnist")
    values = {
        f"{letter}_{name}": array
        for name, split in data.splits.items()
        for letter, array in (("x", split.images[:1000, 0]), ("y", split.labels[:1000]))
    }
    np.savez(tmp_path / "mnist.npz", **values)
    found = lenet.load(tmp_path / "mnist.npz")
    np.testing.assert_array_equal(found.train.images, data.train.images[:1000])
    np.testing.assert_array_equal(found.test.labels, data.test.labels[:1000])
    assert found.classes == data.classes
