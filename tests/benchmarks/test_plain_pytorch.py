"""The plain script does what `lenet train` does."""

import gzip
import subprocess
import sys

import numpy as np

import lenet


def test_the_network_is_lenet_relu(plain_pytorch):
    shapes = [tuple(parameter.shape) for parameter in plain_pytorch.make_network().parameters()]
    model = lenet.Model("lenet-relu").initialize()
    assert shapes == [tensor.shape for tensor in model.state_dict().values()]


def test_the_batch_is_the_recipes(plain_pytorch):
    assert lenet.recipe("modern").batch_size == plain_pytorch.BATCH


def test_it_trains(plain_pytorch, tmp_path):
    folder = tmp_path / "mnist"
    folder.mkdir()
    random = np.random.default_rng(0)
    for part, count in (("train", 300), ("t10k", 100)):
        for name, array in (
            ("images-idx3", random.integers(0, 256, (count, 28, 28), np.uint8)),
            ("labels-idx1", random.integers(0, 10, count, np.uint8)),
        ):
            header = bytes([0, 0, 8, array.ndim])
            header += b"".join(size.to_bytes(4, "big") for size in array.shape)
            path = folder / f"{part}-{name}-ubyte.gz"
            path.write_bytes(gzip.compress(header + array.tobytes()))
    line = [sys.executable, plain_pytorch.__file__, "--data", tmp_path, "--epochs", "2"]
    done = subprocess.run(line, capture_output=True, text=True, check=True, cwd=tmp_path)
    epochs = done.stdout.splitlines()
    assert [epoch.split()[:3] for epoch in epochs] == [
        ["epoch", "1", "test"],
        ["epoch", "2", "test"],
    ]
    assert (tmp_path / "plain_pytorch.pt").exists()
