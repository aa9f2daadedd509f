"""LeNet-5 by its paper: errors over seeds, figures 5 and 6, confusions, and what saturates.

    LENET_DATA=... python benchmarks/lenet_5.py [--seeds 5] [--jobs 2] [--out docs/pictures]

Everything is trained by the recipes lenet-5 and lenet-5-distorted. What is trained already is
kept in runs/lenet-5, so that a second call goes on. The charts are written into --out.
"""

import argparse
from collections import Counter
from pathlib import Path
from statistics import fmean, stdev

import numpy as np

import lenet
from lenet.data import Dataset
from lenet.drawing import Drawing
from lenet.drawing.chart import Chart, Series, draw_charts
from lenet.drawing.scene import SERIES
from lenet.engine import operations
from lenet.engine.plan import Floats
from lenet.studies.trials import Outcome, Record, Trial, run_trials
from lenet.training.preparation import fit_network

SIZES = (15_000, 30_000, 60_000)
FOLDER = Path("runs/lenet-5")
#: The paper's test errors in percent, without and with distortions; its text has no others.
PAPER = ((60_000, 0.95), (600_000, 0.8))
#: The paper's 82 confusions with distortions: the truth, and the answer (figure 8).
CONFUSIONS = Counter(
    {
        "9>4": 8,
        "3>5": 4,
        "6>5": 4,
        "6>0": 4,
        "4>9": 4,
        "4>6": 3,
        "5>3": 3,
        "2>8": 3,
        "9>8": 3,
        "6>1": 3,
        "8>2": 2,
        "2>1": 2,
        "4>8": 2,
        "7>3": 2,
        "8>7": 2,
        "2>7": 2,
        "9>5": 2,
        "9>7": 2,
        "8>4": 2,
        "8>5": 2,
        "3>8": 2,
        "7>2": 2,
        "8>0": 1,
        "7>8": 1,
        "0>6": 1,
        "3>7": 1,
        "8>3": 1,
        "3>9": 1,
        "9>1": 1,
        "2>0": 1,
        "3>2": 1,
        "6>8": 1,
        "4>3": 1,
        "4>2": 1,
        "1>5": 1,
        "6>3": 1,
        "0>2": 1,
        "0>7": 1,
        "1>6": 1,
        "5>6": 1,
        "5>0": 1,
    }
)


class Trainings:
    """Trainings over seeds, kept in a folder."""

    def __init__(self, data: Dataset, seeds: int, jobs: int) -> None:
        self.data, self.seeds, self.jobs = data, range(seeds), jobs
        self.record = Record(FOLDER)

    def of(self, network: str, recipe: str, images: int = 60_000) -> list[Outcome]:
        """Return what came of each seed."""
        data = self.data
        if images < len(data.train):
            some = data.train.chosen(np.arange(images))
            data = Dataset(data.name, some, data.test, data.classes)
        how = lenet.recipe(recipe, data="mnist")
        trials = [Trial(fit_network(lenet.zoo.get(network), data), how, s) for s in self.seeds]
        return run_trials(trials, data, self.record, jobs=self.jobs)


def errors(outcomes: list[Outcome], epoch: int = 0) -> list[float]:
    """Return test errors in percent, at the end or after an epoch."""
    return [100 * (1 - (one.epochs[epoch - 1].test_accuracy or 0)) for one in outcomes]


def line(name: str, outcomes: list[Outcome]) -> None:
    """Print a row: errors of all seeds, their mean, the training error, and the time."""
    found = errors(outcomes)
    spread = stdev(found) if len(found) > 1 else 0.0
    train = fmean(100 * (1 - one.epochs[-1].train_accuracy) for one in outcomes)
    seconds = fmean(one.seconds for one in outcomes)
    each = " ".join(f"{error:.2f}" for error in found)
    print(f"{name:30} {fmean(found):5.2f} % +- {spread:.2f}  {each}  train {train:.2f} %", end="")
    print(f"  {seconds:.0f} s on one thread", flush=True)


def save(charts: list[Chart], path: Path, title: str) -> None:
    """Draw charts side by side."""
    words = " ".join(chart.description for chart in charts)
    print(Drawing(draw_charts(charts), "auto", title, words).save(path))


def curve(name: str, color: int, points: list[tuple[int, float]]) -> Series:
    return Series(name, SERIES[color], tuple(points), f"{points[-1][1]:.2f}")


def figure_5(plain: list[Outcome], distorted: list[Outcome]) -> Chart:
    """Test and training error by pass, the mean over seeds."""

    def mean(outcomes: list[Outcome], of: str) -> list[tuple[int, float]]:
        passes = range(1, len(outcomes[0].epochs) + 1)
        shares = ([getattr(one.epochs[p - 1], of) for one in outcomes] for p in passes)
        return [(p, 100 * (1 - fmean(some))) for p, some in zip(passes, shares, strict=True)]

    lines = (
        curve("training", 1, mean(plain, "train_accuracy")),
        curve("test", 0, mean(plain, "test_accuracy")),
        curve("test, distorted", 2, mean(distorted, "test_accuracy")),
    )
    return Chart("error in %", "pass over 60,000 images", lines, from_zero=True)


def figure_6(found: dict[int, float]) -> Chart:
    """The test error by the number of training images."""
    ours = curve("here", 0, sorted(found.items()))
    paper = curve("the paper", 1, list(PAPER))
    how = {"from_zero": True, "logarithmic_x": True}
    return Chart("test error in %", "training images", (paper, ours), **how)


def confusions(data: Dataset) -> None:
    """Print which confusions are the paper's."""
    file = FOLDER / "distorted.safetensors"
    if not file.exists():
        lenet.train(None, data, lenet.recipe("lenet-5-distorted", data="mnist")).save(file)
    found = lenet.evaluate(lenet.Model.load(file), data)
    wrong = [(r["label"], r["class"]) for r in found.answers.rows(found.classes)]  # type: ignore[union-attr]
    ours = Counter(f"{a}>{b}" for a, b in wrong if a != b)
    theirs = CONFUSIONS
    both = ours & theirs
    print(f"confusions: {ours.total()} here, {theirs.total()} in the paper, {both.total()} in both")
    print("  here      ", ", ".join(f"{pair} {n}" for pair, n in ours.most_common(8)))
    print("  the paper ", ", ".join(f"{pair} {n}" for pair, n in theirs.most_common(8)))


def saturation(data: Dataset) -> None:
    """Print, by layer, the share of outputs whose derivative is below a tenth of its most."""
    text = (
        "1x28x28 | conv 6 k5 p2 {0}, avgpool 2 | conv 16 k5 {0}, avgpool 2 "
        "| dense 120 {0}, dense 84 {0}, dense 10"
    )
    most = {"scaled-tanh": 1.7159 * 2 / 3, "sigmoid": 0.25, "relu": 1.0}
    for name, best in most.items():
        for epochs in (0, 3):
            model = lenet.Model(text.format(name)).initialize("xavier")
            if epochs:
                model = lenet.train(text.format(name), data, "modern", epochs=epochs)
            shares = [float((d < best / 10).mean()) for d in slopes(model, data.test.images[:500])]
            when = f"after {epochs} passes" if epochs else "at the start"
            cells = " ".join(f"{100 * share:5.1f}" for share in shares)
            print(f"  {name:12} {when:16} {cells}", flush=True)


def slopes(model: lenet.Model, images: np.ndarray) -> list[Floats]:
    """Return the derivatives of the activations, layer by layer."""
    scale, shift = (v[:, None, None] for v in model.preprocessing.scale_and_shift())
    x: Floats = model.preprocessing.prepare(images) * scale + shift
    found = []
    for step in model.plan.steps:
        x = operations.apply(step, operations.read_inputs(step, x, model.table))
        if step.activation != "identity":
            found.append(operations.derivative(step.activation, x))
    return found


def main() -> None:
    """Train, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("docs/pictures"))
    arguments = parser.parse_args()
    data = lenet.load("mnist")
    trainings = Trainings(data, arguments.seeds, arguments.jobs)
    plain = trainings.of("lenet-5", "lenet-5")
    line("lenet-5", plain)
    distorted = trainings.of("lenet-5", "lenet-5-distorted")
    line("lenet-5, distorted", distorted)
    found = {60_000: fmean(errors(plain)), 600_000: fmean(errors(distorted))}
    for images in SIZES[:-1]:
        outcomes = trainings.of("lenet-5", "lenet-5", images)
        line(f"lenet-5, {images:,} images", outcomes)
        found[images] = fmean(errors(outcomes))
    for name in ("lenet-4", "lenet-1"):
        line(name, trainings.of(name, name))
    save([figure_5(plain, distorted)], arguments.out / "lenet-5-passes.svg", "LeNet-5's errors")
    save([figure_6(found)], arguments.out / "lenet-5-images.svg", "LeNet-5's error by images")
    confusions(data)
    print("saturated outputs, %, by layer")
    saturation(data)


if __name__ == "__main__":
    main()
