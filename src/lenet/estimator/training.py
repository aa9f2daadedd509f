"""Training epoch by epoch on samples that may change from one epoch to the next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from lenet.engine.objective import Objective
from lenet.errors import DivergenceError, ModelFileError
from lenet.estimator.samples import Samples
from lenet.model import Model
from lenet.randomness import permutation
from lenet.training import Recipe


class Course:
    """A model in training, with what the optimizer remembers.

    ``lenet.training.Training`` has one data set and a test part; here every epoch may bring other
    samples (``partial_fit``), and there is none.
    """

    def __init__(self, model: Model, recipe: Recipe, seed: int) -> None:
        """Start; ``model`` has its first weights."""
        self.model, self.recipe, self.seed = model, recipe, seed
        self.epochs = 0
        self._forget()

    def change(self, recipe: Recipe) -> None:
        """Go on with another recipe; another optimizer starts with an empty memory."""
        forget = recipe.optimizer != self.recipe.optimizer
        self.recipe = recipe
        if forget:
            self._forget()

    def _forget(self) -> None:
        shape = self.recipe.make_optimizer().state_rows, self.model.plan.table_size
        self.state: NDArray[np.float32] = np.zeros(shape, np.float32)
        self.steps = 0

    # A training that diverges is told by its loss, not by warnings on the way to it.
    @np.errstate(all="ignore")
    def epoch(self, samples: Samples, rates: NDArray[np.float64], threads: int | None) -> float:
        """One pass over ``samples``, a step for each of ``rates``; the mean loss in nats.

        Raises:
            DivergenceError: a loss was not a number; weights and memory are as before the epoch.
        """
        self.epochs += 1
        before = self.model.parameters.copy(), self.state.copy()
        order = permutation(self.seed, self.epochs, len(samples)).astype(np.int32)
        size = self.recipe.batch_size
        result = self.model.engine(threads).train(
            self.model.parameters,
            self.state,
            samples.images,
            samples.labels,
            order,
            size,
            rates,
            self.steps,
            *self.model.preprocessing.scale_and_shift(),
            self.recipe.make_optimizer(),
            Objective(weights=samples.weights),
        )
        if result.steps < len(rates) or not np.isfinite(self.model.parameters).all():
            self.model.parameters[...], self.state[...] = before
            raise DivergenceError(
                f"training diverged in epoch {self.epochs}: the loss is no longer a number; try a "
                f"smaller learning rate than lr={self.recipe.lr:g}, or init='xavier'."
            )
        self.steps += len(rates)
        sizes = np.diff(np.append(np.arange(0, len(samples), size), len(samples)))
        return float(result.losses @ sizes / len(samples))

    def to_dict(self) -> dict[str, Any]:
        """What is remembered, but for the model and the recipe, in NumPy's and Python's types."""
        return {
            "state": self.state,
            "steps": self.steps,
            "epochs": self.epochs,
            "seed": self.seed,
            "recipe": self.recipe.to_dict(),
        }

    @classmethod
    def from_dict(cls, model: Model, values: Mapping[str, Any]) -> Self:
        """The inverse of :meth:`to_dict`.

        Raises:
            ModelFileError: the optimizer's memory is not of the model's size.
        """
        course = cls(model, Recipe(**values["recipe"]), int(values["seed"]))
        state = np.ascontiguousarray(values["state"], np.float32)
        if state.shape != course.state.shape:
            raise ModelFileError(
                f"the optimizer's memory has shape {state.shape} where the model needs "
                f"{course.state.shape}; save the estimator anew from an intact one."
            )
        course.state = state
        course.steps, course.epochs = int(values["steps"]), int(values["epochs"])
        return course
