"""The pictures that are looked at: as they are given, and what the network sees of them."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lenet.data import Dataset, Split, is_name, load
from lenet.data.decoder import ALLOWED, BadPictureError, read_stream
from lenet.data.pictures import Fault
from lenet.data.preprocess import Images, Preprocessing, fitted_size, resize
from lenet.data.unlabelled import File, decoded, in_memory, is_picture, read_unlabelled
from lenet.errors import PictureError, UsageError
from lenet.model import Model
from lenet.net.words import did_you_mean, shown

#: More do not stand side by side.
MOST_PICTURES: Final = 6
#: The longer side of a picture as it was given, in pixels: it is only shown.
_GIVEN: Final = 160


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture that is looked at.

    Attributes:
        name: the file, or the data set with the image's index.
        given: (1 or 3, h, w) uint8, as it was given, perhaps smaller; None where the network sees
            it as it is.
        image: (C, H, W) uint8, what the network sees.
        prepared: what was done to it first, such as ``inverted, mass-centred``.
        truth: its class, where a data set says it.
    """

    name: str
    given: Images | None = field(repr=False)
    image: Images = field(repr=False)
    prepared: str = ""
    truth: str | None = None


def read_pictures(
    model: Model,
    sources: Iterable[Any],
    as_it_is: bool = False,
    data_dir: str | os.PathLike[str] | None = None,
) -> list[Picture]:
    """Read what ``lenet.look`` is given; see there.

    Raises:
        UsageError: there is nothing to look at, or too much.
        PictureError: a file is no picture that can be read.
        DataError: numbers or a data set cannot be read, or do not suit the model.
    """
    preprocessing = model.preprocessing.as_it_is if as_it_is else model.preprocessing
    reader = _Reader(model, preprocessing, data_dir)
    found = list(islice(reader.pictures(sources), MOST_PICTURES + 1))
    if not found:
        raise UsageError("there is no picture to look at; give one.")
    if len(found) > MOST_PICTURES:
        many = f"there are more than {MOST_PICTURES} pictures"
        raise UsageError(f"{many}, and no more stand side by side; give fewer.")
    return found


def picture_of(model: Model, split: Split, index: int, classes: Sequence[str]) -> Picture:
    """Return an image of a split, and what a model sees of it."""
    given = split.images[index]
    image = model.as_bytes(given[np.newaxis])[0]
    truth = classes[int(split.labels[index])]
    return Picture(
        str(index), None if image.shape == given.shape else _shown(given), image, "", truth
    )


class _Reader:
    """Reads pictures for a model, and a data set once."""

    def __init__(self, model: Model, preprocessing: Preprocessing, data_dir: Any) -> None:
        self.model, self.preprocessing, self.data_dir = model, preprocessing, data_dir
        self.loaded: dict[str, Dataset] = {}

    def pictures(self, sources: Iterable[Any]) -> Iterator[Picture]:
        for source in sources:
            if isinstance(source, str | os.PathLike):
                yield from self._named(os.fspath(source))
            elif is_picture(source):
                yield from self._of_file(_whole(in_memory(source, "image")))
            elif isinstance(source, list | tuple) and all(
                isinstance(one, str | os.PathLike) or is_picture(one) for one in source
            ):
                yield from self.pictures(source)
            else:
                yield from self._of_array(source)

    def _of_array(self, values: Any) -> Iterator[Picture]:
        images = self.model.as_bytes(values)
        for place, image in enumerate(images):
            yield Picture("image" if len(images) == 1 else f"image[{place}]", None, image)

    def _named(self, text: str) -> Iterator[Picture]:
        source, colon, which = text.rpartition(":")
        if os.path.lexists(text) or not colon:
            if is_name(text) and not os.path.lexists(text):
                what = f"{text} is a data set of many images"
                raise UsageError(f"{what}; name one of its test images, such as {text}:0.")
            yield from self._of_file(text)
        elif is_name(source):
            yield self._of_data(source, which)
        elif which.isdecimal() and os.path.isfile(source):
            yield self._of_many(source, int(which))
        else:
            yield from self._of_file(text)

    def _of_data(self, name: str, which: str) -> Picture:
        """Return a test image of a data set, by its index, or the first of a class."""
        if name not in self.loaded:
            self.loaded[name] = load(name, data_dir=self.data_dir)
        data = self.loaded[name]
        split, classes = data.tested, [word.lower() for word in data.classes]
        if which.isdecimal() and len(which) < 10 and int(which) < len(split):
            index = int(which)
        elif which.lower() in classes and not which.isdecimal():
            index = int(np.argmax(split.labels == classes.index(which.lower())))
        else:
            near = "" if which.isdecimal() else did_you_mean(which.lower(), classes)
            what = f"{name} has no test image {shown(which)}{near}"
            allowed = f"give an index from 0 to {len(split) - 1:,}, or the name of a class"
            raise UsageError(f"{what}; {allowed}.")
        found = picture_of(self.model, split, index, data.classes)
        return replace(found, name=f"{name}:{index}")

    def _of_many(self, path: str, index: int) -> Picture:
        """Return one of the images that a file holds as numbers."""
        picture, count = None, 0
        for count, picture in enumerate(self._of_file(path)):
            if count == index:
                return replace(picture, name=f"{path}:{index}")
        what = f"{path} has no image {index:,}"
        last = f"give an index from 0 to {count:,}"
        raise UsageError(f"{what}; {last}.")

    def _of_file(self, source: str | File) -> Iterator[Picture]:
        for found in read_unlabelled([source], self.preprocessing):
            if isinstance(found, Fault):
                raise PictureError(f"{found}; give {ALLOWED} files, or arrays")
            for name, image, done in zip(found.names, found.images, found.done, strict=True):
                file = source if isinstance(source, File) else File(name, name)
                yield Picture(name, _given(file) if done else None, image, done)


def _whole(file: File) -> File:
    """Return a picture in memory that can be read twice: what is open becomes its bytes."""
    if not hasattr(file.content, "read"):
        return file
    try:
        return replace(file, content=read_stream(file.content))
    except BadPictureError as error:
        raise PictureError(f"{file.name} {error.fault}; {error.remedy}") from error


def _given(file: File) -> Images | None:
    """Return a picture file as it is, only smaller; None of what is no such file."""
    try:
        with warnings.catch_warnings(action="ignore"):  # small faults in what can be read
            found = decoded(file, (_GIVEN, _GIVEN))
    except BadPictureError:  # a part of a file, or a list names it from a folder of its own
        return None
    return _shown(found.bytes_of(None)[0], found.size)


def _shown(pixels: npt.NDArray[np.uint8], size: tuple[int, int] | None = None) -> Images:
    """Return a picture (C, h, w) small enough to be shown."""
    own = size or (pixels.shape[1], pixels.shape[2])
    if max(pixels.shape[1:]) > _GIVEN:
        pixels = resize(pixels[np.newaxis], *fitted_size(own, (_GIVEN, _GIVEN)))[0]
    return np.asarray(pixels)
