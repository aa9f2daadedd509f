"""From figures to networks: the article's, the papers', random ones, and any text at all."""

import json
from contextlib import suppress
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lenet.analysis.counts import count_network
from lenet.analysis.deduction import Candidate, Deduction, Step, deduce
from lenet.errors import LenetError, NotationError, UsageError
from lenet.net import Conv2d, Dense, Network, parse_network
from lenet.net.shapes import elements, shape_text
from lenet.writing import render
from lenet.writing.text import write_text
from pages import read_page
from random_networks import networks
from refusals import refused

PAPER = "32x32 -> 6@28x28 -> 6@14x14 -> 16@10x10 -> 16@5x5 -> 120 -> 84 -> 10"
ARTICLE = "1@28x28 -> 6@24x24 -> 6@12x12 -> 16@8x8 -> 16@4x4 -> 120 -> 84 -> 10"
D2L = "1@28x28 -> 6@28x28 -> 6@14x14 -> 16@10x10 -> 16@5x5 -> 120 -> 84 -> 10"
#: Krizhevsky et al. 2012, figure 2: both GPUs' channels together; pooling is not drawn.
ALEXNET = (
    "224x224x3 -> 55x55x96 -> 27x27x256 -> 13x13x384 -> 13x13x384 -> 13x13x256 "
    "-> 4096 -> 4096 -> 1000"
)
#: Simonyan and Zisserman 2014, configuration A, as its figures are usually drawn.
VGG_11 = (
    "224x224x3 -> 224x224x64 -> 112x112x64 -> 112x112x128 -> 56x56x128 -> 56x56x256 -> 56x56x256 "
    "-> 28x28x256 -> 28x28x512 -> 28x28x512 -> 14x14x512 -> 14x14x512 -> 14x14x512 -> 7x7x512 "
    "-> 4096 -> 4096 -> 1000"
)
#: Chollet's "Simple MNIST convnet", as Keras writes shapes.
KERAS = "28x28x1 -> 26x26x32 -> 13x13x32 -> 11x11x64 -> 5x5x64 -> 1600 -> 10"
#: He et al. 2015, table 1: the stem of every ResNet.
RESNET_STEM = "3x224x224 -> 64x112x112 -> 64x56x56"

FIRST_STEPS = """\
32x32 names no channels: it is read as one, 1@32x32.

conv0: 1@32x32 -> 6@28x28, convolution 5x5, stride 1, no padding
1 channel becomes 6, so it is a convolution. 4 pixels are lost, so the stride is
1 (stride 2 would leave about 16); (32 - k + 0 + 1) / 1 = 28 gives k = 5, odd,
as kernels are.
6 other ways, all with padding: 7x7 with padding 1; 9x9 with padding 2; 11x11
with padding 3, ... (--all).

pool0: 6@28x28 -> 6@14x14, pooling 2x2, stride 2
The channels stay, the map shrinks: so it is a pooling. The size halves, so the
stride is 2; windows of 2 tile the map: (28 - 2 + 0 + 2) / 2 = 14.
"""


def notation(figure: str, **options: object) -> str:
    return str(deduce(figure, **options).network)  # type: ignore[arg-type]


def everything(found: Deduction, width: int = 80) -> str:
    return write_text(found.page(everything=True), width)


def figure_of(network: Network) -> str:
    shapes = [network.input_shape, *(placed.output_shape for placed in network.placed)]
    return " -> ".join(map(shape_text, shapes))


def test_the_papers_figure() -> None:
    found = deduce(PAPER)
    assert str(found.network) == (
        "1x32x32 | conv 6 k5 relu, maxpool 2 | conv 16 k5 relu, maxpool 2 "
        "| dense 120 relu, dense 84 relu, dense 10"
    )
    assert found.parameters == count_network(found.network).parameters == 61_706
    assert [len(step.heights) for step in found.steps[:4]] == [7, 20, 7, 26]
    assert str(found).startswith(FIRST_STEPS)
    assert "61,706 parameters; block 2 is block 1 again" in str(found)


def test_the_articles_network() -> None:
    found = deduce(ARTICLE, activation="sigmoid")
    assert str(found.network) == (
        "1x28x28 | conv 6 k5 sigmoid, maxpool 2 | conv 16 k5 sigmoid, maxpool 2 "
        "| dense 120 sigmoid, dense 84 sigmoid, dense 10"
    )
    assert found.parameters == 44_426


def test_names_in_the_figure_count() -> None:
    found = deduce("C1: 6@28x28 -> S2: 6@14x14 -> avgpool 6@7x7 -> C5: 120 -> F6: 84 -> 10")
    assert str(found.network) == (
        "6x28x28 | maxpool 2, avgpool 2 | conv 120 k7 relu | dense 84 relu, dense 10"
    )
    assert notation("8@12x12 -> conv_2 8@6x6") == "8x12x12 | conv 8 k3 s2 p1 relu"


def test_alexnet() -> None:
    # 11x11 with stride 4 makes 55 of the printed 224 only with padding; of 227 without. Of those
    # without, 7x7 is odd but leaves a pixel unread, and 8x8 reads them all.
    printed = deduce(ALEXNET).steps[0]
    assert printed.layer == Conv2d(96, 8, 4, activation="relu")
    assert printed.fits(Conv2d(96, 11, 4, 2))
    assert not printed.fits(Conv2d(96, 11, 4))
    assert notation("227x227x3 -> 55x55x96") == "3x227x227 | conv 96 k11 s4 relu"
    assert notation(ALEXNET, given=["conv0 k11"]).startswith("3x224x224 | conv 96 k11 s4 p2 relu")
    pool = deduce("96@55x55 -> 96@27x27").steps[0]
    assert [one.window[:2] for one in (pool.chosen, *pool.ties)] == [
        ("3x3", "2"),
        ("2x2", "2"),
    ]
    assert "Equally good: pooling 2x2, stride 2." in pool.reasoning


def test_vgg_11() -> None:
    found = deduce(VGG_11)
    assert str(found.network).startswith(
        "3x224x224 | conv 64 k3 p1 relu, maxpool 2 | conv 128 k3 p1 relu, maxpool 2 "
        "| conv 256 k3 p1 relu, conv 256 k3 p1 relu, maxpool 2 |"
    )
    assert found.parameters == 132_863_336


def test_resnets_stem() -> None:
    assert notation(RESNET_STEM) == "3x224x224 | conv 64 k3 s2 p1 relu, maxpool 2"
    assert notation(RESNET_STEM, given=["conv0 k7", "pool0 k3"]) == (
        "3x224x224 | conv 64 k7 s2 p3 relu, maxpool 3 s2 p1"
    )


def test_other_figures() -> None:
    assert notation("3@224x224 -> 768@14x14") == "3x224x224 | conv 768 k16 s16 relu"
    assert notation("512@14x14 -> 512@1x1 -> 10") == "512x14x14 | avgpool 14 | dense 10"
    assert notation("8@14x14 -> maxpool 8@1x1 -> 10") == "8x14x14 | maxpool 14 | dense 10"
    assert notation("8@2x2 -> 8@1x1 -> 10") == "8x2x2 | maxpool 2 | dense 10"
    assert notation("784 -> 120 -> 10") == "784x1x1 | dense 120 relu, dense 10"
    assert notation("1@9x7 -> 2@4x5 -> 3") == "1x9x7 | conv 2 k3 s2x1 relu | dense 3"
    # What came before decides between a 2x2 pooling that drops a pixel and a 3x3 one.
    assert notation("8@14x14 -> 8@7x7 -> 8@3x3") == "8x14x14 | maxpool 2, maxpool 2"


def test_a_single_pixel_and_a_name_are_told() -> None:
    text = str(deduce("1@1x1 -> 1@1x1 -> 2"))
    assert "One window covers the only pixel: (1 - 1 + 0 + 1) / 1 = 1." in text.replace("\n", " ")
    assert "A dense layer sees the only number there is" in text
    last = deduce("16@5x5 -> C5: 120").steps[0]
    assert last.reasoning[0].startswith("The figure calls it C5: the kernel is as large as the map")


def test_odd_padding_is_split_and_said() -> None:
    found = deduce("6@28x28 -> 8@28x28", given="conv0 k4")
    assert str(found.network) == "6x28x28 | conv 8 k4 p1.2.1.2 relu"
    assert "Padding of 3 in all is odd: 1 before and 2 after." in found.steps[0].reasoning[0]


def test_all_windows_are_listed() -> None:
    found = deduce(PAPER)
    text = everything(found)
    assert "26 windows for the height and width: kernel (padding in all)" in text
    assert "  stride 1  6, 7 (1), 8 (2), 9 (3), 10 (4), 11 (5)\n" in text
    assert "kernels up to 11, strides up to 4" in text
    assert "(--all)" not in text
    assert "...." not in text


@settings(deadline=None, max_examples=60)
@given(networks(size=24, padding=1), st.sampled_from([60, 80, 120]))
def test_a_networks_shapes_lead_back_to_it(network: Network, width: int) -> None:
    if not all(_is_usual(placed.layer) for placed in network.placed):
        return
    found = deduce(figure_of(network))
    assert [step.target.shape for step in found.steps] == [p.output_shape for p in network.placed]
    for step, placed in zip(found.steps, network.placed, strict=True):
        assert step.fits(placed.layer), (step.name, placed)
        _check(step.candidates, placed.input_shape, placed.output_shape)
    kept = [step.target for step in found.steps if step.layer is not None]
    for stage, layer in zip(kept, found.network.placed, strict=True):
        assert layer.output_shape in (stage.shape, (*stage.shape, 1, 1))
    lines = everything(found, width).splitlines()
    assert all(len(line) <= width for line in lines)


def _is_usual(layer: object) -> bool:
    """Is the layer within the stated bounds?"""
    return isinstance(layer, Dense) or all(
        stride <= min(kernel, 4) and padding < kernel
        for kernel, stride, padding in zip(
            layer.kernel_size, layer.stride, layer.total_padding, strict=True  # type: ignore[attr-defined]
        )
    )  # fmt: skip


def _check(candidates: object, source: tuple[int, ...], target: tuple[int, ...]) -> None:
    """Every candidate, built as a layer, makes the shape."""
    for candidate in candidates[:40]:  # type: ignore[index]
        layer = candidate.layer(target[0], "identity")
        if layer is None:
            assert elements(source) == elements(target)
            continue
        made = layer.output_shape((*source, 1, 1)[:3])
        assert made == target or made == (*target, 1, 1)


def test_lines_fit() -> None:
    for figure in (PAPER, ALEXNET, VGG_11, RESNET_STEM, "1@9x7 -> 2@4x5 -> 3"):
        for width in (60, 80, 100):
            text = everything(deduce(figure), width)
            assert max(map(len, text.splitlines())) <= width


def test_given() -> None:
    assert notation(PAPER, given=["pool0 avgpool", "POOL1 avgpool 2"]) == (
        "1x32x32 | conv 6 k5 relu, avgpool 2 | conv 16 k5 relu, avgpool 2 "
        "| dense 120 relu, dense 84 relu, dense 10"
    )
    assert "| conv 120 k5 relu | dense 84 relu" in notation(PAPER, given="dense0 conv")
    # A pooling that is said to be a convolution takes the convolution's name.
    found = deduce("1@28x28 -> 6@28x28 -> 6@14x14", given=["pool0 conv", "conv1 k5 tanh"])
    assert str(found.network) == "1x28x28 | conv 6 k3 p1 relu, conv 6 k5 s2 p2 tanh"
    assert notation("C1: 1@9x9 -> C2: 3@9x9", given="c2 k5 same") == "1x9x9 | conv 3 k5 p2 relu"
    assert notation("6@28x28 -> 16@30x29", given="conv0 k3 p2.2.1.2") == (
        "6x28x28 | conv 16 k3 p2.2.1.2 relu"
    )
    assert notation("3@64x64 -> 8@32x32", given="conv0 k1 s2") == "3x64x64 | conv 8 k1 s2 relu"
    assert notation("1@28x28 -> 6@28x28 -> 6@14x14", given=["conv0 BatchNorm", "conv0 silu"]) == (
        "1x28x28 | conv 6 k3 p1 batchnorm silu, maxpool 2"
    )


def test_a_normalised_layer_has_a_scale_a_channel() -> None:
    known = ["conv0 batchnorm", "conv1 batchnorm"]
    assert deduce(PAPER, given=known).parameters == deduce(PAPER).parameters + 6 + 16
    assert deduce(PAPER, given=known, params="=61728").parameters == 61_706 + 22
    with refused(UsageError, "61,728"):
        deduce(PAPER, given=known, params=61_727)


@pytest.mark.parametrize(
    ("figure", "options", "words"),
    [
        ("120 -> 16@5x5", {}, ["conv0, 120 -> 16@5x5", "impossible", "vector"]),
        ("6@28x28 -> 16@30x29", {}, ["'conv0 k3 p2.2.1.2'"]),
        ("6@28x28 -> 6@30x30", {}, ["'conv0 k3 p2'"]),
        ("6@28x28 -> 16@30x10", {}, ["28x10"]),
        ("6@8x8 -> 6@9x7", {"given": "conv0 k3"}, ["3 on the height", "3x3"]),
        ("6@8x8 -> 6@9x9", {"given": "conv0 k3 p1"}, ["9 of 8"]),
        (PAPER, {"given": "conv0 k3"}, ["28 of 32", "drop 'conv0 k3'", "5x5"]),
        # The layer is called as it would be without what is given.
        (PAPER, {"given": "pool0 k2 p2"}, ["pool0, 6@28x28 -> 6@14x14", "'pool0 k2 p2'"]),
        (PAPER, {"given": "dense0 k3"}, ["dense0, 16@5x5 -> 120", "no kernel"]),
        (PAPER, {"given": "conv1 maxpool"}, ["6 channels into 16", "convolution"]),
        (PAPER, {"given": "dense1 k5"}, ["no windows"]),
        (PAPER, {"given": "dense1 batchnorm"}, ["impossible", "only a convolution"]),
        (PAPER, {"given": "pool0 maxpool batchnorm"}, ["only a convolution", "drop"]),
        (PAPER, {"given": ["pool0 avgpool", "pool0 batchnorm"]}, ["only a convolution", "drop"]),
        (PAPER, {"given": "conv1 g5"}, ["6 and 16 channels", "5 equal groups", "drop"]),
        (PAPER, {"given": "pool0 maxpool g2"}, ["only a convolution", "drop"]),
        (PAPER, {"given": "conv1 g0"}, ["groups", "from 1"]),
        (PAPER, {"given": "conv0 batchnrm"}, ["'batchnrm'", "did you mean 'batchnorm'?"]),
        (PAPER, {"given": "conv9 k5"}, ["'conv9 k5'", "conv0, pool0, conv1"]),
        (PAPER, {"given": "conv0"}, ["'conv0'", "'conv1 k5'"]),
        (PAPER, {"given": "  "}, ["'conv1 k5'"]),
        (PAPER, {"given": "conv0 k5x"}, ["'k5x'", "k5x3"]),
        (PAPER, {"given": "conv0 k0"}, ["from 1"]),
        (PAPER, {"given": "conv0 k5 k3"}, ["kernel", "twice"]),
        (PAPER, {"given": ["conv0 k5", "conv0 k3"]}, ["contradict", "kernel"]),
        (PAPER, {"given": "pool0 maxpool avgpool"}, ["kind", "twice"]),
        (PAPER, {"given": ["pool0 maxpool", "pool0 avgpool"]}, ["contradict", "kind"]),
        (PAPER, {"given": [5]}, ["not 5"]),
        (PAPER, {"params": 60_000}, ["at most 60,000", "nearest", "61,706"]),
        (PAPER, {"params": "=61707"}, ["exactly 61,707"]),
        (PAPER, {"params": "many"}, ["'many'", "60000"]),
        (PAPER, {"params": "<60000"}, ["'<60000'", "60000"]),
        (PAPER, {"params": "==61706"}, ["'==61706'"]),
        (PAPER, {"params": "60k"}, ["at most 60,000", "61,706"]),
        ("16@5x5 -> 400", {"given": "dense0 flatten"}, ["at least one", "drop"]),
        ("16@5x5 -> 401", {"given": "dense0 flatten"}, ["what ends in a vector", "drop"]),
        (PAPER, {"params": True}, ["True", "60000"]),
        (PAPER, {"activation": "rleu"}, ["'rleu'", "leaky-relu"]),
    ],
)
def test_errors(figure: str, options: dict[str, object], words: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        deduce(figure, **options)  # type: ignore[arg-type]
    for word in words:
        assert word in str(caught.value)


def test_an_impossible_step_shows_its_place() -> None:
    with pytest.raises(NotationError) as caught:
        deduce("1@28x28 -> 6@24x24 -> 16@30x30 -> 10")
    assert caught.value.position == len("1@28x28 -> 6@24x24 -> ")


def test_parameters_narrow() -> None:
    assert notation(D2L).startswith("1x28x28 | conv 6 k3 p1")
    assert notation(D2L, params="=61706").startswith("1x28x28 | conv 6 k5 p2 relu, maxpool 2")
    assert notation(D2L, params="=61,706") == notation(D2L, params="= 61706")
    assert deduce(D2L, params=61_600).parameters == 61_562
    assert deduce(D2L, params=61_610).parameters <= 61_610
    assert notation(D2L, params=10**9) == notation(D2L)
    assert "by itself a convolution 3x3" in str(deduce(D2L, params="=61706"))


def test_params_are_read_as_budgets_are() -> None:
    found = deduce(D2L, params="61.6k")
    assert found.parameters == 61_562
    assert deduce(D2L, params="<=61.6K").network == deduce(D2L, params=61_600).network
    assert deduce(PAPER, params="1M").parameters == 61_706
    assert deduce(PAPER, params="=61_706").parameters == 61_706
    assert found.combinations is None


def test_combinations_are_counted() -> None:
    found = deduce(D2L, params="=61706")
    costs = [[count_step(step, candidate) for candidate in step.candidates] for step in found.steps]
    assert found.combinations == sum(sum(some) == 61_706 for some in product(*costs))
    assert f"{found.combinations:,} combinations have exactly so many" in str(found)
    assert found.to_dict()["combinations"] == found.combinations
    one = deduce("10 -> 2", params="=22")
    assert one.combinations == 1
    assert "1 combination has exactly so many: this one." in str(one)
    # More sums than can be kept: it is not said how many.
    many = " -> ".join(f"{n}@32x32" for n in range(8, 60))
    assert deduce(many, params=f"={deduce(many).parameters}").combinations is None


def count_step(step: Step, candidate: Candidate) -> int:
    layer = candidate.layer(step.target.shape[0], "identity")
    tensors = layer.tensors(step.source.shape) if layer else ()
    return sum(tensor.size for tensor in tensors)


def test_a_vector_of_as_many_numbers_is_the_map_laid_flat() -> None:
    found = deduce(KERAS)
    flat = found.steps[4]
    assert (flat.name, flat.layer, flat.chosen.describe()) == ("flatten0", None, "laid flat")
    assert [step.name for step in found.steps[5:]] == ["dense0"]
    assert found.parameters == 34_826
    text = " ".join(str(found).split())
    assert "64@5x5 has 1,600 numbers: it is laid flat." in text
    assert 'a dense layer of 1,600 units, 2,561,600 parameters (--given "flatten0 dense")' in text
    # It is a candidate, and so are the dense layer and the convolution.
    assert {candidate.kind for candidate in flat.candidates} == {"flatten", "dense", "conv"}
    dense = deduce(KERAS, given="flatten0 dense")
    assert str(dense.network).endswith("| dense 1600 relu, dense 10")
    assert deduce(KERAS, params="=2596426").network == dense.network
    assert deduce(KERAS, params="=34826").network == found.network
    assert deduce(KERAS.replace("1600", "fc 1600")).network == dense.network
    assert notation("5x5x64 -> fc 1600 -> 10", given="dense0 flatten") == "64x5x5 | dense 10"


@pytest.mark.parametrize("word", ["flatten ->", "Flatten: ->", "flatten", "flat", "reshape ->"])
def test_the_word_flatten_settles_it(word: str) -> None:
    assert notation(f"5x5x64 -> {word} 1600 -> 10") == "64x5x5 | dense 10"
    assert notation(f"5x5x64 -> {word} 1600 -> 1600 -> 10") == "64x5x5 | dense 1600 relu, dense 10"


def test_words_that_stand_alone_change_no_shape() -> None:
    words = "28x28x1 -> conv 26x26x32 -> ReLU -> 13x13x32 -> Dropout -> Flatten -> 10 -> softmax"
    assert notation(words) == "1x28x28 | conv 32 k3 relu, maxpool 2 | dense 10"
    found = deduce("1x28x28 -> 8x26x26 -> relu 8x26x26 -> dropout: 8x26x26 -> 10 -> softmax 10")
    assert str(found.network) == "1x28x28 | conv 8 k3 relu | dense 10"
    assert "relu, dropout and softmax change no shape and are left out." in found.figure.notes


def test_flatten_alone_is_no_shape_of_its_own() -> None:
    assert notation("5x5x64 -> flatten -> 120 -> 10") == "64x5x5 | dense 120 relu, dense 10"
    assert notation("5x5x64 -> 120 -> 10 -> flatten") == "64x5x5 | dense 120 relu, dense 10"
    assert notation("16@5x5 -> 400") == "16x5x5 | dense 400"  # else there would be no layer
    assert notation("512@7x7 -> 512@1x1 -> 512") == "512x7x7 | avgpool 7"


def test_global_average_pooling() -> None:
    found = deduce("5x5x64 -> 64 -> 10")
    assert str(found.network) == "64x5x5 | avgpool 5 | dense 10"
    assert "pool0: 64@5x5 -> 64, global average pooling" in str(found)
    assert 'pool0 maxpool" for the' in str(found)
    assert found.parameters == 650
    assert notation("3@8x6 -> 3") == "3x8x6 | avgpool 8x6"
    for known, network in {
        "pool0 dense": "64x5x5 | dense 64 relu, dense 10",
        "pool0 maxpool": "64x5x5 | maxpool 5 | dense 10",
        "pool0 conv": "64x5x5 | conv 64 k5 relu | dense 10",
    }.items():
        assert notation("5x5x64 -> 64 -> 10", given=known) == network
    assert notation("64@5x5 -> fc1: 64 -> 10") == "64x5x5 | dense 64 relu, dense 10"
    assert "maximum from the mean" not in str(deduce("7x7x9 -> GlobalMaxPooling2D 9"))
    assert notation("7x7x9 -> GlobalMaxPooling2D 9") == "9x7x7 | maxpool 7"
    assert deduce("5x5x64 -> 64 -> 10", params="=103114").parameters == 103_114


def test_groups_that_are_given() -> None:
    found = deduce("96@27x27 -> 256@27x27", given="conv0 k5 g2")
    assert str(found.network) == "96x27x27 | conv 256 k5 p2 g2 relu"
    assert found.parameters == 256 * 48 * 25 + 256
    assert deduce("8@9x9 -> 8@9x9", given="conv0 g8").network.layers[0] == Conv2d(
        8, 3, padding=1, activation="relu", groups=8
    )


def test_an_exact_window_comes_before_an_odd_one() -> None:
    assert notation("84x84x4 -> 20x20x32") == "4x84x84 | conv 32 k8 s4 relu"
    assert notation("20x20x32 -> 9x9x64") == "32x20x20 | conv 64 k4 s2 relu"
    # Unless the odd one is another layer's, too.
    assert notation("3@66x200 -> 24@31x98") == "3x66x200 | conv 24 k6 s2 relu"
    assert notation("3@66x200 -> 24@31x98 -> 36@14x47") == (
        "3x66x200 | conv 24 k5 s2 relu, conv 36 k5 s2 relu"
    )


@pytest.mark.parametrize(("size", "kernel"), [(24, 8), (23, 7)])
def test_a_pooling_that_overlaps_by_five_is_less_likely(size: int, kernel: int) -> None:
    best, *others = deduce(f"16@{size}x{size} -> 16@9x9").steps[0].candidates
    assert (best.kind, best.window[0]) == ("conv", f"{kernel}x{kernel}")
    assert next(other for other in others if other.kind == "pool").score < best.score
    assert notation("16@13x13 -> 16@6x6") == "16x13x13 | maxpool 3 s2"


def test_same_padding_is_recognised() -> None:
    figure = "28x28x1 -> 14x14x32 -> 7x7x64 -> 4x4x128 -> 2048 -> 10"
    assert notation(figure) == (
        "1x28x28 | conv 32 k3 s2 p0.1.0.1 relu, conv 64 k3 s2 p0.1.0.1 relu, "
        "conv 128 k3 s2 p1 relu | dense 10"
    )
    assert 'padding "SAME"' in " ".join(str(deduce(figure)).split())
    # PyTorch, which has its channels first, pads alike on both sides.
    first = "1x28x28 -> 32x14x14 -> 64x7x7 -> 128x4x4 -> 2048 -> 10"
    assert notation(first) == (
        "1x28x28 | conv 32 k3 s2 p1 relu, conv 64 k3 s2 p1 relu, conv 128 k3 s2 p1 relu | dense 10"
    )
    assert 'padding "SAME"' in " ".join(str(deduce(first)).split())
    pools = "25x25x1 -> 25x25x8 -> 13x13x8 -> 13x13x16 -> 7x7x16 -> 4x4x16 -> 10"
    assert notation(pools) == (
        "1x25x25 | conv 8 k3 p1 relu, maxpool 2 p0.1.0.1 "
        "| conv 16 k3 p1 relu, maxpool 2 p0.1.0.1, maxpool 2 p0.1.0.1 | dense 10"
    )
    for other in (PAPER, D2L, KERAS, "8@28x28 -> 8@14x14 -> 8@7x7", "3@32x32 -> 8@32x32"):
        assert "SAME" not in str(deduce(other))


def test_a_long_window_of_channels_last_may_be_meant() -> None:
    assert notation("28@28x1 -> 8@26x1 -> 10").startswith("28@28x1 | conv 8")
    assert notation("480x640x3 -> 10") == "3x480x640 | dense 10"


def test_what_was_not_all_tried_is_not_denied() -> None:
    # Costs are multiples of 8: a sum of exactly 200,000 may exist, and not all can be looked at.
    figure = " -> ".join(["8@32x32"] * 1000)
    with pytest.raises(UsageError, match="exactly 200,001") as e:
        deduce(figure, params="=200001")
    assert len(str(e.value)) < 120  # the network of 999 layers is not in it
    with refused(UsageError, "exactly 1,000"):
        deduce(" -> ".join(f"{n}@32x32" for n in range(8, 500)), params="=1000")


@settings(deadline=None, max_examples=30)
# Normalised convolutions and those in groups are combined only where they are given.
@given(networks(size=16, padding=1, maps=3, batch_norm=0.0, groups=0.0))
def test_a_networks_parameters_are_met(network: Network) -> None:
    if not all(_is_usual(placed.layer) for placed in network.placed):
        return
    wanted = count_network(network).parameters
    figure = figure_of(network)
    try:
        assert deduce(figure, params=f"={wanted}").parameters == wanted
    except UsageError:  # kernels that are not square are not combined on square maps
        assert any(
            not isinstance(layer, Dense) and layer.kernel_size[0] != layer.kernel_size[1]
            for layer in network.layers
        )
    with suppress(UsageError):
        assert deduce(figure, params=wanted).parameters <= wanted


def test_large_figures() -> None:
    assert deduce(VGG_11, params="=132863336").network == deduce(VGG_11).network
    assert deduce("6@100000x100000 -> 7@3x99999 -> 7@1x1 -> 2").network.placed


TEXTS = st.text(max_size=60) | st.lists(
    st.sampled_from(["->", ",", "\n", "@", "x", "6", "28", "1@", "32x32", "6@28x28", "28x28x6",
                     "C1:", "10", "0", "99999999", " ", "→", "·", "k5", "p1.2.3.4", "(", ")",
                     "[", "]", "(None, 28, 28, 1)", "torch.Size([1, 6, 24, 24])", "[6, 24, 24]",
                     "(1, 10)", "flatten", "relu", "pool", "fc", "784", "Output Shape Param #\n",
                     "├─", "320"])
    | st.integers(0, 40).map(str),
    max_size=14,
).map("".join)  # fmt: skip


@settings(deadline=None, max_examples=300)
@given(TEXTS, TEXTS, st.none() | TEXTS)
def test_any_text_gives_a_deduction_or_one_sentence(
    figure: str, known: str, params: str | None
) -> None:
    for options in ({}, {"given": f"conv0 {known}"}, {"given": known}, {"params": params}):
        with suppress(LenetError):
            found = deduce(figure, **options)  # type: ignore[arg-type]
            assert str(found)
            assert found.network.placed


def test_as_json() -> None:
    values = deduce(PAPER, given="conv0 k5").to_dict()
    assert json.loads(json.dumps(values)) == values
    assert values["figure"][0] == [1, 32, 32]
    assert parse_network(values["network"]) == deduce(PAPER).network
    first = values["steps"][0]
    assert (first["name"], first["given"], first["chosen"]) == ("conv0", "conv0 k5", 0)
    best = first["candidates"][0]
    assert best["kernel_size"] == [5, 5]
    assert best["padding"] == [0, 0, 0, 0]
    assert best["score"] == sum(reason["points"] for reason in best["reasons"])


def test_the_page_explains_every_key() -> None:
    page = read_page("deduce.md")
    values = deduce(PAPER).to_dict()
    step = values["steps"][0]
    candidate = step["candidates"][0]
    for key in [*values, *step, *step["windows"], *candidate, *candidate["reasons"][0]]:
        assert f"`{key}`" in page, key


def test_other_formats() -> None:
    found = deduce(PAPER)
    html = render(found, "html")
    assert found._repr_html_() in html
    assert "<h3>conv0: 1@32x32 -&gt; 6@28x28, convolution 5x5" in html
    assert json.loads(render(found, "json")) == found.to_dict()


@pytest.mark.parametrize(
    "word", ["global average pooling", "GAP", "GlobalAveragePooling2D", "global_avg_pool:"]
)
@pytest.mark.parametrize("after", ["", " -> 32", " -> 32@1x1", " -> dense"])
def test_a_global_pooling_that_stands_alone_gives_a_number_for_each_map(
    word: str, after: str
) -> None:
    wanted = "16x8x8 | conv 32 k3 p1 relu, avgpool 8 | dense 10"
    for maps in ("16@8x8 -> 32@8x8", "8x8x16 -> 8x8x32"):
        assert notation(f"{maps} -> {word}{after} -> 10") == wanted
    assert notation("32@8x8 -> global max pooling -> 10") == "32x8x8 | maxpool 8 | dense 10"
    assert notation(f"32@8x8 -> {word}") == "32x8x8 | avgpool 8"


def test_the_kind_of_a_layer_may_stand_alone_before_its_shape() -> None:
    words = "28x28 -> Conv2D -> 6@24x24 -> max pool -> 6@12x12 -> flatten -> dense -> ReLU -> 10"
    assert notation(words) == "1x28x28 | conv 6 k5 relu, maxpool 2 | dense 10"
    assert notation("1@28x28 -> average pooling -> 1@14x14") == "1x28x28 | avgpool 2"
    assert notation("6@24x24 -> conv: -> 6@12x12") == "6x24x24 | conv 6 k3 s2 p1 relu"


@pytest.mark.parametrize(
    ("figure", "words"),
    [
        ("28x28 -> conv -> pool -> 6@12x12", ["conv", "pool", "write", "6@28x28"]),
        ("28x28 -> 6@24x24 -> dense", ["dense", "write"]),
        ("GAP -> 28x28 -> 10", ["GAP", "feature maps"]),
        ("28x28 -> 120 -> GAP -> 10", ["GAP", "feature maps"]),
    ],
)
def test_a_layer_without_a_shape_is_refused(figure: str, words: list[str]) -> None:
    with refused(NotationError, *words):
        deduce(figure)


def test_a_word_in_brackets_after_a_shape_names_it() -> None:
    words = "28x28x1 -> 26x26x32 (conv) -> 13x13x32 (max pooling) -> 5408 (flatten) -> 10 (softmax)"
    assert notation(words) == "1x28x28 | conv 32 k3 relu, maxpool 2 | dense 10"
    assert notation("28x28 -> [6, 24, 24] (conv) -> 10") == "1x28x28 | conv 6 k5 relu | dense 10"
    with refused(NotationError, "(what it is)"):
        deduce("28x28 -> (what it is) -> 10")
