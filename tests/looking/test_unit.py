"""One number being made: the terms lead to the network's own value."""

import numpy as np
import pytest

import lenet
from lenet.errors import UsageError
from lenet.looking.unit import read_place
from looked_at import NETWORKS, drawn
from refusals import refused


@pytest.mark.parametrize("name", NETWORKS)
def test_every_kind_of_number_adds_up(name):
    model, images = drawn(name)
    random = np.random.default_rng(0)
    whole = lenet.look(model, images)
    for layer in model.layers[:: 9 if name == "deep" else 1]:
        shape = layer.output_shape
        corners = [(0,) * len(shape), tuple(size - 1 for size in shape)]
        for place in (*corners, tuple(int(random.integers(size)) for size in shape)):
            look = lenet.look(model, images, unit=f"{layer.name}[{','.join(map(str, place))}]")
            for unit, values in zip(look.units, whole[layer.name], strict=True):
                assert unit.value == values[place]
                assert unit.terms[-1].value == pytest.approx(unit.value, rel=1e-4, abs=1e-5)
                if unit.kernel is not None:
                    products = (unit.window * unit.kernel).sum()
                    assert unit.terms[0].value == pytest.approx(products)
                    assert unit.window.shape == unit.kernel.shape
            assert look.drawing().svg
            assert look.units[0].name in str(look)


def test_a_convolution_by_hand():
    model = lenet.Model("1x3x3 | conv 1 k2 relu | dense 2").initialize()
    model.parameters["conv0.weight"][...] = [[[[1, 2], [3, 4]]]]
    model.parameters["conv0.bias"][...] = 0.5
    image = np.arange(9, dtype=np.uint8).reshape(3, 3) * 20
    unit = lenet.look(model, image, unit="conv0[0,1,1]").units[0]
    np.testing.assert_allclose(unit.window * 255, [[[80, 100], [140, 160]]], rtol=1e-6)
    assert unit.start == (1, 1)
    total = (80 + 200 + 420 + 640) / 255
    values = [total, 0.5, total + 0.5, total + 0.5]
    assert [term.value for term in unit.terms] == pytest.approx(values)
    assert [term.formula for term in unit.terms] == ["s = sum(x w)", "b", "z = s + b", "max(0, z)"]


@pytest.mark.parametrize("network", ["lenet-5", "1x9x9 | conv 3 k3 tanh, maxpool 2 | rbf 4"])
def test_a_distance_is_of_squared_differences(network):
    model = lenet.Model(network).initialize("lecun", 2)
    images = np.random.default_rng(0).integers(0, 256, (2, *model.network.input_shape), np.uint8)
    look = lenet.look(model, images, unit="rbf0[3]")
    for unit, scores in zip(look.units, model.scores(images), strict=True):
        assert unit.value == pytest.approx(float(scores[3]), rel=1e-5)
        assert unit.products.sum() == pytest.approx(unit.value, rel=1e-5)
        assert [term.value for term in unit.terms] == pytest.approx([-unit.value, unit.value])
    assert set(np.unique(look.units[0].kernel)) == {-1, 1}
    assert "y = -sum((x - w)^2)" in str(look)
    assert look.drawing().svg


def test_the_text_has_the_numbers_of_few_windows():
    model = lenet.Model("1x3x3 | conv 1 k2 relu | dense 2").initialize()
    model.parameters["conv0.weight"][...] = [[[[1, -2], [3, 0]]]]
    image = np.arange(9, dtype=np.uint8).reshape(3, 3) * 20
    text = str(lenet.look(model, image, unit="conv0[0,0,0]"))
    window, kernel, products = (
        text.partition(head)[2].splitlines()[1:3]
        for head in ("its window on the input", "w, the kernel", "x w, in all 0.55")
    )
    assert [line.split() for line in window] == [["0", "0.078"], ["0.235", "0.314"]]
    assert [line.split() for line in kernel] == [["1.00", "-2.00"], ["3.00", "0"]]
    assert [line.split() for line in products] == [["0", "-0.157"], ["0.706", "0"]]
    many, images = drawn("colour")
    assert "its window" not in str(lenet.look(many, images[0], unit="dense0[1]"))
    pooled, images = drawn("groups")
    corner = str(lenet.look(pooled, images[0], unit="pool0[0,0,0]"))
    assert "-" in corner.partition("its window on map 0")[2].splitlines()[1].split()


def test_batch_normalisation_is_a_term():
    model, images = drawn("colour")
    unit = lenet.look(model, images[0], unit="conv0[1,2,3]").units[0]
    state = model.state_dict()
    mean, variance, scale = (float(state[f"conv0.{n}"][1]) for n in ("mean", "variance", "scale"))
    expected = (unit.terms[0].value - mean) / np.sqrt(variance + 1e-5) * scale
    assert unit.terms[1].value == pytest.approx(expected)
    assert "normalised" in unit.terms[1].words


def test_padding_is_no_number_of_a_maximum_and_zero_of_a_sum():
    model, images = drawn("groups")
    corner = lenet.look(model, images[0], unit="conv0[3,0,0]").units[0]
    assert corner.maps == (1,)  # its group's
    assert corner.is_padding.sum() == 5
    assert (corner.window[:, corner.is_padding] == 0).all()
    pooled = lenet.look(model, images[0], unit="pool0[3,0,0]").units[0]
    assert pooled.maps == (3,)
    assert pooled.terms[0].words == "the largest of 4 numbers"


def test_a_mean():
    model, images = drawn("maps")
    unit = lenet.look(model, images[0], unit="pool0[2,1,0]").units[0]
    assert [term.formula for term in unit.terms] == ["s = sum(x)", "s / 9"]
    assert unit.terms[1].value == pytest.approx(unit.window.mean())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("conv0", ("such as conv1[3,5,7]",)),
        ("conv0[1,2]", ("such as conv1[3,5,7]",)),
        ("conv0[1]", ("no number [1]", "conv0[0,0,0]")),
        ("conv0[4,0,0]", ("no number [4,0,0]", "conv0[3,9,9]")),
        ("dense0[8]", ("dense0[7]",)),
        ("dense0[1,0,0]", ("dense0[0]",)),
        ("conv9[1,1,1]", ("conv9",)),
        ("conv0[-1,0,0]", ("such as",)),
        ("conv0[" + "9" * 500 + "]", ("such as",)),
        (5, ("such as",)),
    ],
)
def test_what_names_no_number(text, words):
    model, _ = drawn("grey")
    with refused(UsageError, *words):
        read_place(model, text)


def test_spaces_are_no_matter():
    model, _ = drawn("grey")
    assert read_place(model, " conv0 [ 3, 0 ,9 ] ") == (0, (3, 0, 9))
