"""Running what was exported, to hold it against the model: one function per kind of file.

Each takes the file's content and gives a function from prepared images (N, C, H, W) of bytes to
classes (N,) and probabilities (N, classes).
"""

from __future__ import annotations

import ctypes
import io
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lenet.engine.plan import Floats
from lenet.errors import MissingPackageError, OutputError, needing, path_text, reason
from lenet.formats.c_text import PREFIX
from lenet.formats.code import network_code
from lenet.formats.importing import read_model
from lenet.formats.mxnet_symbol import symbol_path, write_symbol
from lenet.formats.page import page_parts
from lenet.metrics import softmax
from lenet.model import Model

Images = npt.NDArray[np.uint8]
Classes = npt.NDArray[np.int64]
Answer = Callable[[Images], tuple[Classes, Floats]]

#: Images at a time: what they become along the way stays small.
_BATCH: Final = 1000
#: Names a Python that has MXNet: MXNet 1 wants an older NumPy than we do.
MXNET_PYTHON: Final = "LENET_MXNET_PYTHON"
#: Runs Gluon's code of a network and its symbol on images, in a Python that may not have us.
_GLUON: Final = """
import runpy
import mxnet as mx, numpy as np

code = runpy.run_path("network.py")
net = code["network"]()
net.load_parameters("m.params")
symbol = mx.gluon.SymbolBlock.imports("m-symbol.json", ["data"], "m.params")
images, found = code["prepare"](np.load("images.npy")), []
for start in range(0, len(images), 1000):
    batch = mx.nd.array(images[start : start + 1000])
    scores = net(batch)
    np.testing.assert_allclose(symbol(batch).asnumpy(), scores.asnumpy(), 1e-4, 1e-4)
    found.append(scores.softmax().asnumpy())
np.save("answers.npy", np.concatenate(found))
"""
#: Before and behind a page's script: node runs its network on images of bytes.
_NODE: Final = 'import { readFileSync, writeFileSync } from "node:fs";\n'
_NODE_RUN: Final = """
const facts = JSON.parse(readFileSync("facts.json", "utf8"));
const network = networkModule.readNetwork(facts);
const bytes = new Uint8Array(readFileSync("images"));
const size = facts.input_shape.reduce((a, b) => a * b);
const answers = [];
for (let start = 0; start < bytes.length; start += size) {
  const picture = prepareModule.scaled(bytes.subarray(start, start + size), facts.preparation);
  answers.push(...networkModule.softmax(networkModule.forward(network, picture).at(-1)));
}
writeFileSync("answers", new Uint8Array(Float64Array.from(answers).buffer));
"""


def likeliest(run: Callable[[Images], Floats]) -> Answer:
    """Return the same with the likeliest classes, of what gives probabilities alone."""

    def answer(images: Images) -> tuple[Classes, Floats]:
        parts = [run(images[i : i + _BATCH]) for i in range(0, len(images), _BATCH)]
        found = np.concatenate(parts)
        return found.argmax(axis=1), found

    return answer


def run_onnx(model: Model, content: bytes, takes: str) -> Answer:
    """Run an ONNX file with ONNX Runtime."""
    with needing("ONNX Runtime", "to check the file", "onnx"):
        import onnxruntime
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors alone: it warns of what it removes
    session = onnxruntime.InferenceSession(content, options, ["CPUExecutionProvider"])

    def run(images: Images) -> Floats:
        given: Any = images if takes == "uint8" else images.astype(np.float32)
        if takes == "raw":
            given = model.prepare(images)
        (found,) = session.run(None, {"image": given})
        return np.asarray(softmax(found) if takes == "raw" else found)

    return likeliest(run)


def answer_c(model: Model, content: bytes, prefix: str = PREFIX) -> Answer:
    """Compile a C file, whose names begin with ``prefix``, with this machine's compiler, and call
    it once per image.

    The class is what the file returns, and not the largest of its probabilities.

    Raises:
        MissingPackageError: there is no compiler.
        OutputError: the compiler refuses the file.
    """
    compiler = shutil.which(os.environ.get("CC") or "cc")
    if compiler is None:
        raise MissingPackageError(
            "no C compiler is found to check the file; install gcc or clang, or name one in CC."
        )
    folder = tempfile.mkdtemp(prefix="lenet-")
    try:
        library = _compile(compiler, Path(folder), content)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    predict = library[f"{prefix}_predict"]
    predict.argtypes = [ctypes.c_void_p, ctypes.c_void_p]

    def answer(images: Images) -> tuple[Classes, Floats]:
        images = np.ascontiguousarray(images)
        found = np.empty((len(images), len(model.classes)), np.float32)
        pairs = zip(images, found, strict=True)
        classes = [predict(image.ctypes.data, row.ctypes.data) for image, row in pairs]
        return np.array(classes, np.int64), found

    return answer


def _compile(compiler: str, folder: Path, content: bytes) -> ctypes.CDLL:
    source, library = folder / "model.c", folder / "model.so"
    source.write_bytes(content)
    command = [compiler, "-std=c99", "-O2", "-shared", "-fPIC", "-o", str(library), str(source)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise OutputError(f"{compiler} cannot compile the file: {result.stderr.strip()[:500]}")
    return ctypes.CDLL(str(library))


def run_torch(model: Model, content: bytes) -> Answer:
    """Load a state dict, weights alone, into the network in PyTorch."""
    import torch

    from lenet.formats.torch_module import named_network

    module = named_network(model)
    module.load_state_dict(torch.load(io.BytesIO(content), weights_only=True))
    module.train(False)

    def run(images: Images) -> Floats:
        with torch.inference_mode():
            return np.asarray(softmax(module(torch.from_numpy(model.prepare(images))).numpy()))

    return likeliest(run)


def run_page(model: Model, content: bytes) -> Answer:
    """Let node run a page's own script and weights, without the page.

    Raises:
        MissingPackageError: there is no node.
        OutputError: node does not run the script.
    """
    node = shutil.which("node")
    if node is None:
        raise MissingPackageError("no node is found to check the page; install Node.js.")
    facts, script = page_parts(content.decode("utf-8"))

    def run(images: Images) -> Floats:
        with tempfile.TemporaryDirectory(prefix="lenet-") as folder:
            Path(folder, "facts.json").write_text(facts, encoding="utf-8")
            Path(folder, "page.mjs").write_text(f"{_NODE}{script}{_NODE_RUN}", encoding="utf-8")
            Path(folder, "images").write_bytes(np.ascontiguousarray(images).tobytes())
            command = [node, "page.mjs"]
            ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            if ran.returncode:
                raise OutputError(f"node does not run the page: {ran.stderr.strip()[:500]}")
            found = np.fromfile(Path(folder, "answers"), "<f8")
        return np.asarray(found.reshape(len(images), -1), np.float32)

    return likeliest(run)


def mxnet_python() -> str | None:
    """Return a Python that should have MXNet: one that is named, or this one; or nothing."""
    if named := os.environ.get(MXNET_PYTHON):
        return os.path.abspath(shutil.which(named) or named)
    return sys.executable if find_spec("mxnet") else None


def run_mxnet(model: Model, content: bytes) -> Answer:
    """Let MXNet run the parameters, in Gluon's code of the network and with the symbol.

    Where there is no MXNet, they and the symbol are read back as a model of ours.

    Raises:
        MissingPackageError: the Python that is named cannot be started.
        OutputError: MXNet does not run the file.
    """
    python = mxnet_python()

    def answer(images: Images) -> tuple[Classes, Floats]:
        with tempfile.TemporaryDirectory(prefix="lenet-") as folder:
            params = Path(folder, "m.params")
            params.write_bytes(content)
            symbol_path(params).write_bytes(write_symbol(model)[0])
            if python is None:
                found = read_model(params).model.predict_proba(images)
            else:
                found = _run_gluon(python, Path(folder), model, images)
        return found.argmax(axis=1), found

    return answer


def _run_gluon(python: str, folder: Path, model: Model, images: Images) -> Floats:
    (folder / "network.py").write_text(network_code(model, "gluon"), encoding="utf-8")
    np.save(folder / "images.npy", images)
    bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [python, "-c", _GLUON]
    try:
        ran = subprocess.run(
            command, cwd=folder, env=bare, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise MissingPackageError(
            f"{MXNET_PYTHON} names {path_text(python)}, which cannot be started ({reason(error)}); "
            "name the Python of an environment with MXNet."
        ) from error
    if ran.returncode:
        why = (ran.stderr.strip().splitlines() or [f"it ends with {ran.returncode}"])[-1][:300]
        raise OutputError(
            f"MXNet does not run the file ({why.strip()}); name the Python of an environment with "
            f"MXNet in {MXNET_PYTHON}."
        )
    return np.asarray(np.load(folder / "answers.npy"))
