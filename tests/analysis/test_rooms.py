"""Every command waits for what it imports: a room loads no other one, and nothing slow."""

import os
import subprocess
import sys

import pytest

ROOMS = ("balance", "comparison", "deduction", "diagnosis", "explanation", "versus")
#: Parts of the standard library that take milliseconds each and that few uses need.
SLOW = {
    *("csv", "html", "shutil", "difflib", "hashlib", "pathlib"),
    *("lenet.writing.html", "lenet.writing.latex"),
}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_loads_no_other(room: str) -> None:
    code = (
        "import sys; before = set(sys.modules); "
        f"import lenet.analysis.{room}; print(*set(sys.modules) - before)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    loaded = set(found.stdout.split())
    others = {f"lenet.analysis.{other}" for other in ROOMS if other != room}
    assert not loaded & (others | SLOW)
