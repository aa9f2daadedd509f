"""The candidates of a search: networks and recipes, each drawn as large as the budget allows.

A candidate is a handful of choices. They make a network without widths, and the widths are then the
largest within the limits: parameters and multiply-adds as the analysis counts them, flash and RAM
of the int8 C file. So nothing that is too large is ever trained.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any, Final

from lenet.analysis import given
from lenet.analysis.advice import Frame, largest
from lenet.analysis.counts import count_network
from lenet.errors import PlanError, UsageError
from lenet.formats.c_int8 import int8_memory
from lenet.net import Network, parse_network
from lenet.randomness import SEARCH, uniform
from lenet.training import Recipe
from lenet.writing.numbers import short_count

#: What a budget may limit, and what people call it.
LIMITS: Final = {
    "parameters": "parameters",
    "macs": "multiply-adds",
    "flash": "bytes of flash in int8",
    "ram": "bytes of RAM in int8",
}
#: What a candidate is free to choose, and among what. Rates and decays are times the recipe's.
CHOICES: Final[Mapping[str, tuple[Any, ...]]] = {
    "blocks": (1, 2, 3),
    "convolutions": (1, 2),  # of a block
    "kernel": (3, 5),
    "pooling": ("maxpool", "avgpool"),
    "activation": ("relu", "silu", "tanh"),
    "batch norm": (False, True),
    "growth": (1.0, 1.5, 2.0),  # of the channels, from block to block
    "head": ("none", "mean", "dense"),  # between the last block and the output
    "share": (1.0, 1.0, 1.0, 1.0, 0.5, 0.25),  # of the budget
    "learning rate": (0.2, 0.35, 0.6, 1.0, 1.7, 3.0),
    "weight decay": (0.1, 0.3, 1.0, 3.0),
    "batch size": (32, 64, 128, 256),
    "shift": (0, 1, 2),
    "flip": (False, True),
}
#: Units of the dense layer in the head, for each channel of the last block.
_UNITS: Final = 2.0
_POOL: Final = 2
#: So many draws that do not fit into the budget, one after the other, are enough.
ATTEMPTS: Final = 100


class TooSmallError(UsageError):
    """Hardly any network is as small as the budget."""


@dataclass(frozen=True)
class Candidate:
    """A network and a recipe, and the choices that they are made of."""

    number: int
    choices: Mapping[str, Any]
    network: Network
    recipe: Recipe

    @property
    def name(self) -> str:
        """What it is called in tables."""
        return f"#{self.number}"


def limited_costs(network: Network, names: Iterable[str] = LIMITS) -> dict[str, int]:
    """Return what a network costs, by the names of ``LIMITS``."""
    wanted, costs = set(names), dict[str, int]()
    if wanted & {"parameters", "macs"}:
        counts = count_network(network)
        costs |= {"parameters": counts.parameters, "macs": counts.multiply_adds}
    if wanted & {"flash", "ram"}:
        try:
            costs["flash"], costs["ram"] = int8_memory(network)
        except PlanError:  # it is larger than an engine holds, and than any budget
            costs["flash"] = costs["ram"] = sys.maxsize
    return {name: costs[name] for name in LIMITS if name in wanted}


def read_limits(budget: Mapping[str, int] | Iterable[str] | str | None) -> dict[str, int]:
    """Read a table of numbers, or texts: ``parameters=62000``, ``flash=64kB``."""
    return given.read_budget(budget, LIMITS, "parameters=62000 or flash=64kB")


@dataclass(frozen=True)
class Space:
    """What candidates are drawn from.

    Attributes:
        input_shape: of the images, (C, H, W).
        classes: how many there are.
        limits: the most that a network may cost, by the names of ``LIMITS``.
        recipe: whose values the candidates change.
        seed: decides what is drawn.
    """

    input_shape: tuple[int, int, int]
    classes: int
    limits: Mapping[str, int]
    recipe: Recipe
    seed: int

    def draw(self, number: int) -> Candidate:
        """Return the candidate of a number, drawn freely.

        Raises:
            TooSmallError: hardly any network is as small as the budget.
        """
        return self._first_within(number, lambda values: dict(zip(CHOICES, values, strict=True)))

    def change(self, number: int, parent: Candidate) -> Candidate:
        """Return the candidate of a number, which has all but two choices of a parent.

        Raises:
            TooSmallError: hardly any such network is as small as the budget.
        """

        def changed(values: list[Any]) -> dict[str, Any]:
            free = dict(zip(CHOICES, values, strict=True))
            order = sorted(CHOICES, key=lambda name: (hash_of[name], name))
            return {**parent.choices, **{name: free[name] for name in order[:2]}}

        places = uniform(self.seed, SEARCH, number, count=len(CHOICES)).tolist()
        hash_of = dict(zip(CHOICES, places, strict=True))
        return self._first_within(number, changed)

    def _first_within(self, number: int, make: Callable[[list[Any]], dict[str, Any]]) -> Candidate:
        least: dict[str, float] = {}
        for attempt in range(1, ATTEMPTS + 1):
            drawn = uniform(self.seed, SEARCH, number, attempt, count=len(CHOICES)).tolist()
            pairs = zip(drawn, CHOICES.values(), strict=True)
            choices = make([options[int(place * len(options))] for place, options in pairs])
            if (candidate := self.candidate(number, choices, least)) is not None:
                return candidate
        raise self.too_small(least)

    def candidate(
        self, number: int, choices: Mapping[str, Any], least: dict[str, float]
    ) -> Candidate | None:
        """Return the candidate of these choices; None if no network of them is within the limits.

        ``least`` is told the lowest costs that were met.
        """
        if (network := self.network(choices, least)) is None:
            return None
        return Candidate(number, choices, network, self._recipe(choices))

    def too_small(self, least: Mapping[str, float]) -> TooSmallError:
        """Return the error for limits that hardly any network is within."""
        name = max(self.limits, key=lambda name: least.get(name, inf) / self.limits[name])
        what = f"the budget of {self.limits[name]:,} {LIMITS[name]} is too small"
        why = f"the smallest network that was drawn takes {short_count(int(least[name]))}"
        return TooSmallError(f"{what}: {why}; give that or more.", parameter="budget")

    def network(
        self, choices: Mapping[str, Any], least: dict[str, float] | None = None
    ) -> Network | None:
        """Return the largest network of these choices within its share; None if there is none.

        ``least`` is told the lowest cost that was met.
        """
        frame, shape = Frame(parse_network(self._notation(choices))), self._widths(choices)
        limits = {name: choices["share"] * most for name, most in self.limits.items()}
        lowest = {} if least is None else least

        def is_within(network: Network) -> bool:
            costs = limited_costs(network, limits)
            for name, cost in costs.items():
                lowest[name] = min(cost, lowest.get(name, inf))
            return all(costs[name] <= most for name, most in limits.items())

        widths = largest(frame, lambda first: [first * width for width in shape], is_within)
        return None if widths is None else frame.network(widths)

    def _maps(self, choices: Mapping[str, Any]) -> list[tuple[int, int]]:
        """Return the (height, width) before each pooling and after the last."""
        maps = [self.input_shape[1:]]
        while len(maps) <= choices["blocks"] and min(maps[-1]) >= _POOL:
            maps.append((maps[-1][0] // 2, maps[-1][1] // 2))
        return maps

    def _notation(self, choices: Mapping[str, Any]) -> str:
        maps, act = self._maps(choices), choices["activation"]
        norm = "batchnorm " * choices["batch norm"]
        conv = f"conv 1 k{choices['kernel']} same {norm}{act}"
        layers = [conv] * choices["convolutions"] + [f"{choices['pooling']} 2"]
        blocks = [", ".join(layers)] * (len(maps) - 1)
        if not blocks:  # of images of one row
            blocks = [conv]
        head = f"dense {self.classes}"
        if choices["head"] == "dense":
            head = f"dense 1 {act}, {head}"
        elif choices["head"] == "mean" and max(maps[-1]) > 1:
            blocks[-1] += f", avgpool {maps[-1][0]}x{maps[-1][1]}"
        shape = "x".join(map(str, self.input_shape))
        return " | ".join([shape, *blocks, head])

    def _widths(self, choices: Mapping[str, Any]) -> list[float]:
        """Return the widths of all layers but the last, as multiples of the first."""
        blocks = max(1, len(self._maps(choices)) - 1)
        convs = choices["convolutions"] if len(self._maps(choices)) > 1 else 1
        widths = [choices["growth"] ** block for block in range(blocks) for _ in range(convs)]
        return widths + [_UNITS * widths[-1]] * (choices["head"] == "dense")

    def _recipe(self, choices: Mapping[str, Any]) -> Recipe:
        return self.recipe.replace(
            lr=_rounded(self.recipe.lr * choices["learning rate"]),
            weight_decay=_rounded(self.recipe.weight_decay * choices["weight decay"]),
            batch_size=choices["batch size"],
            augment={"shift": choices["shift"], "flip": choices["flip"]},
        )


def _rounded(value: float) -> float:
    """Keep two digits: more would only be longer to type."""
    return float(f"{value:.2g}")
