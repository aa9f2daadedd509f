"""Why a training taught a network nothing: what its layers' signals and its recipe show."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from math import ceil, inf, isfinite, log10
from typing import Any, Final

from lenet.metrics import unrecognised_text
from lenet.net.words import listed
from lenet.run_folder import LayerSignal, RunRecord
from lenet.writing.numbers import percent

#: From this share on, a layer's units count as all dead, its outputs as all saturated.
_NEARLY_ALL: Final = 0.8
#: Weights that got so many times larger or smaller did not learn.
_GROWN: Final = 100.0
_SHRUNK: Final = 0.02
#: A gradient of the loss by a weight (root mean square) that moves nothing, and one that moves
#: nothing beside those of other layers, as a part of theirs.
_NO_GRADIENT: Final = 1e-6
_NO_PART: Final = 1e-3
#: All steps together can move no weight by more than this part of it.
_NO_MOVE: Final = 0.02
#: Of more layers, the first are named.
_MOST_NAMED: Final = 4
#: Of the training images are right, and so many more than of the test images: learnt by heart.
_BY_HEART: Final = 0.95
_GAP: Final = 0.1
#: The loss has fallen by at least this part of it in the second half.
_FALLING: Final = 0.01


def sentence(record: RunRecord) -> str:
    """Say that a run is no better than guessing, and why, if its signals show it; of another that
    diverged, why; and of all others, whether it knows its training images alone, and which classes
    are never recognised, if there are such."""
    reasons = " ".join(_reasons(record))
    if not record.is_guessing:
        return " ".join(filter(None, (reasons, _learnt_by_heart(record), _unrecognised(record))))
    accuracy = percent(record.kept["test_accuracy"])
    return (
        f"It is hardly better than guessing: {accuracy} of the test images, and always naming the "
        f"most frequent class gives {percent(record.chance)}. "
        f"{reasons or 'Its signals show no reason: try another learning rate or initialisation.'}"
    )


def _learnt_by_heart(record: RunRecord) -> str:
    """Say that a run is far better on its training images, and what was measured to help."""
    kept = record.kept or {}
    seen, unseen = (kept.get(f"{name}_accuracy") for name in ("train", "test"))
    if not (isinstance(seen, float) and isinstance(unseen, float)):
        return ""
    if seen < _BY_HEART or seen - unseen < _GAP:
        return ""
    change = record.recipe.get("augment") or {}
    remedy = "more pictures help, and so do those that are unlike the ones there are"
    if not (isinstance(change, Mapping) and any(change.values())):
        remedy = (
            "images that change in every epoch help most: --recipe auto does that, on pictures of "
            "your own, and so does --recipe best"
        )
    return (
        f"It knows its training images by heart ({percent(seen)} right) and the others much less "
        f"({percent(unseen)}): {remedy}."
    )


def _unrecognised(record: RunRecord) -> str:
    classes = record.info.get("unrecognised")
    if not (isinstance(classes, list) and classes):
        return ""
    words = unrecognised_text([str(name) for name in classes], "test image")
    if record.recipe.get("class_weight") == "balanced":
        return f"{words} Look at their images and labels."
    return (
        f"{words} Look at their images and labels; if they are few, --balance (class_weight = "
        '"balanced") lets them count as much as others.'
    )


def calibration_text(record: RunRecord) -> str:
    """Say what the calibration of a run's probabilities did; nothing if there was none."""
    done = record.info.get("calibration")
    if not isinstance(done, Mapping):
        return ""
    names = ("images", "error_before", "error_after", "temperature")
    numbers = [value for name in names if isinstance(value := done.get(name), int | float)]
    if len(numbers) < len(names):
        return ""
    count, before, after, heat = numbers
    return (
        f"Its probabilities are calibrated on {count:,} validation images: there the expected "
        f"calibration error was {percent(before)} and is {percent(after)} (temperature {heat:g})."
    )


def to_dict(record: RunRecord) -> dict[str, Any]:
    """Return the same for JSON."""
    return {"guessing": record.is_guessing, "reasons": _reasons(record)}


def _reasons(record: RunRecord) -> list[str]:
    """Return the reasons of a run that is told them: it is guessing, or diverged."""
    is_told = record.is_guessing or record.info["status"] == "diverged"
    return find_reasons(record) if is_told else []


def find_reasons(record: RunRecord) -> list[str]:
    """Return in sentences why a run that has learned nothing has not: the first cause found."""
    courses: dict[str, list[LayerSignal]] = {}
    for signal in record.signals:
        courses.setdefault(signal.layer, []).append(signal)
    layers = [Course(name, signals) for name, signals in courses.items()]
    if not layers:
        return []
    return next(filter(None, (list(look(record, layers)) for look in _LOOKS)), [])


@dataclass(frozen=True)
class Course:
    """The signals of one layer, in the order of epochs."""

    layer: str
    signals: Sequence[LayerSignal]

    @property
    def first(self) -> LayerSignal:
        """Before the first epoch."""
        return self.signals[0]

    @property
    def last(self) -> LayerSignal:
        """After the last."""
        return self.signals[-1]

    @property
    def growth(self) -> float:
        """How many times larger its weights have become."""
        ratio = self.last.weight / self.first.weight if self.first.weight else 1.0
        return ratio if isfinite(ratio) else inf

    def since(self, share: str, least: float) -> int | None:
        """Return the epoch from which on ``least`` of it is dead or saturated; None if none is."""
        values = ((getattr(one, share) or 0, one.epoch) for one in reversed(self.signals))
        epochs = [epoch for _, epoch in takewhile(lambda value: value[0] >= least, values)]
        return epochs[-1] if epochs else None


def _shrunk(record: RunRecord, layers: Sequence[Course]) -> Iterator[str]:
    worst = min(layers, key=lambda course: course.growth)
    if worst.growth >= _SHRUNK:
        return
    sizes = f"from {worst.first.weight:.2g} to {worst.last.weight:.2g} (root mean square)"
    yield f"The weights of {worst.layer} shrank {sizes}."
    recipe = record.recipe
    decay, optimizer = recipe.get("weight_decay", 0), recipe.get("optimizer", "")
    if decay:
        term = "" if optimizer == "adamw" else f", with {optimizer} a term of every gradient"
        yield f"The weight decay of {decay:g}{term}, pulls them to zero: try 0, or 5e-4."


def _dead(record: RunRecord, layers: Sequence[Course]) -> Iterator[str]:
    for found, since in _first(layers, "dead"):
        what = f"{_all(found, 'dead')} units of {_names(found)} are dead {_from(since)}"
        yield (
            f"{what}: they are zero for every image that was looked at, and pass no gradient back. "
            f"{_gentler(record)}"
        )


def _saturated(record: RunRecord, layers: Sequence[Course]) -> Iterator[str]:
    for found, since in _first(layers, "saturated"):
        yield (
            f"{_all(found, 'saturated')} outputs of {_names(found)} are saturated {_from(since)}: "
            f"hardly any gradient passes there. {_gentler(record)}"
        )


def _grown(record: RunRecord, layers: Sequence[Course]) -> Iterator[str]:
    worst = max(layers, key=lambda course: course.growth)
    if worst.growth > _GROWN:
        sizes = f"from {worst.first.weight:.2g} to {worst.last.weight:.2g} (root mean square)"
        yield f"The weights of {worst.layer} grew {sizes}. {_gentler(record)}"


def _vanished(record: RunRecord, layers: Sequence[Course]) -> Iterator[str]:
    worst = min(layers, key=lambda course: course.last.gradient)
    other = max(layers, key=lambda course: course.last.gradient)
    least, most = worst.last.gradient, other.last.gradient
    if least < max(_NO_GRADIENT, _NO_PART * most):
        size = f"below {10.0 ** ceil(log10(least)):g}" if least else "zero"
        beside = f", where those of {other.layer} are {most:.1g}" if most > least else ""
        yield (
            f"The gradients of {worst.layer} are {size} in epoch {worst.last.epoch}{beside}, so it "
            f"does not learn. Try {listed(_remedies(record), 'or')}."
        )


def _remedies(record: RunRecord) -> list[str]:
    """Return what helps gradients through many layers, but for what is done already."""
    known = ["relu in place of sigmoids", "fewer layers"]
    return known if record.recipe.get("init") == "xavier" else [*known, "init xavier"]


def _hardly_moved(record: RunRecord, layers: Sequence[Course]) -> Iterator[str]:
    recipe, images = record.recipe, record.info.get("train_images")
    lr, batch = recipe.get("lr"), recipe.get("batch_size")
    if not (lr and batch and images and record.epochs):
        return
    steps = ceil(images / batch) * len(record.epochs)
    momentum = recipe.get("momentum", 0) if recipe.get("optimizer") != "sgd" else 0

    def reach(signal: LayerSignal) -> float:
        pull = 1.0 if recipe.get("optimizer") == "adamw" else signal.gradient / (1 - momentum)
        return lr * steps * pull / signal.weight if signal.weight else 0.0

    most = max(reach(signal) for course in layers for signal in course.signals)
    if most < _NO_MOVE:
        yield (
            f"In {steps:,} steps at a learning rate of {lr:g} at most no layer's weights can move "
            f"by more than about {100 * most:.1g} % of their size: try a larger learning rate."
        )


def _still_falling(record: RunRecord, _: Sequence[Course]) -> Iterator[str]:
    losses = _losses(record)
    middle = losses[(len(losses) - 1) // 2] if losses else 0.0
    if losses and losses[-1] < (1 - _FALLING) * min(middle, losses[0]):
        yield (
            f"The loss still falls, from {losses[0]:.3g} to {losses[-1]:.3g}: train for more "
            "epochs, or try a larger learning rate."
        )


def _rising(record: RunRecord, _: Sequence[Course]) -> Iterator[str]:
    losses = _losses(record)
    if len(losses) > 1 and losses[-1] > losses[0]:
        sizes = f"from {losses[0]:.3g} to {losses[-1]:.3g}"
        yield f"The loss rose {sizes}: the steps are too large. {_gentler(record)}"


def _losses(record: RunRecord) -> list[float]:
    return [epoch["loss"] for epoch in record.epochs if isfinite(epoch.get("loss", inf))]


#: Looked at in this order: what is a cause of others comes before them.
_LOOKS: Final[tuple[Callable[[RunRecord, Sequence[Course]], Iterator[str]], ...]] = (
    *(_shrunk, _dead, _saturated, _grown, _vanished, _hardly_moved, _still_falling, _rising),
)


def _first(layers: Sequence[Course], share: str) -> Iterator[tuple[list[Course], int]]:
    """Yield the layers that were the first to be dead or saturated, and since when: those that are
    so as a whole, or nearly so if there are none."""
    for least in (1.0, _NEARLY_ALL):
        times = {course.layer: course.since(share, least) for course in layers}
        known = [epoch for epoch in times.values() if epoch is not None]
        if known:
            yield [course for course in layers if times[course.layer] == min(known)], min(known)
            return


def _all(courses: Sequence[Course], share: str) -> str:
    return "All" if min(getattr(one.last, share) for one in courses) == 1 else "Nearly all"


def _from(epoch: int) -> str:
    return f"from epoch {epoch} on" if epoch else "from the start"


def _names(courses: Sequence[Course]) -> str:
    names = [course.layer for course in courses]
    if (more := len(names) - _MOST_NAMED) > 1:
        names = [*names[:_MOST_NAMED], f"{more:,} more layers"]
    return listed(names)


def _gentler(record: RunRecord) -> str:
    lr, init = record.recipe.get("lr"), record.recipe.get("init")
    rate = f" than {lr:g}" if isinstance(lr, float | int) else ""
    other = f" than {init}" if init else ""
    return f"Try a smaller learning rate{rate}, or another initialisation{other}."
