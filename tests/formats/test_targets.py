"""The C files elsewhere: strict cross-compilers, WebAssembly in node, and the example."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import lenet
from exported_models import COMPILERS, STRICT
from lenet.formats import runtimes
from lenet.formats.export import export
from lenet.model import Model

CLASSIFY = Path(__file__).parents[2] / "examples" / "classify.c"
ARM = "arm-none-eabi-gcc"
NETS = ("lenet-relu", "2x9x9 | avgpool 3 s2 p1, conv 4 k3 p2 g2 silu, maxpool 2 | dense 3 tanh")

needs_compiler = pytest.mark.skipif(not COMPILERS, reason="no C compiler")
needs_arm = pytest.mark.skipif(not shutil.which(ARM), reason=f"no {ARM}")
needs_wasm = pytest.mark.skipif(
    not all(map(shutil.which, ("clang", "wasm-ld", "node"))), reason="no clang, wasm-ld or node"
)


@pytest.fixture(scope="module", params=["float", "int8"])
def kind(request) -> str:
    return request.param


def write(net: str, kind: str, folder: Path) -> tuple[Path, Model, np.ndarray]:
    """A file, the model and images."""
    model = Model(net).initialize("kaiming", 4)
    random = np.random.default_rng(1)
    images = random.integers(0, 256, (6, *model.network.input_shape), np.uint8)
    labels = np.arange(6) % len(model.classes)
    split = lenet.Split(images, labels)
    how = {"int8": True, "calibrate": split} if kind == "int8" else {}
    export(model, folder / "m.c", check=split if COMPILERS else None, **how)
    return folder / "m.c", model, images


@needs_arm
@pytest.mark.parametrize("cpu", ["cortex-m0", "cortex-m4"])
@pytest.mark.parametrize("net", NETS)
def test_arms_compiler_says_nothing(net, kind, cpu, tmp_path) -> None:
    file, *_ = write(net, kind, tmp_path)
    for level in ("-Os", "-O3"):
        command = [ARM, *STRICT, level, "-mthumb", f"-mcpu={cpu}", "-c", file, "-o", "m.o"]
        built = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (built.returncode, built.stderr) == (0, "")
    cplusplus = [ARM, *STRICT[1:], "-x", "c++", "-O2", "-mthumb", f"-mcpu={cpu}", "-c", file]
    built = subprocess.run(cplusplus, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (built.returncode, built.stderr) == (0, "")


NODE = """
const fs = require("fs");
const {exports: m} = new WebAssembly.Instance(new WebAssembly.Module(fs.readFileSync("m.wasm")));
const images = JSON.parse(fs.readFileSync("images.json"));
const classes = +process.argv[2], at = m.__heap_base.value, out = at + images[0].length + 64 & ~7;
const told = images.map(image => {
    new Uint8Array(m.memory.buffer).set(image, at);
    const found = m.lenet_predict(at, out);
    return [found, ...new Uint32Array(m.memory.buffer, out, classes)];
});
console.log(JSON.stringify(told));
"""


@needs_wasm
@needs_compiler
@pytest.mark.parametrize("net", NETS)
def test_webassembly_has_the_same_answers(net, kind, tmp_path) -> None:
    file, model, images = write(net, kind, tmp_path)
    exported = [f"-Wl,--export={name}" for name in ("lenet_predict", "__heap_base")]
    flags = ("--target=wasm32", "-O2", "-fno-builtin", "-ffp-contract=off", "-nostdlib")
    command = ["clang", *STRICT, *flags, "-Wl,--no-entry", *exported, "-o", "m.wasm", file]
    built = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (built.returncode, built.stderr) == (0, "")
    (tmp_path / "images.json").write_text(json.dumps(images.reshape(len(images), -1).tolist()))
    (tmp_path / "run.js").write_text(NODE)
    command = ["node", "run.js", str(len(model.classes))]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    told = np.array(json.loads(ran.stdout), np.uint32)
    classes, ours = runtimes.answer_c(model, file.read_bytes())(images)
    np.testing.assert_array_equal(told[:, 0], classes)
    theirs = told[:, 1:].copy().view(np.float32)
    np.testing.assert_allclose(theirs, ours, rtol=0, atol=0 if kind == "int8" else 1e-6)


def picture(image: np.ndarray, largest: int = 255) -> bytes:
    channels, height, width = image.shape
    letter = "5" if channels == 1 else "6"
    head = f"P{letter}\n# a comment\n{width} {height}\n{largest}\n".encode()
    return head + np.moveaxis(image, 0, -1).tobytes()


@needs_compiler
@pytest.mark.parametrize("net", ["lenet-relu", "3x8x6 | conv 4 k3 relu | dense 5"])
def test_the_example_names_a_picture(net, kind, tmp_path) -> None:
    file, model, images = write(net, kind, tmp_path)
    flags = ["-std=c99", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    for compiler in COMPILERS:
        command = [compiler, *flags, file, CLASSIFY, "-lm"]
        subprocess.run(command, cwd=tmp_path, check=True)
        classes, found = runtimes.answer_c(model, file.read_bytes())(images)
        for image, best, row in zip(images[:2], classes, found, strict=False):
            (tmp_path / "a.pgm").write_bytes(picture(image))
            told = subprocess.run(
                ["./a.out", "a.pgm"], cwd=tmp_path, check=True, capture_output=True, text=True
            ).stdout
            name, share = told.split()
            assert name == model.classes[best]
            assert float(share) == pytest.approx(row[best], abs=1e-4)


@needs_compiler
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is no binary PGM"),
        (b"P6\n4 4\n255\n", "is no binary PGM"),
        (b"P5\n5 4\n255\n" + bytes(20), "has another size"),
        (b"P5\n4 4\n65535\n" + bytes(32), "has values above 255"),
        (b"P5\n4 4\n0\n" + bytes(16), "has values above 255, or none"),
        (b"P5\n4 4\n255\n" + bytes(15), "ends too early"),
        (b"P5\n4 4\n7\n" + bytes([8] * 16), "has a value above its largest"),
        (b"P5\n# never ends", "has another size"),
        (b"P5\n99999999999999999999 4\n255\n", "has another size"),
    ],
)
def test_the_example_refuses_other_files(content, words, tmp_path) -> None:
    file, *_ = write("1x4x4 | dense 3", "float", tmp_path)
    (tmp_path / "a.pgm").write_bytes(content)
    flags = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover"]
    subprocess.run([COMPILERS[0], *flags, file, CLASSIFY, "-lm"], cwd=tmp_path, check=True)
    told = subprocess.run(
        ["./a.out", "a.pgm"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 1
    assert told.stderr.startswith(f"a.pgm: {words}")
