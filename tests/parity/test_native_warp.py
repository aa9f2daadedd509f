"""The native kernel writes the twin's bytes: every setting, shape, instruction set and number of
threads."""

from __future__ import annotations

import numpy as np
import pytest

from lenet.engine.augmentation import Augmentation, augmented
from lenet.engine.native import instruction_sets
from lenet.engine.warp import warp, warp_reference

SHAPES = (
    *((1, 1, 1), (1, 1, 9), (3, 8, 1), (1, 8, 8), (3, 5, 7), (1, 16, 17), (2, 15, 33)),
    *((1, 28, 28), (3, 32, 32), (1, 31, 64), (3, 64, 64), (1, 2, 1500)),
)
ROUNDS = 12


def random_augmentation(random: np.random.Generator) -> Augmentation:
    """Each kind in half of them, mild or as much as is allowed."""
    most = {"rotate": 180.0, "scale": 0.5, "shear": 45.0, "elastic": 16.0, "noise": 255.0}
    mild = {"rotate": 15.0, "scale": 0.2, "shear": 10.0, "elastic": 1.5, "noise": 20.0}
    of = mild if random.random() < 0.5 else most
    chosen = {name: float(random.uniform(0, of[name])) for name in of if random.random() < 0.5}
    tones = ("brightness", "contrast", "saturation", "grey")
    chosen |= {name: float(random.uniform(0, 1)) for name in tones if random.random() < 0.3}
    if random.random() < 0.5:
        chosen["blur"] = float(random.uniform(0, 4 if of is most else 1))
    if random.random() < 0.3:
        chosen["hue"] = float(random.uniform(0, 180))
    wholes = {n: int(random.integers(0, 12)) for n in ("shift", "cutout") if random.random() < 0.5}
    return Augmentation(**chosen, **wholes, flip=bool(random.random() < 0.5))


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: "x".join(map(str, shape)))
def test_every_byte(shape: tuple[int, int, int], isa: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LENET_ISA", isa)
    random = np.random.default_rng(shape)
    images = random.integers(0, 256, (6, *shape), np.uint8)
    fill = random.integers(0, 256, shape[0]).astype(np.uint8)
    for round_ in range(ROUNDS):
        augmentation = random_augmentation(random)
        order = random.integers(0, 6, 4).astype(np.int32)
        drawn = augmentation.draw(round_, 3, order, *shape[1:], shape[0])
        found = warp(images, order, drawn, fill, 1)
        np.testing.assert_array_equal(
            found, warp_reference(images, order, drawn, fill), str(augmentation)
        )


EVERYTHING = Augmentation(2, 10.0, 0.1, 5.0, 1.0, 10.0, 4, True)


@pytest.mark.parametrize("augmentation", [EVERYTHING, Augmentation(shift=2, flip=True)])
def test_threads_order_and_portions_change_nothing(augmentation: Augmentation) -> None:
    random = np.random.default_rng(1)
    images = random.integers(0, 256, (700, 1, 12, 10), np.uint8)
    fill = np.zeros(1, np.uint8)
    order = random.permutation(700)
    whole = augmented(images, order, augmentation, 4, 2, fill, 1)
    for threads in (2, 3, 7):
        again = augmented(images, order, augmentation, 4, 2, fill, threads)
        np.testing.assert_array_equal(again, whole)
    portions = [
        augmented(images, order[start : start + 90], augmentation, 4, 2, fill, 2)
        for start in range(0, 700, 90)
    ]
    np.testing.assert_array_equal(np.concatenate(portions), whole)
    in_order = augmented(images, np.arange(700), augmentation, 4, 2, fill)
    np.testing.assert_array_equal(in_order[order], whole)


def test_the_environment_chooses_the_twin(monkeypatch: pytest.MonkeyPatch) -> None:
    images = np.random.default_rng(2).integers(0, 256, (5, 3, 9, 8), np.uint8)
    fill, order = np.array([1, 2, 3], np.uint8), np.array([4, 0, 4])
    native = augmented(images, order, EVERYTHING, 1, 1, fill)
    monkeypatch.setenv("LENET_ENGINE", "reference")
    monkeypatch.setattr("lenet.engine.native.extension", None)
    np.testing.assert_array_equal(augmented(images, order, EVERYTHING, 1, 1, fill), native)
