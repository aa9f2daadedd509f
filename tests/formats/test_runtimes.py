"""Exported ONNX files in runtimes that the tests' packages do not have, by docs/export.md's code.

``NODE_PATH`` names the folder where npm put onnxruntime-web, and ``OPENCV_PATH`` folders of OpenCV,
each from ``pip install --no-deps --target``.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import lenet
from lenet.formats.export import export
from lenet.metrics import softmax
from random_networks import draw_norms

pytest.importorskip("onnx")
HERE = Path(__file__).parent
PAGE = (HERE.parents[1] / "docs" / "export.md").read_text(encoding="utf-8")
PACKAGES = Path(os.environ.get("NODE_PATH", "node_modules"))
OPENCV = [folder for folder in os.environ.get("OPENCV_PATH", "").split(os.pathsep) if folder]
#: What the two others have no layer of.
COLOURS = (
    "3x9x7 | conv 6 k3x2 s2 p1.0.2.1 g3 batchnorm silu, avgpool 2 s1 p1, conv 4 k2 leaky-relu, "
    "maxpool 2 s1 p1 | dense 5 tanh, dense 5 sigmoid, dense 4"
)
NETWORKS = {"lenet-relu": "lenet-relu", "tiny": "tiny", "colours": COLOURS}


def snippet(language: str, word: str) -> str:
    codes = re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)
    (code,) = (code for code in codes if word in code)
    return code


def drawn(network) -> tuple[lenet.Model, np.ndarray]:
    """A model, and the digits as it takes them, the channels of a colour apart from each other."""
    model = lenet.Model(network)
    shape = model.network.input_shape
    mean, std = np.random.default_rng(0).uniform(0.2, 0.5, (2, shape[0])).tolist()
    seen = lenet.Preprocessing(shape, tuple(mean), tuple(std), None)
    model = lenet.Model(model.network, preprocessing=seen).initialize("kaiming", 1)
    if network == COLOURS:
        draw_norms(model.plan, model.table, np.random.default_rng(2))
    grey = lenet.Preprocessing((1, *shape[1:]), (0.0,), (1.0,), None)
    images = grey.prepare(lenet.load("digits").tested.images)
    return model, np.concatenate([np.roll(images, c, axis=0) for c in range(shape[0])], axis=1)


def check(model: lenet.Model, images: np.ndarray, found: np.ndarray) -> None:
    ours = model.predict_proba(images)
    np.testing.assert_allclose(found, ours, rtol=0, atol=1e-5)
    np.testing.assert_array_equal(found.argmax(axis=1), ours.argmax(axis=1))
    assert np.ptp(ours, axis=0).max() > 1e-3  # the pictures tell networks apart
    print(f"largest difference: {np.abs(found - ours).max():.1e}")


@pytest.mark.skipif(not shutil.which("node"), reason="no node")
@pytest.mark.skipif(
    not (PACKAGES / "onnxruntime-web").is_dir(), reason="NODE_PATH has no onnxruntime-web"
)
@pytest.mark.parametrize("kind", ["uint8", "float", "raw"])
@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_in_node_as_in_a_browser(network, kind, tmp_path) -> None:
    model, images = drawn(network)
    export(model, tmp_path / "m.onnx", input=kind)
    (tmp_path / "classify.mjs").write_text(snippet("js", "onnxruntime-web"))
    (tmp_path / "node_modules").symlink_to(PACKAGES.absolute())
    shutil.copy(HERE / "answer_onnx.mjs", tmp_path)
    given = {"uint8": images, "float": np.float32(images), "raw": model.prepare(images)}[kind]
    given.tofile(tmp_path / "images.bin")
    shape = ",".join(map(str, model.network.input_shape))
    subprocess.run(["node", "answer_onnx.mjs", kind, shape], cwd=tmp_path, check=True)
    found = np.fromfile(tmp_path / "answers.bin", np.float32).reshape(len(images), -1)
    check(model, images, softmax(found) if kind == "raw" else found)


#: Runs the snippet of the page, which stands in its first argument, on pictures one by one.
ONE_BY_ONE = """
import os, sys
import numpy as np
found = []
for number in range(int(sys.argv[2])):
    os.replace(f"{number}.png", "seven.png")
    names = {}
    exec(sys.argv[1], names)
    found.append(names["probabilities"])
np.save("answers.npy", found)
"""


@pytest.mark.skipif(not OPENCV, reason="OPENCV_PATH names no OpenCV")
@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("folder", OPENCV)
def test_in_opencv(folder, network, tmp_path) -> None:
    model, images = drawn(network)
    images = images[:20]
    export(model, tmp_path / "m.onnx")
    for number, image in enumerate(images):
        picture = image[0] if len(image) == 1 else np.moveaxis(image, 0, -1)
        Image.fromarray(picture).save(tmp_path / f"{number}.png")
    code = snippet("python", "import cv2")
    if len(images[0]) > 1:
        code = code.replace("cv2.IMREAD_GRAYSCALE", "cv2.IMREAD_COLOR")  # as the page says
    command = [sys.executable, "-c", ONE_BY_ONE, code, str(len(images))]
    subprocess.run(command, cwd=tmp_path, check=True, env={**os.environ, "PYTHONPATH": folder})
    check(model, images, np.load(tmp_path / "answers.npy"))
