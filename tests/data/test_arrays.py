"""``.npz`` files: every layout, every misunderstanding, and files made to harm."""

import gzip
import io
import os
import warnings
import zipfile
from contextlib import suppress

import numpy as np
import pytest

import lenet
from lenet.data import arrays, idx
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


def test_two_arrays_without_names(load, tmp_path):
    for given in ((X, Y), (Y, X)):
        np.savez(tmp_path / "x.npz", *given)
        assert pixels(read(str(tmp_path / "x.npz"), LoadOptions())) == pixels(load(x=X, y=Y))


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


def test_archives_of_something_else(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("cat/1.png", b"x")
    with refused(DataError, "is an archive without arrays; unpack it"):
        read(str(tmp_path / "x.zip"), LoadOptions())
    (tmp_path / "x.csv.gz").write_bytes(gzip.compress(b"path,label\n"))
    with refused(DataError, "is compressed; unpack it first"):
        read(str(tmp_path / "x.csv.gz"), LoadOptions())


def test_labels_that_are_no_text(load):
    labels = np.array(["a"] * 40)
    labels.view(np.uint32)[5] = 0xFFFFFFFF  # as a damaged file may have it
    with refused(DataError, "'y' that are no texts"):
        load(x=X, y=labels)


def test_negative_labels_are_in_their_order(load):
    assert load(x=X, y=np.where(Y % 2, 1, -1)).classes == ("-1", "1")


def test_rows(load):
    assert pixels(load(x=RGB[..., 0].reshape(40, -1)[:, :36].reshape(40, 36), y=Y)) == sorted(
        row.tobytes() for row in RGB[..., 0].reshape(40, -1)[:, :36]
    )


def test_transposed(load):
    found = load(LoadOptions(transpose=True), x=X, y=Y)
    assert found.images.shape[1:] == (1, 6, 8)
    assert pixels(found) == sorted(image.T.tobytes() for image in X)


def test_options(load):
    assert load(LoadOptions((4, 4), 3), x=X, y=Y).images.shape == (40, 3, 4, 4)
    assert load(LoadOptions(None, 1), x=RGB, y=Y).images.shape == (40, 1, 8, 6)
    large = load(x=np.zeros((10, 100, 200), np.uint8), y=Y[:10])
    assert large.images.shape[1:] == (1, 16, 32)
    assert "images of 100x200 become 16x32; the option size chooses another" in large.notes


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
        ({"a": X}, ["x.npz has images without labels", "no file beside it"]),
        ({"a": X, "b": X}, ["the arrays 'a', 'b'", "x_train"]),
        ({"x": X}, ["'x' but no labels"]),
        ({"y_test": Y, "x": X, "y": Y}, ["'y_test' but no images"]),
        ({"x": X, "y": Y, "x_test": X, "y_test": Y}, ["the arrays 'x', 'y', 'x_test'"]),
        ({"x": X, "images": X, "y": Y}, ["both 'x' and 'images'"]),
        ({"x": X, "y": Y[:39]}, ["(40, 8, 6)", "(39,)", "as many labels as images"]),
        ({"x": X[:0], "y": Y[:0]}, ["at least one"]),
        ({"x": X, "y": np.eye(40)}, ["'y' of type float64 and shape (40, 40)"]),
        ({"x": X, "y": Y + 0.5}, ["'y' that are no whole numbers"]),
        ({"x": X, "y": np.full(40, np.nan)}, ["'y' that are no whole numbers, such as nan"]),
        ({"x": X, "y": np.full(40, np.inf)}, ["'y' that are no whole numbers, such as inf"]),
        ({"x": X, "y": np.full(40, 1e300)}, ["'y' that are no whole numbers, such as 1e+300"]),
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


def test_images_of_too_many_pixels_are_refused_before_they_are_read(tmp_path):
    content = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        content, {"descr": "|u1", "fortran_order": False, "shape": (4, 40000, 40000)}
    )
    labels = io.BytesIO()
    np.save(labels, Y[:4])
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("x.npy", content.getvalue())  # and no pixels: they are not asked for
        archive.writestr("y.npy", labels.getvalue())
    with refused(DataError, "images of 40000x40000; give at most"):
        read(str(tmp_path / "x.npz"), LoadOptions())


def test_too_little_memory_is_told_as_such(load, monkeypatch):
    def fail(*_):
        raise MemoryError

    monkeypatch.setattr(arrays, "to_bytes", fail)
    with pytest.raises(MemoryError):
        load(x=X, y=Y)


HALF = slice(0, 20), slice(20, 40)
INTS = Y.astype(np.uint8)


def write_idx(path, array, packed=False):
    return idx.write(f"{path}.gz" if packed else path, np.ascontiguousarray(array))


def qmnist_labels(path, labels):
    rows = np.zeros((len(labels), 8), ">i4")
    rows[:, 0], rows[:, 1] = labels, 77
    header = bytes([0, 0, 12, 2]) + len(labels).to_bytes(4, "big") + (8).to_bytes(4, "big")
    path.write_bytes(gzip.compress(header + rows.tobytes()))


def write_mnist(folder, stem=""):
    for split, half in zip(("train", "t10k"), HALF, strict=True):
        write_idx(folder / f"{stem}{split}-images-idx3-ubyte", X[half])
        write_idx(folder / f"{stem}{split}-labels-idx1-ubyte", INTS[half])


def write_emnist(folder):
    for split, half in zip(("train", "test"), HALF, strict=True):
        write_idx(folder / f"emnist-digits-{split}-images-idx3-ubyte", X[half], True)
        write_idx(folder / f"emnist-digits-{split}-labels-idx1-ubyte", INTS[half], True)


def write_qmnist(folder):
    for split, half in zip(("train", "test"), HALF, strict=True):
        write_idx(folder / f"qmnist-{split}-images-idx3-ubyte", X[half], True)
        qmnist_labels(folder / f"qmnist-{split}-labels-idx2-int.gz", Y[half])


def write_kmnist(folder):
    for split, half in zip(("train", "test"), HALF, strict=True):
        np.savez_compressed(folder / f"kmnist-{split}-imgs.npz", X[half])
        np.savez_compressed(folder / f"kmnist-{split}-labels.npz", INTS[half])
    (folder / "kmnist_classmap.csv").write_text("index,codepoint,char\n")


def write_npy(folder):
    for split, half in zip(("train", "test"), HALF, strict=True):
        np.save(folder / f"X_{split}.npy", X[half] / 255)
        np.save(folder / f"y_{split}.npy", Y[half][:, np.newaxis])


def write_two_names(folder):
    for split, half in zip(("train", "test"), HALF, strict=True):
        write_idx(folder / f"pictures.{split}", X[half])
        write_idx(folder / f"answers.{split}", INTS[half])


@pytest.mark.parametrize(
    "write", [write_mnist, write_emnist, write_qmnist, write_kmnist, write_npy, write_two_names]
)
def test_files_of_one_array(tmp_path, write):
    write(tmp_path)
    files = sorted(tmp_path.iterdir())
    images = next(file for file in files if "train" in file.name)
    for place in (tmp_path, images):
        found = read(str(place), LoadOptions())
        np.testing.assert_array_equal(found.images[:, 0], X)
        np.testing.assert_array_equal(found.labels, Y)
        assert found.counts == (20, 0, 20)
        assert found.notes[0].startswith("read: ")
        assert found.notes[0].count(", ") == 3


def test_a_file_beside_the_folder_one_is_in(tmp_path, monkeypatch):
    write_mnist(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert len(read("train-images-idx3-ubyte", LoadOptions()).images) == 40


def test_what_a_data_set_of_several_files_is_called(tmp_path):
    (tmp_path / "ten digits").mkdir()
    write_mnist(tmp_path / "ten digits")
    write_kmnist(tmp_path)
    for name, called in (
        ("ten digits/t10k-labels-idx1-ubyte", "ten digits"),
        ("kmnist-train-imgs.npz", "kmnist"),
        ("ten digits", "ten digits"),
    ):
        assert lenet.load(tmp_path / name).name == called


def test_images_and_labels_alone_are_split(tmp_path):
    write_idx(tmp_path / "x-images-idx3-ubyte", X)
    write_idx(tmp_path / "x-labels-idx1-ubyte", INTS, packed=True)
    found = read(str(tmp_path / "x-images-idx3-ubyte"), LoadOptions())
    assert found.counts == (32, 0, 8)
    assert pixels(found) == sorted(image.tobytes() for image in X)


def test_a_file_and_its_packed_copy_count_once(tmp_path):
    write_mnist(tmp_path)
    write_idx(tmp_path / "train-images-idx3-ubyte", X[:20], packed=True)
    assert read(str(tmp_path), LoadOptions()).counts == (20, 0, 20)


def test_emnist_is_said_to_lie_on_its_side(tmp_path):
    write_emnist(tmp_path)
    note = "EMNIST has rows and columns of its images swapped; the option transpose sets them right"
    assert read(str(tmp_path), LoadOptions()).notes[-1] == note
    turned = read(str(tmp_path), LoadOptions(transpose=True))
    np.testing.assert_array_equal(turned.images[:, 0], X.swapaxes(1, 2))
    assert note not in turned.notes


@pytest.mark.parametrize(
    ("mapping", "classes"),
    [
        ("0 65 97\n1 66 98\n2 67 99\n3 50\n", ("2", "A", "B", "C")),
        ("0 65\n1 65\n", ("0", "1", "2", "3")),
        ("0 10\n", ("0", "1", "2", "3")),
        ("hello", ("0", "1", "2", "3")),
    ],
)
def test_the_characters_of_emnist(tmp_path, mapping, classes):
    write_emnist(tmp_path)
    (tmp_path / "emnist-digits-mapping.txt").write_text(mapping)
    for place in (tmp_path, tmp_path / "emnist-digits-test-images-idx3-ubyte.gz"):
        found = read(str(place), LoadOptions())
        assert found.classes == classes
        names = [found.classes[label] for label in found.labels]
        assert names == [
            (classes[1:] + classes[:1] if classes[0] == "2" else classes)[y] for y in Y
        ]


def test_a_class_a_file(tmp_path):
    for name, label in (("apple", 0), ("axe", 1), ("ice cream", 2)):
        rows = RGB[label == Y].reshape(10, -1)[:, :36]
        np.save(tmp_path / f"full_numpy_bitmap_{name}.npy", rows)
    found = read(str(tmp_path), LoadOptions())
    assert found.classes == ("apple", "axe", "ice cream")
    assert found.images.shape == (30, 1, 6, 6)
    assert np.bincount(found.labels).tolist() == [10, 10, 10]
    assert "called by its name without 'full_numpy_bitmap_'" in found.notes[0]
    for image, label in zip(found.images, found.labels, strict=True):
        rows = RGB[label == Y].reshape(10, -1)[:, :36]
        assert image.tobytes() in {row.tobytes() for row in rows}


def test_classes_without_a_word_in_common(tmp_path):
    for name in ("apple", "axe"):
        np.save(tmp_path / f"{name}.npy", RANDOM.integers(0, 256, (9, 5, 5), dtype=np.uint8))
    found = read(str(tmp_path), LoadOptions())
    assert (found.classes, len(found.images)) == (("apple", "axe"), 18)


def test_what_does_not_belong_together(tmp_path):
    write_idx(tmp_path / "a-images-idx3-ubyte", X)
    with refused(DataError, "a-images-idx3-ubyte has images without labels", "x-labels-idx1-ubyte"):
        read(str(tmp_path / "a-images-idx3-ubyte"), LoadOptions())
    write_idx(tmp_path / "a-labels-idx1-ubyte", INTS[:39])
    with refused(DataError, "as many labels as images"):
        read(str(tmp_path), LoadOptions())
    write_idx(tmp_path / "a-labels-idx1-ubyte", INTS)
    write_idx(tmp_path / "b-images-idx3-ubyte", X)
    with refused(DataError, "holds 2 data sets: a and b", "a-images-idx3-ubyte"):
        read(str(tmp_path), LoadOptions())
    assert len(read(str(tmp_path / "a-images-idx3-ubyte"), LoadOptions()).images) == 40
    write_idx(tmp_path / "a-images.idx", X)
    with refused(DataError, "more than one file of a kind"):
        read(str(tmp_path / "a-images-idx3-ubyte"), LoadOptions())


def test_damaged_files_of_one_array(tmp_path):
    write_mnist(tmp_path)
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-1])
    with refused(DataError, "train-images-idx3-ubyte is cut short"):
        read(str(tmp_path), LoadOptions())
    content = path.read_bytes() + b"x"
    path.write_bytes(content)
    np.save(other := tmp_path / "other.npy", X)
    other.write_bytes(other.read_bytes()[:20])
    with refused(DataError, "other.npy is not an intact .npy"):
        read(str(other), LoadOptions())
    assert len(read(str(path), LoadOptions()).images) == 40  # another data set, which is intact


@pytest.mark.parametrize("save", [np.save, np.savez, np.savez_compressed])
def test_damage_behind_the_header(tmp_path, save):
    ending = "npy" if save is np.save else "npz"
    for name in ("one", "two"):
        save(tmp_path / f"{name}.{ending}", X)
    path = tmp_path / f"two.{ending}"
    content = bytearray(path.read_bytes())
    if ending == "npy":
        del content[-10:]
    else:
        content[300] ^= 255
    path.write_bytes(content)
    with refused(DataError, f"two.{ending} is not an intact .{ending}"):
        read(str(tmp_path), LoadOptions())


def test_a_folder_around_them(tmp_path):
    (tmp_path / "raw").mkdir()
    write_mnist(tmp_path / "raw")
    with refused(DataError, "holds one folder, raw, with files of arrays in it; give ", "/raw"):
        read(str(tmp_path), LoadOptions())


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


@pytest.mark.parametrize("size", [10, 40])
def test_idx_under_the_ending_of_another_program(tmp_path, size):
    images, labels = np.zeros((size, 8, 8), np.uint8), np.arange(size, dtype=np.uint8) % 2
    images[:, 0, :4] = np.arange(size)[:, None] + 1
    images[:, 1] = labels[:, None] * 9
    for name, array in (("my-images.bin", images), ("my-labels.bin", labels)):
        head = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
        (tmp_path / name).write_bytes(head + array.tobytes())
    for path in (tmp_path, tmp_path / "my-images.bin"):
        assert len(lenet.load(path).train.images) == size * 4 // 5


def test_names_that_differ_in_case_alone(tmp_path):
    images, labels = np.arange(160, dtype=np.uint8).reshape(10, 4, 4), np.arange(10) % 2
    np.savez(tmp_path / "a.npz", x=images, X=images, y=labels)
    with refused(DataError, "both", "'x'", "'X'"):
        lenet.load(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", x=images, y=labels, note=labels, Note=labels)
    assert len(lenet.load(tmp_path / "b.npz").train) > 0


def test_a_signalling_nan_is_refused_without_a_warning(tmp_path):
    values = np.zeros((1, 4, 4), np.uint32)
    values[0, 0, 1] = 0x7FA00001  # to convert it makes a quiet one of it, with a warning
    np.save(path := tmp_path / "a.npy", values.view(np.float32))
    model = lenet.Model("1x4x4 | dense 2").initialize()
    with warnings.catch_warnings(), refused(DataError, "a.npy"):
        warnings.simplefilter("error")
        lenet.predict(model, path)
