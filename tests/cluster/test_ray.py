"""Trials on a cluster of Ray. Each test runs in a process of its own: Ray is there once in each."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import lenet
from digit_pictures import write_digits
from lenet import cluster
from lenet.errors import MissingPackageError, UsageError
from refusals import refused

NET = "1x8x8 | dense 10"


def has_ray() -> bool:
    try:
        import ray  # noqa: F401
    except ImportError:
        return False
    return True


needs_ray = pytest.mark.skipif(not has_ray(), reason="Ray is not installed")


def run(arguments, folder, seconds=120, **environment):
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        cwd=folder,
        env=os.environ | environment,
    )


@needs_ray
def test_a_node_is_killed():
    file = Path(__file__).with_name("kill_a_node.py")
    done = run([str(file)], None, seconds=300)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "a node is killed" in done.stdout
    assert "each once, the same bits" in done.stdout


@needs_ray
@pytest.mark.parametrize("address", ["127.0.0.1:9", "nonesuch.invalid:6379", "x"])
def test_a_cluster_that_does_not_answer_is_a_sentence(address, tmp_path):
    code = (
        "import sys\nfrom lenet import cluster\ncluster.PATIENCE = 8\n"
        "from lenet.cli.main import main\n"
        "sys.exit(main(['train', '--vary', 'lr=0.1,0.2', '--epochs', '1', '--on', 'ray']))"
    )
    done = run(["-c", code], tmp_path, RAY_ADDRESS=address)
    assert done.returncode == 2, done.stderr[-3000:]
    *_, last = done.stderr.splitlines()  # Ray has warnings of its own
    assert last.startswith(f"lenet: the cluster at {address} ")
    assert "Traceback" not in done.stderr


def test_without_ray_a_sentence_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with refused(MissingPackageError, "Ray", "lenet[ray]"):
        lenet.vary(NET, "digits", epochs=1, seeds=1, on="ray")


def test_no_other_place():
    with refused(UsageError, "on is 'moon'", "ray"):
        lenet.vary(NET, "digits", epochs=1, seeds=1, on="moon")


def test_the_wait_has_a_limit():
    assert cluster.PATIENCE <= 60


@needs_ray
def test_a_search_is_the_same_on_a_cluster(tmp_path):
    code = (
        "import json, re, lenet\n"
        "how = dict(trials=20, epochs=1, seeds=1, budget='parameters=400')\n"
        "both = [lenet.tune('digits', on=on, **how).to_dict() for on in ('ray', None)]\n"
        "there, here = (re.sub('_seconds\": [^,]*', '', json.dumps(one)) for one in both)\n"
        "assert there == here\n"
    )
    done = run(["-c", code], tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]


@needs_ray
def test_answers_are_the_same_on_a_cluster(tmp_path):
    pytest.importorskip("pyarrow")
    write_digits(tmp_path / "in", dict.fromkeys("0123456789", 53))
    (tmp_path / "in" / "bad.png").write_text("no picture")
    code = (
        "import lenet, numpy as np\n"
        "from lenet.inference.writing import predict_into\n"
        "model = lenet.Model('1x8x8 | conv 4 k3 relu | dense 10').initialize()\n"
        "np.save('many.npy', np.zeros((300, 8, 8), np.uint8))\n"
        "for on in ('ray', None):\n"
        "    predict_into(f'{on}.csv', model, ['in', 'many.npy'], on=on)\n"
        "    with open('in/0/0.png', 'rb') as file:\n"  # which no other machine can read
        "        predict_into(f'{on}-file.csv', model, file, on=on)\n"
        "def stop(count):\n"
        "    raise KeyboardInterrupt\n"
        "try:\n"
        "    predict_into('cut.csv', model, ['in', 'many.npy'], on='ray', progress=stop)\n"
        "except KeyboardInterrupt:\n"
        "    pass\n"
        "predict_into('cut.csv', model, ['in', 'many.npy'])\n"
    )
    done = run(["-c", code], tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / "ray.csv").read_bytes() == (tmp_path / "None.csv").read_bytes()
    assert (tmp_path / "cut.csv").read_bytes() == (tmp_path / "None.csv").read_bytes()
    assert (tmp_path / "None.csv").read_bytes().count(b"\n") == 831
    assert (tmp_path / "ray-file.csv").read_bytes() == (tmp_path / "None-file.csv").read_bytes()
