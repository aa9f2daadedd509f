"""lenet without what only POSIX has: a process that has lost it, as on Windows, trains."""

import subprocess
import sys

import pytest

#: Other packages are loaded before: they look at the system by themselves.
_WINDOWS = """
import os, signal, subprocess, sys, types
import numpy, click, PIL.Image, reportlab.pdfgen.canvas, requests, rich.console, safetensors.numpy

for name in "curses fcntl grp posix pwd pty readline resource syslog termios tty".split():
    sys.modules[name] = None
for name in "fchmod fork getuid mkfifo register_at_fork sched_getaffinity sysconf uname".split():
    delattr(os, name)
for name in "O_DIRECTORY O_NOFOLLOW O_NONBLOCK".split():
    delattr(os, name)
for name in "SIGALRM SIGHUP SIGKILL SIGPIPE pthread_kill pthread_sigmask".split():
    delattr(signal, name)
sys.platform = "win32"
msvcrt = sys.modules["msvcrt"] = types.ModuleType("msvcrt")
msvcrt.LK_NBLCK, msvcrt.locking = 2, lambda *_: None

def closed_only(change):
    def changed(*paths):
        opened = [os.path.realpath(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd")]
        with open("/proc/self/maps") as file:
            mapped = file.read()
        for path in map(os.path.realpath, paths):
            if path in opened or f" {path}\\n" in mapped:
                raise PermissionError(13, "it is open", path)
        return change(*paths)
    return changed

for name in "remove", "rename", "replace", "unlink":
    setattr(os, name, closed_only(getattr(os, name)))

from lenet.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says what is open")
def test_a_run_from_its_start_to_its_end(tmp_path):
    def lenet(*arguments):
        line = [sys.executable, "-c", _WINDOWS, *arguments]
        done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    lenet("train", "--epochs", "1", "--run", "a")
    run = tmp_path / "runs" / "a"
    assert not (run / ".lock").exists()
    assert "nothing left to do" in lenet("train", "--resume", str(run))
    assert "of 360" in lenet("evaluate", str(run), "digits")
    assert "lenet.c" in lenet("export", str(run), "lenet.c")
