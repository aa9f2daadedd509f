"""A model in the layers that every program has: what LeNet-5 of 1998 has besides, said in those.

The scores of the two differ by one number that is the same for all classes, at most, so classes and
probabilities are equal within rounding:

    subsampling             a depthwise convolution whose kernel has one number everywhere
    connection table        a whole convolution, zero where nothing is connected
    A tanh(S x)             tanh; S goes into the weights before it, A into those behind it
    RBF, -sum (x - w)^2     a dense layer, 2 w x - sum w^2: sum x^2 is the same for all classes
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from typing import Any

import numpy as np

from lenet.engine.plan import Floats
from lenet.model import Model
from lenet.net import Conv2d, Dense, Network, PlacedLayer
from lenet.net.layers import SCALED_TANH, Layer
from lenet.net.network import rebuilt

_SCALED = "scaled-tanh"


def plain_model(model: Model) -> Model:
    """Return a model of convolutions, poolings and dense layers that gives the same classes.

    A model that has no other layers is returned as it is.
    """
    placed = model.network.placed
    if model.integers is not None or all(_is_plain(place.layer) for place in placed):
        return model
    own = model.state_dict()
    changes: dict[int, list[Layer]] = {}
    tensors: list[Mapping[str, Floats]] = []
    height = 1.0  # that what comes in is to be multiplied by
    for index, place in enumerate(placed):
        stem = f"{place.name}."
        mine = {
            name.removeprefix(stem): values.astype(np.float64)
            for name, values in own.items()
            if name.startswith(stem)
        }
        layer, weights = _plain(place, mine, height)
        changes[index] = [layer]
        tensors.append(weights)
        if place.tensors:
            height = SCALED_TANH[0] if place.layer.values.get("activation") == _SCALED else 1.0
    if height != 1:  # nothing behind it could take the factor in
        units = model.plan.classes
        changes[len(placed) - 1].append(Dense(units))
        tensors.append({"weight": height * np.eye(units), "bias": np.zeros(units)})
    plain = Model(rebuilt(model.network, changes), model.classes, model.preprocessing)
    plain.load_state_dict(dict(_named(plain, tensors)))
    plain.training = model.training
    return plain


def plain_network(network: Network) -> Network:
    """Return the network of :func:`plain_model`, whatever the weights are."""
    if all(map(_is_plain, network.layers)):
        return network
    return plain_model(Model(network).initialize("xavier", 0)).network


def is_scaled_alone(network: Network) -> bool:
    """Is scaled-tanh all that other programs lack of it? Then no shape of a weight tells."""
    tanh = [layer for layer in network.layers if layer.values.get("activation") == _SCALED]
    plain = (layer.replace(activation="tanh") for layer in tanh)
    others = [layer for layer in network.layers if layer not in tanh]
    return bool(tanh) and all(map(_is_plain, (*plain, *others)))


def _is_plain(layer: Layer) -> bool:
    values = layer.values
    is_known = layer.keyword not in ("subsample", "rbf") and not values.get("table")
    return is_known and values.get("activation") != _SCALED


def _named(plain: Model, tensors: list[Mapping[str, Floats]]) -> Iterator[tuple[str, Any]]:
    for place, values in zip(plain.network.placed, tensors, strict=True):
        for tensor in place.tensors:
            yield f"{place.name}.{tensor.name}", values[tensor.name].astype(np.float32)


def _plain(
    place: PlacedLayer, tensors: Mapping[str, Floats], height: float
) -> tuple[Layer, Mapping[str, Floats]]:
    """Return the plain layer of one, and its tensors in float64."""
    layer, values = place.layer, place.layer.values
    if not tensors:  # a pooling
        return layer, tensors
    weight = height * tensors["weight"]
    if layer.keyword == "rbf":
        targets = tensors["weight"]
        return Dense(values["units"]), {"weight": 2 * weight, "bias": -(targets**2).sum(axis=1)}
    activation = values["activation"]
    changes: dict[str, Any] = {"activation": activation}
    found = {**tensors, "weight": weight}
    if activation == _SCALED:
        changes["activation"], slope = "tanh", SCALED_TANH[1]
        scaled = ("bias", "scale") if layer.is_normalised else ("weight", "bias")
        found |= {name: slope * found[name] for name in scaled}
    if layer.keyword == "subsample":
        channels, window = place.input_shape[0], values["kernel_size"]
        where = {key: values[key] for key in ("kernel_size", "stride", "padding")}
        layer = Conv2d(channels, groups=channels, **where)
        each = np.repeat(found["weight"], prod(window))
        found["weight"] = each.reshape(channels, 1, *window)
    elif values.get("table"):
        changes["table"] = ""
    return layer.replace(**changes), found
