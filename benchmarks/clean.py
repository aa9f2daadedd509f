"""How many wrong labels `lenet clean` finds, where some were made: labels are flipped at random.

    python benchmarks/clean.py [--data mnist fashion-mnist digits PATH ...] [--share 0.02]
                               [--most 10000] [--seed 0] [--json]

For each data set: how many of the flipped labels are among the first 3 % of the ranking; how many
are called likely wrong, and how many that were not flipped; and the seconds that it took.
"""

from __future__ import annotations

import argparse
import json
import os

import numpy as np

import lenet
from lenet.data import Dataset, Split

#: How much of the ranking is looked at.
FIRST = 0.03


def images_of(source: str, most: int, rng: np.random.Generator) -> tuple[Split, tuple[str, ...]]:
    """Images of a data set, at most so many: of a named one those to test on come first."""
    data = lenet.load(source)
    parts = list(data.splits.values())
    parts = parts if os.path.exists(source) else parts[::-1]
    images = np.concatenate([part.images for part in parts])
    labels = np.concatenate([part.labels for part in parts])
    chosen = np.arange(len(labels)) if len(labels) <= most else np.arange(most)
    if os.path.exists(source):
        chosen = np.sort(rng.permutation(len(labels))[:most])
    return Split(images[chosen], labels[chosen]), data.classes


def flipped(labels: np.ndarray, classes: int, share: float, rng: np.random.Generator):
    """Labels of which a share is another class, each as likely; and which these are."""
    places = rng.choice(len(labels), round(share * len(labels)), replace=False)
    wrong = labels.copy()
    wrong[places] = (labels[places] + rng.integers(1, classes, len(places))) % classes
    return wrong, places


def measure(source: str, share: float, most: int, seed: int) -> dict[str, object]:
    """Flip, clean, and count."""
    rng = np.random.default_rng(seed)
    split, classes = images_of(source, most, rng)
    labels, places = flipped(split.labels, len(classes), share, rng)
    result = lenet.clean(Dataset(source, Split(split.images, labels), None, classes), seed=seed)
    names = {f"train[{place}]" for place in places.tolist()}
    first = result.ranking[: round(FIRST * len(labels))]
    told = [finding.image for finding in result.of_kind("wrong label")]
    return {
        "data": source,
        "images": len(labels),
        "flipped": len(places),
        "in_first": sum(name in names for name in first) / max(1, len(names)),
        "told": len(told),
        "told_right": sum(name in names for name in told),
        "seconds": round(result.seconds, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", nargs="+", default=["mnist", "fashion-mnist", "digits"])
    parser.add_argument("--share", type=float, default=0.02)
    parser.add_argument("--most", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    rows = []
    for source in given.data:
        row = measure(source, given.share, given.most, given.seed)
        rows.append(row)
        if not given.json:
            print(
                f"{row['data']}: {100 * row['in_first']:.1f} % of {row['flipped']} flipped labels "
                f"among the first {100 * FIRST:.0f} % of {row['images']:,}; {row['told']} called "
                f"wrong, {row['told_right']} of them flipped; {row['seconds']} s",
                flush=True,
            )
    if given.json:
        print(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
