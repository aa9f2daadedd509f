"""The C file: compiled without a warning, and the same answers, for any network."""

import subprocess

import numpy as np
import pytest

import lenet
from exported_models import COMPILERS, LANGUAGES, SANITIZED, drawn, self_test
from lenet.data import Split
from lenet.formats import runtimes
from lenet.formats.c_source import c_source
from lenet.formats.c_stages import make_stages
from lenet.formats.c_text import Example
from lenet.model import Model

pytestmark = pytest.mark.skipif(not COMPILERS, reason="no C compiler")


@pytest.mark.parametrize("seed", range(40))
def test_random_networks_answer_as_the_model(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    model, images = drawn(seed)
    monkeypatch.setenv("CC", COMPILERS[seed % len(COMPILERS)])
    ours = model.predict_proba(images)
    _, theirs = runtimes.answer_c(model, c_source(model).encode())(images)
    np.testing.assert_allclose(theirs, ours, rtol=0, atol=5e-6)
    clear = np.sort(ours)[:, -1] - np.sort(ours)[:, -2] > 1e-5 if ours.shape[1] > 1 else ours > 2
    assert (theirs.argmax(1) == ours.argmax(1))[np.ravel(clear)].all()


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("zoo", ["lenet", "lenet-relu", "compact", "tiny"])
def test_strict_compilers_say_nothing_and_the_self_test_passes(compiler, zoo, tmp_path) -> None:
    model = Model(zoo, classes=['a"b', "\\", "??/", "é", *"456789"]).initialize()
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (2, 1, 28, 28), np.uint8)
    answers = model.predict_proba(images)
    examples = [Example(image, row) for image, row in zip(images, answers, strict=True)]
    file = tmp_path / "m.c"
    file.write_text(c_source(model, ["accuracy   none"], examples))
    for flags in LANGUAGES:
        assert self_test(compiler, flags, file) == (0, "2 of 2 known answers are right\n")


@pytest.mark.parametrize("kind", ["c", "cpp"])
def test_a_program_includes_the_header(kind, tmp_path) -> None:
    model = Model("1x4x4 | dense 3", classes=["a", "b", "c"]).initialize()
    lenet.export(model, tmp_path / "m.c")
    text = "#include <cstdio>\n" if kind == "cpp" else "#include <stdio.h>\n"
    text += '#include "m.h"\nint main() { uint8_t image[16] = {0}; '
    text += 'printf("%s", lenet_classes[lenet_predict(image, 0)]); return 0; }\n'
    (tmp_path / f"main.{kind}").write_text(text)
    compiler = COMPILERS[0] if kind == "c" else COMPILERS[0].replace("gcc", "g++")
    subprocess.run([COMPILERS[0], "-c", "m.c"], cwd=tmp_path, check=True)
    subprocess.run([compiler, f"main.{kind}", "m.o", "-o", "m"], cwd=tmp_path, check=True)
    ran = subprocess.run([tmp_path / "m"], capture_output=True, text=True, check=True)
    assert ran.stdout == model.classes[model.predict(np.zeros((1, 4, 4), np.uint8))[0]]


def test_two_networks_stand_in_one_program(tmp_path) -> None:
    """Each has names of its own; those of the classes stay as they are."""
    model = Model("1x4x4 | dense 3", classes=["lenet_a", "LENET_b", "c"]).initialize()
    split = Split(np.zeros((4, 1, 4, 4), np.uint8), np.zeros(4, np.int64))
    lenet.export(model, tmp_path / "one.c", prefix="one", check=split)
    model.export(tmp_path / "two.c", prefix="two_2", int8=True, calibrate=split)
    (tmp_path / "main.c").write_text(
        '#include "one.h"\n#include "two.h"\n#include <stdio.h>\n'
        "int main(void) { static const uint8_t image[16]; puts(one_classes[0]); "
        "return one_predict(image, 0) != two_2_classify(image) || TWO_2_CLASSES != 3; }\n"
    )
    command = [COMPILERS[0], "-std=c99", "-Wall", "-Werror", "main.c", "one.c", "two.c", "-o", "m"]
    subprocess.run(command, cwd=tmp_path, check=True)
    ran = subprocess.run([tmp_path / "m"], capture_output=True, text=True, check=True)
    assert ran.stdout == "lenet_a\n"
    for name, words in (("one", b"known answers"), ("two", b"export this file with --check")):
        test = ["-D" + ("ONE" if name == "one" else "TWO_2") + "_SELF_TEST", f"{name}.c", "-o", "t"]
        built = subprocess.run([COMPILERS[0], *test], cwd=tmp_path, capture_output=True)
        said = built.stderr or subprocess.run([tmp_path / "t"], capture_output=True).stdout
        assert words in said


@pytest.mark.parametrize("compiler", COMPILERS[:1])
def test_sanitizers_find_nothing(compiler, tmp_path) -> None:
    for seed in range(4):
        model, images = drawn(seed)
        answers = model.predict_proba(images)
        examples = [Example(image, row) for image, row in zip(images, answers, strict=True)]
        file = tmp_path / "m.c"
        file.write_text(c_source(model, (), examples))
        assert self_test(compiler, SANITIZED, file) == (0, "6 of 6 known answers are right\n")


def test_a_self_test_notices_a_wrong_answer(tmp_path) -> None:
    model = Model("1x4x4 | dense 3").initialize()
    image = np.zeros((1, 4, 4), np.uint8)
    file = tmp_path / "m.c"
    file.write_text(c_source(model, (), [Example(image, np.array([0.9, 0.1, 0.0]))]))
    assert self_test(COMPILERS[0], (), file) == (1, "0 of 1 known answers are right\n")


def test_the_seeds_network_fits_into_six_kilobytes() -> None:
    """Only pooled maps are stored: 6x12x12 and 16x4x4 numbers of four bytes."""
    model = lenet.models.lenet().initialize()
    _, total = make_stages(model.plan.steps)
    assert total == 6 * 12 * 12 + 16 * 4 * 4
    text = c_source(model)
    assert "177,704 bytes, which may stay in flash" in text
    assert "#include <math.h>" not in text
