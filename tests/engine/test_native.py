"""The native engine's edges: what it refuses.

That its numbers are right is held in tests/parity, how it lives with threads, forks and signals in
test_native_processes.py.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lenet.engine.engine import Samples
from lenet.engine.initialise import aligned_zeros, initialise
from lenet.engine.native import (
    NativeEngine,
    extension,
    instruction_sets,
    make_engine,
    measure_peak,
    processors,
)
from lenet.engine.optimizer import Optimizer
from lenet.engine.plan import make_plan
from lenet.engine.reference import ReferenceEngine
from lenet.errors import EngineError, UsageError
from lenet.net import read_network
from refusals import refused

PLAN = make_plan(read_network("2x6x5 | conv 3 k3 relu, maxpool 2 | dense 4"))
SCALE, SHIFT = np.full(2, 0.01, np.float32), np.zeros(2, np.float32)
RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (9, 2, 6, 5), np.uint8)
LABELS = RANDOM.integers(0, 4, 9)
PARAMETERS = initialise(PLAN, "xavier", 0)


def engine(threads: int = 2) -> NativeEngine:
    return NativeEngine(PLAN, threads)


def scores(**changes: Any) -> Any:
    given = {"parameters": PARAMETERS, "images": IMAGES, "scale": SCALE, "shift": SHIFT}
    return engine().scores(**(given | changes))


def gradient(**changes: Any) -> Any:
    return engine().gradient(**with_samples({"parameters": PARAMETERS} | changes))


def with_samples(given: dict[str, Any]) -> dict[str, Any]:
    """What is given, with what belongs to the samples in one record."""
    samples = {"images": IMAGES, "labels": LABELS, "scale": SCALE, "shift": SHIFT}
    changed = {name: given[name] for name in samples.keys() & given}
    others = {name: value for name, value in given.items() if name not in samples}
    return others | {"samples": Samples(**(samples | changed))}


def train(**changes: Any) -> Any:
    given = {
        "parameters": PARAMETERS.copy(),
        "state": np.zeros((1, PLAN.table_size), np.float32),
        "order": np.arange(9),
        "batch_size": 4,
        "rates": np.full(3, 0.1),
        "first_step": 0,
        "optimizer": Optimizer("momentum"),
    }
    return engine().train(**with_samples(given | changes))


def test_it_says_what_it_is() -> None:
    assert engine(3).threads == 3
    assert engine().name == f"native {instruction_sets()[0]}"
    assert instruction_sets()[-1] == "baseline"
    assert NativeEngine(PLAN).threads == processors()


@pytest.mark.parametrize("threads", [0, -1, 1025, 5000])
def test_threads_out_of_range(threads: int) -> None:
    words = f"threads is {threads}", "1 to 1024"
    for start in (NativeEngine, make_engine):
        with refused(UsageError, *words):
            start(PLAN, threads)
    with refused(UsageError, *words):
        measure_peak(threads)


def test_an_unknown_instruction_set(monkeypatch: pytest.MonkeyPatch) -> None:
    words = "'mmx' is unknown", "baseline"
    with refused(UsageError, *words):
        NativeEngine(PLAN, 1, "mmx")
    monkeypatch.setenv("LENET_ISA", "mmx")
    with refused(UsageError, *words):
        make_engine(PLAN, 1)
    with refused(UsageError, *words):
        measure_peak()


@pytest.mark.parametrize("isa", instruction_sets())
def test_the_environment_chooses_the_instruction_set(
    isa: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LENET_ISA", isa)
    assert make_engine(PLAN, 1).name == f"native {isa}"
    assert measure_peak(seconds=0.01) > 1e6


def test_an_unknown_convolution(monkeypatch: pytest.MonkeyPatch) -> None:
    words = "fastest, direct or winograd", "'fft'"
    with refused(UsageError, *words):
        NativeEngine(PLAN, 1, convolution="fft")
    monkeypatch.setenv("LENET_CONVOLUTION", "fft")
    with refused(UsageError, *words):
        make_engine(PLAN, 1)


@pytest.mark.parametrize("seconds", [0.0, -1.0, 61.0, float("nan"), float("inf")])
def test_a_measurement_must_end(seconds: float) -> None:
    with refused(UsageError, "seconds", "60"):
        measure_peak(1, seconds)


def test_the_environment_chooses_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LENET_ENGINE", "reference")
    assert isinstance(make_engine(PLAN), ReferenceEngine)
    monkeypatch.setenv("LENET_ENGINE", "")
    assert isinstance(make_engine(PLAN), NativeEngine)
    monkeypatch.setenv("LENET_ENGINE", "gpu")
    with refused(UsageError, "LENET_ENGINE is 'gpu'", "native, reference or torch"):
        make_engine(PLAN)


def test_a_missing_extension(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lenet.engine._native", None)
    for use in (engine, instruction_sets, measure_peak):
        with refused(EngineError, "cannot be loaded", "reinstall"):
            use()
    monkeypatch.setenv("LENET_ENGINE", "reference")
    make_engine(PLAN)


BAD_IMAGES = {
    "float32": IMAGES.astype(np.float32),
    "int64": IMAGES.astype(np.int64),
    "bool": IMAGES > 100,
    "height and width swapped": IMAGES.reshape(9, 2, 5, 6),
    "channels last": np.moveaxis(IMAGES, 1, 3),
    "flat": IMAGES.reshape(9, 60),
    "one image without N": IMAGES[0],
    "too small": IMAGES[:, :, 1:],
    "empty of another shape": IMAGES[:0, :, 1:],
}


@pytest.mark.parametrize("images", BAD_IMAGES.values(), ids=BAD_IMAGES)
@pytest.mark.parametrize("use", [scores, gradient, train])
def test_images_of_another_kind(use: Callable[..., Any], images: Any) -> None:
    """Never reshaped or converted until they fit: that would be another picture."""
    with refused(UsageError, "takes uint8 of shape (N, 2, 6, 5)"):
        use(images=images)


@pytest.mark.parametrize("label", [-1, 4, 2**31 - 1, 2**31, 2**32, -(2**32)])
@pytest.mark.parametrize("use", [gradient, train])
def test_labels_out_of_range(use: Callable[..., Any], label: int) -> None:
    labels = LABELS.copy()
    labels[5] = label
    with refused(UsageError, "label"):
        use(labels=labels)


@pytest.mark.parametrize("labels", [LABELS[:8], LABELS[:, None], LABELS + 0.5, LABELS[:0]])
@pytest.mark.parametrize("use", [gradient, train])
def test_labels_of_another_kind(use: Callable[..., Any], labels: Any) -> None:
    with refused(UsageError, "label"):
        use(labels=labels)


@pytest.mark.parametrize("index", [-1, 9, 2**31 - 1, 2**32])
def test_an_order_out_of_range(index: int) -> None:
    order = np.arange(9)
    order[8] = index
    with pytest.raises(UsageError, match=r"index|order"):
        train(order=order)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"order": np.arange(8)}, ("3 steps of 4 images", "more than 8")),
        ({"order": np.arange(0)}, ("more than 8", "it has 0")),
        ({"batch_size": 0}, ("batch size is 0", "at least 1")),
        ({"batch_size": -4}, ("batch size is -4",)),
        ({"optimizer": Optimizer("adamw")}, ("state", "shape")),
        ({"state": np.zeros((1, 3), np.float32)}, ("state", "shape")),
        ({"scale": SCALE[:1]}, ("scale and shift",)),
        ({"parameters": PARAMETERS[:-1].copy()}, ("parameter table", "size")),
    ],
)
def test_training_that_cannot_be_meant(changes: dict[str, Any], words: tuple[str, ...]) -> None:
    with refused(UsageError, *words):
        train(**changes)


def test_both_engines_refuse_a_short_order_alike() -> None:
    for run in (NativeEngine(PLAN, 1), ReferenceEngine(PLAN, np.float32)):
        with refused(UsageError, "2 steps of 5 images", "more than 5"):
            run.train(
                PARAMETERS.copy(),
                np.zeros((0, PLAN.table_size), np.float32),
                Samples(IMAGES, LABELS, SCALE, SHIFT),
                np.arange(5),
                5,
                np.ones(2),
                0,
                Optimizer("sgd"),
            )


def test_a_batch_may_be_larger_than_the_images() -> None:
    assert train(batch_size=2**40, rates=np.ones(1)).steps == 1
    assert train(rates=np.ones(0)).steps == 0


def test_structures_are_filled_by_name() -> None:
    """And what has no such name, or no such value, is refused rather than taken for another."""
    native = extension()
    for structure, name in ((native.Step, "layer"), (native.Optimizer, "optimizer")):
        with refused(ValueError, f"knows no {name} 'sum'"):
            structure().kind = "sum"
    with refused(ValueError, "knows no activation 'gelu'"):
        native.Step().activation = "gelu"
    for structure in (native.Step, native.Optimizer, native.Objective):
        with pytest.raises(AttributeError):
            structure().colour = "red"
    with refused(ValueError, "step 0"):
        native.Session([native.Step()], 0, "auto", 1, "fastest")
    with refused(ValueError, "at least one step"):
        native.Session([], 0, "auto", 1, "fastest")


def test_no_images() -> None:
    assert scores(images=IMAGES[:0]).shape == (0, 4)
    with refused(UsageError, "at least one"):
        gradient(images=IMAGES[:0], labels=LABELS[:0])


def test_other_layouts_of_what_is_only_read() -> None:
    expected = scores()
    double, sparse = PARAMETERS.astype(np.float64), np.repeat(PARAMETERS, 2)[::2]
    np.testing.assert_array_equal(scores(parameters=double), expected)
    np.testing.assert_array_equal(scores(parameters=sparse), expected)
    np.testing.assert_array_equal(scores(images=np.asfortranarray(IMAGES)), expected)
    np.testing.assert_array_equal(scores(images=np.repeat(IMAGES, 2, axis=0)[::2]), expected)
    np.testing.assert_array_equal(scores(scale=SCALE.astype(np.float64)), expected)
    unaligned = np.zeros(PLAN.table_size + 1, np.float32)[1:]
    unaligned[:] = PARAMETERS
    np.testing.assert_array_equal(scores(parameters=unaligned), expected)


def read_only(array: Any) -> Any:
    array.flags.writeable = False
    return array


@pytest.mark.parametrize("what", ["parameters", "state"])
@pytest.mark.parametrize(
    "change",
    [lambda a: a.astype(np.float64), lambda a: np.repeat(a, 2, axis=-1)[..., ::2], read_only],
    ids=["float64", "strided", "read-only"],
)
def test_what_is_trained_must_be_trained_in_place(what: str, change: Callable[[Any], Any]) -> None:
    """A copy made on the way would be trained and thrown away."""
    tables = {"parameters": PARAMETERS.copy(), "state": np.zeros((1, PLAN.table_size), np.float32)}
    with refused(UsageError, "float32", "in one piece"):
        train(**{what: change(tables[what])})


def test_training_changes_the_tables_given() -> None:
    unaligned = np.zeros(PLAN.table_size + 1, np.float32)[1:]
    unaligned[:] = PARAMETERS
    aligned = aligned_zeros(PLAN.table_size)
    aligned[:] = PARAMETERS
    train(parameters=unaligned)
    train(parameters=aligned)
    assert (aligned != PARAMETERS).any()
    np.testing.assert_array_equal(aligned, unaligned)
