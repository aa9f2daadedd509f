"""Writing whole files or none."""

import os
import stat
import subprocess
import sys

import pytest

from lenet import files
from lenet.errors import OutputError, UsageError
from refusals import refused


def test_writes(tmp_path):
    path = tmp_path / "ä 图.bin"
    assert files.write_bytes(path, b"\0\1") == path
    assert path.read_bytes() == b"\0\1"
    assert files.write_text(str(path), "é").read_bytes() == "é".encode()
    assert os.listdir(tmp_path) == ["ä 图.bin"]


def test_mode_follows_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        path = files.write_text(tmp_path / "a", "a")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_an_existing_file_keeps_its_mode(tmp_path):
    path = tmp_path / "a"
    for mode in (0o600, 0o755, 0o444):
        path.write_text("old")
        path.chmod(mode)
        files.write_text(path, "new")
        assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new", mode)
        path.unlink()


def test_the_umask_is_never_another_for_a_moment(tmp_path, monkeypatch):
    def refuse(_mask):
        raise AssertionError("other threads make files meanwhile")

    monkeypatch.setattr(os, "umask", refuse)
    files.write_text(tmp_path / "a", "a")


@pytest.mark.parametrize("exists", [True, False])
def test_a_link_stays_and_its_target_is_written(tmp_path, exists):
    (tmp_path / "far").mkdir()
    target = tmp_path / "far" / "target"
    if exists:
        target.write_text("old")
    link = tmp_path / "link"
    link.symlink_to("far/target")
    files.write_text(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert sorted(os.listdir(tmp_path)) == ["far", "link"]
    assert os.listdir(tmp_path / "far") == ["target"]


@pytest.mark.parametrize("letter", ["a", "ä", "図"])
@pytest.mark.parametrize("room", range(4))
def test_a_name_as_long_as_the_system_allows(tmp_path, letter, room):
    name = letter * ((255 - room) // len(letter.encode()))
    path = files.write_text(tmp_path / name, "x")
    assert os.listdir(tmp_path) == [name]
    assert path.read_text() == "x"
    (tmp_path / (files._temporary_start(path) + "12345678")).touch()
    files.remove_leftovers(path)
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("call", ["write", "fsync", "replace", "chmod"])
@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, call, failure):
    path = files.write_text(tmp_path / "a", "old")

    def fail(*_arguments, **_keywords):
        raise failure

    if call == "write":
        monkeypatch.setattr(files.os, "fdopen", fail)
    else:
        monkeypatch.setattr(files.os, call, fail)
    expected = OutputError if isinstance(failure, OSError) else KeyboardInterrupt
    with pytest.raises(expected) as caught:
        files.write_text(path, "new")
    monkeypatch.undo()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a"]
    if expected is OutputError:
        assert str(caught.value) == (
            f"cannot write {path}: no space left on device; choose a folder that exists, is "
            "writable and has room"
        )
        assert caught.value.exit_code == 1


@pytest.mark.parametrize("path", ["nowhere/a", "a-file/a", "/proc/a"])
def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a-file").write_text("")
    with refused(OutputError, "choose a folder"):
        files.write_bytes(path, b"")
    assert os.listdir(tmp_path) == ["a-file"]


def test_a_folder_is_not_replaced(tmp_path):
    with refused(OutputError, "is a directory"):
        files.write_bytes(tmp_path, b"")
    (tmp_path / "folder").mkdir()
    with refused(OutputError, "is a directory"):
        files.write_bytes(tmp_path / "folder", b"")
    assert os.listdir(tmp_path) == ["folder"]


def test_a_pipe_stays_a_pipe(tmp_path):
    """So does /dev/null: a rename over it would take it from the whole system."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        files.write_bytes(pipe, b"through")
        assert os.read(reader, 100) == b"through"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert os.listdir(tmp_path) == ["pipe"]


def test_a_folder_in_the_files_place(tmp_path):
    with pytest.raises(OutputError, match="is a directory; choose"):
        files.write_bytes(tmp_path, b"")


def test_a_zero_byte_in_the_name(tmp_path):
    with pytest.raises(OutputError, match=r"a\\x00b: a zero byte in the name"):
        files.write_bytes(tmp_path / "a\0b", b"")


def test_pieces_are_written_one_behind_the_other(tmp_path):
    pieces = (piece for piece in (b"ab", memoryview(b"cd"), b""))
    assert files.write_pieces(tmp_path / "a", pieces).read_bytes() == b"abcd"


def test_a_piece_that_fails_leaves_the_old_file(tmp_path):
    def pieces():
        yield b"new"
        raise KeyboardInterrupt

    path = files.write_text(tmp_path / "a", "old")
    with pytest.raises(KeyboardInterrupt):
        files.write_pieces(path, pieces())
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a"]


def test_leftovers_of_a_killed_writing_are_removed(tmp_path):
    for name in (".a[1].txt.x_y", ".a[1].txt.", "a[1].txt", ".a1.txt.x", ".other"):
        (tmp_path / name).write_text("")
    files.remove_leftovers(tmp_path / "a[1].txt")
    assert sorted(os.listdir(tmp_path)) == [".a1.txt.x", ".other", "a[1].txt"]
    files.remove_leftovers(tmp_path / "nowhere" / "a")


def test_regular_files_are_read_and_others_are_none(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert files.read_regular(tmp_path / "a", 2**60) == b"abc"
    assert files.read_regular(str(tmp_path / "a"), 3) == b"abc"
    with refused(OSError, "more than 2 bytes"):
        files.read_regular(tmp_path / "a", 2)
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", "/dev/zero"):
        with refused(OSError, ", no file"):
            files.read_regular(path, 10)
    with pytest.raises(FileNotFoundError):
        files.read_regular(tmp_path / "nowhere", 10)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
@pytest.mark.parametrize("link", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "own"])
def test_standard_output_is_written_to_wherever_it_goes(tmp_path, link):
    """Redirected with >> it is a file, which is neither replaced nor emptied."""
    if link == "own":  # a link of one's own
        link = tmp_path / "own"
        link.symlink_to("/proc/self/fd/1")
    log = tmp_path / "log.txt"
    log.write_text("before\n")
    code = (
        "import sys; from lenet.files import write_text\n"
        "write_text(sys.argv[1], 'a'); write_text(sys.argv[1], 'b')"
    )
    with log.open("a") as out:
        subprocess.run([sys.executable, "-c", code, link], stdout=out, check=True)
    assert log.read_text() == "before\nab"
    assert {path.name for path in tmp_path.iterdir()} <= {"log.txt", "own"}


def test_what_is_read_is_not_written_over(tmp_path):
    (tmp_path / "a").write_text("x")
    (tmp_path / "b").symlink_to("a")
    files.check_other_file(tmp_path / "c", tmp_path / "a", None, 3)
    with refused(UsageError, "written over") as caught:
        files.check_other_file(tmp_path / "a", tmp_path / "c", tmp_path / "b")
    assert caught.value.parameter == "output"
