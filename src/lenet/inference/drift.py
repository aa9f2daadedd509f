"""Are pictures still like those of the training? ``lenet.drift`` compares distributions."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lenet.arguments import plain
from lenet.data.pictures import Fault
from lenet.data.preprocess import Images, Preprocessing
from lenet.data.unlabelled import File, read_unlabelled
from lenet.errors import DataError, UsageError
from lenet.inference.predicting import flattened, refusal
from lenet.inference.shifts import Shift, sentences
from lenet.model import Model
from lenet.net.words import shown
from lenet.profile import ANSWERS, Profile, Seen, joined, look
from lenet.writing import Document, Result, Section, table_of
from lenet.writing.document import Bullets, Paragraph
from lenet.writing.numbers import plural

Source = str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | npt.NDArray[Any]

#: From this index on, a difference is told: the usual mark of a moderate one (Siddiqi 2006).
LEVEL: Final = 0.1
_SHOWN: Final = 8  # classes in a text
_SOURCES: Final = {
    "test": "test images of the training",
    "validation": "validation images of the training",
    "train": "training images",
}
_LARGE: Final = 0.25  # the usual mark of a large one
_INDEX: Final = (
    "index: the population stability index, 0 where two distributions are equal. From "
    f"{LEVEL} it is drift, if it is above chance; from {_LARGE} it is large."
)
_CHANCE: Final = (
    "chance: if the same pictures are divided at random, the index is higher once in 1,000 times. "
    "Pictures of one scene or one hour are no random part: they differ more."
)


@dataclass(frozen=True, eq=False, repr=False)
class Drift(Result):
    """How pictures, and a model's answers for them, differ from those of its training.

    Attributes:
        shifts: what was compared: measures of the pictures, then of the answers.
        classes: the K names.
        images, reference_images: how many pictures were compared with how many.
        reference: what those are.
        faults: the files that could not be read.
    """

    csv_key = "measures"

    shifts: tuple[Shift, ...]
    classes: tuple[str, ...]
    images: int
    reference_images: int
    reference: str
    faults: tuple[Fault, ...] = ()

    @cached_property
    def found(self) -> tuple[Shift, ...]:
        """What differs by more than a little and by more than chance."""
        return self.above(LEVEL)

    def above(self, level: float) -> tuple[Shift, ...]:
        """Return what differs by more than chance and by at least ``level``.

        Raises:
            UsageError: the level is no number from 0 on.
        """
        level = checked_level(level)
        return tuple(s for s in self.shifts if s.drift > s.chance and s.drift >= level)

    @property
    def answers(self) -> Shift:
        """How often each class is named."""
        return next(shift for shift in self.shifts if shift.name == ANSWERS)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What differs, in words, and what it may mean."""
        return tuple(sentences(self.found, self.classes))

    def to_dict(self) -> dict[str, Any]:
        """Return the same as values for JSON."""
        counts = self.answers.before.counts, self.answers.now.counts
        rows = zip(self.classes, *counts, strict=True)
        return {
            "images": self.images,
            "reference": {"source": self.reference, "images": self.reference_images},
            "drifted": [shift.name for shift in self.found],
            "sentences": list(self.sentences),
            "measures": [shift.to_dict() for shift in self.shifts],
            "classes": [{"name": name, "before": old, "now": new} for name, old, new in rows],
            "histograms": {
                shift.name: {
                    "edges": list(shift.now.edges),
                    "before": list(shift.before.counts),
                    "now": list(shift.now.counts),
                }
                for shift in self.shifts
                if shift is not self.answers
            },
            **({"faults": [fault.to_dict() for fault in self.faults]} if self.faults else {}),
        }

    def page(self, form: str = "text", width: int = 80) -> Document:
        """Return what differs in words, every measure, and the classes that changed the most."""
        found = self.found
        told = f"drift in {len(found)} of {len(self.shifts)} measures" if found else "no drift"
        those = f"the {self.reference_images:,} {self.reference}"
        title = f"{told}: {plural(self.images, 'picture')} against {those}"
        words = (Section("", (Bullets(self.sentences),)),) if found else ()
        rows = [
            (s.name, *s.text, f"{s.drift:.2f}", f"{s.chance:.2f}", "drift" if s in found else "")
            for s in self.shifts
        ]
        titles = ("measure", "before", "now", "index", "chance", "")
        table = table_of(rows, titles, right=(1, 2, 3, 4))
        notes = (Paragraph(note, is_note=True) for note in self._notes())
        return Document(
            title, (*words, Section("", (table,)), self._answers(), Section("", (*notes,)))
        )

    def _notes(self) -> Iterator[str]:
        """Yield what the columns of the table are, and what so few pictures cannot show."""
        yield _INDEX
        yield _CHANCE
        if (most := max(shift.chance for shift in self.shifts)) > _LARGE:
            few = plural(min(self.images, self.reference_images), "picture")
            yield f"With {few}, chance alone can reach {most:.2f}: only larger drift can be seen."

    def _answers(self) -> Section:
        """Return the classes whose shares changed the most."""
        places = self.answers.most_changed(_SHOWN)
        shares = 100 * self.answers.shares.T
        rows = [(self.classes[i], *(f"{share:.1f} %" for share in shares[i])) for i in places]
        title = "how often each class is named"
        if len(rows) < len(self.classes):
            title += f": {len(rows)} of {len(self.classes):,}, the largest changes first"
        return Section(title, (table_of(rows, ("class", "before", "now"), right=(1, 2)),))


def checked_level(level: Any) -> float:
    """Return a level that an index may reach; a UsageError if it is no number from 0 on."""
    level = plain(level)
    is_number = isinstance(level, int | float) and not isinstance(level, bool)
    if not is_number or not 0 <= level < float("inf"):
        raise UsageError(f"the level is {shown(level)}; give a number from 0 on, such as 0.25.")
    return float(level)


def drift(
    model: Model | str | os.PathLike[str],
    *images: Source,
    against: Source | None = None,
    skip_bad: bool = False,
    as_it_is: bool = False,
) -> Drift:
    """Compare pictures, and a model's answers for them, with those of its training.

    No labels are needed. A training leaves a profile of its test images in the model: which
    classes were named, how certainly, and how bright, sharp and colourful the pictures are.

    Args:
        model: a model, the file of one, or the folder of a run.
        images: pictures, as in :func:`predict`, which reads and prepares them in the same way.
        against: pictures to compare with instead, such as those of last week; as ``images``.
        skip_bad, as_it_is: as in :func:`predict`.

    Raises:
        ModelFileError: the model cannot be read.
        UsageError: the model has no profile and there is nothing else to compare with; or there
            are no images.
        PictureError, DataError: as in :func:`predict`; or the profile is damaged.
    """
    model = model if isinstance(model, Model) else Model.load(model)
    how = model.preprocessing.as_it_is if as_it_is else model.preprocessing
    if against is None:
        profile, faults = _profile_of(model), list[Fault]()
    else:
        seen, faults = _look_at(model, [against], how, skip_bad)
        source = "images" if isinstance(against, np.ndarray) else _named(against)
        profile = Profile.of(seen, len(model.classes), source)
    now, more = _look_at(model, images, how, skip_bad)
    shifts = tuple(
        Shift.of(name, histogram, histogram.like(now[name]))
        for name, histogram in profile.measures.items()
        if name in now
    )
    reference = _SOURCES.get(profile.source, profile.source)
    counts = len(now[ANSWERS]), profile.images
    return Drift(shifts, model.classes, *counts, reference, (*faults, *more))


def _profile_of(model: Model) -> Profile:
    """Return what a training left in its model."""
    values = model.training.get("profile")
    if values is None:
        raise UsageError(
            "the model has no profile of its training: it was trained by an earlier version, or "
            "comes from elsewhere; train it again, or give pictures like those of its training as "
            "against.",
            parameter="against",
        )
    return Profile.from_dict(values, len(model.classes))


def _named(source: Any) -> str:
    paths = [os.fspath(p) for p in flattened([source]) if isinstance(p, str | os.PathLike)]
    return f"images of {paths[0]}" if len(paths) == 1 else "images given"


def _look_at(
    model: Model, sources: Iterable[Source], how: Preprocessing, skip_bad: bool
) -> tuple[Seen, list[Fault]]:
    """Measure all pictures, and the model's answers for them."""
    parts, faults = list[Seen](), list[Fault]()
    for found in _read(model, flattened(sources), how):
        if isinstance(found, Fault):
            faults.append(found)
        elif len(found):
            parts.append(look(found, model.predict_proba(found)))
    if faults and not (skip_bad and parts):
        raise refusal(faults, sum(len(part[ANSWERS]) for part in parts))
    if not parts:
        raise DataError("there are no pictures to compare; give at least one.")
    return joined(parts), faults


def _read(model: Model, sources: Iterable[Any], how: Preprocessing) -> Iterator[Images | Fault]:
    """Yield pictures as the network gets them, some at a time, and what cannot be read."""
    are_read = str, os.PathLike, File
    for is_read, group in groupby(sources, lambda source: isinstance(source, are_read)):
        if not is_read:
            yield from map(model.as_bytes, group)
            continue
        for found in read_unlabelled(group, how):
            yield found if isinstance(found, Fault) else found.images
