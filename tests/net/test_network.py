"""Networks: blocks, names, repetition, and what is refused."""

import pytest

import lenet
from lenet.errors import ShapeError, UsageError
from lenet.net import Block, Conv2d, Dense, MaxPool2d, Network, zoo
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
    assert network._repr_html_() == lenet.explain(network)._repr_html_()
