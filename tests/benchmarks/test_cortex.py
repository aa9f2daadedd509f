"""The C files on a Cortex-M that QEMU plays: real digits, and the answers that this machine has."""

import numpy as np
import pytest

import lenet
from exported_models import COMPILERS
from lenet.analysis import count_network
from lenet.formats import runtimes
from lenet.formats.export import export


@pytest.fixture(scope="module")
def cortex(load):
    module = load("cortex")
    if module.missing() or not COMPILERS:
        pytest.skip(f"{module.missing() or 'a C compiler'} cannot be found")
    return module


@pytest.fixture(scope="module")
def trained() -> lenet.Model:
    return lenet.train(data="digits", epochs=3)


@pytest.fixture(scope="module", params=["float", "int8"])
def file(request, trained, tmp_path_factory):
    path = tmp_path_factory.mktemp("cortex") / "m.c"
    how = {"int8": True, "calibrate": "digits"} if request.param == "int8" else {}
    export(trained, path, **how)
    return request.param, path


@pytest.mark.parametrize("cpu", ["m0", "m3", "m4"])
def test_digits_have_the_answers_of_this_machine(cortex, file, trained, cpu) -> None:
    kind, path = file
    images = trained.preprocessing.prepare(lenet.load("digits").tested.images[:12])
    classes, ours = runtimes.answer_c(trained, path.read_bytes())(images)
    answers = cortex.run(path, images, len(trained.classes), cpu)
    np.testing.assert_array_equal(answers.classes, classes)
    gap = 0 if kind == "int8" else 1e-6
    np.testing.assert_allclose(answers.probabilities, ours, rtol=0, atol=gap)


def test_what_the_seeds_network_takes(cortex, file, trained) -> None:
    kind, path = file
    images = lenet.load("digits").tested.images[:1]
    answers = cortex.run(path, trained.preprocessing.prepare(images), len(trained.classes))
    each = answers.instructions / count_network(trained.network).multiply_adds
    entry = "lenet_classify" if kind == "int8" else "lenet_predict"
    used, memory = cortex.flash(path, entry, optimize="2")
    if kind == "int8":
        assert each <= 2.5
        assert used <= 47_000
        assert memory + answers.stack <= 3000
    else:
        assert used <= 182_000
        assert memory + answers.stack <= 6000
