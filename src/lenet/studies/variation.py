"""``lenet.vary``: what a choice is worth, over several seeds."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product, starmap
from math import isfinite, nan, prod
from pathlib import Path
from statistics import fmean
from typing import Any, Final

from lenet.arguments import plain
from lenet.data import Dataset
from lenet.drawing import Drawing
from lenet.drawing.chart import Chart, Series, draw_charts
from lenet.drawing.estimates import Estimate, describe_estimates, draw_estimates
from lenet.drawing.scene import SERIES
from lenet.errors import UsageError
from lenet.net import Network, name_of, read_network
from lenet.net.sources import Source
from lenet.net.words import shown
from lenet.randomness import checked_seed
from lenet.reporting import html
from lenet.studies.statistics import LEVEL, Mean, difference, mean
from lenet.studies.trials import MAX_TRIALS, Outcome, Progress, Record, Trial, run_trials
from lenet.trainer import DEFAULT_NETWORK, check_kinds, name_for_recipes
from lenet.training import Recipe, checked_names, named_recipe
from lenet.training.choosing import NETWORK as COMPACT
from lenet.training.choosing import choose, is_open
from lenet.training.preparation import fit_network, load_for
from lenet.training.recipe import AUTO
from lenet.writing import Result
from lenet.writing.document import Document, Paragraph, Section, table_of
from lenet.writing.numbers import percent, plural, seconds_text

#: The name under which the network is varied; all others are values of the recipe.
NETWORK: Final = "network"
#: More variants than this are refused: nobody reads such a table.
MAX_ARMS: Final = 1_000
MAX_SEEDS: Final = 10_000
_ABOUT: Final = (
    "Mean test accuracy over {seeds}, with an interval that holds the true mean in {level:.0%} of "
    "such experiments (Student's t). Differences are from the first variant, seed by seed. The "
    "time is that of one training on one thread."
)
_DIVERGED: Final = "A training that diverged counts as always naming the commonest class, {guess}."


@dataclass(frozen=True)
class Arm:
    """One variant: its name, and what is trained."""

    name: str
    network_name: str
    network: Network
    recipe: Recipe


@dataclass(frozen=True)
class Row:
    """What came of a variant, over all seeds."""

    name: str
    parameters: int
    accuracies: tuple[float, ...]  # of each seed
    accuracy: Mean
    difference: Mean | None  # from the first variant; None of that itself
    seconds: float  # of one training that did not diverge, mean; NaN if all did
    diverged: int  # trainings


class Variation(Result):
    """Variants side by side, each trained from the same seeds.

    Attributes:
        arms: the variants, in order.
        seeds: that each was trained from.
        outcomes: for each variant the outcome of each seed.
        data: the name of the data set.
        guess: the share of test images that are of the commonest class.
        folder: where the trials are kept; None if nowhere.
    """

    csv_key = "variants"

    def __init__(
        self,
        arms: Sequence[Arm],
        seeds: Sequence[int],
        outcomes: Sequence[Sequence[Outcome]],
        data: Dataset,
        folder: Path | None,
    ) -> None:
        self.arms, self.seeds, self.outcomes = tuple(arms), tuple(seeds), outcomes
        self.data, self.folder = data.name, folder
        self.guess = guess_of(data)

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """What came of each variant."""
        return tuple(self._rows())

    def _rows(self) -> Iterator[Row]:
        base: tuple[float, ...] | None = None
        for arm, outcomes in zip(self.arms, self.outcomes, strict=True):
            values = tuple(outcome.accuracy(self.guess) for outcome in outcomes)
            yield Row(
                arm.name,
                outcomes[0].parameters,
                values,
                mean(values),
                None if base is None else difference(values, base),
                fmean([o.seconds for o in outcomes if not o.diverged] or [nan]),
                sum(outcome.diverged for outcome in outcomes),
            )
            base = base or values

    def to_dict(self) -> dict[str, Any]:
        """Return the same as values for JSON."""
        return {
            "dataset": self.data,
            "seeds": list(self.seeds),
            "level": LEVEL,
            "variants": [_row_dict(row) for row in self.rows],
        }

    def page(self, form: str = "text", width: int = 80) -> Document:
        """Return the variants as a table, with what it means."""
        table = table_of(self._cells(), self._titles, right=range(1, len(self._titles)))
        notes = tuple(Paragraph(words, is_note=True) for words in self._notes())
        sections = [Section("", (table, *notes))]
        if len(networks := self._networks()) > 1:
            rows = table_of(list(networks.items()), prose=True, indent=2)
            sections.append(Section("Networks", (rows,)))
        return Document("", tuple(sections))

    def pictures_below(self) -> Iterable[Drawing]:
        """Return the accuracies with their intervals, and the curves."""
        return [self.drawing(), self.curves()]

    def _networks(self) -> dict[str, str]:
        """Return the notation of each network, by the name it has in the names of variants."""
        return {arm.network_name: str(arm.network) for arm in self.arms}

    def _cells(self) -> Iterator[tuple[str, ...]]:
        for row in self.rows:
            cells = [
                row.name,
                mean_text(row.accuracy),
                "" if row.difference is None else difference_text(row.difference),
                f"{row.parameters:,}",
                f"{seconds_text(row.seconds)} s" if isfinite(row.seconds) else "-",
            ]
            yield (*cells, *[f"{row.diverged:,}" if row.diverged else ""] * self._any_diverged)

    @property
    def _titles(self) -> list[str]:
        titles = ["", "test accuracy", "difference", "parameters", "time"]
        return titles + ["diverged"] * self._any_diverged

    @property
    def _any_diverged(self) -> bool:
        return any(row.diverged for row in self.rows)

    def _notes(self) -> Iterator[str]:
        if len(self.seeds) > 1:
            yield _ABOUT.format(seeds=plural(len(self.seeds), "seed"), level=LEVEL)
        else:
            yield "One seed says little: another may turn the order round. Give more seeds."
        if self._any_diverged:
            yield _DIVERGED.format(guess=percent(self.guess))

    def drawing(self, *, theme: str = "auto") -> Drawing:
        """Draw the accuracies with their intervals, a row for each variant."""
        title = "Test accuracy in %"
        if len(self.seeds) > 1:
            title += f": mean, {LEVEL:.0%} interval, and each seed"
        rows = [
            Estimate(
                row.name,
                tuple(100 * value for value in row.accuracies),
                100 * row.accuracy.value,
                None if row.accuracy.half is None else 100 * row.accuracy.half,
                mean_text(row.accuracy),
            )
            for row in self.rows
        ]
        scene = draw_estimates(rows, title, self._heading, (0, 100))
        return Drawing(scene, theme, f"Variants: {self._heading}", describe_estimates(rows, title))

    @property
    def _heading(self) -> str:
        return f"{self.data} · {plural(len(self.seeds), 'seed')}"

    def curves(self, *, theme: str = "auto") -> Drawing:
        """Draw the test accuracy over the epochs, the mean over all seeds."""
        lines = []
        for place, (arm, outcomes) in enumerate(zip(self.arms, self.outcomes, strict=True)):
            epochs = range(1, max(len(outcome.epochs) for outcome in outcomes) + 1)
            points = tuple(
                (epoch, 100 * fmean(o.accuracy(self.guess, epoch) for o in outcomes))
                for epoch in epochs
            )
            last = f"{100 * self.rows[place].accuracy.value:.2f}" if points else ""
            lines.append(Series(arm.name, SERIES[place % len(SERIES)], points, last))
        chart = Chart("Test accuracy in %, mean over seeds", "epoch", tuple(lines))
        scene = draw_charts([chart], self._heading)
        return Drawing(scene, theme, f"Learning curves: {self._heading}", chart.description)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the chart (.svg, .pdf, .png, .tex) or all of it as a page (.html).

        Raises:
            UsageError: the ending is none of these.
            OutputError: the file cannot be written.
        """
        return html.save(path, self._html, self.drawing)

    def _html(self) -> str:
        head = html.header(f"Variants on {self.data}", self._heading)
        return html.page(f"Variants on {self.data}", [head, *self.sections()])

    def sections(self) -> list[str]:
        """Return the sections of a page: table, chart, curves and networks."""
        table = html.table("Variants", self._titles, self._cells())
        return [
            html.section("Results", table, *map(html.paragraph, self._notes())).html,
            html.section("Intervals", html.figure(self.drawing())).html,
            html.section("Learning", html.scrolled("Curves", html.figure(self.curves()))).html,
            html.section("Networks", html.pairs(self._networks().items())).html,
        ]


def mean_text(value: Mean) -> str:
    """Write a mean accuracy with its interval, in percent."""
    half = "" if value.half is None else f" ± {100 * value.half:.2f}"
    return f"{100 * value.value:.2f}{half} %"


def difference_text(value: Mean) -> str:
    """Write a mean difference of accuracies with its interval, in points of percent."""
    half = "" if value.half is None else f" ± {100 * value.half:.2f}"
    return f"{100 * value.value:+.2f}{half}"


def _row_dict(row: Row) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": row.name,
        "test_accuracy": row.accuracy.value,
        "half": row.accuracy.half,
        "difference": row.difference and row.difference.value,
        "difference_half": row.difference and row.difference.half,
        "parameters": row.parameters,
        "train_seconds": row.seconds,
        "diverged": row.diverged,
        "accuracies": list(row.accuracies),
    }
    return found


def guess_of(data: Dataset) -> float:
    """Return the share of test images that are of the commonest class."""
    labels = data.tested.labels
    counts = [int((labels == label).sum()) for label in range(len(data.classes))]
    return max(counts) / len(labels)


def vary(
    network: Source | Sequence[Source] | None = None,
    data: Dataset | str | os.PathLike[str] = "digits",
    recipe: Recipe | str | os.PathLike[str] = AUTO,
    *,
    seeds: int | Iterable[int] = 5,
    jobs: int | None = None,
    on: str | None = None,
    folder: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    **values: Any,
) -> Variation:
    """Train variants of a network or a recipe from several seeds, and compare them.

    Every argument that is given as a list is varied, and of several lists all combinations are
    trained: ``lenet.vary("lenet", "mnist", lr=[0.5, 1, 2.5], epochs=3)``. The others are compared
    with the first variant, seed by seed.

    Args:
        network: a network as ``lenet.train`` takes it, or a list of them.
        data: a data set, the name of one, or the path of pictures.
        recipe: as ``lenet.train`` takes it.
        seeds: how many, or a list of them.
        jobs: trainings at a time, each on one thread; by default one per processor. The outcome
            does not depend on it.
        on: "ray" runs them on a cluster, see :mod:`lenet.cluster`.
        folder: where each outcome is kept as soon as it is there, so that the same call goes on
            after a kill; by default nowhere.
        progress: is told how many trainings are done, of how many, and the seconds left.
        values: values of the recipe by name, or lists of them.

    Raises:
        UsageError: an argument that cannot be meant, or more than 1,000 variants.
        DataError: the data cannot be read or do not suit a network, or the folder is damaged.
        OutputError: the folder cannot be written.
    """
    numbers = checked_seeds(seeds)
    check_kinds(None, data, recipe)
    networks: Any = network if isinstance(network, list | tuple) else [network]
    for source in networks:
        check_kinds(source, data, recipe)
    arms, dataset = read_arms(networks, data, recipe, values)
    return run_arms(arms, numbers, dataset, Record(folder), jobs=jobs, on=on, progress=progress)


def read_arms(
    networks: Sequence[Source | None],
    data: Dataset | str | os.PathLike[str],
    recipe: Recipe | str | os.PathLike[str],
    values: Mapping[str, Any],
    **options: Any,
) -> tuple[list[Arm], Dataset]:
    """Return all variants, and the data that all are trained on; ``options`` are those of
    ``lenet.load``.

    What the recipe leaves open is chosen for the first network, and the same for all.
    """
    name = name_for_recipes(data)
    is_to_choose = is_open(recipe, data)
    wish = COMPACT if is_to_choose else named_recipe(recipe, data=name).network or DEFAULT_NETWORK
    sources = [wish if source is None else source for source in networks]
    first = read_network([*sources, wish][0])
    dataset = data if isinstance(data, Dataset) else load_for(first, data, **options)[0]
    if is_to_choose:
        lists = {name: v for name, v in values.items() if isinstance(v, list | tuple)}
        ones = {name: choices[0] for name, choices in lists.items() if len(choices) == 1}
        fixed = {**{name: v for name, v in values.items() if name not in lists}, **ones}
        recipe = choose(dataset, first, str(recipe), **fixed).recipe
    return make_arms(named_networks(sources, dataset), recipe, name, values), dataset


def make_arms(
    networks: Sequence[tuple[str, Network]],
    recipe: Recipe | str | os.PathLike[str],
    data: str,
    values: Mapping[str, Any],
) -> list[Arm]:
    """Return all combinations of named networks and of those values that are lists.

    Raises:
        UsageError: there is nothing to choose from, too much, or a recipe that cannot be.
    """
    values = checked_names(values)
    varied = {name: value for name, value in values.items() if isinstance(value, list | tuple)}
    fixed = {name: value for name, value in values.items() if name not in varied}
    for name, choices in {NETWORK: networks, **varied}.items():
        if not choices:
            raise UsageError(f"{name} is an empty list; give the values to compare.")
        for place, choice in enumerate(choices):
            if choice in choices[:place]:
                twice = choice[0] if name == NETWORK else choice
                raise UsageError(f"{name} has {shown(twice)} twice; give each value once.")
    count = prod(map(len, varied.values())) * len(networks)
    if count > MAX_ARMS:
        what = f"these are {count:,} variants"
        raise UsageError(f"{what}; give lists that make {MAX_ARMS:,} at most.")
    arms = []
    for (title, network), *chosen in product(networks, *varied.values()):
        changes = dict(zip(varied, chosen, strict=True))
        words = [title] * (len(networks) > 1 or not varied)
        words += starmap(_words, changes.items())
        made = named_recipe(recipe, data=data, **fixed, **changes)
        arms.append(Arm(", ".join(words), title, network, made))
    return arms


def _words(name: str, value: Any) -> str:
    if isinstance(value, Mapping) and value:  # of the augmentation
        return ", ".join(f"{inner} {item}" for inner, item in value.items())
    return f"{name.replace('_', ' ')} {value}"


def checked_seeds(seeds: int | Iterable[int]) -> list[int]:
    """Return the seeds from 0 on, if a number is given, or those of a list."""
    seeds = plain(seeds)
    if isinstance(seeds, Iterable) and not isinstance(seeds, str | bytes):
        numbers = [checked_seed(seed) for seed in seeds]
    elif isinstance(seeds, bool) or not isinstance(seeds, int):
        raise UsageError(f"seeds is {shown(seeds)}; give how many, or a list.", parameter="seeds")
    else:
        numbers = list(range(min(seeds, MAX_SEEDS + 1)))
    if not 1 <= len(numbers) <= MAX_SEEDS or len(set(numbers)) < len(numbers):
        what = f"give 1 to {MAX_SEEDS:,} seeds, each once"
        raise UsageError(f"seeds is {shown(seeds)}; {what}.", parameter="seeds")
    return numbers


def named_networks(sources: Iterable[Source], data: Dataset) -> list[tuple[str, Network]]:
    """Return networks, fitted to the data as ``lenet.train`` does it, each with its name.

    One that has none is called by its place, for a notation is too long for a table.
    """
    return [
        (name_of(source) or f"net {place}", fit_network(read_network(source), data))
        for place, source in enumerate(sources, 1)
    ]


def run_arms(
    arms: Sequence[Arm],
    seeds: Sequence[int],
    data: Dataset,
    record: Record,
    *,
    jobs: int | None = None,
    on: str | None = None,
    progress: Progress | None = None,
) -> Variation:
    """Train each variant from each seed; all variants from the first seed come first."""
    if (count := len(arms) * len(seeds)) > MAX_TRIALS:
        what = f"these are {count:,} trainings"
        raise UsageError(f"{what}; give seeds and values for {MAX_TRIALS:,} at most.")
    trials = [Trial(arm.network, arm.recipe, seed) for seed in seeds for arm in arms]
    found = run_trials(trials, data, record, jobs=jobs, on=on, progress=progress)
    outcomes = [found[place :: len(arms)] for place in range(len(arms))]
    folder = None if record.path is None else record.path.parent
    return Variation(arms, seeds, outcomes, data, folder)
