"""What a data set is: images, labels, and the names of the classes.

Images are bytes as they were found, (N, C, H, W) uint8; :mod:`lenet.data.preprocess` says how a
network sees them. Everything here is checked when it is made, so that later code need not ask.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lenet.errors import DataError


@dataclass(frozen=True, eq=False, repr=False)
class Split:
    """Images and their labels: what one trains on, or what one tests on.

    Attributes:
        images: (N, C, H, W) uint8, one byte a pixel.
        labels: (N,) int64, each the index of a class.
        weights: (N,) float32, how much each image counts in the loss, 0 or more and usually 1 on
            average; None for 1 each.

    Raises:
        DataError: a wrong type or number of dimensions, different counts, or nothing at all.
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        _require_array("images", self.images, np.uint8, 4, "(N, C, H, W)")
        _require_array("labels", self.labels, np.int64, 1, "(N,)")
        if len(self.images) != len(self.labels):
            raise DataError(
                f"{len(self.images):,} images but {len(self.labels):,} labels; "
                "every image needs exactly one label"
            )
        if self.images.size == 0:
            raise DataError(
                f"no pixels in images of shape {self.images.shape}; give at least one image"
            )
        if self.weights is not None:
            _require_weights(self.weights, len(self))

    def chosen(self, which: npt.NDArray[Any]) -> Split:
        """The images that ``which`` picks: (N,) bool, or indices."""
        weights = None if self.weights is None else self.weights[which]
        return Split(self.images[which], self.labels[which], weights)

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        return f"<Split {len(self):,} {_describe_images(self.images.shape[1:])}>"


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """A named set of labelled images: a part to train on, and usually one to test on.

    Attributes:
        name: what it is called on the command line, such as ``mnist``.
        train: the part to train on.
        test: the part to test on, or None; all parts' images have the same (C, H, W).
        classes: the name of each class; a label is an index into them.
        validation: a part to choose settings by, where the data have one of their own.
        source: the path it was read from; empty for others.
        notes: sentences on what was found when it was read.

    Raises:
        DataError: the parts' shapes differ, or a label names no class.
    """

    name: str
    train: Split
    test: Split | None
    classes: tuple[str, ...]
    validation: Split | None = None
    source: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for verb, part in (("tests", self.test), ("validates", self.validation)):
            if part and self.train.images.shape[1:] != part.images.shape[1:]:
                raise DataError(
                    f"{self.name} trains on {_describe_images(self.train.images.shape[1:])} but "
                    f"{verb} on {_describe_images(part.images.shape[1:])}; all parts need the same "
                    "shape"
                )
        for name, part in self.parts.items():
            _require_labels(self.name, name, part.labels, len(self.classes))

    @property
    def parts(self) -> dict[str, Split]:
        """The parts there are, by name: train, perhaps validation, test."""
        found = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: part for name, part in found.items() if part}

    @property
    def tested(self) -> Split:
        """The part to test on.

        Raises:
            DataError: there is none.
        """
        if self.test is None:
            raise DataError(f"{self.name} has no images to test on; give a part of them.")
        return self.test

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of every image."""
        _, channels, height, width = self.train.images.shape
        return channels, height, width

    @property
    def class_counts(self) -> dict[str, list[int]]:
        """Of each part, by its name, how many images each class has."""
        return {
            name: np.bincount(part.labels, minlength=len(self.classes)).tolist()
            for name, part in self.parts.items()
        }

    def summary(self) -> str:
        """One line: the name, how many images of what size, classes, and the parts."""
        total = sum(map(len, self.parts.values()))
        verbs = {"train": "to train on", "validation": "to validate", "test": "to test"}
        parts = ", ".join(f"{len(part):,} {verbs[name]}" for name, part in self.parts.items())
        return (
            f"{self.name} · {total:,} {_describe_images(self.image_shape)}, "
            f"{len(self.classes)} classes · {parts}"
        )

    def __repr__(self) -> str:
        return f"<Dataset {self.summary()}>"


def _describe_images(shape: tuple[int, ...]) -> str:
    channels, height, width = shape
    kind = {1: "", 3: " RGB"}.get(channels, f" with {channels} channels")
    return f"images of {height}x{width}{kind}"


def _require_array(name: str, array: Any, dtype: type, dimensions: int, layout: str) -> None:
    if not isinstance(array, np.ndarray) or array.dtype != dtype or array.ndim != dimensions:
        given = (
            f"{array.dtype} of shape {array.shape}"
            if isinstance(array, np.ndarray)
            else f"a {type(array).__name__}"
        )
        raise DataError(
            f"the {name} are {given}; give a NumPy array {layout} of {np.dtype(dtype).name}"
        )


def _require_weights(weights: Any, images: int) -> None:
    _require_array("weights", weights, np.float32, 1, "(N,)")
    if len(weights) != images:
        raise DataError(f"there are {len(weights):,} weights for {images:,} images; give one each")
    if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.any()):
        raise DataError(
            f"the weights go from {weights.min():g} to {weights.max():g}; give 0 or more, not all "
            "0, and no infinity"
        )


def _require_labels(name: str, part: str, labels: npt.NDArray[np.int64], classes: int) -> None:
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if len(wrong):
        raise DataError(
            f"{name} has {classes} classes, labels 0 to {classes - 1}, but {part} image "
            f"{wrong[0]:,} has label {labels[wrong[0]]}; correct the label or name its class"
        )
