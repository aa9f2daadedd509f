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
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lenet.engine.plan import Floats
from lenet.errors import MissingPackageError, OutputError, needing
from lenet.metrics import softmax
from lenet.model import Model

Images = npt.NDArray[np.uint8]
Classes = npt.NDArray[np.int64]
Answer = Callable[[Images], tuple[Classes, Floats]]

#: Images at a time: what they become along the way stays small.
_BATCH = 1000


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


def answer_c(model: Model, content: bytes) -> Answer:
    """Compile a C file with this machine's compiler, and call it once per image.

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
    predict = library.lenet_predict
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
