"""The layers a network is made of. Each says everything about itself, and knows no arrays.

Its fields are declared once, for the notation, JSON, comparison and explanation; others ask a
layer for its facts, and few look at its class. Pairs are (height, width), padding is (top, bottom,
left, right); the p of the article's formula is ``total_padding``, of both sides together.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any, ClassVar, Final, Literal, Self

from lenet.arguments import plain
from lenet.errors import ShapeError, UsageError
from lenet.net import shapes
from lenet.net.shapes import Pair, Shape, elements, pair_text, shape_text, size_text
from lenet.net.tables import TABLES, Table
from lenet.net.words import check_choice, shown, with_article

Sides = tuple[int, int, int, int]

#: No size, count or window may exceed this: keeps every product far from overflow and hangs.
MAX_SIZE: Final = 10_000_000
#: The slope of leaky-relu below zero (the default of PyTorch and Keras' older layers).
LEAKY_SLOPE: Final = 0.01
#: scaled-tanh is A tanh(S x), with f(1) = 1 and f(-1) = -1 (LeCun et al. 1998, appendix A).
SCALED_TANH: Final = (1.7159, 2 / 3)


@dataclass(frozen=True)
class Activation:
    """An activation function, and what follows from it for training."""

    formula: str  # of a pre-activation z, for people
    monotone: bool = True  # never decreases: the pooling may come before it
    keeps: Literal["output", "input", "nothing"] = "output"  # its derivative is computed from this
    saturates: bool = False  # nearly flat far from zero on both sides
    sparse: bool = False  # exactly zero over half of its inputs
    steepest: float = 1.0  # its largest derivative


#: By the names they have everywhere, in the order in which the native engine counts them.
ACTIVATIONS: Final = {
    "identity": Activation("z", keeps="nothing"),
    "sigmoid": Activation("1 / (1 + e^-z)", saturates=True, steepest=0.25),
    "tanh": Activation("tanh(z)", saturates=True),
    "relu": Activation("max(0, z)", sparse=True),
    "leaky-relu": Activation(f"z where z > 0, else {LEAKY_SLOPE:g} z"),
    # Falls, then rises: one output comes from two inputs. Steepest at an input of 2.3994.
    "silu": Activation("z / (1 + e^-z)", monotone=False, keeps="input", steepest=1.0998),
    "scaled-tanh": Activation("1.7159 tanh(2 z / 3)", saturates=True, steepest=prod(SCALED_TANH)),
}


@dataclass(frozen=True)
class Field:
    """One value that a layer is described by."""

    name: str  # of the constructor's parameter, the attribute and the JSON key
    kind: Literal["count", "pair", "sides", "switch", "table", "activation"]
    noun: str  # what a person calls it
    written: str = ""  # in the notation: a switch's word, or what stands before the value, if any
    default: Any = None  # not written ("kernel_size": the window's own); None: always written
    may_lack: bool = False  # JSON may leave it out: older documents do

    def text(self, value: Any) -> str:
        """Write ``value`` as a person reads it: ``5``, ``5x3``, ``0.1.0.1``, ``yes``, ``relu``."""
        match self.kind:
            case "pair":
                return size_text(value)
            case "sides":
                return padding_text(value)
            case "switch":
                return "yes" if value else "no"
            case "table":
                return str(value) or "none"
        return str(value)


@dataclass(frozen=True)
class TensorShape:
    """A tensor that a layer owns."""

    name: str  # weight, bias, scale, mean or variance
    shape: Shape
    trained: bool = True  # by its gradient; otherwise counted while training, or fixed
    missing: int = 0  # of its numbers that are zero for ever: a connection table leaves them out

    @property
    def size(self) -> int:
        """How many numbers it holds, but for those that are missing."""
        return elements(self.shape) - self.missing


_ACTIVATION: Final = Field("activation", "activation", "activation", default="identity")
_PADDING: Final = Field("padding", "sides", "padding", "p", default=(0, 0, 0, 0))


class Layer(ABC):
    """What every layer says of itself."""

    keyword: ClassVar[str]  # its word in the notation, in JSON and in reports
    stem: ClassVar[str]  # what names of such layers begin with: conv0, pool0, dense0
    noun: ClassVar[str]  # what a person calls it
    fields: ClassVar[tuple[Field, ...]]
    example: ClassVar[str]  # a layer of the notation
    flattens: ClassVar[bool] = False  # it reads maps as one vector: channels, rows, columns
    is_trained: ClassVar[bool] = False  # a convolution or dense layer: trained weights, activation
    counts: ClassVar[bool] = False  # is one of a network's layers, where poolings are not counted
    keeps_input: ClassVar[bool] = False  # the backward pass needs what went in
    keeps_places: ClassVar[bool] = False  # ... or the place of each maximum
    is_linear: ClassVar[bool] = False  # a weighted sum, with weights that are not trained

    @property
    def is_normalised(self) -> bool:
        """Is what it gives normalised over the batch, before the activation?"""
        return False

    @abstractmethod
    def output_shape(self, shape: Shape, name: str = "") -> Shape:
        """Return the shape that the layer makes of ``shape``; a ShapeError shows ``name``."""

    def tensors(self, shape: Shape) -> tuple[TensorShape, ...]:
        """Return the tensors of the layer on an input of ``shape``, in the table's order."""
        return ()

    def multiply_adds(self, shape: Shape) -> int:
        """Return one image's multiply-adds forward: weights only, on padding, too."""
        return 0

    @abstractmethod
    def connections(self, shape: Shape) -> int:
        """Count each weight and bias once for every output it serves (LeCun et al. 1998)."""

    def describe(self, shape: Shape = ()) -> str:
        """Return what a person calls the layer on an input of ``shape``."""
        return self.noun

    @property
    def values(self) -> dict[str, Any]:
        """The values of the layer's fields, by their names."""
        return {field.name: getattr(self, field.name) for field in self.fields}

    def notation(self) -> str:
        """Write the layer as the notation has it, as short as possible: ``conv 6 k5 p2 relu``."""
        words, values = [self.keyword], self.values
        for field in self.fields:
            value = values[field.name]
            default = values["kernel_size"] if field.default == "kernel_size" else field.default
            if default is None or value != default:
                text = "" if field.kind == "switch" else field.text(value)
                words.append(field.written + text)
        return " ".join(words)

    def is_global(self, shape: Shape) -> bool:
        """Does it take the mean of each whole map of ``shape``? (Lin, Chen and Yan 2014)."""
        return False

    def replace(self, **changes: Any) -> Self:
        """Return the layer with other values of some fields, checked as at the start."""
        return replace(self, **changes)  # type: ignore[type-var]

    def _set(self, **values: Any) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)


class Windowed(Layer):
    """A layer whose window slides over maps."""

    kernel_size: Pair
    stride: Pair
    padding: Sides

    window_noun: ClassVar[str]  # what its window is called

    @property
    def total_padding(self) -> Pair:
        """Padding of both sides together, (p_h, p_w)."""
        top, bottom, left, right = self.padding
        return top + bottom, left + right

    def output_shape(self, shape: Shape, name: str = "") -> Shape:
        """Return (C, H', W'), by the size formula on both axes."""
        if len(shape) != 3:
            needs = f"{name} is {with_article(self.noun)} and needs feature maps (channels, height"
            left = f"a dense layer before it leaves only {shape[0]} number{'s' * (shape[0] != 1)}"
            remedy = f"put {name} before the first dense layer"
            raise ShapeError(f"{needs}, width), but {left}", name, remedy)
        height, width = (shapes.output_size(*numbers) for numbers in self._axes(shape))
        if min(height, width) < 1:
            raise self._misfit(shape, name)
        return shape[0], height, width

    def size_formulas(self, shape: Shape) -> tuple[str, str]:
        """Write the size formula with its numbers put in, for height and for width."""
        height, width = (shapes.size_formula(*numbers) for numbers in self._axes(shape))
        return height, width

    def _axes(self, shape: Shape) -> list[tuple[int, int, int, int]]:
        """Return size, kernel, padding and stride, of height and of width."""
        return list(zip(shape[1:], self.kernel_size, self.total_padding, self.stride, strict=True))

    def _misfit(self, shape: Shape, name: str) -> ShapeError:
        """Say on which axes the window does not fit; alike axes have one formula."""
        axes = zip(("height", "width"), self._axes(shape), strict=True)
        misfits = {axis: numbers for axis, numbers in axes if shapes.output_size(*numbers) < 1}
        numbers = misfits.values()
        formulas = " and ".join(dict.fromkeys(shapes.size_formula(*axis) for axis in numbers))
        where = f" the {next(iter(misfits))}" if len(misfits) == 1 else ""
        window = f"{pair_text(self.kernel_size)} {self.window_noun}"
        most = min(size + padding for size, _, padding, _ in numbers)
        return ShapeError(
            f"{name} gets {shape_text(shape)} and its {window} does not fit{where}: {formulas}",
            name,
            f"use a {self.window_noun} of at most {most}, more padding, or a larger input",
        )


class Trained(Layer):
    """A layer with weights, a bias for each channel or unit, and an activation after them."""

    activation: str

    is_trained = True
    counts = True
    keeps_input = True
    width_noun: ClassVar[str]  # what one channel or unit is called

    @property
    def width(self) -> int:
        """How many channels or units come out: the layer's first field."""
        return int(getattr(self, self.fields[0].name))

    @property
    def unit(self) -> int:
        """What its width, and the number of channels that come in, must be multiples of."""
        return 1

    def with_width(self, width: int) -> Self:
        """Return the layer with another number of channels or units."""
        return self.replace(**{self.fields[0].name: width})

    def given(self, channels: int) -> Self:
        """Return the layer as it is where so many channels come in."""
        return self

    def multiply_adds(self, shape: Shape) -> int:
        return self.tensors(shape)[0].size * self._positions(shape)

    def connections(self, shape: Shape) -> int:
        weight, bias, *_ = self.tensors(shape)
        return (weight.size + bias.size) * self._positions(shape)

    def _positions(self, shape: Shape) -> int:
        return elements(self.output_shape(shape)[1:])


@dataclass(frozen=True, init=False)
class Conv2d(Windowed, Trained):
    """A two-dimensional convolution (cross-correlation), then an activation.

    Maps (C, H, W) to (channels, H', W'), by weights (channels, C / groups, kernel height, kernel
    width) and one bias per channel. LeCun et al. 1998, section II.A.

    With ``groups`` the channels that come in and those that come out are cut into so many equal
    groups, and each group sees its own alone (Krizhevsky et al. 2012). As many groups as channels
    come in is a depthwise convolution (Howard et al. 2017).

    With a ``table`` each channel sees those alone that the connection table of that name gives it:
    the other weights are zero for ever, and are not counted (LeCun et al. 1998, table I).

    With ``batch_norm`` its maps are normalised before the activation: each channel's values over
    the batch get mean 0 and variance 1, then a trained scale and shift (Ioffe and Szegedy 2015).
    The shift is the bias, so there are ``channels`` numbers more to train; after training the
    running mean and variance take the batch's place.
    """

    channels: int
    kernel_size: Pair
    stride: Pair
    padding: Sides
    groups: int
    table: str
    activation: str
    batch_norm: bool

    keyword = "conv"
    stem = "conv"
    noun = "convolution"
    window_noun = "kernel"
    width_noun = "channel"
    example = "conv 6 k5"
    fields = (
        Field("channels", "count", "channels"),
        Field("kernel_size", "pair", "kernel", "k"),
        Field("stride", "pair", "stride", "s", default=(1, 1)),
        _PADDING,
        Field("groups", "count", "groups", "g", default=1, may_lack=True),
        Field("table", "table", "connection table", "table:", default="", may_lack=True),
        Field("batch_norm", "switch", "batch normalisation", "batchnorm", False, may_lack=True),
        _ACTIVATION,
    )

    def __init__(
        self,
        channels: int,
        kernel_size: int | Pair,
        stride: int | Pair = 1,
        padding: int | Pair | Sides | str = 0,
        activation: str = "identity",
        batch_norm: bool = False,
        groups: int = 1,
        table: str = "",
    ) -> None:
        """Describe a convolution; a UsageError says which value is out of range.

        ``padding`` is a number, a pair, four sides or "same" (stride 1 keeps the size). ``table``
        is the name of a connection table, such as "lenet-5".
        """
        channels, groups = _positive(channels, "channels"), _positive(groups, "groups")
        if channels % groups:
            raise UsageError(
                f"{channels} channels cannot be cut into {groups} equal groups; the channels must "
                "be a multiple of the groups."
            )
        _check_table(table, channels, groups)
        kernel, steps = _pair(kernel_size, "kernel_size"), _pair(stride, "stride")
        self._set(
            table=table,
            channels=channels,
            kernel_size=kernel,
            stride=steps,
            padding=_sides(padding, kernel, steps),
            groups=groups,
            activation=_activation(activation),
            batch_norm=_switch(batch_norm, "batch_norm"),
        )

    @property
    def unit(self) -> int:
        return self.groups

    @property
    def connected(self) -> Table | None:
        """The channels that each channel sees, where a connection table says so."""
        return TABLES[self.table] if self.table else None

    def with_width(self, width: int) -> Self:
        """Return the layer with another number of channels: no table fits any other."""
        table = self.table if width == self.channels else ""
        return self.replace(channels=width, table=table)

    def given(self, channels: int) -> Self:
        """Return the layer without a table that connects another number of channels."""
        fits = not self.connected or channels == _seen(self.connected)
        return self if fits else self.replace(table="")

    def output_shape(self, shape: Shape, name: str = "") -> Shape:
        """Return (channels, H', W')."""
        _, height, width = super().output_shape(shape, name)
        if shape[0] % self.groups:
            what = f"{name} gets {shape_text(shape)} and cannot cut {shape[0]} into {self.groups}"
            remedy = f"use a number of groups that divides {shape[0]}"
            raise ShapeError(f"{what} equal groups of channels", name, remedy)
        if self.connected and shape[0] != (wanted := _seen(self.connected)):
            what = f"{name} gets {shape_text(shape)}, and its table {self.table} connects {wanted}"
            remedy = f"give the layer before {name} {wanted} channels, or leave the table out"
            raise ShapeError(f"{what} channels", name, remedy)
        return self.channels, height, width

    def describe(self, shape: Shape = ()) -> str:
        if self.table:
            return f"partly connected {self.noun}"
        if self.groups == 1:
            return self.noun
        is_depthwise = self.groups == (*shape, 0)[0]
        return f"depthwise {self.noun}" if is_depthwise else f"grouped {self.noun}"

    @property
    def is_normalised(self) -> bool:
        return self.batch_norm

    def tensors(self, shape: Shape) -> tuple[TensorShape, ...]:
        """Weights (O, C / groups, kh, kw), a bias; with batch normalisation three more of (O,)."""
        each = (self.channels,)
        weights = (self.channels, shape[0] // self.groups, *self.kernel_size)
        links = sum(map(len, self.connected)) if self.connected else self.channels * weights[1]
        missing = (self.channels * weights[1] - links) * elements(self.kernel_size)
        weight = TensorShape("weight", weights, missing=missing)
        tensors = (weight, TensorShape("bias", each))
        if not self.batch_norm:
            return tensors
        running = (TensorShape(name, each, trained=False) for name in ("mean", "variance"))
        return *tensors, TensorShape("scale", each), *running


@dataclass(frozen=True, init=False)
class Pool2d(Windowed):
    """What poolings share: a window that slides over each channel by itself."""

    kernel_size: Pair
    stride: Pair
    padding: Sides

    stem = "pool"
    noun = "pooling"
    window_noun = "window"
    fields: ClassVar[tuple[Field, ...]] = (
        Field("kernel_size", "pair", "window"),
        Field("stride", "pair", "stride", "s", default="kernel_size"),
        _PADDING,
    )

    def __init__(
        self,
        kernel_size: int | Pair,
        stride: int | Pair | None = None,
        padding: int | Pair | Sides = 0,
    ) -> None:
        """Describe a pooling; the stride is the window's own size unless given.

        Raises:
            UsageError: a value is out of range, or the padding is as large as the window.
        """
        kernel = _pair(kernel_size, "kernel_size")
        steps = kernel if stride is None else _pair(stride, "stride")
        sides = _sides(padding, kernel, steps)
        if any(side >= kernel[i // 2] for i, side in enumerate(sides)):
            raise UsageError(
                f"a {kernel[0]}x{kernel[1]} pooling cannot have padding {sides}: every side must "
                "be smaller than the window, or a window would see nothing but padding."
            )
        self._set(kernel_size=kernel, stride=steps, padding=sides)

    def covers(self, shape: Shape) -> bool:
        """Is the window the whole map of ``shape``?"""
        return self.kernel_size == shape[1:] and not any(self.padding)

    def connections(self, shape: Shape) -> int:
        """Count each place of the window once for every output."""
        return elements(self.kernel_size) * elements(self.output_shape(shape))


@dataclass(frozen=True, init=False)
class MaxPool2d(Pool2d):
    """The largest value under a sliding window; padding is never the largest."""

    keyword = "maxpool"
    noun = "max pooling"
    example = "maxpool 2"
    keeps_places = True


@dataclass(frozen=True, init=False)
class AvgPool2d(Pool2d):
    """The mean under a sliding window; padding counts as zeros (as in PyTorch and MXNet)."""

    keyword = "avgpool"
    noun = "average pooling"
    example = "avgpool 2"
    is_linear = True

    is_global = Pool2d.covers

    def describe(self, shape: Shape = ()) -> str:
        return f"global {self.noun}" if self.is_global(shape) else self.noun


@dataclass(frozen=True, init=False)
class Subsample(Pool2d):
    """The sum under a sliding window, times a trained number, plus a trained bias; an activation.

    Each channel has one coefficient and one bias, (C,) both. The pooling of LeCun et al. 1998,
    section II.B.
    """

    activation: str

    keyword = "subsample"
    noun = "subsampling"
    example = "subsample 2"
    is_linear = True
    keeps_input = True
    fields = (*Pool2d.fields, _ACTIVATION)

    def __init__(
        self,
        kernel_size: int | Pair,
        stride: int | Pair | None = None,
        padding: int | Pair | Sides = 0,
        activation: str = "identity",
    ) -> None:
        """Describe a subsampling; a UsageError says which value is out of range."""
        super().__init__(kernel_size, stride, padding)
        self._set(activation=_activation(activation))

    def tensors(self, shape: Shape) -> tuple[TensorShape, ...]:
        """A coefficient and a bias for each channel, (C,) both."""
        return TensorShape("weight", shape[:1]), TensorShape("bias", shape[:1])

    def multiply_adds(self, shape: Shape) -> int:
        return elements(self.output_shape(shape))

    def connections(self, shape: Shape) -> int:
        """Count each place of the window, and the bias, once for every output."""
        return super().connections(shape) + elements(self.output_shape(shape))


@dataclass(frozen=True, init=False)
class Dense(Trained):
    """Every output sees every input: y = W x + b, then an activation.

    Flattens by itself, channel by channel, row by row. Weights (units, inputs), one bias per unit.
    """

    units: int
    activation: str

    keyword = "dense"
    stem = "dense"
    noun = "dense layer"
    width_noun = "unit"
    example = "dense 10"
    flattens = True
    fields = (Field("units", "count", "units"), _ACTIVATION)

    def __init__(self, units: int, activation: str = "identity") -> None:
        """Describe a layer of ``units`` outputs; a UsageError says which value is out of range."""
        self._set(units=_positive(units, "units"), activation=_activation(activation))

    def output_shape(self, shape: Shape, name: str = "") -> Shape:
        """Return (units,)."""
        return (self.units,)

    def tensors(self, shape: Shape) -> tuple[TensorShape, ...]:
        """Weights (O, I) and a bias (O,)."""
        weight = TensorShape("weight", (self.units, elements(shape)))
        return weight, TensorShape("bias", (self.units,))


@dataclass(frozen=True, init=False)
class Rbf(Layer):
    """How near the input is to each class's target: score_i = -sum_j (x_j - w_ij)^2.

    Radial basis functions with fixed targets w of +1 and -1, (units, inputs): nothing is trained.
    Ten units on 84 inputs have the digits of LeCun et al. 1998, figure 3, for targets. The paper's
    output is the distance; it is negative here, so that the largest score is the answer.
    """

    units: int

    keyword = "rbf"
    stem = "rbf"
    noun = "RBF layer"
    width_noun = "unit"
    example = "rbf 10"
    counts = True
    flattens = True
    keeps_input = True
    fields = (Field("units", "count", "units"),)

    def __init__(self, units: int) -> None:
        """Describe a layer of ``units`` classes; a UsageError says that the number is none."""
        self._set(units=_positive(units, "units"))

    def with_width(self, width: int) -> Self:
        """Return the layer with another number of units."""
        return self.replace(units=width)

    def output_shape(self, shape: Shape, name: str = "") -> Shape:
        """Return (units,)."""
        return (self.units,)

    def tensors(self, shape: Shape) -> tuple[TensorShape, ...]:
        """Targets (O, I), which are not trained."""
        return (TensorShape("weight", (self.units, elements(shape)), trained=False),)

    def multiply_adds(self, shape: Shape) -> int:
        return self.connections(shape)

    def connections(self, shape: Shape) -> int:
        """Count each input once for every output."""
        return self.units * elements(shape)


#: Every layer there is, by its keyword, in the order in which the native engine counts them.
LAYERS: Final[dict[str, type[Layer]]] = {
    layer.keyword: layer for layer in (Conv2d, MaxPool2d, AvgPool2d, Dense, Subsample, Rbf)
}

#: What other libraries write into a network, by the names it goes by, and what to do here.
_NOT_WRITTEN: Final = {
    ("flatten", "reshape", "view"): (
        "is not written: a dense layer lays the maps before it flat by itself; leave it out"
    ),
    ("dropout",): (
        "belongs to the training and not to the network; leave it out, and train with a recipe "
        "that has dropout=0.5"
    ),
    ("softmax", "logsoftmax"): (
        "is not written: it is part of the loss, and a prediction turns scores into "
        "probabilities; leave it out"
    ),
}
#: What other libraries have as a layer of its own.
_NO_LAYERS: Final = {
    ("linear", "fc", "fullyconnected"): "is called dense here; write dense 10",
    ("batchnorm", "batchnormalization", "bn"): (
        "is no layer of its own; write batchnorm behind its convolution, as in conv 6 k5 batchnorm"
    ),
    ("globalavgpool", "globalaveragepooling", "adaptiveavgpool", "gap"): (
        "is an average pooling as large as the map that it gets; write avgpool 8 for maps of 8x8"
    ),
    (*(name.replace("-", "") for name in ACTIVATIONS), "activation"): (
        "is no layer of its own; write an activation behind its layer, as in conv 6 k5 relu"
    ),
}


def elsewhere(word: object, *, is_layer: bool = False) -> str:
    """Say what to do here about a word of other libraries; nothing about any other word."""
    text = word.lower() if isinstance(word, str) else ""
    letters = re.match("[a-z]*", re.sub("[-_]", "", text))
    name = letters[0] if letters else ""
    known = {**_NOT_WRITTEN, **(_NO_LAYERS if is_layer else {})}
    return next((f"{name} {what}." for names, what in known.items() if name in names), "")


def padding_text(padding: Sides) -> str:
    """Write one side's padding: ``2``, ``2x1`` (height x width), ``0.1.0.1`` where sides differ."""
    top, bottom, left, right = padding
    if top == bottom and left == right:
        return size_text((top, left))
    return ".".join(map(str, padding))


def same_padding(kernel: Pair) -> Sides:
    """Return the padding that keeps a map's size at stride 1: an even kernel's ends with more."""
    (top, bottom), (left, right) = (((k - 1) // 2, k // 2) for k in kernel)
    return top, bottom, left, right


def _seen(table: Table) -> int:
    """Return how many channels a table connects."""
    return 1 + max(max(channels) for channels in table)


def _check_table(given: object, channels: int, groups: int) -> None:
    if isinstance(given, str) and not given:
        return
    check_choice(given, TABLES, "the connection table", "table")
    if (fits := len(TABLES[str(given)])) != channels:
        raise UsageError(f"the table {given} is of {fits} channels, not {channels}; give {fits}.")
    if groups > 1:
        raise UsageError("groups and a connection table exclude each other; give one of them.")


def _positive(given: object, what: str, least: int = 1) -> int:
    value = plain(given)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MAX_SIZE:
        allowed = f"a whole number from {least} to {MAX_SIZE:,}"
        raise UsageError(f"{what} is {shown(value)}; it must be {allowed}.")
    return int(value)


def _switch(given: object, what: str) -> bool:
    value = plain(given)
    if not isinstance(value, bool):
        raise UsageError(f"{what} is {shown(value)}; it must be True or False.")
    return bool(value)


def _pair(given: object, what: str) -> Pair:
    value = plain(given)
    if isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 2:
        return _positive(value[0], what), _positive(value[1], what)
    if isinstance(value, Sequence):
        raise UsageError(f"{what} is {shown(value)}; give one number or (height, width).")
    return _positive(value, what), _positive(value, what)


def _sides(given: object, kernel: Pair, stride: Pair) -> Sides:
    value = plain(given)
    if value == "same":
        if stride != (1, 1):
            raise UsageError(
                f"padding 'same' needs stride 1, not {stride[0]}x{stride[1]}: a larger stride "
                "cannot keep the size; give the padding as a number."
            )
        return same_padding(kernel)
    match value:
        case (int() as height, int() as width):
            sides = (height, height, width, width)
        case (int() as top, int() as bottom, int() as left, int() as right):
            sides = (top, bottom, left, right)
        case int():
            sides = (value,) * 4
        case _:
            raise UsageError(
                f"padding is {shown(value)}; give one number, (height, width), "
                "(top, bottom, left, right) or 'same'."
            )
    top, bottom, left, right = (_positive(side, "padding", least=0) for side in sides)
    return top, bottom, left, right


def _activation(name: object) -> str:
    if not isinstance(name, str) or name not in ACTIVATIONS:
        if why := elsewhere(name):
            raise UsageError(why, parameter="activation")
        check_choice(name, ACTIVATIONS, "activation", "activation")
    return str(name)
