"""Networks known by name: where each comes from and what it is for.

``get("lenet-60")`` and ``lenet_60()`` are the same network.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from lenet.net.network import Network
from lenet.net.notation import parse_network
from lenet.net.words import check_choice


def lenet() -> Network:
    """LeNet as the books teach it on 28x28 images; 44,426 parameters.

    After LeCun et al. 1998, in the form of the first edition of "Dive into Deep Learning": no
    padding, max pooling, and sigmoid as it was done then. Two blocks of a convolution and a
    pooling, the second like the first with more channels, then one block of dense layers.
    """
    return parse_network(
        "1x28x28 | conv 6 k5 sigmoid, maxpool 2 | conv 16 k5 sigmoid, maxpool 2"
        "| dense 120 sigmoid, dense 84 sigmoid, dense 10"
    )


def lenet_60() -> Network:
    """:func:`lenet` with one hidden dense layer of 60 units; 18,602 parameters.

    Tuned by hand on Fashion-MNIST: leaving the layer of 120 units out helps at once, the width of
    the last hidden layer matters, and 60 does well.
    """
    return parse_network(
        "1x28x28 | conv 6 k5 sigmoid, maxpool 2 | conv 16 k5 sigmoid, maxpool 2"
        "| dense 60 sigmoid, dense 10"
    )


def lenet_d2l() -> Network:
    """LeNet of today's "Dive into Deep Learning"; 61,706 parameters.

    Padding 2 makes the 28x28 images behave as the 32x32 ones of LeCun et al. 1998, so that its
    feature maps have the paper's sizes, and the pooling averages as there.
    """
    return parse_network(
        "1x28x28 | conv 6 k5 p2 sigmoid, avgpool 2 | conv 16 k5 sigmoid, avgpool 2"
        "| dense 120 sigmoid, dense 84 sigmoid, dense 10"
    )


def lenet_relu() -> Network:
    """:func:`lenet` as one would train it today, with ReLU for sigmoid; 44,426 parameters.

    ReLU does not saturate for positive values, so gradients reach the first layers.
    """
    return parse_network(
        "1x28x28 | conv 6 k5 relu, maxpool 2 | conv 16 k5 relu, maxpool 2"
        "| dense 120 relu, dense 84 relu, dense 10"
    )


def lenet_5() -> Network:
    """LeNet-5 as LeCun et al. 1998 describe it, to the letter; 60,000 parameters.

    C1, S2, C3, S4, C5, F6 and OUTPUT: subsampling that is trained, a second convolution whose
    channels see some of the maps alone, and an output that measures the distance to figures of the
    digits. Images of 28x28 stand in the middle of its 32x32.
    """
    return parse_network(
        """
        1x32x32
        | conv 6 k5 scaled-tanh, subsample 2 scaled-tanh
        | conv 16 k5 table:lenet-5 scaled-tanh, subsample 2 scaled-tanh
        | conv 120 k5 scaled-tanh
        | dense 84 scaled-tanh, rbf 10
        """
    )


def lenet_1() -> Network:
    """The network of LeCun et al. 1990, called LeNet-1 in 1998; 2,578 parameters.

    Four and twelve maps, subsampling that is trained, and a dense layer of ten units. It saw digits
    of 16x16 in the middle of 28x28.
    """
    return parse_network(
        """
        1x28x28
        | conv 4 k5 scaled-tanh, subsample 2 scaled-tanh
        | conv 12 k5 table:lenet-1 scaled-tanh, subsample 2 scaled-tanh
        | dense 10
        """
    )


def lenet_4() -> Network:
    """LeNet-4 by the words of LeCun et al. 1998; 50,290 parameters.

    Four and sixteen maps, of which the second see two of the first each, a layer of 120 units and
    ten outputs. The paper says about 17,000 parameters, which does not follow from its words.
    """
    return parse_network(
        """
        1x32x32
        | conv 4 k5 scaled-tanh, subsample 2 scaled-tanh
        | conv 16 k5 table:lenet-4 scaled-tanh, subsample 2 scaled-tanh
        | dense 120 scaled-tanh, dense 10
        """
    )


def compact() -> Network:
    """A normalised network of 3x3 kernels as one would build it today; 58,074 parameters.

    Two convolutions a size as in VGG (Simonyan and Zisserman 2015), every one normalised (Ioffe and
    Szegedy 2015), and the mean of each last map in place of wide dense layers (Lin, Chen and Yan
    2014): about as many parameters as LeNet, and 24 times its multiplications.
    """
    return parse_network(
        """
        1x28x28
        | conv 16 k3 p1 batchnorm relu, conv 16 k3 p1 batchnorm relu, maxpool 2
        | conv 32 k3 p1 batchnorm relu, conv 32 k3 p1 batchnorm relu, maxpool 2
        | conv 64 k3 p1 batchnorm relu, conv 64 k1 batchnorm relu, conv 32 k3 p1 batchnorm relu,
          avgpool 7
        | dense 10
        """
    )


def tiny() -> Network:
    """:func:`compact` with fewer channels, for 40 kB of memory; 9,042 parameters."""
    return parse_network(
        """
        1x28x28
        | conv  8 k3 p1 batchnorm relu, conv  8 k3 p1 batchnorm relu, maxpool 2
        | conv 16 k3 p1 batchnorm relu, conv 16 k3 p1 batchnorm relu, maxpool 2
        | conv 16 k3 p1 batchnorm relu, conv 16 k3 p1 batchnorm relu, avgpool 7
        | dense 10
        """
    )


_ZOO: Final[dict[str, Callable[[], Network]]] = {
    make.__name__.replace("_", "-"): make
    for make in (lenet, lenet_60, lenet_d2l, lenet_relu, lenet_5, lenet_4, lenet_1, compact, tiny)
}


def names() -> tuple[str, ...]:
    """Return the names that :func:`get` knows."""
    return tuple(_ZOO)


def get(name: str) -> Network:
    """Return the network called ``name``; a UsageError lists the names there are."""
    check_choice(name, _ZOO, "the network")
    return _ZOO[name]()
