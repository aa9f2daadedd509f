"""How the candidates of a search are proposed: freely, from the best so far, or by Optuna.

They come in generations of fixed size. All that is known when a generation is drawn are those
before it, so what is drawn does not depend on how many trainings run at a time; and as the seed
decides all the rest, a search that was killed draws the same candidates again.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, Protocol

from lenet.errors import needing
from lenet.randomness import SEARCH, uniform
from lenet.studies.space import ATTEMPTS, CHOICES, Candidate, Space, TooSmallError
from lenet.studies.tuning import Entry

#: Candidates that are drawn at a time, and how many are drawn freely before others are asked for.
GENERATION: Final = 16
FREE: Final = 2 * GENERATION
#: What a strategy is called that takes a sampler of Optuna's.
_OPTUNA: Final = "optuna-"
#: Optuna's samplers by name: their class, and the options that are not left to its version.
_SAMPLERS: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    "tpe": (
        "TPESampler",
        {"n_startup_trials": FREE, "n_ei_candidates": 24}
        | {"multivariate": True, "group": False, "constant_liar": True},
    ),
    "nsga2": ("NSGAIISampler", {"population_size": FREE}),
    "random": ("RandomSampler", {}),
}
STRATEGIES: Final = ("best-k", "halving", *(_OPTUNA + name for name in _SAMPLERS))


class Sampler(Protocol):
    """What proposes candidates."""

    def draw(
        self, space: Space, numbers: Sequence[int], looks: Sequence[Entry], best: Sequence[Entry]
    ) -> list[Candidate]:
        """Return the candidates of these numbers, after the first looks at all before them."""


def make_sampler(strategy: str, seed: int) -> Sampler:
    """Return what proposes the candidates of a strategy.

    Raises:
        MissingPackageError: the strategy is Optuna's, which is not installed.
    """
    if strategy.startswith(_OPTUNA):
        return _Optuna(strategy.removeprefix(_OPTUNA), seed)
    return _FromTheBest(seed)


def is_free(number: int, strategy: str) -> bool:
    """Is the candidate of this number drawn freely, whatever came of others?"""
    return number < FREE or (not strategy.startswith(_OPTUNA) and number % 2 == 0)


class _FromTheBest:
    """Every second candidate changes two choices of one of the best."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def draw(
        self, space: Space, numbers: Sequence[int], looks: Sequence[Entry], best: Sequence[Entry]
    ) -> list[Candidate]:
        return [
            space.draw(number) if is_free(number, "") else self._changed(space, number, best)
            for number in numbers
        ]

    def _changed(self, space: Space, number: int, best: Sequence[Entry]) -> Candidate:
        place = float(uniform(self._seed, SEARCH, number, 0, count=1)[0])
        try:
            return space.change(number, best[int(place * len(best))].candidate)
        except TooSmallError:  # not of this parent, which is deep
            return space.draw(number)


class _Optuna:
    """A sampler of Optuna's: asked for a generation at a time, told in the order of numbers."""

    def __init__(self, name: str, seed: int) -> None:
        with needing("Optuna", f"for the strategy {_OPTUNA}{name}", "tune"):
            import optuna
        self._optuna = optuna
        kind, options = _SAMPLERS[name]
        loudness = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.WARNING)  # it would announce a study in memory
        try:
            with _quiet():
                sampler = getattr(optuna.samplers, kind)(seed=seed % 2**32, **options)
            self._study = optuna.create_study(direction="maximize", sampler=sampler)
        finally:
            optuna.logging.set_verbosity(loudness)
        self._asked: dict[int, Any] = {}
        self._told = 0
        distributions = optuna.distributions
        self._free = {
            choice: distributions.IntDistribution(0, len(options) - 1)
            if _are_ordered(options)
            else distributions.CategoricalDistribution(range(len(options)))
            for choice, options in CHOICES.items()
        }

    def draw(
        self, space: Space, numbers: Sequence[int], looks: Sequence[Entry], best: Sequence[Entry]
    ) -> list[Candidate]:
        for entry in looks[self._told :]:
            self._study.tell(self._asked.pop(entry.candidate.number), entry.accuracy)
        self._told = len(looks)
        with _quiet():
            return [self._ask(space, number) for number in numbers]

    def _ask(self, space: Space, number: int) -> Candidate:
        least: dict[str, float] = {}
        for _ in range(ATTEMPTS):
            trial = self._study.ask(self._free)
            places = trial.params
            choices = {name: options[places[name]] for name, options in CHOICES.items()}
            if (candidate := space.candidate(number, choices, least)) is not None:
                self._asked[number] = trial
                return candidate
            self._study.tell(trial, state=self._optuna.trial.TrialState.FAIL)
        raise space.too_small(least)


def _quiet() -> AbstractContextManager[None]:
    """Let Optuna not warn of what is asked for here on purpose."""
    return warnings.catch_warnings(action="ignore")


def _are_ordered(options: Sequence[Any]) -> bool:
    return all(type(option) in (int, float) for option in options)
