"""Test accuracy over seeds, at the last epoch, never chosen: ours, and a peer's beside it.

    python benchmarks/accuracy.py [--seeds 5 | --quick] [--threads 2] [--json]

Rows: the seed's network with the seed's settings (batch 256, plain SGD, rate 2.5, Normal(0, 0.2))
on Fashion-MNIST for 5 epochs, here and in PyTorch; and `lenet train`'s defaults for 3 epochs of
MNIST and 20 of the digits; then what `--recipe best` makes of each.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Callable

from epochs import make_epochs  # benchmarks/epochs.py, beside this file

import lenet


def seeds_settings(contender: str, epochs: int = 5) -> Callable[[int, int], float]:
    """The seed's network and recipe, by a contender of ``make_epochs``."""

    def train(seed: int, threads: int) -> float:
        recipe = lenet.recipe("seed", epochs=epochs)
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


def best(data: str) -> Callable[[int, int], float]:
    """What ``lenet train DATA --recipe best`` does."""

    def train(seed: int, threads: int) -> float:
        model = lenet.train(None, data, "best", seed=seed, threads=threads)
        return float(model.training["test_accuracy"])

    return train


ROWS: dict[str, Callable[[int, int], float]] = {
    "fashion-mnist, seed's settings, 5 epochs": seeds_settings("lenet"),
    "the same in PyTorch": seeds_settings("torch-channels-last"),
    "mnist, defaults, 3 epochs": defaults("mnist", 3),
    "digits, defaults, 20 epochs": defaults("digits", 20),
    "mnist, --recipe best": best("mnist"),
    "fashion-mnist, --recipe best": best("fashion-mnist"),
    "digits, --recipe best": best("digits"),
}


def main() -> None:
    """Parse, train, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="one seed")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    seeds = 1 if arguments.quick else arguments.seeds
    found = {}
    for name, train in ROWS.items():
        values = [train(seed, arguments.threads) for seed in range(seeds)]
        found[name] = values
        spread = statistics.stdev(values) if len(values) > 1 else 0.0
        print(
            f"{name:<42}{100 * statistics.mean(values):7.2f} % +- {100 * spread:.2f}   "
            f"{100 * min(values):.2f} to {100 * max(values):.2f}",
            file=sys.stderr if arguments.json else sys.stdout,
            flush=True,
        )
    if arguments.json:
        print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
