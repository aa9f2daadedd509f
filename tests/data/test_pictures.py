"""Pictures of every kind, one or many at a time, and files that only claim to be some."""

import io
import os
import tracemalloc
import zlib
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from lenet.data import decoder, idx, pictures
from lenet.data.collection import LoadOptions
from lenet.data.folders import list_pictures
from lenet.data.pictures import Fault, decode
from lenet.data.prepare import prepare_picture
from lenet.data.preprocess import FITS, Preprocessing
from lenet.data.unlabelled import read_unlabelled
from lenet.errors import DataError, PictureError
from refusals import refused

DARK = Preprocessing((1, 28, 28), (0.1,), (0.3,), "dark")
LIGHT = Preprocessing((1, 28, 28), (0.1,), (0.3,), "light")
ANY = Preprocessing((1, 28, 28), (0.1,), (0.3,), None)
COLOUR = Preprocessing((3, 8, 8), (0.1,) * 3, (0.3,) * 3, None)

GREY = np.arange(48, dtype=np.uint8).reshape(6, 8)
RGB = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)


def read_picture(path):
    return decoder.read_picture(path).pixels


def read_images(path, preprocessing):
    """All images that a path stands for, where none is a fault."""
    batches = list(read_unlabelled([path], preprocessing))
    assert not any(isinstance(batch, Fault) for batch in batches)
    return np.concatenate([batch.images for batch in batches])


def fit(picture, preprocessing):
    """What a picture of bytes (C, h, w) becomes, and what was done to it."""
    given = decoder.Picture(picture, picture.shape[1:])
    return prepare_picture(given, preprocessing)


def fit_picture(picture, preprocessing):
    return fit(picture, preprocessing)[0]


@pytest.fixture
def save(tmp_path):
    def save(picture, name="picture.png", **options):
        if isinstance(picture, np.ndarray):
            picture = Image.fromarray(picture)
        picture.save(tmp_path / name, **options)
        return tmp_path / name

    return save


@pytest.mark.parametrize("name", ["a.png", "a.bmp"])
def test_grey_and_colour(save, name):
    np.testing.assert_array_equal(read_picture(save(GREY, name)), GREY[np.newaxis])
    np.testing.assert_array_equal(read_picture(save(RGB, name)), RGB.transpose(2, 0, 1))


def test_jpeg(save):
    flat = np.full((16, 16, 3), (200, 100, 50), np.uint8)
    picture = read_picture(save(flat, "a.jpg", quality=95))
    assert picture.shape == (3, 16, 16)
    assert np.abs(picture.astype(int) - flat.transpose(2, 0, 1)).max() <= 3


def test_content_decides_not_the_name(save, tmp_path):
    save(GREY).rename(tmp_path / "picture.txt")
    np.testing.assert_array_equal(read_picture(tmp_path / "picture.txt")[0], GREY)


def test_colour_file_of_a_grey_picture(save):
    picture = read_picture(save(np.repeat(GREY[:, :, np.newaxis], 3, axis=2)))
    np.testing.assert_array_equal(picture, GREY[np.newaxis])


def test_palette_and_one_bit(save):
    palette = Image.fromarray(RGB).quantize(4)
    expected = np.array(palette.convert("RGB")).transpose(2, 0, 1)
    np.testing.assert_array_equal(read_picture(save(palette)), expected)
    bits = read_picture(save(Image.fromarray(GREY > 20)))
    np.testing.assert_array_equal(bits, (GREY > 20)[np.newaxis] * np.uint8(255))


def test_sixteen_bits(save):
    values = np.array([[0, 128, 129, 257, 32768, 65535]], np.uint16)
    picture = decoder.read_picture(save(values))
    np.testing.assert_array_equal(picture.pixels, values[np.newaxis])
    assert picture.depth == 16
    assert picture.bytes_of(None)[0].tolist() == [[[0, 0, 1, 1, 128, 255]]]


@pytest.mark.parametrize(
    ("most", "depth"),
    [(0, 8), (255, 8), (256, 10), (1023, 10), (4095, 12), (4096, 14), (65535, 16)],
)
def test_depth_is_the_bits_that_are_used(save, most, depth):
    picture = decoder.read_picture(save(np.array([[0, most // 2, most]], np.uint16)))
    assert picture.depth == depth
    seen, used = picture.bytes_of(None)
    assert used == depth
    full = (1 << depth) - 1
    assert seen.ravel().tolist() == [round(v * 255 / full) for v in (0, most // 2, most)]
    assert picture.bytes_of(16)[0].max() == round(most / 257)
    assert picture.bytes_of(8)[1] == depth  # never fewer than it uses


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_sixteen_bits_of_colour(tmp_path, mode):
    """Pillow keeps the upper eight bits of such a file, of which twelve-bit data fill four."""
    values = np.random.default_rng(0).integers(0, 4096, (5, 7, len(mode)))
    if mode == "RGBA":
        values[..., 3] = 65535
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    kind = {"RGB": 2, "RGBA": 6}[mode]
    head = (7).to_bytes(4, "big") + (5).to_bytes(4, "big") + bytes([16, kind, 0, 0, 0])
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    content = b"\x89PNG\r\n\x1a\n"
    for name, data in chunks:
        content += len(data).to_bytes(4, "big") + name + data
        content += zlib.crc32(name + data).to_bytes(4, "big")
    (tmp_path / "a.png").write_bytes(content)
    picture = decoder.read_picture(tmp_path / "a.png")
    if mode == "RGB":
        assert picture.depth == 12
        np.testing.assert_array_equal(picture.pixels, values.transpose(2, 0, 1))
    assert picture.pixels.shape == (3, 5, 7)


def test_cmyk(save):
    picture = read_picture(save(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "a.jpg"))
    assert picture.shape == (3, 8, 8)
    assert picture[0].min() > 200
    assert picture[1:].max() < 60


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_laid_on_white(save, mode):
    picture = Image.new(mode, (2, 1), 0)
    picture.putpixel((0, 0), (0, 0, 0, 255) if mode == "RGBA" else (0, 255))
    assert read_picture(save(picture)).tolist() == [[[0, 255]]]


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_white_ink_is_laid_on_black(save, mode):
    ink = (250,) * (len(mode) - 1) + (255,)
    picture = Image.new(mode, (2, 1), (255,) * (len(mode) - 1) + (0,))
    picture.putpixel((0, 0), ink)
    found = decoder.read_picture(save(picture))
    assert found.pixels.tolist() == [[[250, 0]]]
    assert found.done == ("laid on black",)


@pytest.mark.parametrize("ink", [(255, 255, 0, 255), (120, 120, 120, 255)])
def test_ink_that_is_seen_on_white_stays_there(save, ink):
    picture = Image.new("RGBA", (2, 1), (0, 0, 0, 0))
    picture.putpixel((0, 0), ink)
    found = decoder.read_picture(save(picture))
    assert found.pixels[:, 0, 1].tolist() == [255] * len(found.pixels)
    assert not found.done


def test_an_opaque_white_picture_is_white(save):
    assert read_picture(save(Image.new("RGBA", (2, 1), "white"))).tolist() == [[[255, 255]]]


def test_a_large_transparent_picture_takes_little_memory_beside_its_own(save):
    corner = Image.new("RGBA", (2400, 1200), (0, 0, 0, 0))
    corner.paste((250, 250, 250, 255), (1200, 600, 2400, 1200))
    path = save(corner)
    read_picture(path)  # what is loaded once does not count
    tracemalloc.start()
    try:
        found = decoder.read_picture(path)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 2 * 4 * 2400 * 1200 + (16 << 20)
    assert found.done == ("laid on black",)
    assert found.pixels.shape == (1, 1200, 2400)
    assert found.pixels[0, ::599, ::1199].tolist() == [[0, 0, 0], [0, 0, 0], [0, 0, 250]]


def test_transparent_palette_entry_is_laid_on_white(save):
    picture = Image.new("P", (2, 1), 0)
    picture.putpalette([0, 0, 0, 10, 10, 10])
    picture.putpixel((1, 0), 1)
    assert read_picture(save(picture, transparency=1)).tolist() == [[[0, 255]]]


def test_turned_as_exif_says(save):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to see it upright
    picture = read_picture(save(GREY, exif=exif))
    np.testing.assert_array_equal(picture[0], np.rot90(GREY, -1))


def fault_of(path):
    (fault,) = read_unlabelled([path], ANY)
    return str(fault)


def test_missing_and_folder(tmp_path):
    with refused(PictureError, "nowhere.png cannot be opened (no such file"):
        read_picture(tmp_path / "nowhere.png")
    assert "nowhere.png cannot be opened (no such file" in fault_of(tmp_path / "nowhere.png")
    assert "cannot be opened (" in fault_of("a\0.png")
    with refused(PictureError, "it is a folder"):
        read_picture(tmp_path)


@pytest.mark.parametrize("content", [b"\0\1\2\3", b"RIFF\0\0\0\0WAVE", b"\0\0\1\0\1\0"])
def test_no_picture(tmp_path, content):
    (tmp_path / "x.png").write_bytes(content)
    with refused(PictureError, "x.png is ", "PNG, JPEG, BMP, GIF, TIFF, WebP, PPM or PGM"):
        read_picture(tmp_path / "x.png")
    assert "picture that can be read" in fault_of(tmp_path / "x.png")


@pytest.mark.parametrize("name", ["a.gif", "a.tiff", "a.webp", "a.ppm", "a.pgm", "a.bmp", "a.jfif"])
def test_formats(save, name):
    options = {"lossless": True} if name == "a.webp" else {}
    options |= {"format": "JPEG", "quality": 100} if name == "a.jfif" else {}
    picture = read_picture(save(GREY, name, **options))
    assert picture.shape == (1, 6, 8)
    np.testing.assert_allclose(picture[0], GREY, atol=3 if name == "a.jfif" else 0)
    if name in ("a.ppm", "a.tiff"):
        np.testing.assert_array_equal(read_picture(save(RGB, name)), RGB.transpose(2, 0, 1))


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.tiff", "a.png"])
def test_the_first_of_several_frames(save, name):
    options = {"lossless": True} if name == "a.webp" else {}
    second = Image.fromarray(255 - GREY)
    path = save(GREY, name, save_all=True, append_images=[second], **options)
    found = decoder.read_picture(path)
    np.testing.assert_array_equal(found.pixels[0], GREY)
    assert found.done == ("the first frame",)


def test_tiff_of_floats(save):
    for values, seen in (((0, 0.5, 1), [0, 128, 255]), ((0, 7.4, 255), [0, 7, 255])):
        picture = Image.fromarray(np.array([values], np.float32))
        assert read_picture(save(picture, "a.tiff")).tolist() == [[seen]]
    with refused(PictureError, "floats from -1 to 3"):
        read_picture(save(Image.fromarray(np.array([[-1, 3]], np.float32)), "a.tiff"))


KINDS = {
    "is empty": b"",
    "is an HTML page": b"<!-- x -->\n<!DOCTYPE html><html>",
    "is a PDF": b"%PDF-1.7",
    "is an SVG drawing": b'<?xml version="1.0"?><svg xmlns="x"/>',
    "is a HEIC picture": b"\0\0\0\x18ftypheic\0\0\0\0",
    "is a pointer of Git LFS": b"version https://git-lfs.github.com/spec/v1\n",
    "is a text file": b"hello",
    "is a JSON file": b'{"a": 1}',
    "is a pickle": b"\x80\4\x95\0\0\0\0\0\0\0\0K\1.",
    "is damaged": b"\x89PNG\r\n\x1a\n",
    "is not a picture that can be read": bytes([1, 2, 3, 4]),
}


@pytest.mark.parametrize("words", KINDS)
def test_kinds_are_named(tmp_path, words):
    (tmp_path / "x.png").write_bytes(KINDS[words])
    with refused(PictureError, words):
        read_picture(tmp_path / "x.png")


def photograph(height, width):
    """A smooth picture with a grain, as a camera makes it."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    waves = [128 + 100 * np.sin(x / (60 + 30 * c)) * np.cos(y / (90 - 20 * c)) for c in range(3)]
    grain = np.random.default_rng(0).normal(0, 4, (height, width, 3))
    return (np.stack(waves, axis=2) + grain).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("turned", [1, 6])
def test_a_large_jpeg_is_decoded_small(save, turned):
    exif = Image.Exif()
    exif[0x0112] = turned
    path = save(photograph(1200, 1600), "a.jpg", quality=92, exif=exif)
    whole = decoder.read_picture(path)
    for wanted, least in (((28, 28), 56), ((64, 64), 128), ((200, 300), 400), ((900, 900), 1200)):
        part = decoder.read_picture(path, wanted)
        assert part.size == whole.size == ((1200, 1600) if turned == 1 else (1600, 1200))
        assert min(part.pixels.shape[1:]) >= least * 3 / 4
        assert max(part.pixels.shape[1:]) >= least
        assert max(part.pixels.shape) < 1600 or max(wanted) == 900
        preprocessing = Preprocessing((3, *wanted), (0,) * 3, (1,) * 3, None)
        seen, full = (prepare_picture(found, preprocessing) for found in (part, whole))
        assert seen[1] == full[1]
        assert np.abs(seen[0].astype(int) - full[0]).max() <= 4
        np.testing.assert_array_equal(part.identity, whole.identity)


def test_a_small_jpeg_is_decoded_whole(save):
    path = save(photograph(600, 1000), "a.jpg")
    assert decoder.read_picture(path, (28, 28)).pixels.shape == (3, 600, 1000)


def test_too_little_memory_is_no_damage(save, monkeypatch):
    path = save(GREY)
    for error in (MemoryError(), OSError("out of memory when reading image file")):

        def fail(*_, error=error):
            raise error

        monkeypatch.setattr("lenet.data.decoder._to_array", fail)
        for read in (read_picture, lambda path: list(read_unlabelled([path], ANY))):
            with pytest.raises(MemoryError):
                read(path)
    np.save(path.with_suffix(".npy"), GREY)
    monkeypatch.setattr(np, "load", fail_for_memory)
    with pytest.raises(MemoryError):
        list(read_unlabelled([path.with_suffix(".npy")], ANY))


def fail_for_memory(*_, **__):
    raise MemoryError


def test_too_many_pixels(save, monkeypatch):
    path = save(GREY)
    for limit in (40, 10):  # Pillow only warns up to twice its limit
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        with refused(PictureError, f"more than {limit} pixels"):
            read_picture(path)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.bmp"])
def test_cut_pictures(save, tmp_path, name):
    content = save(RGB, name).read_bytes()
    for end in range(0, len(content) - 20, 7):
        (tmp_path / "cut").write_bytes(content[:end])
        with refused(PictureError):
            read_picture(tmp_path / "cut")


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.bmp"])
def test_damaged_pictures_raise_nothing_else(save, tmp_path, name):
    random = np.random.default_rng(3)
    intact = np.frombuffer(save(RGB, name).read_bytes(), np.uint8)
    for _ in range(150):
        content = intact.copy()
        places = random.integers(0, len(content), 5)
        content[places] = random.integers(0, 256, 5)
        (tmp_path / "damaged").write_bytes(content.tobytes())
        try:
            picture = read_picture(tmp_path / "damaged")
        except PictureError:
            continue
        assert picture.dtype == np.uint8
        assert picture.ndim == 3


def test_fit_inverts_what_has_the_other_background():
    stroke = np.full((1, 28, 28), 255, np.uint8)
    stroke[0, 10:18, 13:15] = 0
    np.testing.assert_array_equal(fit_picture(stroke, DARK), 255 - stroke)
    np.testing.assert_array_equal(fit_picture(stroke, LIGHT), stroke)
    np.testing.assert_array_equal(fit_picture(stroke, ANY), stroke)
    np.testing.assert_array_equal(fit_picture(255 - stroke, DARK), 255 - stroke)


def test_fit_keeps_proportions_and_centres():
    wide = np.full((1, 20, 56), 10, np.uint8)
    wide[0, 5:15, 10:46] = 250
    fitted = fit_picture(wide, DARK)
    assert fitted.shape == (1, 28, 28)
    assert (fitted[0, :9] == 10).all()  # 56x20 becomes 28x10, with 9 rows above and below
    assert (fitted[0, -9:] == 10).all()
    assert (fitted[0, 13:15, 7:21] == 250).all()


def test_fit_enlarges_small_pictures():
    assert (fit_picture(np.full((1, 7, 7), 9, np.uint8), DARK) == 9).all()


@pytest.mark.parametrize("shape", [(1, 1, 500), (1, 500, 1), (3, 1, 1)])
def test_fit_extreme_shapes(shape):
    assert fit_picture(np.zeros(shape, np.uint8), DARK).shape == (1, 28, 28)


def test_fit_matches_channels():
    picture = RGB.transpose(2, 0, 1)
    assert fit_picture(picture, DARK).shape == (1, 28, 28)
    assert fit_picture(picture, COLOUR).shape == (3, 8, 8)
    assert fit_picture(picture[:1], COLOUR).shape == (3, 8, 8)


def test_read_images_of_a_picture(save):
    assert read_images(save(RGB), DARK).shape == (1, 1, 28, 28)


@pytest.mark.parametrize(
    ("shape", "count"),
    [((28, 28), 1), ((5, 28, 28), 5), ((5, 1, 28, 28), 5), ((5, 9, 9, 3), 5), ((2, 3, 9, 9), 2)],
)
def test_read_images_of_arrays(tmp_path, shape, count):
    array = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    np.save(tmp_path / "x.npy", array)
    idx.write(tmp_path / "x.idx", array)
    idx.write(tmp_path / "x.gz", array)
    images = read_images(tmp_path / "x.npy", DARK)
    assert images.shape == (count, 1, 28, 28)
    for name in ("x.idx", "x.gz"):
        np.testing.assert_array_equal(read_images(tmp_path / name, DARK), images)
    if array.ndim < 4:
        np.testing.assert_array_equal(images.reshape(shape), array)  # no polarity is flipped


def test_channels_last_is_understood(tmp_path):
    np.save(tmp_path / "x.npy", RGB[np.newaxis, :, 1:7])
    prepared = read_images(tmp_path / "x.npy", Preprocessing((3, 6, 6), (0,) * 3, (1,) * 3, None))
    np.testing.assert_array_equal(prepared[0], RGB[:, 1:7].transpose(2, 0, 1))


def test_fortran_order(tmp_path):
    array = np.asfortranarray(np.random.default_rng(1).integers(0, 256, (3, 28, 28)), np.uint8)
    np.save(tmp_path / "x.npy", np.asfortranarray(array))
    np.testing.assert_array_equal(read_images(tmp_path / "x.npy", ANY)[:, 0], array)


@pytest.mark.parametrize(("rows", "side"), [(60, 28), (3, 20)])
def test_rows_are_images(tmp_path, rows, side):
    """Of the network's own size, and squares in an array that is as flat as no picture."""
    array = np.random.default_rng(1).integers(0, 256, (rows, side * side), dtype=np.uint8)
    np.save(tmp_path / "x.npy", array)
    np.save(tmp_path / "y.npy", array.reshape(rows, side, side))
    images = read_images(tmp_path / "x.npy", DARK)
    assert images.shape == (rows, 1, 28, 28)
    np.testing.assert_array_equal(images, read_images(tmp_path / "y.npy", DARK))


@pytest.mark.parametrize("shape", [(60, 80), (64, 64), (100, 144), (768, 1024)])
def test_a_picture_is_not_taken_for_rows(tmp_path, shape):
    np.save(tmp_path / "x.npy", np.zeros(shape, np.uint8))
    assert read_images(tmp_path / "x.npy", DARK).shape == (1, 1, 28, 28)


@pytest.mark.parametrize("shape", [(7,), (6, 8, 3), (0, 28, 28), (1, 1, 1, 4, 4), (2, 0), ()])
def test_arrays_of_another_shape(tmp_path, shape):
    np.save(tmp_path / "x.npy", np.zeros(shape, np.uint8))
    with refused(DataError, "x.npy"):
        read_images(tmp_path / "x.npy", DARK)


def test_label_file_is_no_image_file(tmp_path):
    idx.write(tmp_path / "labels", np.ones(9, np.uint8))
    with refused(DataError, "of shape (9,)", "(N, H, W)"):
        read_images(tmp_path / "labels", DARK)


def test_floats(tmp_path):
    values = np.random.default_rng(1).integers(0, 256, (5, 28, 28), dtype=np.uint8)
    for scale in (255, 1):
        np.save(tmp_path / "x.npy", values / scale)
        np.testing.assert_array_equal(read_images(tmp_path / "x.npy", DARK)[:, 0], values)
    for wrong, words in ((values - 99.0, "values from -99"), (values.astype(complex), "complex")):
        np.save(tmp_path / "x.npy", wrong)
        with refused(DataError, "x.npy", words):
            read_images(tmp_path / "x.npy", DARK)


def npy(shape, descr="'|u1'"):
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header


@pytest.mark.parametrize(
    "content",
    [
        b"\x93NUMPY",
        b"\x93NUMPY\x09\x09rubbish",
        npy("(28, 28)") + bytes(700),
        npy("(99999999999, 99999999999)"),
        npy("(-1, 4)") + bytes(9),
        npy("(28, 28)", "'|O'") + bytes(7000),
        npy("(" * 3000),
        npy("[{}]"),
        b"\x93NUMPY\x02\x00\xff\xff\xff\xff",
    ],
)
def test_damaged_arrays(tmp_path, content):
    (tmp_path / "x.npy").write_bytes(content)
    with refused(DataError, "x.npy is not an intact .npy array", "numpy.save"):
        read_images(tmp_path / "x.npy", DARK)


def test_pickles_are_never_opened(tmp_path):
    buffer = io.BytesIO()
    np.save(buffer, np.array([print], dtype=object), allow_pickle=True)
    (tmp_path / "x.npy").write_bytes(buffer.getvalue())
    with refused(DataError, "not an intact .npy"):
        read_images(tmp_path / "x.npy", DARK)


def test_damaged_idx(tmp_path):
    (tmp_path / "x").write_bytes(b"\0\0\x08\x03\0\0\0\x09")
    with refused(DataError, "is cut short"):
        read_images(tmp_path / "x", DARK)


@pytest.fixture
def decoded(tmp_path):
    """Saves pictures by name, below one class, and gives what decoding them gives."""

    def decoded(options=LoadOptions(), /, **pictures):  # noqa: B008 - immutable
        (tmp_path / "a").mkdir(exist_ok=True)
        for name, (picture, form) in pictures.items():
            if isinstance(picture, np.ndarray):
                picture = Image.fromarray(picture)
            ending = form.pop("ending", "png")
            picture.save(tmp_path / "a" / f"{name}.{ending}", **form)
        return decode(list_pictures(os.path.realpath(tmp_path)), options)

    return decoded


def test_one_size(decoded):
    found = decoded(a=(GREY, {}), b=(255 - GREY, {"ending": "bmp"}))
    np.testing.assert_array_equal(found.images, [[GREY], [255 - GREY]])
    assert (found.coloured, set(found.sizes), found.faults) == (0, {(6, 8)}, [])
    assert found.kept == [0, 1]


def test_a_thousand_files_stay_in_order(tmp_path):
    (tmp_path / "a").mkdir()
    values = np.random.default_rng(0).integers(0, 256, (300, 2, 2), dtype=np.uint8)
    for number, image in enumerate(values):
        Image.fromarray(image).save(tmp_path / "a" / f"{number}.png")
    found = decode(list_pictures(os.path.realpath(tmp_path)), LoadOptions())
    np.testing.assert_array_equal(found.images[:, 0], values)


def test_different_sizes_become_the_median(decoded):
    shapes = {"a": (10, 20), "b": (12, 22), "c": (30, 100)}
    found = decoded(**{name: (np.full(shape, 7, np.uint8), {}) for name, shape in shapes.items()})
    assert found.images.shape == (3, 1, 12, 22)
    assert (found.images == 7).all()
    assert found.sizes == [(10, 20), (12, 22), (30, 100)]


def test_large_pictures_become_small(decoded):
    found = decoded(a=(np.full((300, 400), 9, np.uint8), {}))
    assert found.images.shape == (1, 1, 24, 32)


def test_a_size_of_choice(decoded):
    found = decoded(LoadOptions((28, 32)), a=(GREY, {}), b=(np.zeros((100, 3), np.uint8), {}))
    assert found.images.shape == (2, 1, 28, 32)


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("picture", [GREY, RGB, GREY[:3]])
def test_what_is_trained_on_is_what_predict_sees(decoded, tmp_path, picture, fit):
    found = decoded(LoadOptions((28, 28), 1, fit=fit), a=(picture, {}))
    seen = fit_picture(read_picture(tmp_path / "a" / "a.png"), replace(ANY, fit=fit))
    np.testing.assert_array_equal(found.images[0], seen)


def test_one_colour_makes_all_rgb(decoded):
    found = decoded(a=(GREY, {}), b=(RGB, {}), c=(np.dstack([GREY] * 3), {}))
    assert found.images.shape == (3, 3, 6, 8)
    np.testing.assert_array_equal(found.images[0], np.stack([GREY] * 3))
    np.testing.assert_array_equal(found.images[1], RGB.transpose(2, 0, 1))
    assert found.coloured == 1
    assert found.digests[0] == found.digests[2]


@pytest.mark.parametrize("channels", [1, 3])
def test_a_colour_of_choice(decoded, channels):
    found = decoded(LoadOptions(None, channels), a=(GREY, {}), b=(RGB, {}))
    assert found.images.shape[1] == channels


def exif():
    found = Image.Exif()
    found[0x0112] = 6  # to be turned by 90 degrees clockwise
    return found


def test_what_files_say_beside_their_pixels(decoded):
    clear = Image.new("RGBA", (6, 8), (0, 0, 0, 0))
    palette = Image.fromarray(RGB.transpose(1, 0, 2)).quantize(5)
    found = decoded(
        turned=(GREY, {"exif": exif()}),
        clear=(clear, {}),
        deep=(np.full((8, 6), 65535, np.uint16), {}),
        palette=(palette, {}),
        cmyk=(Image.new("CMYK", (6, 8), (0, 255, 255, 0)), {"ending": "jpg"}),
        bits=(np.ones((8, 6), bool), {}),
    )
    bits, clear, cmyk, deep, palette_seen, turned = found.images  # as the names are sorted
    np.testing.assert_array_equal(turned[0], np.rot90(GREY, -1))
    for white in (bits, clear, deep):
        assert (white == 255).all()
    np.testing.assert_array_equal(palette_seen.transpose(1, 2, 0), np.array(palette.convert("RGB")))
    assert cmyk[0].min() > 200 > 60 > cmyk[1:].max()


def test_of_an_animation_the_first_picture(decoded):
    second = Image.fromarray(255 - GREY)
    found = decoded(a=(GREY, {"save_all": True, "append_images": [second]}))
    np.testing.assert_array_equal(found.images[0, 0], GREY)


def test_the_digest_is_of_the_picture_not_of_what_it_becomes(decoded):
    plain = decoded(a=(RGB, {}))
    resized = decoded(LoadOptions((3, 3), 1), b=(RGB, {"ending": "bmp"}))
    assert resized.digests.tolist() == [plain.digests[0]] * 2


def test_what_cannot_be_read_is_told(decoded, tmp_path, monkeypatch):
    monkeypatch.setattr("lenet.data.decoder.MAX_BYTES", 500)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "2.txt").write_text("hello")
    (tmp_path / "a" / "3.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "a" / "4.png").write_bytes(bytes(1000))
    (tmp_path / "a" / "5.gif").write_bytes(b"GIF89a\1\0\1\0")
    os.mkfifo(tmp_path / "a" / "6.png")
    os.symlink("/etc/passwd", tmp_path / "a" / "7.png")
    found = decoded(**{"1": (GREY, {}), "8": (255 - GREY, {})})
    np.testing.assert_array_equal(found.images[:, 0], [GREY, 255 - GREY])
    assert found.kept == [0, 7]
    assert list(map(str, found.faults)) == [
        "a/2.txt is a text file, no picture that can be read",
        "a/3.png is damaged",
        "a/4.png has 1,000 bytes, more than 500",
        "a/5.gif is damaged",
        "a/6.png is a pipe or a device, no file",
        "a/7.png is a link that leads out of the folder",
    ]


def test_many_pixels_in_one_of_many(decoded, monkeypatch):
    for limit in (40, 10):
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        found = decoded(a=(GREY[:1], {}), b=(GREY, {}))
        assert list(map(str, found.faults)) == [f"a/b.png has more than {limit} pixels"]


def test_nothing_can_be_read(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.png").write_bytes(b"")
    with refused(DataError, "no file in", "a/1.png is empty", "PNG, JPEG"):
        decode(list_pictures(os.path.realpath(tmp_path)), LoadOptions())


def test_a_bar_for_whoever_waits(decoded, monkeypatch, capsys):
    monkeypatch.setattr(pictures, "_LONG", 1)
    decoded(a=(GREY, {}))
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    decoded(a=(GREY, {}))
    assert "reading 1 pictures" in capsys.readouterr().err


def test_an_error_in_a_thread_ends_all(decoded, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(pictures, "digest", stop)
    with pytest.raises(KeyboardInterrupt):
        decoded(a=(GREY, {}))


def test_a_side_longer_than_any_picture_is_refused(tmp_path):
    Image.new("1", (1, 65_536)).save(tmp_path / "a.png")
    with refused(PictureError, "a side of more than 65,535", "smaller first"):
        read_picture(tmp_path / "a.png")
    Image.new("1", (1, 65_535)).save(tmp_path / "b.png")
    assert read_picture(tmp_path / "b.png").shape == (1, 65_535, 1)
