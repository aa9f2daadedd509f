"""Images with their classes, in the order train, validation, test: what was read from a path."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lenet.data import findings
from lenet.data.dataset import Dataset, Split
from lenet.data.listing import TEST, TRAIN, UNDECIDED
from lenet.data.preprocess import Images
from lenet.data.split import Digests, for_testing
from lenet.errors import DataError
from lenet.net.words import name_text, shown

Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Collection:
    """What a folder, a table or an array file holds.

    Attributes:
        images: (N, C, H, W) uint8, part after part.
        labels: (N,) indices into ``classes``.
        counts: how many to train on, to validate and to test on; they add up to N.
        classes: the names of the classes, in natural order.
        notes: sentences on what was found.
    """

    images: Images
    labels: Labels
    counts: tuple[int, int, int]
    classes: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        images: Images,
        labels: Labels,
        parts: Labels,
        classes: Sequence[str],
        *,
        digests: Digests,
        name: Callable[[int], str],
        notes: Iterable[str] = (),
    ) -> Collection:
        """Split what is undecided, put the parts in order, and look for what stands out.

        Args:
            images: (N, C, H, W) uint8; taken over, and put in order where they are.
            labels: (N,).
            parts: (N,).
            classes: all names.
            digests: (N,) of the images as they were found.
            name: what to call an image, by its index.
            notes: what is known already.
        """
        said = list(notes)
        undecided = parts == UNDECIDED
        if undecided.any():
            parts = parts.copy()
            test = for_testing(digests[undecided], labels[undecided])
            parts[undecided] = np.where(test, TEST, TRAIN)
            said.append("a fifth of the images, chosen by their content, is kept for testing")
        said += findings.copies(digests, labels, parts, name)
        said += findings.balance(labels, parts, classes)
        order = np.argsort(parts, kind="stable")
        arrange(images, order)
        train, validation, test_count = np.bincount(parts, minlength=3).tolist()
        counts = (train, validation, test_count)
        return cls(images, labels[order], counts, tuple(classes), tuple(said))

    def dataset(self, name: str, source: str) -> Dataset:
        """The data set to train and to test on.

        Raises:
            DataError: a part or the difference between classes is missing.
        """
        train, validation, test = self._parts()
        if len(self.classes) < 2:
            raise DataError(
                f"{source} has one class only, {name_text(self.classes[0])}; give the place that "
                "has a folder, or a label, for each of two or more classes"
            )
        if not train:
            raise DataError(f"{source} has no images to train on; add a train part")
        if not test:
            raise DataError(
                f"{source} has no images to test on; add a test part, or at least two different "
                "images to a class: a fifth of them is kept for testing then"
            )
        learnt = np.bincount(train.labels, minlength=len(self.classes))
        for label, count in enumerate(learnt.tolist()):
            if not count:
                raise DataError(
                    f"{source} has images of class {shown(self.classes[label])} to test or "
                    "validate on but none to train on; add some, or take the class out"
                )
        return Dataset(name, train, test, self.classes, validation, source, self.notes)

    def part(self, classes: Sequence[str], everything: bool, source: str) -> Split:
        """The images to test a model on that tells ``classes`` apart, or all images.

        Returns:
            Labels are indices into ``classes``.

        Raises:
            DataError: there are images of other classes, or none to test on.
        """
        place = {name: index for index, name in enumerate(classes)}
        if strange := [name for name in self.classes if name not in place]:
            raise DataError(
                f"{source} has the class {shown(strange[0])}, which the model does not know; it "
                f"tells {', '.join(map(name_text, classes[:10]))}{', ...' * (len(classes) > 10)} "
                "apart"
            )
        found = Split(self.images, self.labels) if everything else self._parts()[TEST]
        if found is None:
            raise DataError(f"{source} has no images to test on; --all takes those it has")
        return Split(found.images, np.array([place[n] for n in self.classes])[found.labels])

    def _parts(self) -> list[Split | None]:
        ends = np.cumsum(self.counts).tolist()
        return [
            Split(self.images[end - count : end], self.labels[end - count : end]) if count else None
            for count, end in zip(self.counts, ends, strict=True)
        ]


def arrange(images: Images, order: npt.NDArray[np.intp]) -> None:
    """``images[:] = images[order]`` without a second copy: follow each cycle once."""
    places = order.tolist()
    for start, source in enumerate(places):
        if source in (start, -1):
            continue
        kept = images[start].copy()
        place = start
        while source != start:
            images[place] = images[source]
            places[place], place = -1, source
            source = places[place]
        images[place] = kept
        places[place] = -1
