"""Which images are to test on: splits that are the same on every machine, and folds.

Pictures of one's own are split by their content (:func:`split_by_content`): the same images have
the same split, whatever the files are called, and a copy is on the same side. Where images are in
groups, such as the frames of one film, a whole group is on one side. Data sets that never change
are split by their labels (:func:`split_by_label`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from lenet.data.dataset import Digests, Labels
from lenet.randomness import SPLIT, hash_index, stream_key

TEST_SHARE: Final = 0.2
#: Of remainders that are compared: what floats make of equal ones does not tell them apart.
_DIGITS: Final = 9


def units_of(digests: Digests, groups: Sequence[str] | None = None) -> Digests:
    """Return for each image the number of what stays together: its copies, its group, or both.

    Without groups that is its digest. Groups that have copies of one image are one; an image whose
    group is empty stays with its copies alone.
    """
    if groups is None:
        return digests
    _, kind_of = np.unique(digests, return_inverse=True)
    own: dict[str | int, int] = {}  # a number for each group, or digest without one
    names = (group or digest for group, digest in zip(groups, digests.tolist(), strict=True))
    codes = np.fromiter((own.setdefault(name, len(own)) for name in names), np.int64, len(groups))
    numbers = [name if isinstance(name, int) else _hash(name) for name in own]
    parents = list(range(len(own)))

    def root(code: int) -> int:
        while parents[code] != code:
            parents[code] = code = parents[parents[code]]
        return code

    pairs = np.unique(kind_of * len(own) + codes)  # by digest, then by group
    same, members = np.divmod(pairs, len(own))
    for place in (np.flatnonzero(np.diff(same) == 0)).tolist():
        one, other = (root(members[at]) for at in (place, place + 1))
        low, high = sorted((one, other), key=numbers.__getitem__)
        parents[high] = low
    found = np.array([numbers[root(code)] for code in range(len(own))], np.uint64)
    return found[codes]


def _hash(text: str) -> int:
    return int.from_bytes(
        hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=8).digest(), "little"
    )


@dataclass(frozen=True, eq=False)
class _Units:
    """Images that stay together, in the order in which they are chosen, and their classes.

    A pair is a unit and a class that it has images of.
    """

    of_image: npt.NDArray[np.intp]  # (N,) the unit of each image
    units: npt.NDArray[np.int64]  # (P,) the unit of each pair, in order
    members: npt.NDArray[np.int64]  # (P,) its class
    sizes: npt.NDArray[np.int64]  # (P,) how many images it has

    @classmethod
    def of(cls, numbers: Digests, labels: Labels, seed: int) -> _Units:
        """Seed 0 takes units in the order of their numbers; every other one mixes them."""
        keys = hash_index(numbers, stream_key(seed, SPLIT)) if seed else numbers
        _, of_image = np.unique(keys, return_inverse=True)
        classes, class_of = np.unique(labels, return_inverse=True)
        pairs, sizes = np.unique(of_image * len(classes) + class_of, return_counts=True)
        return cls(of_image, *np.divmod(pairs, len(classes)), sizes)

    def __len__(self) -> int:
        return int(self.units[-1]) + 1

    def ranges(self) -> list[tuple[int, int]]:
        """Return for each unit where its pairs begin and end."""
        starts = np.flatnonzero(np.diff(self.units, prepend=-1)).tolist()
        return list(pairwise([*starts, len(self.units)]))

    def of_class(self) -> npt.NDArray[np.int64]:
        """Return how many images each class has."""
        return np.bincount(self.members, self.sizes).astype(np.int64)


def split_by_content(
    digests: Digests,
    labels: Labels,
    groups: Sequence[str] | None = None,
    *,
    share: float = TEST_SHARE,
    seed: int = 0,
) -> npt.NDArray[np.bool_]:
    """Return (N,) bool, the images to test on: of each class a fifth, those of the lowest hashes.

    Equal images stay together, also where they are in two classes. Groups of them that are too
    large for what a class still has to give are passed over, so that no class gives much more than
    a fifth. A class of two or more different images has at least one on each side; a class of
    copies of one image has them all to train on.

    Where ``groups`` name what else stays together, a group takes the place of an image. Of those
    that were passed over, some are then taken that bring the classes nearer to a fifth. Another
    ``seed`` draws another split.
    """
    found = _Units.of(units_of(digests, groups), labels, seed)
    missing = _shares(found, share)
    chosen = np.zeros(len(found), np.bool_)
    places, counts, ranges = found.members.tolist(), found.sizes.tolist(), found.ranges()
    for unit, (start, end) in enumerate(ranges):
        if all(counts[i] <= missing[places[i]] for i in range(start, end)):
            chosen[unit] = True
            for i in range(start, end):
                missing[places[i]] -= counts[i]
    if groups is not None:
        _come_near(chosen, found, missing)
    for place in np.setdiff1d(np.unique(found.members), found.members[chosen[found.units]]):
        _choose_one(chosen, found, int(place))
    return np.asarray(chosen[found.of_image])


def _shares(found: _Units, share: float) -> list[int]:
    """Return how many images each class gives to test on; largest remainders round up."""
    totals = found.of_class()
    totals[np.bincount(found.members) < 2] = 0  # copies of one image, or a single group
    exact = totals * share
    counts = np.floor(np.round(exact, _DIGITS)).astype(np.int64)
    more = round(totals.sum() * share) - counts.sum()
    remainders = np.round(exact - counts, _DIGITS)
    counts[np.argsort(-remainders, kind="stable")[:more]] += 1
    shares: list[int] = np.where(totals, np.maximum(counts, 1), 0).tolist()
    return shares


def _come_near(chosen: npt.NDArray[np.bool_], found: _Units, missing: list[int]) -> None:
    """Choose more units, where the squares of what classes lack or have too much become less."""
    left = found.of_class()
    np.subtract.at(left, found.members, found.sizes * chosen[found.units])
    rest: list[int] = left.tolist()
    places, counts = found.members.tolist(), found.sizes.tolist()
    for unit, (start, end) in enumerate(found.ranges()):
        pairs = [(places[i], counts[i]) for i in range(start, end)]
        gain = sum(count * (2 * missing[place] - count) for place, count in pairs)
        if chosen[unit] or gain <= 0 or any(count >= rest[place] for place, count in pairs):
            continue
        chosen[unit] = True
        for place, count in pairs:
            missing[place] -= count
            rest[place] -= count


def _choose_one(chosen: npt.NDArray[np.bool_], found: _Units, place: int) -> None:
    """Choose the smallest unit of a class that has none, if that leaves every class some."""
    members, units = found.members, found.units
    own = np.flatnonzero(members == place)
    for index in own[np.argsort(found.sizes[own], kind="stable")].tolist():
        chosen[units[index]] = True
        if len(np.unique(members[~chosen[units]])) == len(np.unique(members)):
            return
        chosen[units[index]] = False


def fold_by_content(
    digests: Digests,
    labels: Labels,
    folds: int,
    groups: Sequence[str] | None = None,
    *,
    seed: int = 0,
) -> npt.NDArray[np.int64]:
    """Return (N,) the fold of each image, from 0: as many of each class in all, as far as may be.

    Copies stay together, and groups do. The largest go first, then those of the lowest hashes, each
    into the fold that has the least of its classes so far.
    """
    found = _Units.of(units_of(digests, groups), labels, seed)
    totals, places, counts = found.of_class().tolist(), found.members.tolist(), found.sizes.tolist()
    ranges = found.ranges()
    sizes = np.bincount(found.units, found.sizes)
    filled, images = [[0] * len(totals) for _ in range(folds)], [0] * folds
    fold_of = np.zeros(len(found), np.int64)
    for unit in np.argsort(-sizes, kind="stable").tolist():
        pairs = [(places[i], counts[i]) for i in range(*ranges[unit])]

        def fullness(fold: int, pairs: list[tuple[int, int]] = pairs) -> tuple[float, int]:
            own = filled[fold]
            return sum(n * own[place] / totals[place] for place, n in pairs), images[fold]

        fold_of[unit] = least = min(range(folds), key=fullness)
        for place, count in pairs:
            filled[least][place] += count
            images[least] += count
    return np.asarray(fold_of[found.of_image])


def split_by_label(labels: Labels, size: int) -> npt.NDArray[np.bool_]:
    """Return (N,) bool with exactly ``size`` chosen: a function of the labels alone, for ever.

    Every class gives its share (largest remainders round up), and within a class those samples
    whose index has the smallest hash.
    """
    chosen = np.zeros(len(labels), np.bool_)
    order = np.argsort(hash_index(np.arange(len(labels))), kind="stable")
    counts = np.bincount(labels)
    shares, remainders = np.divmod(counts * size, counts.sum())
    shares[np.argsort(-remainders, kind="stable")[: size - shares.sum()]] += 1
    for label, share in enumerate(shares):
        chosen[order[labels[order] == label][:share]] = True
    return chosen
