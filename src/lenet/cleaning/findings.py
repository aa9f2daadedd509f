"""One finding: a picture that a person should look at, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Finding:
    """One thing that a person should look at.

    Attributes:
        image: the picture's file, or where it lies in one.
        what: wrong label, in two classes, copy, near-copy, blank or odd.
        label: the class that it is given as.
        suspected: the class that it rather is; None where that is not the question.
        score: how sure, for one kind: of a wrong label 1 minus the probability of the label, of
            copies how alike they are (1 is equal), of odd ones how many times the usual distance.
        other: the picture that it is a copy of; None of others.
        why: the reason in words.
        index: its place among all images.
        other_index, other_label: those of the other picture.
        probability: of the suspected class, where a label is doubted.
    """

    image: str
    what: str
    label: str
    suspected: str | None
    score: float
    other: str | None
    why: str
    index: int
    other_index: int | None = None
    other_label: str | None = None
    probability: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return it as values for JSON, without the places."""
        names = ("image", "what", "label", "suspected", "score", "other", "why")
        return {name: getattr(self, name) for name in names}
