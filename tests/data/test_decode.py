"""Picture files of all kinds, many at a time."""

import os

import numpy as np
import pytest
from PIL import Image

from lenet.data import decode as module
from lenet.data.decode import decode
from lenet.data.folders import list_pictures
from lenet.data.pictures import fit_picture, read_picture
from lenet.data.preprocess import Preprocessing
from lenet.data.wishes import Wishes
from lenet.errors import DataError

RANDOM = np.random.default_rng(0)
GREY = RANDOM.integers(0, 256, (6, 8), dtype=np.uint8)
RGB = RANDOM.integers(0, 256, (6, 8, 3), dtype=np.uint8)


@pytest.fixture
def save(tmp_path):
    """Saves pictures by name, below one class, and gives what decoding them gives."""

    def save(wishes=Wishes(), /, **pictures):  # noqa: B008 - immutable
        (tmp_path / "a").mkdir(exist_ok=True)
        for name, (picture, options) in pictures.items():
            if isinstance(picture, np.ndarray):
                picture = Image.fromarray(picture)
            ending = options.pop("ending", "png")
            picture.save(tmp_path / "a" / f"{name}.{ending}", **options)
        return decode(list_pictures(os.path.realpath(tmp_path)), wishes)

    return save


def test_one_size(save):
    found = save(a=(GREY, {}), b=(255 - GREY, {"ending": "bmp"}))
    np.testing.assert_array_equal(found.images, [[GREY], [255 - GREY]])
    assert (found.coloured, found.sizes, found.faults) == (0, ((6, 8), (6, 8)), ())
    assert found.kept.tolist() == [True, True]


def test_a_thousand_files_stay_in_order(tmp_path):
    (tmp_path / "a").mkdir()
    values = RANDOM.integers(0, 256, (300, 2, 2), dtype=np.uint8)
    for number, image in enumerate(values):
        Image.fromarray(image).save(tmp_path / "a" / f"{number}.png")
    found = decode(list_pictures(os.path.realpath(tmp_path)), Wishes())
    np.testing.assert_array_equal(found.images[:, 0], values)


def test_different_sizes_become_the_median(save):
    shapes = {"a": (10, 20), "b": (12, 22), "c": (30, 100)}
    found = save(**{name: (np.full(shape, 7, np.uint8), {}) for name, shape in shapes.items()})
    assert found.images.shape == (3, 1, 12, 22)
    assert (found.images == 7).all()
    assert found.sizes == ((10, 20), (30, 100))


def test_large_pictures_become_small(save):
    found = save(a=(np.full((300, 400), 9, np.uint8), {}))
    assert found.images.shape == (1, 1, 48, 64)


def test_a_wish_for_a_size(save):
    found = save(Wishes((28, 32)), a=(GREY, {}), b=(np.zeros((100, 3), np.uint8), {}))
    assert found.images.shape == (2, 1, 28, 32)


@pytest.mark.parametrize("picture", [GREY, RGB, GREY[:3]])
def test_what_is_trained_on_is_what_predict_sees(save, tmp_path, picture):
    found = save(Wishes((28, 28), 1), a=(picture, {}))
    seen = fit_picture(
        read_picture(tmp_path / "a" / "a.png"), Preprocessing((1, 28, 28), (0,), (1,), None)
    )
    np.testing.assert_array_equal(found.images[0], seen)


def test_colours(save):
    found = save(a=(GREY, {}), b=(RGB, {}), c=(np.dstack([GREY] * 3), {}))
    assert found.images.shape == (3, 3, 6, 8)
    np.testing.assert_array_equal(found.images[0], np.stack([GREY] * 3))
    np.testing.assert_array_equal(found.images[1], RGB.transpose(2, 0, 1))
    assert found.coloured == 1
    assert found.digests[0] == found.digests[2]


@pytest.mark.parametrize("channels", [1, 3])
def test_a_wish_for_a_colour(save, channels):
    assert save(Wishes(None, channels), a=(GREY, {}), b=(RGB, {})).images.shape[1] == channels


def exif():
    found = Image.Exif()
    found[0x0112] = 6  # to be turned by 90 degrees clockwise
    return found


def test_what_files_say_beside_their_pixels(save):
    clear = Image.new("RGBA", (6, 8), (0, 0, 0, 0))
    palette = Image.fromarray(RGB.transpose(1, 0, 2)).quantize(5)
    found = save(
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


def test_of_an_animation_the_first_picture(save):
    second = Image.fromarray(255 - GREY)
    found = save(a=(GREY, {"save_all": True, "append_images": [second]}))
    np.testing.assert_array_equal(found.images[0, 0], GREY)


def test_the_digest_is_of_the_picture_not_of_the_wish(save):
    plain = save(a=(RGB, {}))
    wished = save(Wishes((3, 3), 1), b=(RGB, {"ending": "bmp"}))
    assert wished.digests.tolist() == [plain.digests[0]] * 2


def test_what_cannot_be_read_is_told(save, tmp_path, monkeypatch):
    monkeypatch.setattr("lenet.data.pictures.MAX_BYTES", 500)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "2.txt").write_text("hello")
    (tmp_path / "a" / "3.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "a" / "4.png").write_bytes(bytes(1000))
    (tmp_path / "a" / "5.gif").write_bytes(b"GIF89a\1\0\1\0")
    os.mkfifo(tmp_path / "a" / "6.png")
    os.symlink("/etc/passwd", tmp_path / "a" / "7.png")
    found = save(**{"1": (GREY, {}), "8": (255 - GREY, {})})
    np.testing.assert_array_equal(found.images[:, 0], [GREY, 255 - GREY])
    assert found.kept.tolist() == [True] + 6 * [False] + [True]
    assert found.faults == (
        "a/2.txt is not a picture that can be read",
        "a/3.png is not a picture that can be read",
        "a/4.png has 1,000 bytes, more than 500",
        "a/5.gif is a GIF file, which is not read here",
        "a/6.png is a pipe or a device, no file",
        "a/7.png is a link that leads out of the folder",
    )


def test_bombs(save, monkeypatch):
    for limit in (40, 10):
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        found = save(a=(GREY[:1], {}), b=(GREY, {}))
        assert found.faults == (f"a/b.png has more than {limit} pixels",)


def test_nothing_can_be_read(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.png").write_bytes(b"")
    message = (
        r"no file in .* can be read as a picture: a/1.png is not a pic.*; give PNG, JPEG or BMP"
    )
    with pytest.raises(DataError, match=message):
        decode(list_pictures(os.path.realpath(tmp_path)), Wishes())


def test_a_bar_for_whoever_waits(save, monkeypatch, capsys):
    monkeypatch.setattr(module, "_LONG", 1)
    save(a=(GREY, {}))
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    save(a=(GREY, {}))
    assert "reading 1 pictures" in capsys.readouterr().err


def test_an_error_in_a_thread_ends_all(save, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "digest", stop)
    with pytest.raises(KeyboardInterrupt):
        save(a=(GREY, {}))
