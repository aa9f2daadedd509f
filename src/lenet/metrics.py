"""How good a model is: accuracy, figures per class, and the confusion matrix."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from math import ceil, floor, isfinite, log10, sqrt
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lenet.errors import DataError
from lenet.writing import Result
from lenet.writing.document import Document, Paragraph, Section, table_of
from lenet.writing.numbers import percent

#: Scores (N, K), or what returns those of a slice of the images: all may not fit into memory.
Scores = npt.NDArray[np.float32] | Callable[[slice], npt.NDArray[np.float32]]

_CHUNK: Final = 1 << 21  # scores at a time
_LARGEST_MATRIX: Final = 100  # classes whose whole confusion matrix is shown
_LARGEST_IN_JSON: Final = 1_000  # as lists; of more classes only what is not zero
_LARGEST_IN_TEXT: Final = 26  # in lines of text, of which several parts lie one below the other
_MOST_CONFUSIONS: Final = 20  # of more classes, the most frequent are
_SHOWN: Final = 5  # mistakes in a text
_FEW: Final = 32  # numbers that Python looks through sooner than NumPy
_LONGEST_NAME: Final = 32  # of a class in a text's tables, in characters
#: Ranges of probability, of equal width, that a calibration error is counted in.
BINS: Final = 15
#: How much of the images is answered, where the unsurest are left open; what is said of each share.
SHARES: Final = (1.0, 0.99, 0.98, 0.95, 0.9, 0.8)
COVERAGE_HEADS: Final = ("answered", "from probability", "accuracy")


@dataclass(frozen=True)
class Bin:
    """The images whose prediction has a probability from ``low`` to ``high``, and their means."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


def calibration_bins(
    confidence: npt.NDArray[np.floating[Any]], correct: npt.NDArray[np.bool_]
) -> list[Bin]:
    """Return confidence against accuracy, of N images; ranges without images are left out."""
    place = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
    bins = []
    for i in np.unique(place).tolist():
        inside = place == i
        means = float(confidence[inside].mean()), float(correct[inside].mean())
        bins.append(Bin(i / BINS, (i + 1) / BINS, int(inside.sum()), *means))
    return bins


def calibration_error(bins: Sequence[Bin]) -> float:
    """Return the expected calibration error, from 0 to 1 (Guo et al. 2017, equation 3)."""
    gaps = (bin.count * abs(bin.accuracy - bin.confidence) for bin in bins)
    return sum(gaps) / sum(bin.count for bin in bins)


@dataclass(frozen=True)
class Answered:
    """What is right of the images that are answered: those of at least a probability."""

    threshold: float  # that probability
    share: float  # of all images that are answered, from 0 to 1
    accuracy: float | None  # among them; None if none is

    def to_dict(self) -> dict[str, Any]:
        """Return the same as values for JSON."""
        return asdict(self)


def answered_from(
    threshold: float,
    confidence: npt.NDArray[np.floating[Any]],
    correct: npt.NDArray[np.bool_],
) -> Answered:
    """Return what is right of N images, if those below ``threshold`` are left open."""
    inside = confidence >= threshold
    right = float(correct[inside].mean()) if inside.any() else None
    return Answered(threshold, float(inside.mean()), right)


def coverage(
    confidence: npt.NDArray[np.floating[Any]],
    correct: npt.NDArray[np.bool_],
    shares: Sequence[float] = SHARES,
) -> list[Answered]:
    """Return, for each share of the images, the threshold that at least so many of them reach."""
    ordered = np.sort(confidence)[::-1]
    places = (max(1, ceil(round(share * len(ordered), 6))) - 1 for share in shares)
    return [answered_from(float(ordered[place]), confidence, correct) for place in places]


def threshold_text(probability: float) -> str:
    """Write a threshold, rounded down, with two digits of what it lacks to 1."""
    if probability >= 1:
        return "1"
    digits = max(2, ceil(-log10(1 - probability)) + 1)
    return f"{floor(probability * 10**digits) / 10**digits:.{digits}f}"


def unrecognised_text(classes: Sequence[str], kind: str = "image") -> str:
    """Say which classes, one at least, have no image that is recognised."""
    more = f" and {len(classes) - _SHOWN:,} more" * (len(classes) > _SHOWN)
    word = "class" if len(classes) == 1 else "the classes"
    return f"No {kind} of {word} {', '.join(classes[:_SHOWN])}{more} is recognised."


@dataclass(frozen=True, eq=False)
class ImageAnswers:
    """What was predicted for each of N images."""

    labels: npt.NDArray[np.int64]  # (N,) the true class
    predicted: npt.NDArray[np.int64]  # (N,)
    probabilities: npt.NDArray[np.float64]  # (N,) of the predicted class
    names: Sequence[str] | None  # N files, or places in them; None where the images have none
    prepared: tuple[str, ...] | None = None  # N: what was done to each picture first
    second: npt.NDArray[np.int64] | None = None  # (N,) the class that follows; None of one class
    second_probabilities: npt.NDArray[np.float64] | None = None  # (N,)
    #: N: train or validation, if the model's training has seen it, else empty; None: not known.
    seen: tuple[str, ...] | None = None

    @property
    def correct(self) -> npt.NDArray[np.bool_]:
        """(N,) is the predicted class the true one?"""
        return np.equal(self.labels, self.predicted)

    def rows(self, classes: tuple[str, ...], only_wrong: bool = False) -> list[dict[str, Any]]:
        """Return each image's file or number, its true class, what was predicted and how surely,
        and what follows; of a picture also what was done to it first, and where any was seen in
        training, if it was."""
        some_seen = self.seen and any(self.seen)
        places = np.flatnonzero(~self.correct) if only_wrong else None
        chosen = range(len(self.labels)) if places is None else places.tolist()
        return [
            {
                "image": self.names[place] if self.names else place,
                "label": classes[self.labels[place]],
                "class": classes[self.predicted[place]],
                "probability": float(self.probabilities[place]),
                **self._second(place, classes),
                **({"prepared": self.prepared[place]} if self.prepared else {}),
                **({"seen": self.seen[place]} if self.seen and some_seen else {}),
            }
            for place in chosen
        ]

    def _second(self, place: int, classes: tuple[str, ...]) -> dict[str, Any]:
        if self.second is None or self.second_probabilities is None:
            return {}
        probability = float(self.second_probabilities[place])
        return {"second": classes[self.second[place]], "second_probability": probability}


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation(Result):
    """What a model does on labelled images.

    Attributes:
        cells: (M, 3) true class, predicted class and how many images, for all M pairs that there
            are: the confusion matrix without its zeros, which of many classes would fill memory.
        loss: mean cross-entropy in nats.
        classes: the K names.
        data: what the images are called.
        answers: what was predicted for each image, where that is known.
        notes: sentences on how the pictures were read.
        reject: images whose class has a probability below this are left open; 0 for none.
    """

    csv_key = "classes"

    cells: npt.NDArray[np.int64]
    loss: float
    classes: tuple[str, ...]
    data: str = "images"
    answers: ImageAnswers | None = None
    notes: tuple[str, ...] = ()
    reject: float = 0.0

    @property
    def mistakes(self) -> list[dict[str, Any]]:
        """The images whose class was predicted wrongly, the surest first: image (a file, or its
        place in the data, from 0), label, class, probability, second, second_probability and, if
        known, prepared."""
        if self.answers is None:
            return []
        wrong = self.answers.rows(self.classes, only_wrong=True)
        return sorted(wrong, key=lambda row: -row["probability"])

    @property
    def seen_in_training(self) -> dict[str, Any]:
        """Of how many images it is known that they were trained on or validated on, and the
        accuracy on all others, None if there are none; empty where nothing is known."""
        if self.answers is None or self.answers.seen is None:
            return {}
        is_new = np.array([not word for word in self.answers.seen])
        is_right = self.answers.labels == self.answers.predicted
        counts = Counter(self.answers.seen)
        return {
            "trained_on": counts["train"],
            "validated_on": counts["validation"],
            "others": int(is_new.sum()),
            "others_accuracy": float(is_right[is_new].mean()) if is_new.any() else None,
        }

    @property
    def warning(self) -> str:
        """A sentence on images that were seen in training; empty if none is known."""
        found = self.seen_in_training
        kinds = ("trained_on", "validated_on")
        counts = [(found[kind], kind.replace("_", " ")) for kind in kinds if found.get(kind)]
        if not counts:
            return ""
        (first, how), *more = counts
        seen = f"{first:,} of these {self.count:,} images were {how}"
        seen += "".join(f" and {count:,} {verb}" for count, verb in more)
        if not found["others"]:
            return f"{seen}: this says nothing of new ones."
        return f"{seen}; the other {found['others']:,} give {percent(found['others_accuracy'])}."

    @cached_property
    def confusion(self) -> npt.NDArray[np.int64]:
        """(K, K) counts; row: the true class, column: the predicted class."""
        table = np.zeros((len(self.classes),) * 2, np.int64)
        table[self.cells[:, 0], self.cells[:, 1]] = self.cells[:, 2]
        return table

    @property
    def count(self) -> int:
        """How many images there are."""
        return int(self.cells[:, 2].sum())

    @property
    def accuracy(self) -> float:
        """The share of images whose predicted class is the true one, from 0 to 1."""
        true, predicted, counts = self.cells.T
        return float(counts[true == predicted].sum()) / self.count

    @property
    def class_accuracy(self) -> tuple[float | None, ...]:
        """The same among each class's images (its recall); None for a class without images."""
        return tuple(metrics.recall for metrics in class_metrics(self))

    @property
    def unrecognised(self) -> tuple[str, ...]:
        """The classes that have images, none of which is predicted correctly."""
        return tuple(m.name for m in class_metrics(self) if m.images and not m.correct)

    @property
    def calibration_error(self) -> float | None:
        """The expected calibration error, from 0 to 1; None without answers for each image."""
        answers = self.answers
        if answers is None:
            return None
        return calibration_error(calibration_bins(answers.probabilities, answers.correct))

    @property
    def coverage(self) -> list[Answered]:
        """What is right of 100, 99, 98, 95, 90 and 80 % of the images, if the others, of which the
        model is least sure, are left open; empty without answers for each image."""
        answers = self.answers
        return coverage(answers.probabilities, answers.correct) if answers else []

    @property
    def answered(self) -> Answered | None:
        """What is right of the images that ``reject`` leaves; None where it leaves all."""
        if not self.reject or self.answers is None:
            return None
        return answered_from(self.reject, self.answers.probabilities, self.answers.correct)

    def to_dict(self) -> dict[str, Any]:
        """Return the same as values for JSON.

        Of more than 1,000 classes ``confusions`` has the ``cells``, in place of a whole matrix.
        """
        return {
            "accuracy": self.accuracy,
            "loss": self.loss,
            "count": self.count,
            "calibration_error": self.calibration_error,
            "coverage": [row.to_dict() for row in self.coverage],
            **({"answered": self.answered.to_dict()} if self.answered else {}),
            "unrecognised": list(self.unrecognised),
            "classes": [
                {"name": metrics.name, "count": metrics.images, "accuracy": metrics.recall}
                for metrics in class_metrics(self)
            ],
            **(
                {"confusion": self.confusion.tolist()}
                if len(self.classes) <= _LARGEST_IN_JSON
                else {"confusions": self.cells.tolist()}
            ),
            **({"mistakes": self.mistakes} if self.answers else {}),
            **({"notes": list(self.notes)} if self.notes else {}),
            **({"seen_in_training": self.seen_in_training} if self.seen_in_training else {}),
        }

    def page(self, form: str = "text", width: int = 80) -> Document:
        """Return accuracy and loss, a table of the classes, and the confusion matrix."""
        is_text = form == "text"
        names = [_shortened(name) if is_text else name for name in self.classes]
        classes = [
            (name, f"{m.images:,}", "-" if m.recall is None else percent(m.recall))
            for name, m in zip(names, class_metrics(self), strict=True)
        ]
        largest = _LARGEST_IN_TEXT if is_text else _LARGEST_MATRIX
        return Document(
            f"{percent(self.accuracy)} of {self.count:,} {self.data}, loss {self.loss:.4f}",
            (
                Section("", tuple(map(Paragraph, self._sentences()))),
                Section("", (table_of(classes, ("class", "images", "accuracy")),)),
                *self._coverage(),
                self._matrix(names) if len(classes) <= largest else self._confusions(),
                *self._mistakes(),
            ),
            below=(*filter(None, [self.warning]), *self.notes),
        )

    def _sentences(self) -> Iterator[str]:
        """Yield what a person should know first."""
        if self.unrecognised:
            yield unrecognised_text(self.unrecognised)
        if (error := self.calibration_error) is not None:
            yield f"The expected calibration error of its probabilities is {percent(error)}."
        if answered := self.answered:
            few = f"{round(answered.share * self.count):,} of {self.count:,} images are answered"
            right = "none" if answered.accuracy is None else percent(answered.accuracy)
            least = threshold_text(answered.threshold)
            yield f"{few}, with a probability of {least} or more; {right} of them correctly."

    @property
    def coverage_rows(self) -> list[tuple[str, str, str]]:
        """The rows under :data:`COVERAGE_HEADS`, in words."""
        rows = dict.fromkeys(self.coverage)  # many images may be equally sure
        cells = ((percent(r.share), threshold_text(r.threshold), r.accuracy or 0.0) for r in rows)
        return [(share, least, percent(right)) for share, least, right in cells]

    def _coverage(self) -> Iterator[Section]:
        """Yield the table of shares and accuracies, if there is more to it than one line."""
        if len(rows := self.coverage_rows) > 1:
            yield Section("if the unsurest are left open", (table_of(rows, COVERAGE_HEADS),))

    def _matrix(self, names: Sequence[str]) -> Section:
        matrix = [
            (f"{index} {names[index]}", *(str(count or ".") for count in row))
            for index, row in enumerate(self.confusion.tolist())
        ]
        title = "confusion matrix: one row per true class, one column per predicted class"
        numbers = ("", *map(str, range(len(self.classes))))
        return Section(title, (table_of(matrix, numbers),))

    def _confusions(self) -> Section:
        rows = [
            (self.classes[true], self.classes[predicted], f"{count:,}")
            for true, predicted, count in confused(self)[:_MOST_CONFUSIONS]
        ]
        return Section(
            "most frequent confusions", (table_of(rows, ("class", "taken for", "images")),)
        )

    def _mistakes(self) -> Iterator[Section]:
        """Yield the section of the images that were wrong, if there are any."""
        if not (mistakes := self.mistakes):
            return
        rows = [
            (str(row["image"]), row["label"], row["class"], percent(row["probability"]))
            for row in mistakes[:_SHOWN]
        ]
        more = len(mistakes) - len(rows)
        title = "wrong, the surest first" + f" ({more:,} more in --output or --json)" * (more > 0)
        yield Section(title, (table_of(rows, ("image", "class", "predicted", "probability")),))


@dataclass(frozen=True, eq=False)
class Answers:
    """What a model answers for N images: what it is judged by, without all N x K probabilities.

    Attributes:
        predicted: (N,) the class with the highest score.
        confidence: (N,) its probability, in the float32 that ``Model.predict_proba`` returns.
        truth: (N,) the logarithm of the true class's probability.
        second: (N,) the class with the second highest score; the same class, if there is only one.
        second_confidence: (N,) its probability.
    """

    predicted: npt.NDArray[np.int64]
    confidence: npt.NDArray[np.float64]
    truth: npt.NDArray[np.float64]
    second: npt.NDArray[np.int64]
    second_confidence: npt.NDArray[np.float64]

    @classmethod
    def empty(cls, count: int) -> Answers:
        """Return the answers for so many images, to be filled in."""
        predicted, second = np.empty((2, count), np.int64)
        confidence, truth, second_confidence = np.empty((3, count))
        return cls(predicted, confidence, truth, second, second_confidence)


def read_answers(
    scores: Scores,
    labels: npt.NDArray[np.int64],
    classes: int,
    probabilities: Callable[[npt.NDArray[Any]], npt.NDArray[Any]] | None = None,
) -> Answers:
    """Return what scores (N, K) say, a few at a time; ``labels`` (N,) are the true classes.

    ``probabilities`` makes them of scores, where that is not their softmax.
    """
    count, step = len(labels), max(1, _CHUNK // classes)
    read = scores if callable(scores) else scores.__getitem__
    answers = Answers.empty(count)
    for start in range(0, count, step):
        part = slice(start, start + step)
        found = read(part)
        logarithms, rows = log_softmax(found), np.arange(len(found))
        answers.predicted[part] = predicted = found.argmax(axis=1)
        answers.second[part] = second = _second_of(found, predicted)
        shares = np.exp(logarithms) if probabilities is None else probabilities(found)
        shares = shares.astype(np.float32)
        answers.confidence[part] = shares[rows, predicted]
        answers.second_confidence[part] = shares[rows, second]
        answers.truth[part] = logarithms[rows, labels[part]]
    return answers


def _shortened(name: str) -> str:
    """Return a class's name for a row of text, cut where it is long."""
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 3]}..."


def check_finite(scores: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return scores; a DataError, if they are no numbers: finite weights may overflow."""
    # Of one image NumPy would take a microsecond, a tenth of the whole.
    few = scores.ravel().tolist() if scores.size <= _FEW else None
    is_fine = np.isfinite(scores).all() if few is None else all(map(isfinite, few))
    if not is_fine:
        raise DataError(
            "the model's scores are no finite numbers, because its weights are too large; train it "
            "anew with a smaller learning rate."
        )
    return scores


def _second_of(
    scores: npt.NDArray[np.float32], predicted: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Return the class (N,) with the second highest of scores (N, K)."""
    others = scores.copy()
    others[np.arange(len(scores)), predicted] = -np.inf
    second: npt.NDArray[np.int64] = others.argmax(axis=1)
    return second


def evaluate_scores(
    scores: Scores,
    labels: npt.NDArray[np.int64],
    classes: tuple[str, ...],
    weights: npt.NDArray[np.float32] | None = None,
) -> Evaluation:
    """Compare scores (N, K) with labels (N,); ``weights`` (N,) count in the loss alone."""
    if not len(labels) or not (callable(scores) or len(scores) == len(labels)):
        predictions = "no" if callable(scores) else f"{len(scores):,}"
        counts = f"{predictions} predictions and {len(labels):,} labels"
        raise DataError(f"{counts}; give as many of both, at least 1")
    return evaluate_answers(read_answers(scores, labels, len(classes)), labels, classes, weights)


def evaluate_answers(
    answers: Answers,
    labels: npt.NDArray[np.int64],
    classes: tuple[str, ...],
    weights: npt.NDArray[np.float32] | None = None,
    names: Sequence[str] | None = None,
    prepared: tuple[str, ...] | None = None,
) -> Evaluation:
    """Compare answers with labels (N,).

    ``weights`` (N,) count in the loss alone; ``names`` are the images' files, where they have any,
    and ``prepared`` says what was done to each.
    """
    places, counts = np.unique(labels * len(classes) + answers.predicted, return_counts=True)
    cells = np.stack([*np.divmod(places, len(classes)), counts], axis=1).astype(np.int64)
    loss = float(-np.average(answers.truth, weights=weights))
    second = (answers.second, answers.second_confidence) if len(classes) > 1 else ()
    each = ImageAnswers(labels, answers.predicted, answers.confidence, names, prepared, *second)
    return Evaluation(cells, loss, classes, answers=each)


def log_softmax(scores: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
    """Return the logarithms of the probabilities (N, K), without overflow."""
    shifted = scores.astype(np.float64)  # less the largest score, so that exp stays finite
    shifted -= shifted.max(axis=1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return shifted


def softmax(scores: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
    """Return the probabilities (N, K) of scores; each row adds up to 1."""
    return np.exp(log_softmax(scores))


@dataclass(frozen=True)
class ClassMetrics:
    """How well one class is told apart (van Rijsbergen 1979); None where no image is counted."""

    name: str
    images: int  # how many are of it
    predicted: int  # of how many it was predicted
    correct: int  # how many of these are of it

    @property
    def precision(self) -> float | None:
        return self.correct / self.predicted if self.predicted else None

    @property
    def recall(self) -> float | None:
        return self.correct / self.images if self.images else None

    @property
    def f1(self) -> float | None:
        together = self.images + self.predicted
        return 2 * self.correct / together if together else None


def confused(evaluation: Evaluation) -> list[tuple[int, int, int]]:
    """Return true class, predicted class and count of all confusions, the most frequent first."""
    cells: list[tuple[int, int, int]] = evaluation.cells.tolist()
    return sorted((cell for cell in cells if cell[0] != cell[1]), key=lambda cell: -cell[2])


def class_metrics(evaluation: Evaluation) -> list[ClassMetrics]:
    """Return the metrics of every class, in order."""
    true, predicted, counts = evaluation.cells.T
    right, size = true == predicted, len(evaluation.classes)
    columns = (
        np.bincount(places, numbers, size).astype(np.int64).tolist()
        for places, numbers in ((true, counts), (predicted, counts), (true[right], counts[right]))
    )
    rows = zip(evaluation.classes, *columns, strict=True)
    return [ClassMetrics(*row) for row in rows]


def wilson(correct: int, count: int) -> tuple[float, float]:
    """Return the interval of a share of which 95 % hold the true one (Wilson 1927)."""
    z = 1.959964  # the quantile of the normal distribution for 95 % between two sides
    share, square = correct / count, z**2 / count
    middle = (share + square / 2) / (1 + square)
    reach = z * sqrt(share * (1 - share) / count + square / (4 * count)) / (1 + square)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def mcnemar(first_only: int, other_only: int) -> float:
    """Return the exact two-sided p-value for two models on the same images (McNemar 1947).

    Only the images count that one model alone has correct (Dietterich 1998): if both were equally
    good, each of these would be a throw of a fair coin.
    """
    count = first_only + other_only
    ways, tail = 1, 1  # to choose k of them: in whole numbers, so that nothing is rounded
    for k in range(min(first_only, other_only)):
        ways = ways * (count - k) // (k + 1)
        tail += ways
    return min(1.0, float(2 * tail / 2**count))
