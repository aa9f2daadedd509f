"""Files in order, and which of them may be opened."""

import os
import socket

import pytest

from lenet.data import listing
from lenet.data.listing import TEST, TRAIN, Entry, Listing, look_at
from lenet.errors import DataError


def test_order_is_by_class_then_by_path():
    names = [("10", "a/2.png"), ("2", "b/10.png"), ("2", "b/9.png"), ("10", "a/10.png")]
    found = Listing.of("r", [Entry(label, path, TEST) for label, path in names], ["note"])
    assert found.classes == ("2", "10")
    assert [e.path for e in found.entries] == ["b/9.png", "b/10.png", "a/2.png", "a/10.png"]
    assert (found.labels.tolist(), found.parts.tolist()) == ([0, 0, 1, 1], [TEST] * 4)
    assert found.notes == ("note",)


@pytest.fixture
def root(tmp_path):
    (tmp_path / "root" / "a").mkdir(parents=True)
    (tmp_path / "root" / "a" / "x.png").write_bytes(b"123")
    return os.path.realpath(tmp_path / "root")


def fault(root, path):
    return look_at(root, path, "a", TRAIN).fault


def test_a_file(root):
    entry = look_at(root, "a/x.png", "a", TRAIN)
    time = os.stat(os.path.join(root, "a/x.png")).st_mtime_ns
    assert entry == ("a", "a/x.png", TRAIN, (3, time), "")


def test_a_link_within_is_the_file_it_leads_to(root):
    os.symlink("x.png", os.path.join(root, "a/y.png"))
    assert look_at(root, "a/y.png", "a", TRAIN).stamp == look_at(root, "a/x.png", "a", TRAIN).stamp


@pytest.mark.parametrize("target", ["/etc/passwd", "../../outside", "../../root2/x"])
def test_links_that_lead_out(root, target):
    for name in ("outside", "root2"):
        os.makedirs(os.path.join(os.path.dirname(root), name), exist_ok=True)
    os.symlink(target, os.path.join(root, "a/y.png"))
    assert fault(root, "a/y.png") == "is a link that leads out of the folder"


def test_what_is_no_file(root):
    os.mkfifo(os.path.join(root, "a/pipe"))
    os.symlink("pipe", os.path.join(root, "a/to-pipe"))
    os.symlink(".", os.path.join(root, "a/to-folder"))
    os.symlink("nowhere", os.path.join(root, "a/broken"))
    os.symlink("loop", os.path.join(root, "a/loop"))
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(os.path.join(root, "s"))
        assert fault(root, "s") == "is a pipe or a device, no file"
    assert fault(root, "a/pipe") == fault(root, "a/to-pipe") == "is a pipe or a device, no file"
    assert fault(root, "a/to-folder") == fault(root, "a") == "is a folder, or a link to one"
    assert fault(root, "a/broken") == "cannot be opened (no such file or directory)"
    assert fault(root, "a/loop").startswith("cannot be opened (too many")
    assert fault(root, "a/nul\0") == "cannot be opened (embedded null byte)"


def test_too_many(monkeypatch):
    monkeypatch.setattr(listing, "MAX_FILES", 2)
    entries = [Entry("a", str(number), TEST) for number in range(3)]
    assert len(Listing.of("r", entries[:2]).entries) == 2
    with pytest.raises(DataError, match="there are more than 2 files in r; give pictures alone"):
        Listing.of("r", entries)
