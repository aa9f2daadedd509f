"""IDX: intact files come back exactly; damaged and hostile ones get one sentence."""

import gzip
import io
import struct
import tracemalloc

import numpy as np
import pytest

from lenet.data import idx
from lenet.errors import DataError, LenetError, OutputError
from refusals import refused


def header(*sizes, code=8, dimensions=None):
    count = len(sizes) if dimensions is None else dimensions
    return struct.pack(f">HBB{len(sizes)}I", 0, code, count, *sizes)


INTACT = header(2, 3) + bytes(range(6))


def parse(content):
    return idx.read_stream(io.BytesIO(content), "f")


def message_of(content):
    with pytest.raises(DataError) as caught:
        parse(content)
    message = str(caught.value)
    assert message.startswith("f ")
    assert message.endswith("; get an intact copy of it")
    assert "\n" not in message
    return message


@pytest.mark.parametrize("shape", [(5,), (2, 3), (4, 2, 3), (2, 3, 4, 5)])
@pytest.mark.parametrize("name", ["plain", "packed.gz"])
def test_round_trip(tmp_path, shape, name):
    array = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    back = idx.read(idx.write(tmp_path / name, array))
    assert back.dtype == np.uint8
    np.testing.assert_array_equal(back, array)


def test_content_decides_not_the_name(tmp_path):
    (tmp_path / "plain.gz").write_bytes(INTACT)
    (tmp_path / "packed").write_bytes(gzip.compress(INTACT))
    np.testing.assert_array_equal(idx.read(tmp_path / "plain.gz"), idx.read(tmp_path / "packed"))


def test_packed_files_are_the_same_every_time(tmp_path):
    array = np.ones((2, 2), np.uint8)
    one, two = idx.write(tmp_path / "a.gz", array), idx.write(tmp_path / "b.gz", array)
    assert one.read_bytes() == two.read_bytes()


def test_members_in_a_row():
    packed = gzip.compress(INTACT[:9]) + gzip.compress(INTACT[9:])
    np.testing.assert_array_equal(parse(packed), parse(INTACT))


def test_larger_than_a_piece():
    values = np.random.default_rng(0).integers(0, 256, (3, 1000, 1000), dtype=np.uint8)
    content = header(*values.shape) + values.tobytes()
    np.testing.assert_array_equal(parse(gzip.compress(content, 1)), values)
    np.testing.assert_array_equal(parse(content), values)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is cut short: it has only 0 bytes"),
        (b"\x89PNG", "is not an IDX file: it starts with 89 50 4e 47, not 00 00 08"),
        (header(1, code=0x0D) + bytes(4), "holds values of type 0x0d, not 0x08"),
        (header(1, code=7), "holds values of type 0x07, not 0x08"),
        (header(dimensions=0), "has 0 dimensions, not 1 to 4"),
        (header(1, 1, 1, 1, 1) + b"x", "has 5 dimensions, not 1 to 4"),
        (header(60_000, dimensions=3), "is cut short: its header of 16 bytes"),
        (header(0, 28, 28), "is empty: its header promises 0 x 28 x 28 = 0 bytes"),
        (header(0), "is empty"),
        (
            header(60_000, 28, 28) + bytes(1234),
            "promises 60,000 x 28 x 28 = 47,040,000 bytes and only 1,234 are there",
        ),
        (INTACT + b"x", "is too long: its header promises 2 x 3 = 6 bytes"),
        (header(*[0xFFFFFFFF] * 4) + b"x", "and only 1 are there"),
    ],
)
def test_damaged(content, words):
    assert words in message_of(content)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (header(9, 9, 9) + bytes(20), "promises 9 x 9 x 9 = 729 bytes and only 20 are there"),
        (INTACT + b"x", "is too long: its header promises 2 x 3 = 6 bytes"),
        (b"no idx at all", "is not an IDX file: it starts with 6e 6f 20 69"),
        (header(60_000, 28, 28), "47,040,000 bytes and at most"),
        (header(*[0xFFFFFFFF] * 4) + b"x", "bytes and at most"),
    ],
)
def test_damaged_within_gzip(content, words):
    assert words in message_of(gzip.compress(content))


def test_every_cut_is_noticed():
    packed = gzip.compress(INTACT)
    for end in range(2, len(packed)):
        assert "is cut short" in message_of(packed[:end])


def test_no_flipped_bit_gets_through_gzip():
    packed = bytearray(gzip.compress(header(40, 50) + bytes(range(200)) * 10))
    for bit in range(80, len(packed) * 8):  # after gzip's own header, whose name and time are free
        packed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(DataError):
            parse(bytes(packed))
        packed[bit // 8] ^= 1 << bit % 8


def test_wrong_checksum_within_gzip():
    packed = bytearray(gzip.compress(INTACT))
    packed[-8] ^= 1
    assert "is damaged, gzip finds: CRC check failed" in message_of(bytes(packed))


def test_gzip_followed_by_rubbish():
    assert "is damaged, gzip finds: Not a gzipped file" in message_of(
        gzip.compress(INTACT) + b"rubbish"
    )


def test_bomb_is_not_inflated():
    bomb = gzip.compress(header(1, 1) + bytes(64 << 20), 1)
    tracemalloc.start()
    try:
        assert "is too long" in message_of(bomb)
        assert tracemalloc.get_traced_memory()[1] < 2 << 20
    finally:
        tracemalloc.stop()


def test_honest_bomb_is_refused_before_memory_is_taken(monkeypatch):
    monkeypatch.setattr(idx, "MAX_INFLATED", 1 << 20)
    content = header(2 << 20) + bytes(2 << 20)
    assert "and at most 1,048," in message_of(gzip.compress(content))


def test_random_bytes_never_crash():
    random = np.random.default_rng(1)
    for start in (b"", b"\0\0\x08", b"\0\0\x08\x03\0\0\0\x01", b"\x1f\x8b\x08\0"):
        for _ in range(200):
            with pytest.raises(DataError):
                parse(start + random.bytes(random.integers(0, 40)) + b"\xff")


def test_remedy_ends_the_message(tmp_path):
    (tmp_path / "broken").write_bytes(b"rubbish")
    with refused(DataError, "; delete it"):
        idx.read(tmp_path / "broken", "delete it")


def test_missing_file_and_folder(tmp_path):
    with refused(DataError, "nowhere: no such file"):
        idx.read(tmp_path / "nowhere")
    with refused(DataError, "is a directory"):
        idx.read(tmp_path)


@pytest.mark.parametrize(
    "array", [np.zeros(3), np.uint8(3), np.zeros((1,) * 5, np.uint8), np.zeros((0, 2), np.uint8)]
)
def test_write_refuses(tmp_path, array):
    with refused(LenetError, "uint8 with 1 to 4 dimensions"):
        idx.write(tmp_path / "x", array)
    assert list(tmp_path.iterdir()) == []


def test_write_into_a_missing_folder(tmp_path):
    with refused(OutputError, "cannot write"):
        idx.write(tmp_path / "nowhere" / "x", np.ones(3, np.uint8))


@pytest.mark.parametrize(
    ("start", "answer"),
    [
        (INTACT, True),
        (gzip.compress(INTACT, mtime=0), True),
        (header(1, code=0x0D), True),
        (b"\0\0\x01\0", False),
        (b"\x89PNG", False),
        (b"BM6\0", False),
    ],
)
def test_looks_like_idx(start, answer):
    assert idx.looks_like_idx(start) is answer


def test_numbers_of_every_type(tmp_path):
    """As QMNIST has its labels: 32-bit integers in rows of eight."""
    kinds = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
    for code, kind in kinds.items():
        values = np.arange(6).reshape(2, 3).astype(kind)
        content = bytes([0, 0, code, 2, 0, 0, 0, 2, 0, 0, 0, 3]) + values.tobytes()
        for name, written in (("x.gz", gzip.compress(content)), ("x", content)):
            (path := tmp_path / name).write_bytes(written)
            assert idx.look(path) == (np.dtype(kind), (2, 3))
            np.testing.assert_array_equal(idx.read_numbers(path), values)
    path.write_bytes(content[:-1])
    with refused(DataError, "2 x 3 x 8 = 48 bytes and only 47"):
        idx.read_numbers(path)
    with refused(DataError, "type 0x0e, not 0x08"):
        idx.read(path)


def test_a_look_at_what_is_none(tmp_path):
    for content in (b"", b"\0", b"\0\0\x08", b"label,x\n", b"\x1f\x8b", gzip.compress(b"hello")):
        (tmp_path / "x").write_bytes(content)
        assert idx.look(tmp_path / "x") is None
    assert idx.look(tmp_path) is idx.look(tmp_path / "nowhere") is None
