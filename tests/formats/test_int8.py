"""Whole numbers: the simulation's arithmetic, and the C file that has the same bits."""

import dataclasses
import os
import pickle

import numpy as np
import pytest

import lenet
from exported_models import COMPILERS, LANGUAGES, SANITIZED, drawn, self_test
from lenet import tensor_files
from lenet.cli.main import main
from lenet.engine.integers import HIGH, LOW, IntegerNetwork, scaled
from lenet.errors import DataError, ModelFileError, UsageError
from lenet.formats import int8, runtimes
from lenet.formats.c_int8 import int8_source
from lenet.formats.c_text import Example
from lenet.formats.export import export
from lenet.formats.int8 import quantise
from lenet.model import Model
from random_networks import random_network
from refusals import refused

needs_compiler = pytest.mark.skipif(not COMPILERS, reason="no C compiler")

#: What the random networks do not reach: first layers that pool, wide groups, no dense layer.
NOTED = (
    "1x6x6 | dense 3",
    "2x9x9 | avgpool 3 s2 p1, conv 4 k3 p2 g2 silu, maxpool 2 s1 | dense 3",
    "3x8x8 | maxpool 2 p1 | conv 6 k3 p1.0.2.1 g3 leaky-relu, avgpool 2 | conv 4 k1 tanh",
    "3x7x7 | conv 4 k3 p1 relu",
    "1x7x7 | conv 5 k3 s2 relu, avgpool 3 | dense 4 sigmoid",
    "2x5x5 | conv 3 k5 | dense 7 silu, dense 2 relu",
)


def noted(notation: str) -> tuple[Model, np.ndarray]:
    model = Model(notation).initialize("kaiming", 3)
    random = np.random.default_rng(7)
    channels = model.network.input_shape[0]
    model.preprocessing = lenet.Preprocessing(
        model.network.input_shape, (0.3, 0.1, 0.7)[:channels], (0.4, 0.2, 0.3)[:channels], None
    )
    return model, random.integers(0, 256, (9, *model.network.input_shape), np.uint8)


def assert_same_bits(model: Model, images: np.ndarray) -> None:
    """Hold the C file of an int8 model against the model, and against what its file brings back."""
    scores, ours = answers(model, images)
    classes, theirs = runtimes.answer_c(model, int8_source(model).encode())(images)
    np.testing.assert_array_equal(classes, scores.argmax(axis=1))
    np.testing.assert_array_equal(theirs, ours)
    again = Model.from_bytes(model.to_bytes())
    np.testing.assert_array_equal(answers(again, images)[0], scores)
    assert int8_source(again) == int8_source(model)


def answers(model: Model, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the whole scores and the probabilities of an int8 model."""
    scores = model.integers.scores(model.preprocessing.prepare(images))
    return scores, model.integers.probabilities(scores)


@pytest.mark.parametrize(
    ("total", "multiplier", "shift", "expected"),
    [
        (100, 2**30, 31, 50),
        (101, 2**30, 31, 51),  # a half goes up
        (-101, 2**30, 31, -50),  # of numbers below zero, too
        (-102, 2**30, 31, -51),
        (-1, 2**30, 40, 0),
        (2**30, 2**31 - 1, 31, 2**30),
        (-(2**30), 2**31 - 1, 62, 0),
        (-(2**31), 2**31 - 1, 62, -1),
    ],
)
def test_a_sum_is_rounded_once(total, multiplier, shift, expected) -> None:
    assert scaled(np.array(total), np.array(multiplier), shift) == expected


def test_the_arithmetic_by_hand() -> None:
    """One output of one pixel: weight 127, scale and bias as they must be."""
    model = Model("1x1x1 | dense 2").initialize()
    model.parameters["dense0.weight"][...] = [[1.0], [-0.5]]
    model.parameters["dense0.bias"][...] = [0.25, 0.5]
    images = np.arange(256, dtype=np.uint8).reshape(-1, 1, 1, 1)
    found = quantise(model, images)
    (step,) = found.integers.steps
    np.testing.assert_array_equal(step.weight, [[127], [-127]])
    scale = np.array([1.0, 0.5]) / 127 / 255  # of a sum: that of the weight, and of the pixel
    # No pixel is 0 to 255 here, but -128 to 127: what is missing is in the bias.
    expected = np.array([0.25, 0.5]) / scale + 128 * 127 * np.array([1, -1])
    np.testing.assert_allclose(step.bias + 127 * step.pad * [-1, 1], expected, atol=0.51)
    np.testing.assert_allclose(found.scores(images), model.scores(images), atol=0.001)
    probabilities = found.predict_proba(images)
    np.testing.assert_allclose(probabilities, model.predict_proba(images), atol=0.02)


@pytest.mark.parametrize("seed", range(0, 40, 3))
def test_bytes_stand_for_what_the_model_computes(seed) -> None:
    model, images = drawn(seed)
    found = quantise(model, images)
    ours = found.predict_proba(images)
    np.testing.assert_allclose(ours, model.predict_proba(images), atol=0.03)
    for step in found.integers.steps:
        if step.weight is not None:
            assert np.abs(step.weight).max() <= HIGH
            largest = np.abs(step.folded_bias) - LOW * np.abs(
                step.weight.reshape(len(step.weight), -1)
            ).sum(axis=1)
            assert largest.max() < 2**31
        if step.multiplier is not None:
            assert step.multiplier.min() >= 0
            assert 2**14 <= step.multiplier.max() < 2**31
            assert 15 <= step.shift <= 62


def test_scales_bear_any_weights() -> None:
    """Channels of zeros, huge and tiny weights: the numbers stay in their types."""
    model, images = noted("1x6x6 | conv 4 k3 relu, maxpool 2 | dense 3 tanh, dense 2")
    model.parameters["conv0.weight"][0] = 0
    model.parameters["conv0.weight"][1] = 1e-30
    model.parameters["conv0.weight"][2] = 1e12
    model.parameters["conv0.bias"][...] = [5, 1e9, -1e-20, 0]
    model.parameters["dense0.weight"][...] *= 1e-9
    found = quantise(model, images)
    for step in found.integers.steps:
        for values in (step.folded_bias, step.multiplier) if step.weight is not None else ():
            assert np.abs(values).max() < 2**31
    if COMPILERS:
        assert_same_bits(found, images)


def test_a_constant_map_is_calibrated() -> None:
    model, images = noted("1x4x4 | conv 2 k3 relu | dense 2")
    model.table[...] = 0
    found = quantise(model, images[:1] * 0)
    assert found.scores(images).shape == (9, 2)
    np.testing.assert_array_equal(found.predict_proba(images), 0.5)


@needs_compiler
@pytest.mark.parametrize("seed", range(0, 60, 2))
def test_random_networks_have_the_same_bits(seed, monkeypatch) -> None:
    model, images = drawn(seed)
    monkeypatch.setenv("CC", COMPILERS[seed // 2 % len(COMPILERS)])
    assert_same_bits(quantise(model, images), images)


@needs_compiler
@pytest.mark.parametrize("seed", range(300, 310))
def test_networks_that_end_in_any_layer_have_the_same_bits(seed) -> None:
    network = random_network(seed, size=10, ends_dense=False)
    model = Model(network).initialize("kaiming", seed)
    images = np.random.default_rng(seed).integers(0, 256, (4, *network.input_shape), np.uint8)
    assert_same_bits(quantise(model, images), images)


@needs_compiler
@pytest.mark.parametrize("notation", NOTED)
def test_other_networks_have_the_same_bits(notation) -> None:
    model, images = noted(notation)
    assert_same_bits(quantise(model, images), images)


def with_examples(model: Model, images: np.ndarray) -> str:
    scores, ours = answers(model, images)
    rows = zip(images, ours, scores.argmax(axis=1).tolist(), strict=True)
    return int8_source(model, ["accuracy   none"], [Example(*row) for row in rows])


@needs_compiler
@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("net", [*NOTED, "lenet", "compact"])
def test_strict_compilers_say_nothing_and_the_self_test_passes(compiler, net, tmp_path) -> None:
    model, images = noted(net)
    file = tmp_path / "m.c"
    file.write_text(with_examples(quantise(model, images), images))
    for flags in LANGUAGES:
        assert self_test(compiler, flags, file) == (0, "9 of 9 known answers are right\n")


@needs_compiler
def test_sanitizers_find_nothing(tmp_path) -> None:
    for net in NOTED[1:4]:
        model, images = noted(net)
        file = tmp_path / "m.c"
        file.write_text(with_examples(quantise(model, images), images))
        words = "9 of 9 known answers are right\n"
        assert self_test(COMPILERS[0], SANITIZED, file) == (0, words)


@pytest.fixture(scope="module")
def digits() -> Model:
    return lenet.train(data="digits", epochs=5)


@needs_compiler
def test_a_whole_test_set_has_the_same_bits(digits, tmp_path) -> None:
    result = export(digits, tmp_path / "m.c", int8=True, calibrate="digits", check="digits")
    check = result.check
    assert (result.format, check.images, check.different, check.largest) == (
        "C99 source, int8",
        360,
        0,
        0.0,
    )
    exact = digits.evaluate(lenet.load("digits")).accuracy
    assert check.float_accuracy == exact
    assert abs(check.accuracy - exact) <= 1 / 360
    text = (tmp_path / "m.c").read_text()
    assert "in floats" in text
    assert "lenet_classify" in (tmp_path / "m.h").read_text()
    assert "0 of 360 images get another class than in the simulation" in str(result)


@needs_compiler
@pytest.mark.skipif("LENET_DATA" not in os.environ, reason="MNIST needs LENET_DATA")
@pytest.mark.parametrize(("name", "net"), [("mnist", "lenet"), ("fashion-mnist", "lenet-relu")])
def test_real_test_sets_have_the_same_bits(name, net, tmp_path) -> None:
    """And nearly the same accuracy; a model in training for longer differs less."""
    data = lenet.load(name)
    some = np.arange(len(data.train)) % 6 == 0
    data = dataclasses.replace(data, train=data.train.chosen(some))
    model = lenet.train(net, data=data, epochs=2)
    check = export(model, tmp_path / "m.c", int8=True, calibrate=data, check=data).check
    assert (check.images, check.different, check.largest) == (10_000, 0, 0.0)
    assert abs(check.accuracy - check.float_accuracy) <= 0.003


def test_layers_share_a_table(digits) -> None:
    model = lenet.models.lenet().initialize()
    text = int8_source(quantise(model, lenet.load("digits").train.images))
    assert text.count("_table[256]") == 1
    assert "conv0_table[" in text


def test_the_seeds_network_fits(digits, tmp_path) -> None:
    """44,190 bytes of weights, 4 for each of 236 outputs; two maps; sums of 120 outputs."""
    found = quantise(digits, lenet.load("digits").train.images)
    constants = 44_190 + 4 * 236 + 2 * len(found.integers.powers)
    text = int8_source(found)
    assert f"constants  {constants:,} bytes" in text
    assert "memory     1,120 bytes" in text


def test_an_int8_model_is_a_model(digits, tmp_path, capsys) -> None:
    """Its file is read wherever a model is, and has the bits of the C file."""
    file, data = tmp_path / "m8.safetensors", lenet.load("digits")
    made = export(digits, file, int8=True, calibrate=data, check=data)
    assert (made.format, made.check.different, made.check.largest) == ("lenet model, int8", 0, 0.0)
    digits.save(tmp_path / "m.safetensors")
    assert made.size < (tmp_path / "m.safetensors").stat().st_size / 3
    model = Model.load(file)
    assert model.classes == digits.classes
    assert model.parameter_count == digits.parameter_count
    found = lenet.evaluate(file, "digits")
    assert found.accuracy == made.check.accuracy
    likeliest = model.predict_proba(data.test.images).max(axis=1)
    np.testing.assert_allclose(found.answers.probabilities, likeliest)
    assert pickle.loads(pickle.dumps(model)).scores(data.test.images).tolist() == (
        model.scores(data.test.images).tolist()
    )
    assert main(["predict", str(file), str(tmp_path / "none.png")]) == 1
    assert main(["explain", str(file)]) == 0
    capsys.readouterr()
    if COMPILERS:
        again = export(file, tmp_path / "m8.c", check=data)
        assert (again.format, again.check.different) == ("C99 source, int8", 0)
        export(digits, tmp_path / "direct.c", int8=True, calibrate=data)
        without = export(file, tmp_path / "again.c")
        assert without.path.read_text() == (tmp_path / "direct.c").read_text()


def test_what_an_int8_model_has_not(digits, tmp_path) -> None:
    model = quantise(digits, lenet.load("digits").train.images)
    for use in (
        lambda: model.parameters,
        lambda: model.state_dict(),
        lambda: model[0](np.zeros((1, 1, 28, 28))),
        lambda: model["conv0"].weight,
        lambda: lenet.train(model, data="digits", epochs=1),
        lambda: export(model, tmp_path / "m.onnx"),
        lambda: export(model, tmp_path / "m.c", int8=True, calibrate="digits"),
    ):
        with refused(UsageError, "int8", "weights in floats", "that it was made of"):
            use()
    assert model.initialize().integers is None


def test_scores_of_no_image(digits) -> None:
    model = quantise(digits, lenet.load("digits").train.images)
    assert model.predict_proba(np.zeros((0, 1, 28, 28), np.uint8)).shape == (0, 10)


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("conv0.weight", None, ("lacks", "conv0.weight")),
        ("bits", None, ("lacks", "bits")),
        ("scores", None, ("lacks", "scores")),
        ("conv0.gain", np.zeros(1, np.int8), ("no place for", "conv0.gain")),
        ("conv0.weight", np.zeros((2, 1, 3, 3), np.int16), ("int16", "int8")),
        ("conv0.weight", np.zeros((2, 1, 3), np.int8), ("(2, 1, 3)", "(2, 1, 3, 3)")),
        ("conv0.weight", np.full((2, 1, 3, 3), -128, np.int8), ("not from -127 to 127",)),
        ("conv0.pad", np.zeros(3, np.int8), ("(3,)", "(1,)")),
        ("conv0.shift", np.array([63], np.uint8), ("not from 1 to 62",)),
        ("conv0.shift", np.array([3], np.uint8), ("conv0.multiplier", "not from 0 to 8")),
        ("conv0.multiplier", np.array([1, -1], np.int32), ("not from 0",)),
        ("conv0.bias", np.array([0, -(2**31)], np.int32), ("conv0.bias", "not from")),
        ("conv0.bias", np.array([2**25 + 1, 2**22], np.int32), ("conv0.bias", "16 bits")),
        ("pool0.shift", np.array([1], np.uint8), ("not from 0 to 0",)),
        ("bits", np.array([31], np.int8), ("not from -64 to 30",)),
        ("scores", np.full(256, 2**31 - 1, np.int32), ("scores holds",)),
        ("dense0.table", np.zeros(255, np.int8), ("(255,)", "(256,)")),
    ],
)
def test_a_file_of_other_numbers_is_refused(name, values, words, tmp_path) -> None:
    model, images = noted("1x6x6 | conv 2 k3 relu, maxpool 2 | dense 3 tanh")
    found = quantise(model, images)
    tensors = found.integers.to_tensors()
    tensors = {n: v for n, v in (tensors | {name: values}).items() if v is not None}
    metadata, _ = tensor_files.parse("m", found.to_bytes())
    file = tmp_path / "m.safetensors"
    file.write_bytes(tensor_files.compose(tensors, metadata))
    with refused(ModelFileError, *words):
        Model.load(file)


def test_sums_beyond_32_bits_are_refused() -> None:
    units = 2**30 // (127 * 255) + 1
    tensors = {
        "bits": np.zeros(1, np.int8),
        "dense0.pad": np.zeros(1, np.int8),
        "dense0.zero": np.zeros(1, np.int8),
        "dense0.weight": np.full((2, units), 127, np.int8),
        "dense0.bias": np.zeros(2, np.int32),
        "dense0.multiplier": np.ones(2, np.int32),
        "dense0.shift": np.ones(1, np.uint8),
    }
    with refused(ValueError, "dense0", "32 bits"):
        IntegerNetwork.from_tensors(Model(f"1x1x{units} | dense 2").plan, tensors)


def test_another_precision_is_refused() -> None:
    model, images = noted(NOTED[0])
    model = quantise(model, images)
    metadata, tensors = tensor_files.parse("m", model.to_bytes())
    with refused(ModelFileError, "int4", "int8"):
        Model.from_bytes(tensor_files.compose(tensors, metadata | {"precision": "int4"}))


@pytest.mark.parametrize(
    ("path", "options", "words"),
    [
        ("m.c", {"int8": True}, ("int8 needs images", "name a data set")),
        ("m.c", {"calibrate": "digits"}, ("int8 is not asked for",)),
        ("m.onnx", {"int8": True, "calibrate": "digits"}, (".onnx", "not written in int8")),
    ],
)
def test_what_cannot_be_meant(digits, tmp_path, path, options, words) -> None:
    with refused(UsageError, *words):
        export(digits, tmp_path / path, **options)
    assert not list(tmp_path.iterdir())


def test_a_network_without_weights() -> None:
    with refused(UsageError, "no weights", "int8"):
        quantise(Model("1x4x4 | maxpool 2").initialize(), np.zeros((1, 1, 4, 4), np.uint8))


def test_no_images_to_calibrate_on(digits) -> None:
    with refused(DataError, "no images"):
        quantise(digits, np.zeros((0, 1, 28, 28), np.uint8))


def test_large_images_are_fewer(monkeypatch) -> None:
    model, images = noted(NOTED[3])
    monkeypatch.setattr(int8, "_NUMBERS", 4 * 7 * 7 * 3)  # of the widest map of three images
    seen = []
    monkeypatch.setattr(int8, "_Quantiser", lambda _, given: seen.append(given) or STOP)
    assert quantise(model, images).integers == "stopped"
    np.testing.assert_array_equal(seen[0], images[::3])


class STOP:
    """In place of the quantiser."""

    @staticmethod
    def network() -> str:
        return "stopped"


def test_images_of_every_kind_calibrate(digits, tmp_path) -> None:
    data = lenet.load("digits")
    contents = set()
    for given in ("digits", data, data.train):
        export(digits, tmp_path / "m.c", int8=True, calibrate=given)
        contents.add((tmp_path / "m.c").read_bytes())
    assert len(contents) == 1
