"""Which convolutions of a weights file are normalised over the batch?

A normalisation is known by its running mean and variance, as PyTorch (``bn1.running_mean``,
``bn1.running_var``) or this package (``conv0.mean``, ``conv0.variance``) names them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from lenet.analysis.diagnosis.adapt import Tensor
from lenet.net.words import natural

#: The last words of the names: mean, variance, and what else belongs to the normalisation.
_SPELLINGS: Final = (
    ("running_mean", "running_var", ("weight", "bias", "num_batches_tracked")),
    ("mean", "variance", ("scale",)),
)


@dataclass(frozen=True)
class FileNorm:
    """A batch normalisation in a file: its channels, and the names of all its tensors."""

    prefix: str  # bn1
    channels: int
    names: tuple[str, ...]


def norms_of(convs: Sequence[Tensor], tensors: Sequence[Tensor]) -> dict[str, FileNorm]:
    """The normalisation that follows each weight of a convolution, by the weight's name.

    Found by names where these tell; else in order, each behind a convolution of as many channels,
    first among those without a bias, for it would be of no use.

    Args:
        convs: the convolutions' weights in the order of their layers.
        tensors: everything in the file.
    """
    norms = sorted(_norms(tensors), key=lambda norm: natural(norm.prefix))
    every = {tensor.name for tensor in tensors}
    biasless = [conv for conv in convs if _name(_prefix(conv.name), "bias") not in every]
    choices = (
        {c.name: n for c in convs for n in norms if _fits(c, n) and _prefix(c.name) == n.prefix},
        _followers(convs, norms),
        _in_order(biasless, norms),
        _in_order(convs, norms),
    )
    return max(choices, key=len)


def _norms(tensors: Iterable[Tensor]) -> Iterator[FileNorm]:
    shapes = {tensor.name: tensor.shape for tensor in tensors}
    for name, shape in shapes.items():
        for mean, variance, others in _SPELLINGS:
            prefix = _prefix(name)
            partner = _name(prefix, variance)
            if name == _name(prefix, mean) and len(shape) == 1 and shapes.get(partner) == shape:
                more = (_name(prefix, word) for word in others)
                names = (name, partner, *(one for one in more if one in shapes))
                yield FileNorm(prefix, shape[0], names)


def _prefix(name: str) -> str:
    return name.rpartition(".")[0]


def _name(prefix: str, word: str) -> str:
    return f"{prefix}.{word}" if prefix else word


def _fits(conv: Tensor, norm: FileNorm) -> bool:
    return conv.shape[0] == norm.channels


def _followers(convs: Sequence[Tensor], norms: Sequence[FileNorm]) -> dict[str, FileNorm]:
    """As in an ``nn.Sequential``: ``0.weight`` and ``1.running_mean``."""
    members: list[tuple[str, Tensor | FileNorm]] = [(_prefix(conv.name), conv) for conv in convs]
    members += [(norm.prefix, norm) for norm in norms]
    members.sort(key=lambda member: natural(member[0]))
    return {
        conv.name: norm
        for (_, conv), (_, norm) in pairwise(members)
        if isinstance(conv, Tensor) and isinstance(norm, FileNorm) and _fits(conv, norm)
    }


def _in_order(convs: Iterable[Tensor], norms: Iterable[FileNorm]) -> dict[str, FileNorm]:
    """Each normalisation behind the next convolution that has its channels."""
    found = {}
    left = iter(convs)
    for norm in norms:
        conv = next((conv for conv in left if _fits(conv, norm)), None)
        if conv:
            found[conv.name] = norm
    return found
