"""What came of a search: leaderboard, front, what mattered, and the winner on the test split."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import Any, Final

from lenet.drawing import Drawing
from lenet.drawing.chart import Chart, Series, draw_charts
from lenet.drawing.scene import SERIES
from lenet.net import Network
from lenet.reporting import html
from lenet.studies.space import CHOICES, LIMITS, Candidate, limited_costs
from lenet.studies.statistics import difference, mean
from lenet.studies.trials import Outcome
from lenet.studies.variation import difference_text, mean_text
from lenet.trainer import DEFAULT_NETWORK
from lenet.training import Recipe, named_recipe
from lenet.training.recipe import recipe_options
from lenet.writing import Result
from lenet.writing.document import Document, Notation, Paragraph, Section, table_of
from lenet.writing.numbers import percent, plural, seconds_text, short_count

#: What candidates are held against: the network of the first, and the recipe of the second.
BASELINES: Final = (DEFAULT_NETWORK, "best")
#: The recipe that commands change values of.
_BASE: Final = "modern"
#: Rows of the leaderboard that are printed; the page has all that were trained to the end.
_ROWS: Final = 10
#: With fewer first looks, what a choice is worth cannot be told from chance.
_ENOUGH: Final = 32
_ABOUT: Final = (
    "Accuracy is on the validation split, which is set aside from the training images, with one "
    "seed each: near neighbours may change places. A star is on the front: no network with as few "
    "parameters was more accurate."
)
_MATTERED: Final = (
    "The share of the variance of first looks that a choice explains by itself, after what chance "
    "would. A first look is short: it favours what learns fast, and says little of augmentation "
    "and weight decay."
)


@dataclass(frozen=True)
class Entry:
    """A candidate that was trained, for a moment or to the end."""

    candidate: Candidate
    recipe: Recipe
    outcome: Outcome
    accuracy: float  # on the validation split

    @property
    def epochs(self) -> int:
        """How long it was trained."""
        return self.recipe.epochs

    @property
    def name(self) -> str:
        """What it is called in tables."""
        number = self.candidate.number
        return BASELINES[-1 - number] if number < 0 else self.candidate.name

    @property
    def network(self) -> Network:
        """What was trained."""
        return self.candidate.network


@dataclass(frozen=True)
class Importance:
    """What a choice was worth in first looks."""

    choice: str
    share: float  # of the variance; from 0
    best: Any  # the option with the best mean
    means: Mapping[Any, float]  # of each option


@dataclass(frozen=True, repr=False)
class Tuning(Result):
    """What :func:`lenet.tune` found; ``print`` it to read it.

    Attributes:
        data: the name of the data set.
        source: what ``lenet train`` takes to load it.
        limits: the most that a network could cost, by name.
        strategy: which candidates were trained longer.
        seed: of the search.
        seeds: that winner and baseline were trained from.
        entries: all trainings of candidates, a candidate that stayed several times.
        baselines: lenet-relu, and (where the most accurate is searched) the network of the recipe
            best with that recipe, trained for as many epochs.
        winner: the candidate with the best validation accuracy of those trained to the end; or the
            smallest that reached the goal.
        finals: the test accuracies of winner and lenet-relu for each seed, on all training images.
        free: the first looks at candidates that were drawn freely.
        run: the folder of the winner's run; None if nothing is kept.
        seconds: of all trainings, on one processor.
        validation_fraction: that the winner's own training sets aside, 0 if its recipe does not
            ask for it.
        reach: the percent that were to be reached with the fewest parameters, if any were.
        goal: the share of the validation split that counted as reached.
    """

    data: str
    source: str
    limits: Mapping[str, int]
    strategy: str
    seed: int
    seeds: tuple[int, ...]
    entries: tuple[Entry, ...]
    baselines: tuple[Entry, ...]
    winner: Entry
    finals: tuple[tuple[float, ...], tuple[float, ...]]
    free: tuple[Entry, ...]
    run: Path | None
    seconds: float
    validation_fraction: float
    reach: float | None = None
    goal: float = 2.0

    csv_key = "trials"

    @property
    def trials(self) -> int:
        """How many candidates there were."""
        return len({entry.candidate.number for entry in self.entries})

    @property
    def epochs(self) -> int:
        """Of a training to the end."""
        return self.baselines[0].epochs

    @cached_property
    def leaderboard(self) -> tuple[Entry, ...]:
        """All that were trained to the end, the best first; the baselines among them."""
        ended = [entry for entry in self.entries if entry.epochs == self.epochs]
        return tuple(best_of([*ended, *self.baselines], len(self.entries) + 2, self.goal))

    @cached_property
    def front(self) -> tuple[Entry, ...]:
        """Those of the leaderboard that none with as few parameters beats, the smallest first."""
        return tuple(front_of(self.leaderboard))

    @cached_property
    def importance(self) -> tuple[Importance, ...]:
        """What each choice was worth, the most important first; nothing of few candidates."""
        if len(self.free) < _ENOUGH:
            return ()
        found = [_importance(choice, self.free) for choice in CHOICES if choice != "share"]
        return tuple(sorted(found, key=lambda one: -one.share))

    def command(self, entry: Entry, *, final: bool = False) -> str:
        """Return the ``lenet train`` that repeats a training; ``final`` on all training images."""
        recipe = entry.recipe
        if final:
            recipe = recipe.replace(validation_fraction=self.validation_fraction)
        seed = self.seeds[0] if final else self.seed
        words = ["lenet", "train", self.source, "--net", str(entry.network), "--recipe", _BASE]
        base = named_recipe(_BASE, data=self.data)
        return shlex.join([*words, "--seed", str(seed), *recipe_options(recipe, base)])

    def to_dict(self) -> dict[str, Any]:
        """Return the same as values for JSON."""
        winner, baseline = self.finals
        return {
            "dataset": self.data,
            "limits": dict(self.limits),
            "reach": self.reach,
            "strategy": self.strategy,
            "candidates": self.trials,
            "seed": self.seed,
            "seeds": list(self.seeds),
            "train_seconds": self.seconds,
            "winner": {**self._entry_dict(self.winner), "test_accuracies": list(winner)},
            "baseline": {**self._entry_dict(self.baselines[0]), "test_accuracies": list(baseline)},
            "best": next(map(self._entry_dict, self.baselines[1:]), None),
            "difference": difference(winner, baseline).value,
            "difference_half": difference(winner, baseline).half,
            "winner_command": self.command(self.winner, final=True),
            "run": None if self.run is None else str(self.run),
            "front": [entry.name for entry in self.front],
            "importance": [
                {"choice": one.choice, "share": one.share, "best": one.best}
                for one in self.importance
            ],
            "trials": [self._entry_dict(entry) for entry in self.entries],
        }

    def _entry_dict(self, entry: Entry) -> dict[str, Any]:
        return {
            "name": entry.name,
            "epochs": entry.epochs,
            "validation_accuracy": entry.accuracy,
            "diverged": entry.outcome.diverged,
            **limited_costs(entry.network),
            "train_seconds": entry.outcome.seconds,
            "network": str(entry.network),
            "values": dict(entry.candidate.choices),
            "command": self.command(entry),
        }

    def page(self, form: str = "text", width: int = 80) -> Document:
        """Return the winner, the leaderboard, and what mattered."""
        board = table_of(self._rows(self.leaderboard[:_ROWS]), _TITLES, right=range(1, 6))
        sections = [
            Section("", (Paragraph(self._verdict), Notation(str(self.winner.network)))),
            Section("Leaderboard", (board, Paragraph(_ABOUT, is_note=True))),
        ]
        if self.importance:
            table = table_of(self._mattered(), _MATTERED_TITLES, right=[1], indent=2)
            note = Paragraph(_MATTERED, is_note=True)
            sections.append(Section("What mattered", (table, note)))
        sections.append(Section("", (Paragraph(self._about, is_note=True),)))
        return Document("", tuple(sections))

    @property
    def _verdict(self) -> str:
        winner, baseline = self.finals
        counts = [f"{e.outcome.parameters:,} parameters" for e in (self.winner, self.baselines[0])]
        words = (
            f"{self.winner.name} has {mean_text(mean(winner))} on the test split with {counts[0]}. "
            f"Trained for as many epochs, {DEFAULT_NETWORK} has {mean_text(mean(baseline))} with "
            f"{counts[1]}"
        )
        apart = difference_text(difference(winner, baseline))
        return f"{self._reached}{words}: {apart} points, over {plural(len(self.seeds), 'seed')}."

    @property
    def _reached(self) -> str:
        if self.reach is None:
            return ""
        if self.winner.accuracy < self.goal:
            return f"No network reached {self.reach:g} %. The best of them: "
        return f"The smallest network that reached {self.reach:g} % of the validation split: "

    @property
    def _about(self) -> str:
        limits = ", ".join(f"{most:,} {LIMITS[name]}" for name, most in self.limits.items())
        return (
            f"{plural(self.trials, 'candidate')} ({self.strategy}, seed {self.seed}) within "
            f"{limits}; {self.seconds:,.1f} s of training on one thread."
        )

    def _rows(self, entries: Iterable[Entry]) -> Iterator[tuple[str, ...]]:
        for entry in entries:
            costs = limited_costs(entry.network, list(self.limits))
            is_over = any(costs[name] > most for name, most in self.limits.items())
            yield (
                f"{entry.name}{', over budget' * is_over}",
                percent(entry.accuracy),
                "*" * (entry in self.front),
                f"{entry.outcome.parameters:,}",
                short_count(limited_costs(entry.network, ["macs"])["macs"]),
                f"{seconds_text(entry.outcome.seconds)} s",
            )

    def _mattered(self) -> Iterator[tuple[str, str, str]]:
        for one in self.importance:
            yield one.choice, f"{100 * one.share:.0f} %", _option_text(one.choice, one.best)

    def pictures_below(self) -> Iterable[Drawing]:
        """Return the fronts."""
        return [self.drawing()]

    def drawing(self, *, theme: str = "auto") -> Drawing:
        """Draw the accuracy against the parameters: the fronts, and the baseline."""
        whole, look = self.epochs, self.entries[0].epochs
        looks = front_of(entry for entry in self.entries if entry.epochs == look)
        ended = [entry for entry in self.front if entry not in self.baselines]
        lines = [
            _series(f"after {plural(look, 'epoch')}", 2, looks),
            _series(f"after {plural(whole, 'epoch')}", 0, ended),
        ]
        lines += [_series(e.name, 1 + 2 * i, [e]) for i, e in enumerate(self.baselines)]
        title = "Validation accuracy in %: no network as small was better"
        series = tuple(lines[whole == look :])
        chart = Chart(title, "parameters", series, (0, 100), logarithmic_x=True)
        heading = f"{self.data} · {plural(self.trials, 'candidate')}"
        scene = draw_charts([chart], heading)
        return Drawing(scene, theme, f"Front: {heading}", chart.description)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the front (.svg, .pdf, .png, .tex) or all of it as a page (.html).

        Raises:
            UsageError: the ending is none of these.
            OutputError: the file cannot be written.
        """
        return html.save(path, self._html, self.drawing)

    def _html(self) -> str:
        title = f"A network for {self.data}"
        winner = html.code(self.command(self.winner, final=True))
        notation = "\n".join(Notation(str(self.winner.network)).lines)
        board = html.table("Trained to the end", _TITLES, self._rows(self.leaderboard))
        commands = html.pairs((e.name, self.command(e)) for e in self.leaderboard)
        looks = best_of([e for e in self.entries if e.epochs != self.epochs], 100_000)
        body = [
            html.header(title, self._verdict, html.paragraph(self._about)),
            html.section("The winner", html.code(notation), winner).html,
            html.section("Leaderboard", board, html.paragraph(_ABOUT)).html,
            html.section("Accuracy against parameters", html.figure(self.drawing())).html,
        ]
        if self.importance:
            table = html.table("Choices", _MATTERED_TITLES, self._mattered())
            body.append(html.section("What mattered", table, html.paragraph(_MATTERED)).html)
        shorter = html.table("Trained for a moment", _TITLES, self._rows(looks))
        body += [
            html.section("Each again", html.details("The command of each", commands)).html,
            html.section("First looks", html.details("All that were looked at", shorter)).html,
        ]
        return html.page(title, body)


_TITLES: Final = ("", "validation", "front", "parameters", "multiply-adds", "time")
_MATTERED_TITLES: Final = ("choice", "explains", "best on average")


def best_of(entries: Sequence[Entry], count: int, goal: float = 2.0) -> list[Entry]:
    """Return the best: those that reached the goal, the smallest first; then the most accurate.

    Of two that are equally accurate, the one with fewer parameters is first.
    """

    def key(entry: Entry) -> tuple[float, ...]:
        size, number = entry.outcome.parameters, entry.candidate.number
        if entry.accuracy >= goal:
            return 0, size, -entry.accuracy, number
        return 1, -entry.accuracy, size, number

    return sorted(entries, key=key)[:count]


def front_of(entries: Iterable[Entry]) -> list[Entry]:
    """Return the entries that none with as few parameters beats, the smallest first."""
    order = sorted(entries, key=lambda e: (e.outcome.parameters, -e.accuracy, e.candidate.number))
    front: list[Entry] = []
    for entry in order:
        if not front or entry.accuracy > front[-1].accuracy:
            front.append(entry)
    return front


def _series(name: str, place: int, entries: Sequence[Entry]) -> Series:
    points = tuple((entry.outcome.parameters, 100 * entry.accuracy) for entry in entries)
    return Series(name, SERIES[place], points, f"{points[-1][1]:.2f}" if points else "")


def _importance(choice: str, entries: Sequence[Entry]) -> Importance:
    """Return omega squared of a one-way analysis of variance, which is 0 on average for chance."""
    groups: dict[Any, list[float]] = {}
    for entry in entries:
        groups.setdefault(entry.candidate.choices[choice], []).append(entry.accuracy)
    whole = fmean(entry.accuracy for entry in entries)
    total = sum((entry.accuracy - whole) ** 2 for entry in entries)
    means = {option: fmean(values) for option, values in sorted(groups.items())}
    between = sum(len(groups[option]) * (m - whole) ** 2 for option, m in means.items())
    free = len(entries) - len(groups)
    error = (total - between) / free if free else 0.0
    share = (between - (len(groups) - 1) * error) / (total + error) if total else 0.0
    return Importance(choice, max(0.0, share), max(means, key=means.__getitem__), means)


def _option_text(choice: str, option: Any) -> str:
    if isinstance(option, bool):
        return "yes" if option else "no"
    is_factor = choice in ("growth", "learning rate", "weight decay")
    return f"x {option:g}" if is_factor else str(option)
