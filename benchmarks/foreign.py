"""Which pictures of nothing that it knows does a model of MNIST's digits still answer?

    python benchmarks/foreign.py [MODEL ...] [--reject 0.9]

Trains the recipes `modern` (with validation images) and `best` on MNIST, or takes models of its
digits, and prints the share of images that has an answer: of MNIST's test images, and of images
that are no digits at all.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

import lenet

RECIPES = {
    "modern": lenet.recipe("modern", validation_fraction=0.02),
    "best": lenet.recipe("best", data="mnist"),
}


def foreign_images() -> Mapping[str, NDArray[np.uint8]]:
    """Return images (N, 1, 28, 28) of five kinds, none of them a digit, and those of MNIST."""
    random = np.random.default_rng(0)
    digits = lenet.load("mnist").tested.images
    pixels = digits.reshape(len(digits), -1)
    rows = random.permuted(pixels, axis=1).reshape(digits.shape)
    return {
        "MNIST's test images": digits,
        "Fashion-MNIST's test images": lenet.load("fashion-mnist").tested.images,
        "noise, each pixel from 0 to 255": random.integers(0, 256, digits.shape).astype(np.uint8),
        "digits with their pixels shuffled": rows,
        "blank images, black": np.zeros((1, 1, 28, 28), np.uint8),
        "blank images, white": np.full((1, 1, 28, 28), 255, np.uint8),
    }


def answered(model: lenet.Model, images: NDArray[np.uint8], reject: float) -> float:
    """Return the share of images whose class has a probability of at least ``reject``."""
    return float(np.mean(model.predict_proba(images).max(axis=1) >= reject))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("models", nargs="*", help="models of MNIST's digits; else two are trained")
    parser.add_argument("--reject", type=float, default=0.9)
    given = parser.parse_args()
    models = {path: lenet.Model.load(path) for path in given.models}
    if not models:
        models = {name: lenet.train(data="mnist", recipe=made) for name, made in RECIPES.items()}
    print(f"| answered at {given.reject:g} or more | {' | '.join(models)} |")
    print("|---|" + "---|" * len(models))
    for kind, images in foreign_images().items():
        shares = (answered(model, images, given.reject) for model in models.values())
        print(f"| {kind} | {' | '.join(f'{100 * share:.1f} %' for share in shares)} |")


if __name__ == "__main__":
    main()
