"""The workload in this package, as a user's program would call it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lenet.benchmarking.workload import RATE, Workload
from lenet.engine.optimizer import Optimizer
from lenet.errors import DivergenceError
from lenet.model import Model


class WithLenet:
    """See :class:`lenet.benchmarking.worker.Contender`."""

    def __init__(self, workload: Workload) -> None:
        self._workload = workload
        self._model = Model(workload.network).initialize()
        self._model.table[...] = workload.parameters
        self._engine = self._model.engine(workload.threads)
        self._optimizer = Optimizer("sgd")
        self._state = np.zeros((0, workload.plan.table_size), np.float32)
        self._labels = workload.labels.astype(np.int32)
        self.what = self._engine.name

    def train(self, steps: int) -> None:
        """Run that many whole steps."""
        result = self._engine.train(
            self._model.table,
            self._state,
            self._workload.images,
            self._labels,
            self._workload.order(steps),
            self._workload.batch,
            np.full(steps, RATE),
            0,
            *self._model.preprocessing.scale_and_shift(),
            self._optimizer,
        )
        if result.steps < steps:
            raise DivergenceError(
                "training on random images diverged; the network multiplies what flows through "
                "it beyond 32 bits, so there is nothing to time."
            )

    def infer(self, number: int) -> NDArray[np.float32]:
        """The scores of batch ``number``."""
        return self._scores(self._workload.images[self._workload.batch_slice(number)])

    def infer_one(self, number: int) -> NDArray[np.float32]:
        """The scores (1, classes) of image ``number``."""
        return self._scores(self._workload.images[number : number + 1])

    def _scores(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return self._model.scores(images, self._workload.threads)
