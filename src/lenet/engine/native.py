"""The native engine: a plan run in compiled code.

``LENET_CONVOLUTION=direct`` computes every convolution as the plain sum of products, ``winograd``
by Winograd's transforms wherever they apply; by default each layer takes what is faster. What
``LENET_ISA`` and ``LENET_ENGINE`` do is in ``machine.py``.
"""

from __future__ import annotations

import os
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lenet.engine.machine import FOREIGN, check_threads, extension, is_native, own, processors
from lenet.engine.normalise import folded_plan, folded_table
from lenet.engine.objective import PLAIN, Objective
from lenet.engine.optimizer import Optimizer
from lenet.engine.plan import Floats, Plan, Step
from lenet.engine.reference import ReferenceEngine
from lenet.engine.results import Engine, Gradient, TrainResult, check_order
from lenet.engine.warp import Distortions, spline_weights
from lenet.engine.warp import warp as reference_warp
from lenet.errors import UsageError
from lenet.net.layers import ACTIVATIONS, LAYERS
from lenet.optimizers import OPTIMIZERS
from lenet.randomness import stream_key

# The order of the enumerations in native/include/engine.h.
_KINDS = tuple(LAYERS)
_ACTIVATIONS = tuple(ACTIVATIONS)
_RULES = tuple(OPTIMIZERS)
#: Made once: one image is scored in the time that NumPy takes to make ten of these.
_FLOAT32 = np.dtype(np.float32)

#: How many forks lie between the first process and this one.
_forks = 0


def _count_fork() -> None:
    global _forks
    _forks += 1


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_count_fork)


class NativeEngine:
    """Runs one plan in compiled code; see :class:`lenet.engine.results.Engine`."""

    def __init__(
        self,
        plan: Plan,
        threads: int | None = None,
        isa: str | None = None,
        convolution: str | None = None,
    ) -> None:
        """Start the threads; they sleep between calls and end with the object.

        Args:
            plan: what to run.
            threads: how many to use; by default one a processor that this process may use.
            isa: an instruction set, see :func:`instruction_sets`; by default ``LENET_ISA`` or
                the best.
            convolution: fastest, direct or winograd; by default ``LENET_CONVOLUTION`` or fastest.

        Raises:
            UsageError: ``threads``, ``isa`` or ``convolution`` out of range.
            EngineError: the extension is missing from this installation.
        """
        self.plan = plan
        self._classes, self._normalised = plan.classes, plan.normalised
        self._image, self._input = plan.input_shape, plan.steps[0].input_shape
        self._isa = isa or os.environ.get("LENET_ISA") or "auto"
        self._convolution = convolution or os.environ.get("LENET_CONVOLUTION") or "fastest"
        self._threads = check_threads(threads) or processors()
        self._start()

    def _start(self) -> None:
        native = extension()
        steps = np.array([_fields(step) for step in self.plan.steps], np.int32)
        shape = self.plan.steps[0].input_shape
        try:
            self._started = native.Session(
                steps, self.plan.table_size, *shape, self._isa, self._threads, self._convolution
            )
        except FOREIGN as error:
            raise own(error) from error
        self._forks = _forks

    @property
    def _session(self) -> Any:
        """The session of this process: threads do not live on in the child of a fork."""
        if self._forks != _forks:
            self._start()
        return self._started

    @cached_property
    def _folded(self) -> NativeEngine:
        """What scores the images of a normalised plan."""
        return NativeEngine(folded_plan(self.plan), self._threads, self._isa, self._convolution)

    @property
    def name(self) -> str:
        """``native`` and the instruction set, e.g. ``native avx2``."""
        return f"native {self._session.isa}"

    @property
    def threads(self) -> int:
        """How many threads it computes with."""
        return int(self._session.threads)

    def scores(
        self, parameters: Floats, images: NDArray[np.uint8], scale: Floats, shift: Floats
    ) -> Floats:
        """Scores (N, classes), before the softmax, of ``images`` (N, C, H, W)."""
        if self._normalised:  # multiplied into the convolutions: faster, and one way less
            table = folded_table(self.plan, _float32(parameters))
            return self._folded.scores(table, images, scale, shift)
        images, scale, shift = self._pixels(images, scale, shift)
        scores = np.empty((len(images), self._classes), _FLOAT32)
        try:
            self._session.scores(_float32(parameters), images, scale, shift, scores)
        except FOREIGN as error:
            raise own(error) from error
        return scores

    def gradient(
        self,
        parameters: Floats,
        images: NDArray[np.uint8],
        labels: NDArray[np.integer[Any]],
        scale: Floats,
        shift: Floats,
        objective: Objective = PLAIN,
        step: int = 1,
    ) -> Gradient:
        """Loss and gradient of all ``images`` (N, C, H, W) with ``labels`` (N,) as one batch."""
        gradient = np.empty(self.plan.table_size, np.float32)
        images, scale, shift = self._pixels(images, scale, shift)
        labels = _int32("labels", labels)
        objective.check(len(images))
        try:
            loss, correct = self._session.gradient(
                _float32(parameters),
                images,
                labels,
                scale,
                shift,
                *_terms(objective),
                step,
                gradient,
            )
        except FOREIGN as error:
            raise own(error) from error
        return Gradient(loss, correct, gradient)

    def train(
        self,
        parameters: Floats,
        state: Floats,
        images: NDArray[np.uint8],
        labels: NDArray[np.integer[Any]],
        order: NDArray[np.integer[Any]],
        batch_size: int,
        rates: NDArray[np.float64],
        first_step: int,
        scale: Floats,
        shift: Floats,
        optimizer: Optimizer,
        objective: Objective = PLAIN,
    ) -> TrainResult:
        """Run len(rates) training steps, changing ``parameters`` and ``state`` in place."""
        check_order(order, batch_size, len(rates))
        objective.check(len(images))
        _check_table("parameter", parameters)
        _check_table("state", state)
        losses, correct = np.zeros(len(rates)), np.zeros(len(rates), np.int64)
        images, scale, shift = self._pixels(images, scale, shift)
        labels, order = _int32("labels", labels), _int32("order", order[: len(rates) * batch_size])
        try:
            steps = self._session.train(
                parameters,
                state,
                images,
                labels,
                order,
                min(batch_size, 2**31 - 1),
                _float32(rates),
                first_step,
                scale,
                shift,
                _RULES.index(optimizer.kind),
                _constants(optimizer),
                *_terms(objective),
                losses,
                correct,
            )
        except FOREIGN as error:
            raise own(error) from error
        return TrainResult(losses, correct, steps)

    def _pixels(
        self, images: NDArray[np.uint8], scale: Floats, shift: Floats
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]:
        """Images as the first step reads them: a dense one takes every pixel for a channel."""
        if images.dtype.char != "B" or images.shape[1:] != self._image:
            raise UsageError(
                f"the images are {images.dtype} of shape {images.shape}; the network takes uint8 "
                f"of shape (N, {', '.join(map(str, self._image))})."
            )
        images, scale, shift = np.ascontiguousarray(images), _float32(scale), _float32(shift)
        if self._input == self._image:
            return images, scale, shift
        each = self._input[0] // self._image[0]
        images = images.reshape(len(images), *self._input)
        return images, np.repeat(scale, each), np.repeat(shift, each)


def make_engine(plan: Plan, threads: int | None = None) -> Engine:
    """The engine that ``LENET_ENGINE`` names: native (the default) or reference.

    Raises:
        UsageError: another name, or ``threads`` out of range.
        EngineError: the native extension is missing from this installation.
    """
    check_threads(threads)
    return NativeEngine(plan, threads) if is_native() else ReferenceEngine(plan, np.float32)


def warp(
    images: NDArray[np.uint8],
    order: NDArray[np.int32],
    distortions: Distortions,
    fill: NDArray[np.uint8],
    threads: int | None = None,
) -> NDArray[np.uint8]:
    """Images ``order`` of ``images``, each distorted; see :func:`lenet.engine.warp.warp`.

    Every engine, instruction set and number of threads gives the same bytes.

    Raises:
        UsageError: ``threads`` or ``LENET_ENGINE`` out of range, an index without an image.
        EngineError: the native extension is missing from this installation.
    """
    threads = check_threads(threads) or processors()
    if not is_native():
        return reference_warp(images, order, distortions, fill)
    warped = np.empty((len(order), *images.shape[1:]), np.uint8)
    height, width = images.shape[2:]
    nodes, corners = distortions.nodes, distortions.corners
    try:
        extension().warp(
            np.ascontiguousarray(images),
            order,
            distortions.affine,
            np.empty((0, 0), np.uint8) if nodes is None else nodes.reshape(len(order), -1),
            distortions.elastic,
            spline_weights(height),
            spline_weights(width),
            stream_key(*distortions.noise_stream),
            distortions.noise,
            np.empty((0, 0), np.int32) if corners is None else corners,
            0 if corners is None else distortions.side,
            fill,
            warped,
            os.environ.get("LENET_ISA") or "auto",
            threads,
        )
    except FOREIGN as error:
        raise own(error) from error
    return warped


def _fields(step: Step) -> tuple[int, ...]:
    """The members of ``struct Step`` in native/include/engine.h, in order."""
    return (
        _KINDS.index(step.kind),
        *step.input_shape,
        *step.output_shape,
        *step.kernel,
        *step.stride,
        *step.padding,
        _ACTIVATIONS.index(step.activation),
        int(step.pool_first),
        step.weight.offset if step.weight else -1,
        step.bias.offset if step.bias else -1,
        *((t.offset for t in step.norm) if step.norm else (-1, -1, -1)),
    )


def _constants(optimizer: Optimizer) -> NDArray[np.float32]:
    return np.array(
        [
            optimizer.momentum,
            optimizer.beta1,
            optimizer.beta2,
            optimizer.epsilon,
            optimizer.weight_decay,
            optimizer.clip,
            optimizer.average,
        ],
        np.float32,
    )


def _terms(objective: Objective) -> tuple[float, float, int, NDArray[np.float32]]:
    weights = np.empty(0, np.float32) if objective.weights is None else objective.weights
    return objective.smoothing, objective.dropout, objective.seed % 2**64, weights


def _float32(values: Floats) -> NDArray[np.float32]:
    return np.ascontiguousarray(values, _FLOAT32)


def _int32(what: str, values: NDArray[np.integer[Any]]) -> NDArray[np.int32]:
    """The same numbers in 32 bits: one that does not fit must not wrap around into range."""
    converted = np.ascontiguousarray(values, np.int32)
    if not np.array_equal(converted, values) or converted.ndim != 1:
        raise UsageError(f"the {what} must be one row of whole numbers, each below {2**31:,}.")
    return converted


def _check_table(what: str, values: Floats) -> None:
    """What is trained in place must be such that the engine can write to it."""
    if values.dtype != np.float32 or not values.flags.c_contiguous or not values.flags.writeable:
        raise UsageError(
            f"the {what} table is {values.dtype}; to be trained in place it must be float32, in "
            "one piece, and writable."
        )
