"""Test accuracy over seeds, at the last epoch, never chosen: ours, and a peer's beside it.

    python benchmarks/accuracy.py [--seeds 5 | --quick] [--only TEXT] [--threads 2] [--json]

Rows: the article's network with its settings (batch 256, plain SGD, rate 2.5, Normal(0, 0.2))
on Fashion-MNIST for 5 epochs, here and in PyTorch; `lenet train`'s defaults for 3 epochs of MNIST
and 20 of the digits; then what the recipes of the name `best` make of each, the digits in ten
folds. With every mean the seconds that a seed took.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
from epochs import make_epochs  # benchmarks/epochs.py, beside this file

import lenet
from lenet.data import Dataset, Split
from lenet.data.dataset import digests_of


def articles_settings(contender: str, epochs: int = 5) -> Callable[[int, int], float]:
    """The article's network and recipe, by a contender of ``make_epochs``."""

    def train(seed: int, threads: int) -> float:
        recipe = lenet.recipe("original", epochs=epochs)
        training = make_epochs(contender, "lenet", "fashion-mnist", recipe, seed)
        return [training.epoch(threads)["test_accuracy"] for _ in range(epochs)][-1]

    return train


def defaults(data: str, epochs: int) -> Callable[[int, int], float]:
    """What ``lenet train`` does by itself."""

    def train(seed: int, threads: int) -> float:
        recipe = lenet.recipe("modern", epochs=epochs)
        model = lenet.train("lenet-relu", data, recipe, seed=seed, threads=threads)
        return float(model.training["test_accuracy"])

    return train


def named(data: str, recipe: str) -> Callable[[int, int], float]:
    """What ``lenet train DATA --recipe RECIPE`` does."""

    def train(seed: int, threads: int) -> float:
        model = lenet.train(None, data, recipe, seed=seed, threads=threads)
        return float(model.training["test_accuracy"])

    return train


def in_ten_folds(data: str, recipe: str) -> Callable[[int, int], float]:
    """The same on all images, each tested by a network that was trained on nine tenths without it.

    A class' images are dealt to the folds in the order of their digests, whatever the seed.
    """

    def train(seed: int, threads: int) -> float:
        whole = lenet.load(data)
        images = np.concatenate([part.images for part in whole.splits.values()])
        labels = np.concatenate([part.labels for part in whole.splits.values()])
        fold = np.empty(len(labels), int)
        order = np.lexsort((digests_of(images), labels))
        fold[order] = np.arange(len(labels)) % 10
        right = 0.0
        for each in range(10):
            train, test = (Split(images[of], labels[of]) for of in (fold != each, fold == each))
            parts = Dataset(whole.name, train, test, whole.classes)
            model = lenet.train(None, parts, recipe, seed=seed, threads=threads)
            right += float(model.training["test_accuracy"]) * len(test)
        return right / len(labels)

    return train


ROWS: dict[str, Callable[[int, int], float]] = {
    "fashion-mnist, article's settings, 5 epochs": articles_settings("lenet"),
    "the same in PyTorch": articles_settings("torch-channels-last"),
    "mnist, defaults, 3 epochs": defaults("mnist", 3),
    "digits, defaults, 20 epochs": defaults("digits", 20),
    "mnist, --recipe best-lenet": named("mnist", "best-lenet"),
    "fashion-mnist, --recipe best-lenet": named("fashion-mnist", "best-lenet"),
    "mnist, --recipe best": named("mnist", "best"),
    "fashion-mnist, --recipe best": named("fashion-mnist", "best"),
    "mnist, --recipe best-tiny": named("mnist", "best-tiny"),
    "digits in ten folds, --recipe best": in_ten_folds("digits", "best"),
}


def main() -> None:
    """Parse, train, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="one seed")
    parser.add_argument("--only", default="", help="rows whose name has this in it")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    seeds = 1 if arguments.quick else arguments.seeds
    found = {}
    rows = {name: train for name, train in ROWS.items() if arguments.only in name}
    for name, train in rows.items():
        start = time.perf_counter()
        values = [train(seed, arguments.threads) for seed in range(seeds)]
        seconds = (time.perf_counter() - start) / seeds
        found[name] = values
        spread = statistics.stdev(values) if len(values) > 1 else 0.0
        print(
            f"{name:<43}{100 * statistics.mean(values):7.2f} % +- {100 * spread:.2f}   "
            f"{100 * min(values):.2f} to {100 * max(values):.2f}   {seconds:6.1f} s",
            file=sys.stderr if arguments.json else sys.stdout,
            flush=True,
        )
    if arguments.json:
        print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
