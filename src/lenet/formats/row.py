"""A row of another program's operations, made into layers of ours with their weights.

What we have no layer for is taken up by its neighbours where that changes no answer: a bias or a
scale by the layer before it, a normalisation of other sizes by the dense layer behind it, an
activation behind a max pooling by the convolution before it. What is left on feature maps becomes a
convolution of 1x1 windows, one for each channel. Everything is computed in float64.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import isqrt, prod
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lenet.data.preprocess import Preprocessing
from lenet.engine.normalise import EPSILON
from lenet.errors import DataError, LenetError, ModelFileError, UsageError
from lenet.model import Model
from lenet.net import ACTIVATIONS, AvgPool2d, Conv2d, Dense, Layer, MaxPool2d, Network, Shape
from lenet.net.layers import Pool2d, Sides, Trained
from lenet.net.shapes import ChannelsFirst, Pair, elements, shape_text

Values = npt.NDArray[Any]
Picture = tuple[int, int, int]

#: Said of a file that does not say it.
UNPREPARED: Final = (
    "The file does not say how its pictures are prepared: pixels are scaled to [0, 1]."
)
#: Said where it is supposed from a first scale.
TAKES_BYTES: Final = (
    "The file does not say what pixels it takes: its first scale is small, so they go up to 255."
)
#: A file that says more input channels is no file of pictures.
_MAX_CHANNELS: Final = 4096
#: A first scale below this reads pixels up to 255; one that reads up to 1 multiplies by more. Of a
#: normalisation its statistics count: with what it multiplies then, it says nothing of pixels.
_READS_BYTES: Final = 0.5
#: What is below this is never the largest.
_LOWEST: Final = -1e30
#: How near two scales are that say the same.
_NEAR: Final = 1e-5


class RefusedError(Exception):
    """Why an operation is not taken, and what would help: half a sentence."""


class UnfitError(RefusedError):
    """Another input might do."""


@dataclass
class _Placed:
    """A layer and its tensors, by their short names: weight, bias, scale, mean, variance."""

    layer: Layer
    tensors: dict[str, Values] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        """Is it a sum to which nothing has been applied?"""
        return isinstance(self.layer, Trained) and self.layer.activation == "identity"


class Row:
    """Takes operations in the order in which they run; each may raise a :class:`RefusedError`."""

    def __init__(self, input_shape: tuple[int, int, int]) -> None:
        if not 0 < input_shape[0] <= _MAX_CHANNELS:
            raise RefusedError(
                f"its pictures have {input_shape[0]:,} channels, {_MAX_CHANNELS:,} at most are read"
            )
        self.input_shape = input_shape
        self.shape: Shape = input_shape
        self.is_flat = False
        self._is_row = False
        self.channels_last = False
        self.notes: list[str] = []
        self._places: list[_Placed] = []
        self._scale, self._shift = _wide(1), _wide(0)
        self._is_scaled = False
        self._measured: float | None = None  # the scale by which a first norm's inputs get size 1
        self._waiting: tuple[Values, Values] | None = None  # for a dense layer to take up
        self._padding: Sides = (0, 0, 0, 0)
        self._pads_lowest = False
        self._ended = ""

    @property
    def size(self) -> int:
        """How many numbers flow for one image."""
        return elements(self.shape)

    @property
    def padded_shape(self) -> Shape:
        """What flows, with the padding that waits for the next layer."""
        if len(self.shape) != 3:
            return self.shape
        channels, height, width = self.shape
        top, bottom, left, right = self._padding
        return channels, height + top + bottom, width + left + right

    def same_sides(self, kernel: Pair, stride: Pair, upper: bool = True) -> Sides:
        """Return the padding that leaves ceil(size / stride); ``upper``: more of it at the end."""
        sides: list[int] = []
        for axis in (0, 1):
            size = self.padded_shape[1 + axis]
            steps = -(-size // stride[axis]) - 1
            total = max(0, steps * stride[axis] + kernel[axis] - size)
            less, more = total // 2, total - total // 2
            sides += (less, more) if upper else (more, less)
        top, bottom, left, right = sides
        return top, bottom, left, right

    def conv(self, layer: Conv2d, weight: Values, bias: Values | None) -> None:
        """Take a convolution without activation; ``weight`` is (O, C / groups, kh, kw)."""
        self._check_maps("a convolution")
        wanted = (layer.channels, self.shape[0] // layer.groups, *layer.kernel_size)
        if weight.shape != wanted:
            raise RefusedError(f"its weight is {weight.shape} and its input asks for {wanted}")
        if self._padding_waits and self._pads_lowest:
            raise RefusedError("what is padded before it are not zeros")
        layer = layer.replace(padding=self._padded(layer.padding))
        self._add(layer, weight=weight, bias=_bias(bias, layer.channels))

    def pool(self, layer: Pool2d, rounds_up: bool = False, drops: bool = True) -> None:
        """Take a pooling; ``rounds_up``: its last window may reach over the edge, and it ``drops``
        one that begins there, as PyTorch does."""
        self._check_maps("a pooling")
        if self._padding_waits and isinstance(layer, MaxPool2d) != self._pads_lowest:
            raise RefusedError("what is padded before it is not what it pads itself")
        if rounds_up:
            layer = _rounded_up(layer, self.padded_shape, drops)
        self._add(layer.replace(padding=self._padded(layer.padding)))

    def global_pool(self, kind: type[Pool2d]) -> None:
        """Take a pooling over the whole map."""
        self._check_maps("a pooling")
        self._check_padding()
        self._add(kind((self.shape[1], self.shape[2])))

    def pad(self, sides: Sides, value: float = 0.0) -> None:
        """Take a border of zeros, or before a max pooling of lowest numbers, for the next layer."""
        self._check_maps("padding", any_order=True)
        if value and value > _LOWEST:
            raise RefusedError(f"it pads with {value:g}, and only zeros are read")
        if any(sides) and self._padding_waits:
            raise RefusedError("it pads what is padded already")
        if any(sides):
            self._padding, self._pads_lowest = sides, value != 0

    def dense(self, weight: Values, bias: Values | None) -> None:
        """Take a dense layer without activation; ``weight`` is (O, I)."""
        self._check_padding()
        units, inputs = weight.shape
        if inputs != self.size:
            maps = f" ({shape_text(self.shape)})" if len(self.shape) > 1 else ""
            raise UnfitError(f"it reads {inputs:,} numbers and gets {self.size:,}{maps}")
        shift = _bias(bias, units)
        if self._waiting:
            factor, offset = self._waiting
            shift = shift + weight @ offset
            weight, self._waiting = weight * factor, None
        if self.channels_last and len(self.shape) == 3:
            channels, height, width = self.shape
            weight = weight.reshape(units, height, width, channels).transpose(0, 3, 1, 2)
            weight = weight.reshape(units, inputs)
        self._add(Dense(units), weight=weight, bias=shift)
        self.channels_last = False

    def norm(
        self, gamma: Values, beta: Values, mean: Values, variance: Values, epsilon: float
    ) -> None:
        """Take a batch normalisation as it is after training; each is (C,)."""
        _check_length(gamma.size, gamma, beta, mean, variance)
        spread = _wide(variance) + epsilon
        if not (spread > 0).all() or (_wide(variance) < 0).any():
            raise RefusedError("its variances are not all above 0")
        last = self._places[-1] if self._places else None
        is_conv = last and last.is_open and isinstance(last.layer, Conv2d)
        is_conv = is_conv and gamma.shape == self.shape[:1]
        if last and is_conv and "scale" not in last.tensors and not self._padding_waits:
            self._check_end()
            last.layer = last.layer.replace(batch_norm=True)
            last.tensors |= {
                "scale": gamma * np.sqrt((_wide(variance) + EPSILON) / spread),
                "mean": mean - last.tensors["bias"],
                "bias": beta,
                "variance": variance,
            }
            return
        if not self._places and self._measured is None:
            size = np.sqrt((_wide(mean) ** 2 + spread).max())
            self._measured = float(np.abs(self._scale).max() / size)
        factor = gamma / np.sqrt(spread)
        self.affine(factor, beta - mean * factor)

    def affine(self, scale: Values | float, shift: Values | float) -> None:
        """Take x * scale + shift: one number, one for each channel, or one for each input."""
        self._check_end()
        self._check_padding()
        scale, shift = _wide(scale), _wide(shift)
        length = max(scale.size, shift.size)
        if length not in (1, self.shape[0], self.size if self.is_flat else 1):
            raise RefusedError(
                f"it has {length:,} numbers where {self.shape[0]:,} channels flow; one number, or "
                "one for each channel, can be read"
            )
        if self._waiting or (self.is_flat and length == self.size > self.shape[0]):
            self._wait(scale, shift)
        elif not self._places:
            self._scale, self._shift = self._scale * scale, self._shift * scale + shift
            self._is_scaled = True
        elif self._places[-1].is_open:
            self._scale_last(scale, shift)
        elif len(self.shape) == 3:
            self._each_channel(scale, shift, "identity")
        else:
            self._wait(scale, shift)

    def activation(self, name: str) -> None:
        """Take an activation, by our name."""
        self._check_end()
        self._check_padding()
        place = len(self._places) - 1
        if ACTIVATIONS[name].monotone:  # the largest of them is the same before and after it
            while place > 0 and isinstance(self._places[place].layer, MaxPool2d):
                place -= 1
        last = self._places[place] if place >= 0 else None
        if last and last.is_open and not self._waiting:
            last.layer = last.layer.replace(activation=name)
        elif last and name == "relu" == getattr(last.layer, "activation", "") and not self._waiting:
            return  # twice is once
        elif len(self.shape) == 3 and not self._waiting:
            self._each_channel(_wide(1), _wide(0), name)
        else:
            raise RefusedError("there is no dense layer right before it to belong to")

    def begin_flat(self) -> None:
        """Take it that the input is a row of numbers, and ``input_shape`` a guess."""
        self.is_flat = self._is_row = True

    def flatten(self) -> None:
        """Take a flattening, of what is left after the batch's axis."""
        self._check_padding()
        self.is_flat = True

    def fold(self, shape: tuple[int, int, int], is_last: bool = False) -> None:
        """Take numbers in a row before any layer as maps, or a picture whose axes of one number
        are others then; ``is_last``: the maps are (H, W, C)."""
        if self._places or self._waiting or (self._scale.size, self._shift.size) != (1, 1):
            raise RefusedError("it makes maps of what is flattened")
        own = _longer_axes(self.input_shape, self.channels_last)
        if not self._is_row and own != _longer_axes(shape, is_last):
            raise RefusedError("it makes a picture of another shape, whose pixels lie elsewhere")
        self.input_shape = self.shape = shape
        self.is_flat = self.channels_last = False

    def transpose(self) -> None:
        """Take maps (C, H, W) turned to (H, W, C), or back."""
        self._check_maps("an exchange of axes", any_order=True)
        self.channels_last = not self.channels_last

    def softmax(self) -> None:
        """Take a softmax, which ends the row: our models have scores and add it themselves."""
        self._check_end()
        if not self.is_flat and self.size != self.shape[0]:
            raise RefusedError("it is not over the classes")
        self._ended = "a softmax"

    def model(self, classes: Any = None, seen: Any = None, reads_bytes: bool = False) -> Model:
        """Return the row as a model.

        Args:
            classes: names for its outputs, if they are told.
            seen: the preprocessing that the file tells of, if it does.
            reads_bytes: its input are bytes; otherwise its first scale says up to what they go.
        """
        self._check_done()
        return self._built(classes, self._preprocessing(seen, reads_bytes))

    def prepared_model(self, classes: Any, preprocessing: Preprocessing | None) -> Model:
        """Return the row as a model of pictures prepared so before: a first scale is a layer."""
        self._check_done()
        if self._is_scaled:
            self._insert_first(self._scale, self._shift)
        return self._built(classes, preprocessing)

    # What the steps above share.

    def _check_done(self) -> None:
        self._check_padding()
        if self._waiting:
            raise RefusedError(
                "a scale or shift follows the last activation, and no layer after it"
            )

    def _built(self, classes: Any, preprocessing: Preprocessing | None) -> Model:
        if not self._places:
            raise RefusedError("it has no layer with weights")
        if self.channels_last and len(self.shape) == 3 and self.shape[1:] != (1, 1):
            raise RefusedError(
                "it ends with maps (H, W, C); a dense layer or a global pooling has to follow"
            )
        network = Network(ChannelsFirst(self.input_shape), [place.layer for place in self._places])
        model = Model(network, classes, preprocessing)
        return model.load_state_dict(
            {
                f"{name}.{tensor}": np.ascontiguousarray(values, np.float32)
                for name, place in zip(network.names, self._places, strict=True)
                for tensor, values in place.tensors.items()
            }
        )

    @property
    def _padding_waits(self) -> bool:
        return any(self._padding)

    def _add(self, layer: Layer, **tensors: Values) -> None:
        self._check_end()
        if self._waiting:
            raise RefusedError("a scale or shift of every single number stands before it")
        self._padding = (0, 0, 0, 0)
        self.shape = layer.output_shape(self.shape, f"the {layer.noun}")
        if len(self.shape) == 1:
            self.is_flat = True
        self._places.append(_Placed(layer, tensors))

    def _check_end(self) -> None:
        if self._ended:
            raise RefusedError(f"it follows {self._ended}, which has to be the last step")

    def _check_maps(self, what: str, any_order: bool = False) -> None:
        if self.channels_last and not any_order and self.shape[1:] != (1, 1):
            raise RefusedError(f"{what} works on (C, H, W), and (H, W, C) flows")
        if self.is_flat or len(self.shape) != 3:
            raise RefusedError(f"{what} needs feature maps, and they are flattened before it")

    def _check_padding(self) -> None:
        if self._padding_waits:
            raise RefusedError(
                "padding has to stand right before a convolution or an average pooling"
            )

    def _padded(self, sides: Sides) -> Sides:
        top, bottom, left, right = (a + b for a, b in zip(self._padding, sides, strict=True))
        return top, bottom, left, right

    def _scale_last(self, scale: Values, shift: Values) -> None:
        last = self._places[-1]
        channels = last.tensors["bias"].size
        if max(scale.size, shift.size) not in (1, channels):
            raise RefusedError(
                f"it has {max(scale.size, shift.size):,} numbers for {channels} channels"
            )
        first = "scale" if "scale" in last.tensors else "weight"
        weight = last.tensors[first]
        factor = scale if scale.size == 1 else scale.reshape(-1, *[1] * (weight.ndim - 1))
        last.tensors[first] = weight * factor
        last.tensors["bias"] = last.tensors["bias"] * scale + shift

    def _each_channel(self, scale: Values, shift: Values, activation: str) -> None:
        channels = self.shape[0]
        layer = Conv2d(channels, 1, activation=activation, groups=channels)
        weight = np.broadcast_to(scale, channels).reshape(channels, 1, 1, 1)
        self._add(layer, weight=weight, bias=np.broadcast_to(shift, channels))

    def _wait(self, scale: Values, shift: Values) -> None:
        if (length := max(scale.size, shift.size)) not in (1, self.size):
            raise RefusedError(f"it has {length:,} numbers where {self.size:,} flow")
        scale, shift = np.broadcast_to(scale, self.size), np.broadcast_to(shift, self.size)
        if self._waiting:
            before, offset = self._waiting
            scale, shift = before * scale, offset * scale + shift
        self._waiting = scale, shift

    def _preprocessing(self, seen: Any, reads_bytes: bool) -> Preprocessing | None:
        """Return what is done to pixels first: as the graph does it, or else as the file tells."""
        told = _told(seen, self.input_shape)
        if not self._is_scaled and not reads_bytes:
            if told is None:
                self.notes.append(UNPREPARED)
            return told
        channels = self.input_shape[0]
        scale, shift = (np.broadcast_to(v, channels) for v in (self._scale, self._shift))
        first = np.abs(scale) if self._measured is None else np.array(self._measured)
        is_small = bool((first < _READS_BYTES).all())
        if reads_bytes or is_small:
            scale = scale * 255  # of pixels from 0 to 1
        # Small deviations make a scale of bytes look like one of pixels from 0 to 1.
        scales = scale, self._scale * np.float64(255)
        if told is not None and any(_agree(told, one, shift) for one in scales):
            return told
        if not reads_bytes and (is_small or self._measured is not None):
            self.notes.append(TAKES_BYTES if is_small else UNPREPARED)
        if (scale > 0).all():
            std = 1 / scale
            return Preprocessing(
                self.input_shape, tuple(map(float, 0 - shift * std)), tuple(map(float, std)), None
            )
        self._insert_first(scale, shift)
        return None

    def _insert_first(self, scale: Values, shift: Values) -> None:
        """Put a scale that no preprocessing may have, such as 1 - x, into a layer of its own."""
        places, self._places, self._ended = self._places, [], ""
        shape, self.shape = self.shape, self.input_shape
        self._each_channel(scale, shift, "identity")
        self._places += places
        self.shape = shape


@contextmanager
def refusing(what: str) -> Iterator[None]:
    """Let a :class:`RefusedError` out of the block become an error: ``what``, and why.

    What else a damaged file makes its reader raise becomes one, too; an error of ours about a
    parameter, or about a file, stays as it is.
    """
    try:
        yield
    except (RefusedError, LenetError) as error:
        if isinstance(error, ModelFileError) or (isinstance(error, LenetError) and error.parameter):
            raise
        why = str(error).rstrip(".")
        raise ModelFileError(f"{what}: {why}.") from error
    except (ValueError, TypeError, LookupError, ArithmeticError, RecursionError) as error:
        raise ModelFileError(f"{what}: what it reads is not what it takes.") from error


def _rounded_up(layer: Pool2d, shape: Shape, drops: bool) -> Pool2d:
    """Return a pooling whose last window may reach over the edge, padded so that it does not.

    It has to begin on the map, or before it.
    """
    top, bottom, left, right = layer.padding
    more = []
    sides, own = ((top, bottom), (left, right)), (layer.kernel_size, layer.stride)
    for size, (before, after), kernel, stride in zip(shape[1:], sides, *own, strict=True):
        last = before + size + after - kernel  # where a window fits just so
        over = -last % stride
        begins_on = 0 <= last < before + size - over
        if over and not begins_on and not drops:
            raise RefusedError("its last window begins beyond the map, which no layer here does")
        more.append(over if begins_on else 0)
    if any(more) and isinstance(layer, AvgPool2d):
        raise RefusedError("its last window reaches over the edge, where a mean cannot be read")
    return layer.replace(padding=(top, bottom + more[0], left, right + more[1]))


def _longer_axes(shape: Picture, is_last: bool) -> tuple[int, ...]:
    """Return the sizes above 1, in the order in which numbers lie."""
    return tuple(size for size in (*shape[is_last:], *shape[:is_last]) if size > 1)


def _wide(values: Any) -> Values:
    return np.asarray(values, np.float64)


def _bias(bias: Values | None, width: int) -> Values:
    if bias is None:
        return np.zeros(width)
    _check_length(width, bias)
    return bias


def _check_length(width: int, *tensors: Values) -> None:
    for tensor in tensors:
        if tensor.shape != (width,):
            raise RefusedError(f"a tensor has the shape {tensor.shape} where ({width},) is needed")


def _told(seen: Any, input_shape: tuple[int, int, int]) -> Preprocessing | None:
    """Return what a file's metadata say; nothing where they are damaged or of another size."""
    try:
        told = Preprocessing.from_dict(seen)
    except DataError:
        return None
    return told if told.input_shape == input_shape else None


def _agree(told: Preprocessing, scale: Values, shift: Values) -> bool:
    std, mean = np.array(told.std), np.array(told.mean)
    return bool(
        np.allclose(scale * std, 1, atol=_NEAR)
        and np.allclose(shift, -mean / std, rtol=_NEAR, atol=_NEAR)
    )


def picture_shape(what: str, sizes: Sequence[int], is_last: bool, given: Picture | None) -> Picture:
    """Return (C, H, W) of a network's input, as its file tells or as it is given.

    Args:
        what: the file.
        sizes: of the input as the file has them, 0 where it leaves one open: (C, H, W), (H, W, C)
            if ``is_last``, (H, W) of a grey picture, or how many numbers in a row.
        is_last: the channels come last.
        given: by a person.
    """
    if len(sizes) == 1 and (sizes[0] or given):
        if given and sizes[0] not in (0, prod(given)):
            raise RefusedError(f"it takes {sizes[0]:,} numbers, and {prod(given):,} are given")
        return given or _square(sizes[0])
    told = [1, *sizes] if len(sizes) == 2 else list(sizes)
    if is_last:
        told = [told[-1], *told[:-1]]
    if given:
        if any(size not in (0, own) for size, own in zip(told, given, strict=False)):
            text = "x".join(str(size or "?") for size in told)
            raise RefusedError(f"it takes pictures of {text}, and no others")
        return given
    if len(told) != 3 or min(told) < 1:
        raise UsageError(
            f"{what} leaves the size of its pictures open; give it, such as 1x28x28.",
            parameter="input_shape",
        )
    return told[0], told[1], told[2]


def _square(size: int) -> Picture:
    """Return the picture that a vector of so many numbers probably is: a grey square."""
    side = isqrt(size)
    return (1, side, side) if side * side == size else (1, 1, size)
