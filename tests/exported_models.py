"""Models that tests of exported files take, and this machine's C compilers."""

import shutil
import subprocess
from pathlib import Path

import numpy as np

import lenet
from lenet.model import Model
from random_networks import draw_norms, random_network

STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror")
COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]
#: As C and as C++.
LANGUAGES = ((*STRICT, "-O2"), (*STRICT[1:], "-x", "c++", "-O1"))
SANITIZED = ("-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover")


def self_test(compiler: str, flags: tuple[str, ...], file: Path) -> tuple[int, str]:
    """Compile a C file, of which the compiler may say nothing: the status and words of its test."""
    program = file.with_suffix("")
    command = [compiler, *flags, "-DLENET_SELF_TEST", "-o", program, file]
    if "c++" in flags and compiler == "gcc":
        command.append("-lstdc++")
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (built.returncode, built.stderr) == (0, "")
    ran = subprocess.run([program], capture_output=True, text=True, check=False)
    return ran.returncode, ran.stdout + ran.stderr


def drawn(seed: int) -> tuple[Model, np.ndarray]:
    """A random network with weights, statistics and preprocessing that are no defaults; images."""
    random = np.random.default_rng(seed)
    network = random_network(seed, size=12)
    channels = network.input_shape[0]
    seen = lenet.Preprocessing(
        network.input_shape,
        tuple(random.uniform(0.1, 0.6, channels).tolist()),
        tuple(random.uniform(0.2, 0.5, channels).tolist()),
        None,
    )
    model = Model(network, preprocessing=seen).initialize("kaiming", seed)
    for name, value in model.parameters.items():
        if name.endswith("bias"):
            value[...] = random.normal(0, 0.3, value.shape)
    draw_norms(model.plan, model.table, random)
    images = random.integers(0, 256, (6, *network.input_shape), np.uint8)
    return model, images
