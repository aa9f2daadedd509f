"""The loop: epochs of steps on the engine, what they yield, and when it is time to stop.

Everything random is a function of (seed, epoch, index), so equal arguments give equal weights, bit
for bit, on any number of threads, and however often the training is stopped and resumed: tables,
counters and history are all there is to it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any, Final, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from lenet.data.dataset import Dataset, class_weights
from lenet.data.ground import background
from lenet.data.likeness import WithoutCopies, has_many
from lenet.engine.augmentation import augmented
from lenet.engine.curvature import curvature, step_sizes
from lenet.engine.engine import Objective, Samples
from lenet.engine.initialise import aligned_zeros
from lenet.engine.native import check_threads
from lenet.engine.plan import Floats
from lenet.errors import DivergenceError, ModelFileError
from lenet.metrics import evaluate_scores, read_answers
from lenet.model import Model
from lenet.net import Network
from lenet.optimizers import LEVENBERG_MARQUARDT
from lenet.profile import Profile
from lenet.randomness import CURVATURE, checked_seed, permutation
from lenet.training.calibration import conclusion
from lenet.training.preparation import check_fit, check_recipe, new_model, with_validation
from lenet.training.recipe import MOST_EPOCHS, Recipe

#: Seconds between two looks at the progress (and at Ctrl-C).
LOOK_SECONDS: Final = 0.1
#: Steps that are timed to know how long a training takes.
MEASURED_STEPS: Final = 8
#: Images that the curvature is measured on before each epoch (LeCun et al. 1998, section III.C).
CURVATURE_IMAGES: Final = 500


@dataclass(frozen=True)
class EpochRecord:
    """What an epoch yielded: losses in nats, accuracies from 0 to 1; None is not measured."""

    epoch: int  # from 1
    loss: float  # mean of the training images, each before its step's update, as the recipe has it
    train_accuracy: float  # among them, likewise on the way
    test_accuracy: float | None = None  # at the epoch's end, as all that follow
    seconds: float = 0.0  # of training; tests and writing are not counted
    test_loss: float | None = None
    validation_accuracy: float | None = None
    validation_loss: float | None = None
    learning_rate: float | None = None  # of the last step

    def to_dict(self) -> dict[str, Any]:
        """Return what was measured, as values for JSON."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def text(self, epochs: int) -> str:
        """Return the line that is printed after this epoch, of ``epochs`` in all."""
        names = ("train", "validation", "test")
        shares = ((name, getattr(self, f"{name}_accuracy")) for name in names)
        parts = (f"{name} {share:.4f}   " for name, share in shares if share is not None)
        return (
            f"epoch {self.epoch:>{len(str(epochs))}}/{epochs}   loss {self.loss:.4f}   "
            f"{''.join(parts)}{self.seconds:.{2 if self.seconds >= 0.1 else 3}f} s"
        )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the inverse of :meth:`to_dict`."""
        return cls(**values)


def best_epoch(history: Sequence[EpochRecord]) -> int | None:
    """Return the first epoch with the lowest validation loss; None without one."""
    measured = [(r.validation_loss, r.epoch) for r in history if r.validation_loss is not None]
    return min(measured)[1] if measured else None


def is_out_of_patience(done: int, best: int | None, patience: int) -> bool:
    """Return whether the last ``patience`` of the epochs ``done`` brought no lower validation loss
    than epoch ``best``; never of 0."""
    return bool(patience) and best is not None and done - best >= patience


class Callback(Protocol):
    """Is told how training goes. A method ``notice(text)`` is optional: it is told what a person
    should know, such as checkpoints that cannot be written."""

    def step(self, epoch: int, share: float) -> None:
        """Take note that ``share`` of an epoch's steps are done, 0 to 1; ten times a second."""

    def epoch(self, record: EpochRecord) -> None:
        """Take note that an epoch is done."""


@dataclass
class EpochProgress:
    """How far an epoch is that is not done yet."""

    losses: NDArray[np.float64]  # (steps,), of those done
    steps: int = 0  # that are done
    correct: int = 0  # right answers in them
    seconds: float = 0.0  # they took


class Training:
    """One training of one network, epoch by epoch; iterate :meth:`epochs` to do it.

    ``model`` holds the weights after the last whole epoch (their moving average, if the recipe asks
    for one), ``history`` the epochs done, ``data`` the splits as they are used. ``is_whole`` is
    false only while steps are being made: :meth:`state_dict` would not fit together then.
    """

    def __init__(
        self,
        network: Network | Model,
        data: Dataset,
        recipe: Recipe,
        seed: int,
        threads: int | None,
        engine: str | None = None,
    ) -> None:
        """Draw the first weights and prepare the images; a model is trained further, in place.

        ``engine`` is the name of one; by default it is the native engine.
        """
        self.seed = checked_seed(seed)
        described = network.network if isinstance(network, Model) else network
        check_fit(described, data)
        check_recipe(described, recipe)
        self.data = with_validation(data, recipe)
        self.recipe = recipe.replace(network=str(described))
        if isinstance(network, Network):
            network = new_model(network, self.data, recipe, self.seed)
        self.model = network
        #: Of a model that is trained further: what :func:`model_to_fine_tune` said of it.
        self.fine_tuning: Mapping[str, Any] | None = self.model.training.get("fine_tuning")
        self.engine = self.model.engine(check_threads(threads), engine)
        self.history: list[EpochRecord] = []
        #: The first epoch with the lowest validation loss; kept, so that no epoch looks at all.
        self.best_epoch: int | None = None
        #: What :meth:`conclude` found.
        self.conclusion: dict[str, Any] = {}
        self.is_whole = True
        preprocessing = self.model.preprocessing
        self._images = {
            name: np.ascontiguousarray(preprocessing.prepare(split.images))
            for name, split in self.data.splits.items()
        }
        self._labels = self.data.train.labels.astype(np.int32)
        self._optimizer = recipe.make_optimizer()
        self._objective = self._make_objective()
        size = self.model.plan.table_size
        self._table = aligned_zeros(size)
        self._table[...] = self.model.table
        self._state = np.zeros((self._optimizer.state_rows, size), np.float32)
        self._best: NDArray[np.float32] | None = None
        self._progress: EpochProgress | None = None
        #: Steps between two looks: known from the epoch before, found out in the first.
        self._chunk = 1
        #: Epochs and steps of the trainings that this one goes on from.
        self._before = 0, 0
        self._pixels = preprocessing.scale_and_shift()
        self._fill = np.zeros(described.input_shape[0], np.uint8)
        if recipe.augment.active:
            self._fill = background(self._images["train"])

    @property
    def steps(self) -> int:
        """In an epoch; the last may be of fewer images."""
        return math.ceil(len(self._labels) / self.recipe.batch_size)

    @property
    def seconds(self) -> float:
        """Of training in all epochs so far."""
        return sum(record.seconds for record in self.history)

    @property
    def place(self) -> tuple[int, int]:
        """Whole epochs, and steps of the next."""
        return len(self.history), self._progress.steps if self._progress else 0

    @property
    def _epoch_number(self) -> int:  # from 1; decides the order of the images and their changes
        return self._before[0] + len(self.history) + 1

    @property
    def _steps_made(self) -> int:  # since the optimizer's state was empty
        epochs, steps = self.place
        return self._before[1] + epochs * self.steps + steps

    @property
    def stops_early(self) -> bool:
        """Whether the recipe's patience is at its end."""
        return is_out_of_patience(len(self.history), self.best_epoch, self.recipe.patience)

    @property
    def is_done(self) -> bool:
        """Whether no epoch is left to do."""
        return len(self.history) >= self.recipe.epochs or self.stops_early

    def seconds_ahead(self, epochs: int | None = None) -> float:
        """Measure how long so many epochs take, or the recipe's, tests included; learn nothing."""
        size, steps = self.recipe.batch_size, min(self.steps, MEASURED_STEPS)
        chosen = np.arange(min(steps * size, len(self._labels)), dtype=np.int32)
        rates = self.recipe.rates(self.steps * self.recipe.epochs, 0, steps)
        state, made = self._state.copy(), self._steps_made
        taken = []
        for _ in range(2):  # the first time is slower: memory is new, and so are threads
            start = time.perf_counter()
            images, labels, places, objective = self._material(chosen)
            how = size, rates, made, self._optimizer, objective
            samples = Samples(images, labels, *self._pixels)
            self.engine.train(self._table.copy(), state.copy(), samples, places, *how)
            taken.append(time.perf_counter() - start)
        seconds = min(taken) * self.steps / steps
        for name, split in self.data.splits.items():
            if name != "train":
                part = slice(0, min(len(split), MEASURED_STEPS * size))
                start = time.perf_counter()
                self._scores(self._images[name], part)
                seconds += (time.perf_counter() - start) * len(split) / part.stop
        return seconds * (self.recipe.epochs if epochs is None else epochs)

    def epochs_in(self, seconds: float) -> int:
        """Return how many epochs take about this long; at least one."""
        epochs = int(seconds / max(self.seconds_ahead(1), 1e-6))
        return min(max(1, epochs), MOST_EPOCHS)

    def epochs(
        self, callback: Callback | None = None, pause: Callable[[], None] | None = None
    ) -> Iterator[EpochRecord]:
        """Train what is left to do; yield after every epoch.

        ``pause`` is called between steps, some ten times a second, when the state is whole. After a
        DivergenceError the model has the weights of the last whole epoch.
        """
        while not self.is_done:
            record = self._epoch(callback, pause)
            if callback:
                callback.epoch(record)
            yield record

    # A training that diverges is told by its loss, not by warnings on the way to it.
    @np.errstate(all="ignore")
    def _epoch(self, callback: Callback | None, pause: Callable[[], None] | None) -> EpochRecord:
        start = time.perf_counter()
        epoch, first = len(self.history) + 1, len(self.history) * self.steps
        rates = self.recipe.rates(self.steps * self.recipe.epochs, first, first + self.steps)
        turn = self._epoch_number if self.recipe.shuffle else 1
        order = permutation(self.seed, turn, len(self._labels)).astype(np.int32)
        if self._progress is None:
            self._progress = EpochProgress(np.zeros(self.steps))
        if not self._progress.steps and self.recipe.optimizer == LEVENBERG_MARQUARDT:
            self._measure_curvature()
        self._progress.seconds += time.perf_counter() - start
        while (done := self._progress.steps) < self.steps:
            end = min(done + self._chunk, self.steps)
            per_step = self._run(order, rates, done, end) / (end - done)
            self._chunk = max(1, min(2 * self._chunk, int(LOOK_SECONDS / per_step)))
            if callback:
                callback.step(epoch, end / self.steps)
            if pause and end < self.steps:
                pause()
        record = self._record(epoch, float(rates[-1]))
        # Both in one go: whoever looks sees an epoch that is done, or one that is not.
        self.is_whole = False
        self.history.append(record)
        self._progress = None
        if self._is_best(record):
            self.best_epoch = epoch
            if self.recipe.restore_best:
                self._best = self.model.table.copy()
        self.is_whole = True
        return record

    def _measure_curvature(self) -> None:
        """Set the step of each parameter for this epoch, by images drawn anew."""
        chosen = permutation(self.seed, self._epoch_number, len(self._labels), CURVATURE)
        chosen = chosen[:CURVATURE_IMAGES]
        images, labels = self._images["train"][chosen], self._labels[chosen]
        samples = Samples(images, labels, *self._pixels)
        objective = replace(self._objective, weights=None)
        bends = curvature(self.model.plan, self._table, samples, objective)
        self._state[0] = step_sizes(bends, self.recipe.damping)

    def _is_best(self, record: EpochRecord) -> bool:
        """Return whether its validation loss is the lowest so far."""
        best, loss = self.best_epoch, record.validation_loss
        lowest = self.history[best - 1].validation_loss if best else None
        return loss is not None and (lowest is None or loss < lowest)

    def _run(
        self, order: NDArray[np.int32], rates: NDArray[np.float64], begin: int, end: int
    ) -> float:
        """Make steps [begin, end) of the epoch, count them, and return the seconds it took."""
        assert self._progress
        start = time.perf_counter()
        self.is_whole = False
        size = self.recipe.batch_size
        chosen = order[begin * size : end * size]
        images, labels, places, objective = self._material(chosen)
        samples = Samples(images, labels, *self._pixels)
        how = size, rates[begin:end], self._steps_made, self._optimizer, objective
        result = self.engine.train(self._table, self._state, samples, places, *how)
        if result.steps < end - begin:
            raise self._divergence(f"step {begin + result.steps + 1}")
        taken = time.perf_counter() - start
        self._progress.losses[begin:end] = result.losses
        self._progress.correct += int(result.correct.sum())
        self._progress.seconds += taken
        self._progress.steps = end
        self.is_whole = True
        return taken

    def _material(
        self, chosen: NDArray[np.int32]
    ) -> tuple[NDArray[np.uint8], NDArray[np.int32], NDArray[np.int32], Objective]:
        """Return images, labels, their order and objective: of all, or of those chosen, changed."""
        images, augment, objective = self._images["train"], self.recipe.augment, self._objective
        if not augment.active:
            return images, self._labels, chosen, objective
        epoch, threads = self._epoch_number, self.engine.threads
        changed = augmented(images, chosen, augment, self.seed, epoch, self._fill, threads)
        if objective.weights is not None:
            objective = replace(objective, weights=objective.weights[chosen])
        return changed, self._labels[chosen], np.arange(len(chosen), dtype=np.int32), objective

    def _record(self, epoch: int, rate: float) -> EpochRecord:
        """Test the weights that the epoch under way, all of whose steps are made, has led to."""
        assert self._progress
        before = self.model.table.copy()
        self.publish()
        results: dict[str, Any] = {}
        for name, split in self.data.splits.items():
            if name != "train":
                scores = partial(self._scores, self._images[name])
                result = evaluate_scores(scores, split.labels, self.data.classes, split.weights)
                results |= {f"{name}_accuracy": result.accuracy, f"{name}_loss": result.loss}
        if not (np.isfinite(list(results.values())).all() and np.isfinite(self.model.table).all()):
            self.model.table[...] = before
            raise self._divergence(f"after step {self.steps}")
        images, progress = len(self._labels), self._progress
        sizes = np.full(self.steps, self.recipe.batch_size)
        sizes[-1] = images - sizes[:-1].sum()
        return EpochRecord(
            epoch=epoch,
            loss=float(progress.losses @ sizes / images),
            train_accuracy=progress.correct / images,
            seconds=progress.seconds,
            learning_rate=rate,
            **results,
        )

    def _scores(self, images: NDArray[np.uint8], part: slice | NDArray[np.int64]) -> Floats:
        return self.engine.scores(self.model.table, images[part], *self._pixels)

    def publish(self) -> None:
        """Give the model the weights of this moment, or their moving average."""
        table, made = self._table, self._steps_made
        if self.recipe.ema_decay and made:
            table = self._optimizer.averaged(self._state, made)
            for tensor in self.model.plan.fixed:
                tensor.view(table)[...] = tensor.view(self._table)
        self.model.table[...] = table

    def publish_best(self) -> bool:
        """Give the model the best weights, if the recipe keeps them; return whether it does."""
        if self._best is None:
            return False
        self.model.table[...] = self._best
        return True

    def conclude(self, status: str, best: bool = False) -> None:
        """Calibrate the model, as it is published, and write into it what was done, with the
        profile that :func:`lenet.drift` compares with.

        The test images come first there: those for validation are often the trained ones'
        neighbours.
        """
        splits = self.data.splits
        parts = {name: (partial(self._scores, self._images[name]), splits[name]) for name in splits}
        self.conclusion = conclusion(self.model, parts, self.recipe.calibrate)
        name = next(name for name in ("test", "validation", "train") if name in self._images)
        profile = Profile.of_images(self._images[name], self.model.predict_proba, name)
        self.model.training = {**self.summary(status, best), "profile": profile.to_dict()}

    def summary(self, status: str, best: bool = False) -> dict[str, Any]:
        """Return what was done and what came out, as values for JSON in the model's file.

        Equal arguments give equal values: seconds are left out. ``status`` is running, finished,
        interrupted or diverged; ``best`` says that the model has the weights of the best epoch.
        """
        history = self.history
        kept = (self.best_epoch if best else None) or len(history)
        epochs = [record.to_dict() for record in history]
        return {
            "status": status,
            "stopped_early": self.stops_early,
            "network": str(self.model.network),
            "parameters": self.model.plan.parameters,
            "dataset": self.data.name,
            "classes": list(self.data.classes),
            "recipe": self.recipe.to_dict(),
            "seed": self.seed,
            **({"fine_tuning": self.fine_tuning} if self.fine_tuning else {}),
            "engine": self.engine.name,
            "epochs": [{k: v for k, v in epoch.items() if k != "seconds"} for epoch in epochs],
            "kept_epoch": kept,
            "test_accuracy": history[kept - 1].test_accuracy if history else None,
            **self.conclusion,
        }

    def without_copies(self) -> WithoutCopies | None:
        """Return how the model does on test images that are no near-copy of a training image; None
        where too few are for it to matter."""
        if self.data.test is None or not (self.history and has_many(self.data.test.near_copies)):
            return None
        scores = partial(self._scores, self._images["test"])
        labels = self.data.test.labels
        predicted = read_answers(scores, labels, len(self.data.classes)).predicted
        return WithoutCopies.of(self.data.test.near_copies, predicted == labels)

    def details(self, status: str, best: bool = False) -> dict[str, Any]:
        """Return :meth:`summary` and how long it took, on how many threads; of test images among
        which are many near-copies of training images also what it does without them."""
        without = self.without_copies()
        return {
            **self.summary(status, best),
            **({"near_copies": without.to_dict()} if without else {}),
            "threads": self.engine.threads,
            "epochs": [record.to_dict() for record in self.history],
            "train_seconds": self.seconds,
        }

    def state_dict(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Return the whole state: tensors by name, and counters and history as values for JSON."""
        epochs, steps = self.place
        history = [record.to_dict() for record in self.history]
        counters: dict[str, Any] = {"epochs": epochs, "steps": steps, "history": history}
        tensors: dict[str, NDArray[Any]] = {"table": self._table, "state": self._state}
        if self._best is not None:
            tensors["best"] = self._best
        if progress := self._progress:
            tensors |= {"model": self.model.table, "losses": progress.losses}
            counters |= {"correct": progress.correct, "seconds": progress.seconds}
        return tensors, counters

    def load_state_dict(self, tensors: dict[str, NDArray[Any]], counters: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken, in a training of equal arguments.

        What is no such state raises LookupError, TypeError or ValueError.
        """
        history = [EpochRecord.from_dict(record) for record in counters["history"]]
        self._check_state(tensors, counters, history)
        progress = None
        if "losses" in tensors:
            counted = (counters[name] for name in ("steps", "correct", "seconds"))
            progress = EpochProgress(tensors["losses"].copy(), *counted)
        self._best = tensors["best"].copy() if "best" in tensors else None
        self._table[...] = tensors["table"]
        self._state[...] = tensors["state"]
        self.history[:], self._progress = history, progress
        self.best_epoch = best_epoch(history)
        if progress:
            self.model.table[...] = tensors["model"]
        else:
            self.publish()

    def _check_state(
        self,
        tensors: Mapping[str, NDArray[Any]],
        counters: Mapping[str, Any],
        history: Sequence[EpochRecord],
    ) -> None:
        """Raise a ValueError, if a number or a tensor is not of the kind that is counted with."""
        kinds: dict[str, NDArray[Any]]
        kinds = {"table": self._table, "state": self._state, "losses": np.empty(self.steps)}
        kinds |= dict.fromkeys(("best", "model"), self._table)
        for name, tensor in tensors.items():
            if (tensor.dtype, tensor.shape) != (kinds[name].dtype, kinds[name].shape):
                raise ValueError(f"its {name} has another shape or type")
        numbers = [value for record in history for value in record.to_dict().values()]
        numbers += [counters.get(name, 0) for name in ("correct", "seconds")]
        if not all(type(value) in (int, float) and abs(value) <= 1e300 for value in numbers):
            raise ValueError("it counts with what is no number")
        epochs, steps = counters["epochs"], counters["steps"]
        is_counted = [record.epoch for record in history] == list(range(1, len(history) + 1))
        if epochs != len(history) or not (is_counted and type(steps) is int):
            raise ValueError("its epochs and steps are not those of its history")
        if not 0 <= steps <= self.steps * ("losses" in tensors):
            raise ValueError("it has more steps than an epoch")

    def optimizer_state(self) -> dict[str, Any]:
        """Return what another training, of other data, needs to go on with this one's model."""
        return {
            "table": self._table,
            "state": self._state,
            "optimizer": [self.recipe.optimizer, self.recipe.ema_decay],
            "epochs": self._before[0] + len(self.history),
            "steps": self._steps_made,
        }

    def load_optimizer_state(self, state: Mapping[str, Any]) -> None:
        """Go on, before the first epoch, where :meth:`optimizer_state` was taken.

        Another optimizer or moving average forgets all but the model's weights. No
        :meth:`state_dict` knows of what was before.
        """
        self._before = int(state["epochs"]), 0
        if list(state["optimizer"]) != self.optimizer_state()["optimizer"]:
            return
        for name, mine in (("table", self._table), ("state", self._state)):
            if (given := np.shape(state[name])) != mine.shape:
                raise ModelFileError(
                    f"the training's {name} has shape {given} where the model needs {mine.shape}; "
                    "save it anew from an intact one."
                )
            mine[...] = state[name]
        self._before = int(state["epochs"]), int(state["steps"])

    def _make_objective(self) -> Objective:
        weights, labels = self.data.train.weights, self.data.train.labels
        if self.recipe.class_weight:
            balanced = class_weights(labels, len(self.data.classes), weights)[labels]
            weights = balanced if weights is None else balanced * weights
        recipe, nearest = self.recipe, self.recipe.loss == "nearest"
        rubbish = -math.inf if nearest or not recipe.rubbish else -recipe.rubbish
        shares = recipe.label_smoothing, recipe.dropout
        return Objective(*shares, self.seed, weights, rubbish, nearest)

    def _divergence(self, place: str) -> DivergenceError:
        lr, decay = self.recipe.lr, self.recipe.weight_decay
        less = f"a smaller weight decay than {decay:g}, " if lr * decay >= 1 else ""
        return DivergenceError(
            f"training diverged in epoch {self._epoch_number}, {place} of {self.steps}: the "
            f"loss is no longer a number; try {less}a smaller learning rate than {lr:g} "
            f"(lr {lr / 10:g}) or another initialisation than {self.recipe.init} (init xavier)."
        )
