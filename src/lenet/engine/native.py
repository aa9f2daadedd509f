"""The native engine: a plan run in compiled code. The one place that imports the extension.

``LENET_ISA`` (baseline, avx2, avx512) picks an instruction set by hand; by default the best that
the processor has is taken. ``LENET_ENGINE=reference`` runs everything on the readable NumPy engine
instead: slow, and the same numbers within rounding. ``torch`` is PyTorch, also on a GPU
(``torch:cuda``). ``LENET_CONVOLUTION=direct`` computes every
convolution as the plain sum of products, ``winograd`` by Winograd's transforms wherever they
apply; by default each layer takes what is faster.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lenet.arguments import plain, shown
from lenet.engine.engine import PLAIN, Engine, Gradient, Objective, Samples, TrainResult
from lenet.engine.normalise import folded_plan, folded_table
from lenet.engine.optimizer import Optimizer
from lenet.engine.plan import Floats, Plan, Step
from lenet.engine.reference import ReferenceEngine
from lenet.errors import EngineError, UsageError, needing
from lenet.net.layers import LAYERS
from lenet.net.shapes import elements
from lenet.net.words import check_choice

MAX_THREADS: Final = 1024
#: The engines that a plan can be run by.
ENGINES: Final = ("native", "reference", "torch")
#: So many images are scored one by one, in a way of its own, whose last bits may differ.
SCORED_ALONE: Final = 4
#: Of an extension's step that sees a single place of its input.
_ONE_BY_ONE: Final[dict[str, Any]] = {
    "kernel_size": (1, 1),
    "stride": (1, 1),
    "padding": (0, 0, 0, 0),
    "pool_first": False,
}
#: Made once: one image is scored in the time that NumPy takes to make ten of these.
_FLOAT32 = np.dtype(np.float32)

#: How many forks lie between the first process and this one.
_forks = 0


def _count_fork() -> None:
    global _forks
    _forks += 1


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_count_fork)


def extension() -> Any:
    """Return the extension's module."""
    try:
        import lenet.engine._native as module
    except ImportError as error:
        raise EngineError(
            f"the native engine cannot be loaded ({error}); reinstall lenet with "
            "'pip install --force-reinstall lenet', or set LENET_ENGINE=reference to run slowly."
        ) from error
    return module


def call(function: Callable[..., Any], *values: Any, **named: Any) -> Any:
    """Call a ``function`` of the extension; what it refuses or cannot get is an error of ours."""
    try:
        return function(*values, **named)
    except ValueError as error:
        raise UsageError(str(error)) from error
    except (MemoryError, RuntimeError) as error:
        raise EngineError(
            f"this machine gives too little memory or too few threads for the network "
            f"({error}); use fewer threads or a smaller network."
        ) from error


def instruction_sets() -> tuple[str, ...]:
    """Return what this build holds and this processor runs, best first."""
    return tuple(extension().available_isas())


def chosen_isa() -> str:
    """Return the instruction set that ``LENET_ISA`` names: by default auto, the best."""
    return os.environ.get("LENET_ISA") or "auto"


def measure_peak(threads: int = 1, seconds: float = 0.3) -> float:
    """Measure this machine's float32 multiply-add rate in FLOP/s, two per multiply-add."""
    check_threads(threads)
    return float(call(extension().measure_peak, chosen_isa(), threads, seconds))


def processors() -> int:
    """Return how many processors this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows have no affinity to ask for
        return os.cpu_count() or 1


def check_threads(threads: int | None) -> int | None:
    """Return ``threads`` as Python's own number, unless it is out of range."""
    threads = plain(threads)
    whole = isinstance(threads, int) and not isinstance(threads, bool)
    if threads is not None and not (whole and 1 <= threads <= MAX_THREADS):
        raise UsageError(
            f"threads is {shown(threads)}; it must be from 1 to {MAX_THREADS} "
            f"(this machine has {processors()} processors for us)."
        )
    return threads


def chosen_engine(name: str | None = None) -> tuple[str, str]:
    """Return the engine that ``name`` or ``LENET_ENGINE`` names, by default native; and the device.

    ``torch`` may have a device behind it, ``torch:cuda``.
    """
    given = name or os.environ.get("LENET_ENGINE") or "native"
    engine, _, device = given.partition(":") if isinstance(given, str) else ("", "", "")
    if engine not in ENGINES or (device and engine != "torch"):
        what = "LENET_ENGINE" if name is None else "the engine"
        check_choice(given, ENGINES, what, "engine", ", or torch:cuda for PyTorch on a GPU")
    return engine, device or "cpu"


def make_engine(plan: Plan, threads: int | None = None, name: str | None = None) -> Engine:
    """Return an engine by its name, or the one that ``LENET_ENGINE`` names.

    Raises:
        UsageError: there is no such engine or device.
        MissingPackageError: it is PyTorch's, which is not installed.
    """
    check_threads(threads)
    engine, device = chosen_engine(name)
    if engine == "native":
        return NativeEngine(plan, threads)
    if engine == "reference":
        return ReferenceEngine(plan, np.float32)
    with needing("PyTorch", "for its engine", "torch"):
        from lenet.engine.torch_engine import TorchEngine
    return TorchEngine(plan, threads or processors(), device)


class NativeEngine:
    """Runs one plan in compiled code; see :class:`lenet.engine.engine.Engine`."""

    def __init__(
        self,
        plan: Plan,
        threads: int | None = None,
        isa: str | None = None,
        convolution: str | None = None,
    ) -> None:
        """Start the threads, one per processor by default; they sleep between calls.

        ``isa`` and ``convolution`` take the place of ``LENET_ISA`` and ``LENET_CONVOLUTION``.
        """
        self.plan = plan
        self._classes, self._normalised = plan.classes, plan.normalised
        self._steps = _native_steps(plan)
        self._image, self._input = plan.input_shape, self._steps[0]["input_shape"]
        self._isa = isa or chosen_isa()
        self._convolution = convolution or os.environ.get("LENET_CONVOLUTION") or "fastest"
        self._threads = check_threads(threads) or processors()
        self._start()

    def _start(self) -> None:
        native = extension()
        self._started = call(
            native.Session,
            steps=[_set(native.Step(), **values) for values in self._steps],
            table=self.plan.table_size,
            isa=self._isa,
            threads=self._threads,
            convolution=self._convolution,
        )
        self._forks = _forks

    def __repr__(self) -> str:
        return f"<engine {self.name}, {self.threads} threads>"

    def __getstate__(self) -> dict[str, Any]:
        """Return what copies and pickles carry: threads and their memory begin anew."""
        return {k: v for k, v in vars(self).items() if k not in ("_started", "_folded")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._start()

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
        """Return the scores (N, classes), before the softmax, of ``images`` (N, C, H, W)."""
        if self._normalised:  # multiplied into the convolutions: faster, and no second code
            table = folded_table(self.plan, _float32(parameters))
            return self._folded.scores(table, images, scale, shift)
        images, scale, shift = self._pixels(images, scale, shift)
        scores = np.empty((len(images), self._classes), _FLOAT32)
        call(self._session.scores, _float32(parameters), images, scale, shift, scores)
        return scores

    def gradient(
        self, parameters: Floats, samples: Samples, objective: Objective = PLAIN, step: int = 1
    ) -> Gradient:
        """Return loss and gradient of all ``samples`` as one batch, in training step ``step``."""
        gradient = np.empty(self.plan.table_size, np.float32)
        loss, correct = call(
            self._session.gradient,
            parameters=_float32(parameters),
            **self._native_samples(samples, objective),
            step=step,
            gradient=gradient,
        )
        return Gradient(loss, correct, gradient)

    def train(
        self,
        parameters: Floats,
        state: Floats,
        samples: Samples,
        order: NDArray[np.integer[Any]],
        batch_size: int,
        rates: NDArray[np.float64],
        first_step: int,
        optimizer: Optimizer,
        objective: Objective = PLAIN,
    ) -> TrainResult:
        """Run len(rates) training steps, changing ``parameters`` and ``state`` in place."""
        samples.check_order(order, batch_size, len(rates), objective)
        for what, table in (("parameter", parameters), ("state", state)):
            if not (
                table.dtype == np.float32 and table.flags.c_contiguous and table.flags.writeable
            ):
                raise UsageError(
                    f"the {what} table is {table.dtype}; to be trained in place it must be "
                    "float32, in one piece, and writable."
                )
        losses, correct = np.zeros(len(rates)), np.zeros(len(rates), np.int64)
        steps = call(
            self._session.train,
            parameters=parameters,
            state=state,
            **self._native_samples(samples, objective),
            order=_int32("order", order[: len(rates) * batch_size]),
            batch_size=min(batch_size, 2**31 - 1),
            rates=_float32(rates),
            first_step=first_step,
            optimizer=_set(extension().Optimizer(), **vars(optimizer)),
            losses=losses,
            correct=correct,
        )
        return TrainResult(losses, correct, steps)

    def _native_samples(self, samples: Samples, objective: Objective) -> dict[str, Any]:
        """Return samples and what is asked of them, as the extension takes both."""
        objective.check(len(samples.images))
        images, scale, shift = self._pixels(samples.images, samples.scale, samples.shift)
        weights = np.empty(0, np.float32) if objective.weights is None else objective.weights
        members = vars(objective) | {"seed": objective.seed % 2**64, "weights": weights}
        return {
            "images": images,
            "labels": _int32("labels", samples.labels),
            "scale": scale,
            "shift": shift,
            "objective": _set(extension().Objective(), **members),
        }

    def _pixels(
        self, images: NDArray[np.uint8], scale: Floats, shift: Floats
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]:
        """Return images as the first step reads them: a dense one takes a pixel for a channel."""
        if images.dtype.char != "B" or images.shape[1:] != self._image:
            raise UsageError(
                f"the images are {images.dtype} of shape {images.shape}; the network takes uint8 "
                f"of shape (N, {', '.join(map(str, self._image))})."
            )
        images, scale, shift = np.ascontiguousarray(images), _float32(scale), _float32(shift)
        if self._input == self._image:
            return images, scale, shift
        pixels = self._input[0] // self._image[0]  # of a channel
        images = images.reshape(len(images), *self._input)
        return images, np.repeat(scale, pixels), np.repeat(shift, pixels)


def _set(target: Any, **values: Any) -> Any:
    """Return one of the extension's structures with its members set by name."""
    for name, value in values.items():
        setattr(target, name, value)
    return target


def _native_steps(plan: Plan) -> list[dict[str, Any]]:
    """Return the members of the extension's steps, which are a chain.

    A subsampling is two of them: a pooling that sums, and a convolution of one weight for each
    channel. Behind the maps, a convolution that sees all of its input at once is a dense step.
    """
    flat = len(plan.steps)
    while flat and (LAYERS[plan.steps[flat - 1].kind].flattens or _sees_all(plan.steps[flat - 1])):
        flat -= 1
    found: list[dict[str, Any]] = []
    for place, step in enumerate(plan.steps):
        parts = [_step_values(step)]
        if step.kind == "subsample":
            parts = _parted(step)
        elif step.kind == "conv" and place >= flat:
            parts = [_as_dense(step)]
        for values in parts:
            found.append(values | {"place": place, "inputs": [len(found) - 1]})
    return found


def _sees_all(step: Step) -> bool:
    """Is a step a convolution whose window is its whole input, all channels of it?"""
    is_whole = step.kernel_size == step.input_shape[1:] and not any(step.padding)
    is_plain = step.groups == 1 and step.links is None and step.norm is None
    return step.kind == "conv" and is_whole and is_plain


def _as_dense(step: Step) -> dict[str, Any]:
    whole = _step_values(step)
    kept = {key: whole[key] for key in ("output_shape", "activation", "weight", "bias")}
    inputs = elements(step.input_shape), 1, 1
    return _ONE_BY_ONE | kept | {"kind": "dense", "input_shape": inputs, "never_drops": 1}


def _parted(step: Step) -> list[dict[str, Any]]:
    whole = _step_values(step)
    keys = ("input_shape", "output_shape", "kernel_size", "stride", "padding", "pool_first")
    pool = {key: whole[key] for key in keys} | {"kind": "avgpool", "activation": "identity"}
    kept = {key: whole[key] for key in ("output_shape", "activation", "weight", "bias")}
    conv = {"kind": "conv", "input_shape": step.output_shape, "groups": step.output_shape[0]}
    return [pool | {"sums": 1}, _ONE_BY_ONE | kept | conv]


def _step_values(step: Step) -> dict[str, Any]:
    """Return the members of the extension's Step: those of ours, tensors by their offsets."""
    values = {name: value for name, value in vars(step).items() if name not in ("name", "table")}
    offsets = {tensor.name.rpartition(".")[2]: tensor.offset for tensor in step.tensors}
    links = {} if step.links is None else {"links": step.links.ravel().tolist()}
    named = {name: offsets.get(name, value) for name, value in values.items() if value is not None}
    return named | links


def _float32(values: Floats) -> NDArray[np.float32]:
    return np.ascontiguousarray(values, _FLOAT32)


def _int32(what: str, values: NDArray[np.integer[Any]]) -> NDArray[np.int32]:
    """Return the same numbers in 32 bits; one that does not fit must not wrap around."""
    converted = np.ascontiguousarray(values, np.int32)
    if not np.array_equal(converted, values) or converted.ndim != 1:
        raise UsageError(f"the {what} must be one row of whole numbers, each below {2**31:,}.")
    return converted
