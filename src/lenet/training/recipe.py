"""A recipe: everything that decides how a network is trained, but for the data and the seed.

The named ones are TOML files in ``recipes/``: ``best.mnist.toml`` is the recipe ``best`` for the
data set ``mnist``, ``best.toml`` for every other. A file may begin with those of another,
``base = "best.mnist"``, and name what differs.

A schedule is the learning rate of every step:

    constant   lr throughout
    one-cycle  rises to lr over a quarter of all steps and falls to nearly nothing, both along half
               a cosine (Smith and Topin 2018)
    cosine     falls from lr to nothing along half a cosine (Loshchilov and Hutter 2017, without
               restarts)
    step       is multiplied by ``gamma`` after every ``step_size`` epochs
    listed     ``epoch_rates`` names the rate of each epoch; the last one stays

A warm-up of some epochs raises the rate in a straight line from nothing (Goyal et al. 2017); the
cosine falls over what is left. A rate is taken in the middle of its step.
"""

from __future__ import annotations

import json
import os
import tomllib
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from lenet import files
from lenet.arguments import plain
from lenet.data import is_name as is_data_name
from lenet.data.sources import plain_name
from lenet.engine.augmentation import Augmentation
from lenet.engine.initialise import parse_init
from lenet.engine.optimizer import SHARE, Optimizer, is_share
from lenet.errors import UsageError, reason
from lenet.net.words import check_choice, check_key, listed, shown
from lenet.optimizers import DEFAULTS, LEVENBERG_MARQUARDT, OPTIMIZERS
from lenet.run_folder import FORMER_NAMES, with_current_names
from lenet.writing import values_html

SCHEDULES: Final = ("constant", "one-cycle", "cosine", "step", "listed")
#: The losses; see :class:`lenet.engine.engine.Objective`.
LOSSES: Final = ("cross-entropy", "nearest")
#: The largest learning rate, weight decay and norm: the engine counts in 32 bits.
LARGEST: Final = 1e30
#: Whole numbers up to this are the same in 64 bits with a point.
_EXACT: Final = 2**53
MOST_EPOCHS: Final = 100_000
#: The largest decay of the moving average: beyond it, what a step adds is lost in 32 bits.
LARGEST_DECAY: Final = 0.9999
NO_AUGMENTATION: Final = Augmentation()
#: The words that a value may be.
_CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "optimizer": tuple(OPTIMIZERS),
    "schedule": SCHEDULES,
    "loss": LOSSES,
    "class_weight": ("", "balanced"),
}
#: Values that one choice alone uses: the choice's name, and the words for which it does.
_USED_WITH: Final[Mapping[str, tuple[str, tuple[Any, ...]]]] = {
    "momentum": ("optimizer", ("momentum", "nesterov")),
    "step_size": ("schedule", ("step",)),
    "gamma": ("schedule", ("step",)),
    "epoch_rates": ("schedule", ("listed",)),
    "damping": ("optimizer", (LEVENBERG_MARQUARDT,)),
    "rubbish": ("loss", ("cross-entropy",)),
    "pixel_range": ("standardize", (False,)),
}

#: The recipe that looks at the data: see :mod:`lenet.training.choosing`. For data sets that have a
#: name it is another's other name, or a file of its own.
AUTO: Final = "auto"
NAMED: Final = "modern"
FOLDER: Final = Path(__file__).parent / "recipes"
SUFFIX: Final = ".toml"
#: A recipe has some 500 bytes.
MAX_BYTES: Final = 100_000
#: What named recipes were called before; these names still work, and say so.
FORMER_RECIPES: Final = {"seed": "original"}

#: One-cycle rises for this share of all steps, from peak / START to the peak, then to peak / END.
RISE: Final = 0.25
START: Final = 25.0
END: Final = 1000.0

#: Whether a value may be, and what is said where it may not.
_Bounds = tuple[Callable[[Any], bool], str]


def _value(default: Any, bounds: _Bounds) -> Any:
    return field(default=default, metadata={"bounds": bounds})


def _number(is_allowed: Callable[[Any], bool], words: str, kind: Any = int | float) -> _Bounds:
    def is_good(value: Any) -> bool:
        return isinstance(value, kind) and not isinstance(value, bool) and is_allowed(value)

    return is_good, words


def _whole(least: int, most: int) -> _Bounds:
    words = f"a whole number from {least} to {most:,}"
    return _number(lambda value: least <= value <= most, words, int)


def _from_zero(most: float) -> _Bounds:
    return _number(lambda value: 0 <= value <= most, f"a number from 0 to {most:g}")


_POSITIVE: Final = _number(
    lambda value: 0 < value <= LARGEST, f"a number above 0 and at most {LARGEST:g}"
)
_SHARE: Final = _number(is_share, SHARE)
_PART: Final = _number(lambda value: 0 <= value < 1, "a number of at least 0 and below 1")
#: No pixel is made larger.
_BRIGHTEST: Final = 1000.0
_RANGE: Final[_Bounds] = (
    lambda value: _is_row(value, 2, _BRIGHTEST) and value[0] < value[1] - 1e-3,
    f"two numbers, of black and of white, such as [0, 1], within +-{_BRIGHTEST:g}",
)
_RATES: Final[_Bounds] = (
    lambda value: _is_row(value, None, LARGEST) and all(rate > 0 for rate in value),
    "a list of rates above 0, such as [0.1, 0.01]",
)
_FLAG: Final[_Bounds] = (lambda value: isinstance(value, bool), "True or False")
_TEXT: Final[_Bounds] = (
    lambda value: isinstance(value, str),
    "the name or the notation of a network",
)


def _is_row(value: Any, count: int | None, largest: float) -> bool:
    """Is it a list of so many numbers (any, where that is None), none of them too large?"""
    if not isinstance(value, tuple) or (count is not None and len(value) != count):
        return False
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in value)
    return numbers and all(-largest <= v <= largest for v in value)


@dataclass(frozen=True)
class Recipe:
    """How to train. ``lenet.recipe`` gives the named ones; ``recipe.replace(epochs=3)`` changes
    values.

    Attributes:
        epochs: passes over the training images, at most.
        batch_size: images per step.
        shuffle: whether every epoch takes the images in another order; otherwise always the same.
        optimizer: sgd, momentum, nesterov, adamw or levenberg-marquardt.
        momentum: of the two kinds named after it.
        lr: the learning rate; where it changes, its peak. Left out, it is the optimizer's own, and
            so is ``weight_decay``: 0.01 and 0.1 of adamw.
        damping: of levenberg-marquardt: what is added to the curvature that its steps are divided
            by.
        schedule: constant, one-cycle, cosine, step or listed; see :mod:`lenet.training.recipe`.
        warmup_epochs: epochs in which the rate rises from nothing; one-cycle rises anyway.
        step_size, gamma: the step schedule multiplies the rate by gamma every step_size epochs.
        epoch_rates: the rate of each epoch for the listed schedule.
        init: normal:S, xavier, kaiming, lecun or lecun:K.
        standardize: whether pixels get mean 0 and standard deviation 1; otherwise ``pixel_range``.
        pixel_range: what black and white become where pixels are not standardised.
        margin: whether images smaller than the network's input are set in its middle, with their
            background around; otherwise they are enlarged.
        loss: cross-entropy, or nearest: minus the score of the right class, which makes an RBF
            layer's distances small.
        rubbish: with cross-entropy on an RBF layer, the distance of one class more that no image
            belongs to: it keeps all others from growing near; 0 for none.
        weight_decay: adamw's decoupled decay; for the others an L2 term in the gradient.
        label_smoothing: share of each label that is spread over all classes.
        dropout: share of hidden dense outputs that are put to zero in training.
        max_grad_norm: the largest norm of a gradient; 0 leaves it as it is.
        ema_decay: decay per step of a moving average of the weights, which then is what is tested
            and saved; 0 for none.
        class_weight: "balanced" lets all classes count alike, "" all images.
        validation_fraction: share of the training images set aside, stratified, where the data
            have no validation split of their own.
        patience: stop after so many epochs without a lower validation loss; 0 for never.
        restore_best: whether the model gets the weights of the epoch with the lowest validation
            loss; otherwise the last.
        calibrate: whether the probabilities are calibrated on the validation images, where there
            are any (:mod:`lenet.training.calibration`).
        network: the network that is trained when none is named; empty for no wish.
        augment: how training images change in every epoch, an Augmentation or a mapping.

    Raises:
        UsageError: a value out of range, or two that do not go together.
    """

    epochs: int = _value(20, _whole(1, MOST_EPOCHS))
    batch_size: int = _value(128, _whole(1, 1_000_000))
    shuffle: bool = _value(True, _FLAG)
    optimizer: str = "adamw"
    momentum: float = _value(0.9, _SHARE)
    lr: float = _value(None, _POSITIVE)
    damping: float = _value(0.02, _POSITIVE)
    schedule: str = "one-cycle"
    warmup_epochs: float = _value(0.0, _from_zero(100_000))
    step_size: int = _value(10, _whole(1, 100_000))
    gamma: float = _value(0.1, _POSITIVE)
    epoch_rates: tuple[float, ...] = _value((), _RATES)
    init: str = "kaiming"
    standardize: bool = _value(True, _FLAG)
    pixel_range: tuple[float, float] = _value((0.0, 1.0), _RANGE)
    margin: bool = _value(False, _FLAG)
    loss: str = "cross-entropy"
    rubbish: float = _value(0.0, _from_zero(LARGEST))
    weight_decay: float = _value(None, _from_zero(LARGEST))
    label_smoothing: float = _value(0.0, _SHARE)
    dropout: float = _value(0.0, _SHARE)
    max_grad_norm: float = _value(0.0, _from_zero(LARGEST))
    ema_decay: float = _value(0.0, _from_zero(LARGEST_DECAY))
    class_weight: str = ""
    validation_fraction: float = _value(0.0, _PART)
    patience: int = _value(0, _whole(0, 100_000))
    restore_best: bool = _value(False, _FLAG)
    calibrate: bool = _value(True, _FLAG)
    network: str = _value("", _TEXT)
    augment: Augmentation = NO_AUGMENTATION

    def __post_init__(self) -> None:
        for name, own in _defaults_of(self.optimizer).items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, own)
        for setting in fields(self):
            value = plain(getattr(self, setting.name))
            if isinstance(value, list) and isinstance(setting.default, tuple):
                value = tuple(value)
            object.__setattr__(self, setting.name, value)
            if choices := _CHOICES.get(setting.name):
                check_choice(value, choices, setting.name)
            is_allowed, allowed = setting.metadata.get("bounds", (lambda _: True, ""))
            if not is_allowed(value):
                raise UsageError(f"{setting.name} is {shown(value)}; it must be {allowed}.")
            if setting.type == "float" and abs(value) > _EXACT:  # readers of JSON round it anyway
                object.__setattr__(self, setting.name, float(value))
        self._check_schedule()
        parse_init(self.init)
        if isinstance(self.augment, Mapping):
            values = checked_names(self.augment, Augmentation, "augment")
            object.__setattr__(self, "augment", Augmentation(**values))
        elif not isinstance(self.augment, Augmentation):
            raise UsageError(
                f"augment is {shown(self.augment)}; it must be a table of its values, such as "
                "shift = 1."
            )

    def _check_schedule(self) -> None:
        if self.warmup_epochs > self.epochs:
            raise UsageError(
                f"warmup_epochs is {self.warmup_epochs:g} and there are {self.epochs} epochs; it "
                "must be a number from 0 to all of them."
            )
        if self.warmup_epochs and self.schedule == "one-cycle":
            raise UsageError(
                f"warmup_epochs is {self.warmup_epochs:g} and the schedule one-cycle, which rises "
                "by itself; leave warmup_epochs out, or take the cosine schedule."
            )
        if self.schedule == "listed" and not self.epoch_rates:
            raise UsageError("the schedule is listed and epoch_rates names no rate; give some.")

    def replace(self, **changes: Any) -> Recipe:
        """Return the same recipe with some values changed.

        ``None`` leaves a value as it is, and so does a mapping for ``augment`` that leaves it out.
        Another optimizer brings its own ``lr`` and ``weight_decay``, unless they are given too.
        """
        return _changed(self.to_dict(), changes)

    def lasting(self, epochs: int) -> Recipe:
        """Return it with so many epochs, and a warm-up that is the same share of them."""
        return self.replace(epochs=epochs, warmup_epochs=self.warmup_epochs * epochs / self.epochs)

    def make_optimizer(self) -> Optimizer:
        """Return what the engine does with a gradient."""
        names = ("momentum", "weight_decay", "max_grad_norm", "ema_decay")
        return Optimizer(self.optimizer, **{name: getattr(self, name) for name in names})

    def rates(self, steps: int, begin: int = 0, end: int | None = None) -> NDArray[np.float64]:
        """Return the learning rates (end - begin,) of steps [begin, end) of all ``steps``."""
        at = np.arange(begin, steps if end is None else end, dtype=np.float64) + 0.5
        if self.schedule == "one-cycle":
            at /= steps
            rising = _half_cosine(self.lr / START, self.lr, at / RISE)
            falling = _half_cosine(self.lr, self.lr / END, (at - RISE) / (1 - RISE))
            return np.where(at < RISE, rising, falling)
        per_epoch = steps / self.epochs
        warm = self.warmup_epochs * per_epoch
        rates = np.full(len(at), float(self.lr))
        if self.schedule == "cosine":
            rates = _half_cosine(self.lr, 0.0, (at - warm) / max(steps - warm, 1.0))
        elif self.schedule == "listed":
            epochs = np.minimum(at // per_epoch, len(self.epoch_rates) - 1).astype(np.int64)
            rates = np.array(self.epoch_rates, np.float64)[epochs]
        elif self.schedule == "step":
            rates *= self.gamma ** (at // per_epoch // self.step_size)
        if warm:
            rates *= np.minimum(at / warm, 1.0)
        return rates

    def _repr_html_(self) -> str:
        return values_html("Recipe", _flat(self))

    def to_dict(self) -> dict[str, Any]:
        """Return all values, for JSON and TOML; :meth:`from_dict` is the inverse."""
        values = asdict(self).items()
        return {name: list(v) if isinstance(v, tuple) else v for name, v in values}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the recipe of these values, by their names of today or of older files; those left
        out are the default's."""
        return cls(**checked_names(values))


def _defaults_of(optimizer: object) -> Mapping[str, float]:
    """Return the values that suit an optimizer; nothing of what is none, which is told later."""
    return DEFAULTS.get(optimizer, {}) if isinstance(optimizer, str) else {}


def checked_names(
    values: Mapping[str, Any], kind: type = Recipe, what: str = "a recipe"
) -> dict[str, Any]:
    """Return the values under the names of today, all of which ``kind`` has."""
    if not isinstance(values, Mapping):
        raise UsageError(f"{what} is {shown(values)}; it must be a table of its values.")
    current = with_current_names(values) if kind is Recipe else dict(values)
    known = [setting.name for setting in fields(kind)]
    for name in current:
        check_key(name, known, what)
    return current


def _half_cosine(start: float, end: float, at: Any) -> NDArray[np.float64]:
    rates: NDArray[np.float64] = end + (start - end) * (1 + np.cos(np.pi * np.clip(at, 0, 1))) / 2
    return rates


def names() -> tuple[str, ...]:
    """Return the recipes' names."""
    return tuple(sorted({AUTO, *(stem.partition(".")[0] for stem in _files())}))


def stem_of(name: str | os.PathLike[str]) -> str:
    """Return what to call a recipe: its name, or its file's without the ending."""
    text = os.fspath(name)
    is_file = text.lower().endswith(SUFFIX)
    return Path(text).name[: -len(SUFFIX)] if is_file else text.strip().lower()


def recipe(
    name: str | os.PathLike[str] | Mapping[str, Any] | Recipe = "modern",
    *,
    data: str = "",
    **changes: Any,
) -> Recipe:
    """Return a recipe by name, or from a ``.toml`` file, with some values changed.

    Args:
        name: the name, or the file's path; a recipe, or a mapping of its values, will do.
        data: the name of the data set it is for; some recipes differ.
        changes: values by name; ``None`` leaves a value as it is.

    Raises:
        UsageError: there is no such recipe or file, the file is no recipe, or a value is out of
            range.
    """
    if isinstance(name, Recipe):
        return name.replace(**changes)
    if isinstance(name, Mapping):
        return _changed(name, changes)
    is_name = isinstance(name, str | os.PathLike)
    text = os.fsdecode(name) if is_name else ""
    if text.lower().endswith(SUFFIX):
        return read_recipe(text, **changes)
    wanted = text.strip().lower()
    if wanted in FORMER_RECIPES:
        new = FORMER_RECIPES[wanted]
        told = f"the recipe {wanted} is called {new} now; write {new!r}."
        warnings.warn(told, DeprecationWarning, stacklevel=2)
        wanted = new
    check_choice(wanted if is_name else name, names(), "the recipe", more=", or a .toml file")
    if wanted == AUTO and not is_data_name(data):
        raise UsageError(
            "the recipe auto looks at the images; lenet.train(data=...) does so, and "
            "lenet.choose(data) tells what it would take."
        )
    return read_recipe(_file_of(wanted, data), **changes)


def _file_of(name: str, data: str) -> Path:
    if not isinstance(data, str):
        raise UsageError(f"data is {shown(data)}; give the name of a data set, such as 'mnist'.")
    stems = _files()
    general = stems.get(NAMED if name == AUTO else name)
    path = stems.get(f"{name}.{plain_name(data)}", general)
    if path is None:
        only = [stem.partition(".")[2] for stem in stems if stem.startswith(f"{name}.")]
        raise UsageError(
            f"the recipe {name} is for {listed(only)} alone; train on that, or take another recipe."
        )
    return path


def read_recipe(path: str | os.PathLike[str], **changes: Any) -> Recipe:
    """Read a recipe's TOML file; what it leaves out is the default's, ``changes`` come on top."""
    shown_path = str(path).replace("\0", "\\0")
    try:
        values = tomllib.loads(files.read_regular(path, MAX_BYTES).decode("utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        why = {
            UnicodeDecodeError: "it is no text in UTF-8",
            RecursionError: "it is no TOML: nested too deep",
            tomllib.TOMLDecodeError: f"it is no TOML: {error}",
        }.get(type(error), reason(error))
        raise UsageError(
            f"cannot read the recipe {shown_path}: {why}; give a file with lines such as lr = 0.01."
        ) from None
    try:
        if (base := values.pop("base", None)) is not None:
            check_choice(base, tuple(_files()), "base")
            values = _changed(read_recipe(_files()[base]).to_dict(), values).to_dict()
        return _changed(values, changes)
    except UsageError as error:
        where = "" if Path(path).parent == FOLDER else f"{shown_path}: "
        raise UsageError(f"{where}{error}") from None


def _changed(values: Mapping[str, Any], changes: Mapping[str, Any]) -> Recipe:
    """Return the recipe of all values at once: only then are two held against each other."""
    values = with_current_names(values)
    changes = with_current_names({k: plain(v) for k, v in changes.items() if v is not None})
    optimizer = changes.get("optimizer")
    if optimizer not in (None, values.get("optimizer", Recipe.optimizer)):
        values = {name: v for name, v in values.items() if name not in _defaults_of(optimizer)}
    recipe = Recipe.from_dict(with_changes(values, changes))
    _check_use(recipe, {name: v for name, v in changes.items() if v != values.get(name)})
    return recipe


def with_changes(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return values of a recipe with changes; what a table of ``augment`` does not name stays."""
    whole = {**values, **changes}
    before, after = values.get("augment"), changes.get("augment")
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        whole["augment"] = {**before, **after}
    return whole


def _check_use(recipe: Recipe, changes: Mapping[str, Any]) -> None:
    """Hold that every value a person changed is used: nobody wants to tune what does nothing."""
    for name, (choice, words) in _USED_WITH.items():
        if name in changes and (word := getattr(recipe, choice)) not in words:
            raise UsageError(
                f"{name} is {shown(changes[name])} and {choice} is {word}, which does not use it; "
                f"leave {name} out, or set {choice} to {listed([*map(str, words)], 'or')}."
            )


def recipe_text(recipe: Recipe, about: str = "") -> str:
    """Return ``recipe`` as TOML, every value written out, with ``about`` as a comment on top."""
    flat, tables = [], []
    for name, value in recipe.to_dict().items():
        if isinstance(value, Mapping):
            lines = [f"{inner} = {_toml(item)}" for inner, item in value.items()]
            tables += ["", f"[{name}]", *lines]
        else:
            flat.append(f"{name} = {_toml(value)}")
    return "\n".join([*(f"# {line}" for line in about.splitlines()), *flat, *tables]) + "\n"


def read_settings(settings: Iterable[str]) -> dict[str, Any]:
    """Read values by name from texts such as ``lr=0.02`` or ``augment.shift=1``."""
    values: dict[str, Any] = {}
    for text in settings:
        name, equals, value = text.partition("=")
        name = name.strip().replace("-", "_")
        if not (equals and name):
            raise UsageError(f"{shown(text)} is no setting; give a name and a value, lr=0.02.")
        table, is_text = values, isinstance(getattr(Recipe, name, None), str)
        if name.startswith("augment."):
            table, name = values.setdefault("augment", {}), name.removeprefix("augment.")
        current = FORMER_NAMES.get(name, name)
        if not isinstance(table, dict) or current in table:
            raise UsageError(f"{name} is set more than once; set it once.")
        read = value if is_text else _read_value(value)
        table[current] = with_current_names({name: read})[current]
    return values


def _files() -> dict[str, Path]:
    return {path.stem: path for path in sorted(FOLDER.glob(f"*{SUFFIX}"))}


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, str):
        # JSON's escapes are TOML's too, but for one character that JSON leaves as it is.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)


def _read_value(text: str) -> Any:
    """Read a number, ``true`` or ``false`` as TOML has it or as Python does; other text stays."""
    try:
        lower = text.strip().lower()
        values = tomllib.loads(f"value = {lower if lower in ('true', 'false') else text}")
    except (ValueError, RecursionError):
        return text
    return values["value"] if len(values) == 1 else text


def recipe_options(recipe: Recipe, base: Recipe) -> list[str]:
    """Return the options of ``lenet train`` that make ``base`` this recipe; not its network."""
    words = []
    before, values = _flat(base), _flat(recipe)
    is_other = recipe.optimizer != base.optimizer  # which brings a rate and a decay of its own
    for name, value in values.items():
        is_implied = value == before[name] and not (is_other and name in ("lr", "weight_decay"))
        if not is_implied and name != "network":
            text = value if isinstance(value, str) else _toml(value)
            words += ["--set", f"{name}={text}"]
    return words


def _flat(recipe: Recipe) -> dict[str, Any]:
    values = recipe.to_dict()
    augment = values.pop("augment")
    return {**values, **{f"augment.{key}": value for key, value in augment.items()}}
