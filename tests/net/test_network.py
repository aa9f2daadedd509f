"""Networks: blocks, names, repetition, and what is refused."""

import pickle

import pytest

import lenet
from lenet.errors import ShapeError, UsageError
from lenet.net import Block, Conv2d, Dense, MaxPool2d, Network, from_json, to_json, zoo
from lenet.net import network as network_module
from refusals import refused


def test_layers_are_named_as_in_the_seed() -> None:
    names = [placed.name for placed in zoo.lenet().placed]
    assert names == ["conv0", "pool0", "conv1", "pool1", "dense0", "dense1", "dense2"]


def test_plain_layers_are_grouped_into_blocks() -> None:
    lenet = zoo.lenet()
    assert Network((1, 28, 28), lenet.layers) == lenet
    assert [len(block.layers) for block in lenet.blocks] == [2, 2, 3]


def test_a_block_may_be_given_as_a_list() -> None:
    assert Block([Dense(10)]) == Block((Dense(10),))
    assert hash(Block([Dense(10)])) == hash(Block((Dense(10),)))


def test_a_repeated_block_is_recognised_whatever_its_channels() -> None:
    assert [zoo.lenet().first_like(i) for i in range(3)] == [None, 0, None]
    assert [zoo.lenet_d2l().first_like(i) for i in range(3)] == [None, None, None]
    again = Network((1, 64, 64), [Conv2d(n, 3) if n else MaxPool2d(2) for n in (4, 0, 8, 0, 9, 0)])
    assert [again.first_like(i) for i in range(3)] == [None, 0, 0]
    assert again.blocks[2].repeats(again.blocks[0])


def test_repetition_is_found_in_one_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each block is looked at once, however many there are; pairs of them would be 8 million."""
    looked_at = []
    without_widths = network_module._without_widths
    monkeypatch.setattr(
        network_module, "_without_widths", lambda b: looked_at.append(b) or without_widths(b)
    )
    network = Network((1, 8, 8), [Block([Conv2d(i + 1, 1), Conv2d(1, 1)]) for i in range(4000)])
    assert network.first_like(3999) == 0
    assert network.first_like(2000) == 0
    assert len(looked_at) == 4000


def test_a_network_that_does_not_fit_can_be_described_but_not_placed() -> None:
    network = Network((1, 4, 4), [Conv2d(1, 5), Dense(10)])
    with refused(ShapeError, "conv0"):
        _ = network.output_shape


@pytest.mark.parametrize(
    "shape",
    [
        (28, 28),
        (1, 28, 28, 1),
        (0, 28, 28),
        (True, 28, 28),
        (1, 2.0, 3),
        (1, 1, 10**8),
        28,
        None,
        "1x28x28",
    ],
)
def test_an_impossible_input_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match=r"\(channels, height, width"):
        Network(shape, [Dense(1)])


def test_impossible_blocks_are_refused() -> None:
    with refused(UsageError, "has no layers"):
        Network((1, 1, 1), [])
    with refused(UsageError, "has no layers"):
        Block(())
    with refused(UsageError, "mixed"):
        Network((1, 1, 1), [Dense(1), Block([Dense(1)])])
    with refused(UsageError, "'dense 10' is no layer"):
        Network((1, 1, 1), ["dense 10"])  # type: ignore[list-item]
    with refused(UsageError, "give a list"):
        Network((1, 1, 1), Dense(1))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"10,001 layers.*10,000"):
        Network((1, 1, 1), [Dense(1)] * 10_001)


def test_short_hands_are_the_public_functions():
    network = lenet.zoo.lenet()
    assert str(network.explain(batch=2)) == str(lenet.explain(network, batch=2))
    assert network.draw().svg == lenet.draw(network).svg
    assert network.draw(style="graph", theme="dark") == lenet.draw(
        network, style="graph", theme="dark"
    )


def test_a_notebook_shows_the_figure_and_the_explanation():
    network = lenet.zoo.lenet()
    parts = lenet.draw(network)._repr_html_(), lenet.explain(network)._repr_html_()
    assert network._repr_html_() == "\n".join(parts)
    deep = Network((1, 1, 1), [Dense(1)] * 41)  # its figure would be larger than a page
    assert deep._repr_html_() == lenet.explain(deep)._repr_html_()
    misfit = lenet.parse("1x4x4 | conv 2 k5 | dense 3")
    assert misfit._repr_html_() == lenet.diagnose(misfit)._repr_html_()


def test_the_prompt_shows_the_notation():
    assert repr(lenet.parse("1x4x4 | dense 3")) == "<Network 1x4x4 | dense 3>"
    assert repr(lenet.zoo.lenet().blocks[0]) == "<Block conv 6 k5 sigmoid, maxpool 2>"
    long = repr(Network((1, 1, 1), [Dense(1)] * 10_000))
    assert long.startswith("<Network 1x1x1 | dense 1, dense 1")
    assert " ... " in long
    assert len(long) < 400


MEANT = "1x28x28 | conv 6 k5, maxpool 2 | dense 10"


@pytest.mark.parametrize("text", ["28x28x1", "28x28x1 ", "28X28X1"])
def test_channels_last_are_refused_with_what_is_meant(text: str) -> None:
    network = lenet.parse(f"{text} | conv 6 k5, maxpool 2 | dense 10")
    for use in (lenet.explain, lenet.draw, lenet.balance, lenet.Model):
        with refused(ShapeError, "28x28x1 has its channels last", "did you mean 1x28x28?", "28@28"):
            use(network)
    found = lenet.diagnose(network)
    assert (found.layer, found.fits) == ("input", False)
    assert str(found.fixes[0].network) == MEANT
    assert found.fixes[0].network.placed
    # 28 channels of 28x1 may be meant: it is said how to write them, and tried.
    assert str(found.fixes[1].network).startswith("28@28x1 | ")
    with refused(UsageError, "did you mean 1x28x28?"):
        lenet.explain("lenet", input_shape=(28, 28, 1))
    with refused(UsageError, "did you mean 1x28x28?"):
        lenet.diagnose("lenet", input_shape=text)


def test_channels_last_where_they_would_fit_are_refused_too() -> None:
    for first in ("28x28x1", "32x32x3", "480x640x3", "66x200x3"):
        network = lenet.parse(f"{first} | conv 6 k3 p1 | dense 10")
        with refused(ShapeError, f"{first} has its channels last"):
            _ = network.output_shape
        assert len(lenet.diagnose(network).fixes) == 2
    with refused(ShapeError, "did you mean 1x28x28?"):
        _ = Network((28, 28, 1), [Dense(10)]).placed
    with refused(UsageError, "did you mean 3x1000x1000?"):
        lenet.dense_versus_conv((1000, 1000, 3))


def test_an_at_sign_says_which_are_the_channels() -> None:
    network = lenet.parse("28@28x1 | conv 6 k3x1 | dense 10")
    assert network.input_shape == (28, 28, 1)
    assert network.output_shape == (10,)
    again = [
        lenet.parse(str(network)),
        from_json(to_json(network)),
        pickle.loads(pickle.dumps(network)),
    ]
    for other in (*again, lenet.net.rebuilt(network, {1: (Dense(3),)})):
        assert other.input_shape == network.input_shape
        assert other.placed
    assert again == [network] * 3
    doubtful = lenet.parse("28x28x1 | conv 6 k3x1 | dense 10")
    assert str(from_json(to_json(doubtful))) == str(doubtful) == str(lenet.parse(str(doubtful)))
    assert lenet.explain("lenet", input_shape="28@28x28").network.input_shape == (28, 28, 28)
    for text in ("1@28x28", "28x28", "28x28@1"):
        assert lenet.parse(f"{text} | dense 10") == lenet.parse("1x28x28 | dense 10")


def test_weights_are_not_laid_on_channels_last() -> None:
    with refused(ShapeError, "did you mean 3x32x32?"):
        lenet.reconcile("32x32x3 | conv 6 k5 | dense 10", {"conv.weight": (6, 3, 5, 5)})
