"""Before a training begins: network and data are made to suit each other, and checked.

Validation images are set aside here, before anything is measured or learnt: they choose when to
stop and which weights to keep, so that the test split decides nothing.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from lenet.data import NAMES, is_name, load
from lenet.data.collection import machine_memory
from lenet.data.dataset import Dataset
from lenet.data.preprocess import Preprocessing
from lenet.data.splitting import split_by_content, split_by_label
from lenet.errors import UsageError
from lenet.model import Model
from lenet.net import Network, fitted, is_model_file, zoo_name_of
from lenet.net.layers import Rbf
from lenet.net.shapes import elements, shape_text
from lenet.net.sources import is_foreign
from lenet.net.words import shown
from lenet.optimizers import LEVENBERG_MARQUARDT
from lenet.run_folder import is_run
from lenet.training.recipe import LOSSES, Recipe


def fit_network(network: Network, data: Dataset) -> Network:
    """Return the network that is to be trained on ``data``.

    A network that is equal to one of the zoo's, however it was given, gets the image shape and the
    classes of data of one's own. All others stay as they are written, and so do the zoo's on data
    that have a name. Small images that were made in Python are enlarged to what it is made for;
    those of files are read so, by :func:`load_for`, or as small as a person wants them.
    """
    if not ((data.source or data.name not in NAMES) and zoo_name_of(network)):
        return network
    if data.source:
        return fitted(network, data.image_shape, len(data.classes))
    return fitted_to(network, data.image_shape, len(data.classes))


def fitted_to(network: Network, shape: tuple[int, int, int], classes: int) -> Network:
    """Return a network for images (C, H, W) of so many classes.

    It is made no smaller than it is: small images are enlarged to what it is made for.
    """
    height, width = map(max, shape[1:], network.input_shape[1:])
    return fitted(network, (shape[0], height, width), classes)


def notice_of_layers(source: object) -> str:
    """Return what a person should know who names a file with weights as the network to train."""
    path = os.fspath(source) if isinstance(source, str | os.PathLike) else ""
    if not (is_model_file(path) or is_foreign(path) or is_run(path)):
        return ""
    return f"{source} gives its layers alone; their weights begin anew."


def load_for(
    network: Network | Model, source: str | os.PathLike[str], **options: Any
) -> tuple[Dataset, dict[str, Any]]:
    """Load what ``network`` is to be trained on; return what ``lenet.load`` was called with, too.

    Pictures that are smaller than a network of the zoo is made for are read once more, enlarged in
    one step, as ``predict`` does it; not where a person says how large they are to be.
    """
    arguments = load_arguments(network, source, **options)
    data = load(**arguments)
    if data.source and "size" not in arguments and isinstance(network, Network):
        _, *size = fitted_to(network, data.image_shape, len(data.classes)).input_shape
        if size != list(data.image_shape[1:]):
            arguments["size"] = size
            data = load(**arguments)
    return data, arguments


def load_arguments(
    network: Network | Model,
    source: str | os.PathLike[str],
    data_dir: str | os.PathLike[str] | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Return what ``lenet.load`` is to be called with to train ``network`` on ``source``.

    Pictures at a path become what the network takes in one step, as in ``predict``, unless it is
    one that :func:`fit_network` fits to them; for a model they get their size in its own way.
    """
    arguments: dict[str, Any] = {"source": source, "data_dir": data_dir, **options}
    described = network.network if isinstance(network, Model) else network
    follows = isinstance(network, Network) and zoo_name_of(network)
    if not (follows or is_name(source)):
        channels, *size = described.input_shape
        arguments["size"] = size if options.get("size") is None else options["size"]
        if not (options.get("gray") or options.get("rgb")):
            arguments |= {"gray": channels == 1, "rgb": channels == 3}
    if isinstance(network, Model) and not is_name(source) and options.get("fit") is None:
        arguments["fit"] = network.preprocessing.fit or "border"
    return {name: value for name, value in arguments.items() if value not in (None, False)}


def with_absolute_paths(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments of ``lenet.load`` in values for JSON that hold in any folder."""
    lasting = dict(arguments)
    for name in ("source", "data_dir"):
        if name in lasting:
            text = os.fsdecode(lasting[name])
            is_named = name == "source" and is_name(text)
            lasting[name] = text if is_named else os.path.abspath(text)
    return lasting


def with_validation(data: Dataset, recipe: Recipe) -> Dataset:
    """Return ``data`` with the validation split that ``recipe`` asks for.

    Their own is taken as it is. Otherwise every class gives its share, the same images in every
    run, whatever its seed, and keeps one image to train on at least. Groups stay together. A share
    of few images that is none is an error only where something is decided by it.
    """
    if data.validation is not None:
        return data
    share = recipe.validation_fraction
    values = {name: getattr(recipe, name) for name in ("patience", "restore_best")}
    decided = {name: value for name, value in values.items() if value}
    if not share:
        for name, value in decided.items():
            raise UsageError(
                f"{name} is {value!r} and there are no validation images to decide by; set "
                "some aside as well, such as validation_fraction=0.1."
            )
        return data
    labels, groups = data.train.labels, data.train.groups
    classes = np.unique(labels)
    if groups is None:
        aside = split_by_label(labels, round(share * len(labels)))
    else:
        aside = split_by_content(data.train.known_digests(), labels, groups, share=share)
    for label in classes:
        members = np.flatnonzero(labels == label)
        if aside[members].all():
            aside[members[-1]] = False
    if not aside.any() and not decided:
        return data
    if not aside.any():
        raise UsageError(
            f"validation_fraction is {share:g}, which is no image of {len(labels):,} with "
            f"{len(classes)} classes; set more aside, or none."
        )
    return replace(data, train=data.train.chosen(~aside), validation=data.train.chosen(aside))


def check_fit(network: Network, data: Dataset) -> None:
    """Hold that the data's name can be printed, that the network has an output for each class, and
    that there is memory for the images: those that are made larger for it are all held at once."""
    if not data.name.isprintable():
        raise UsageError(
            f"the data set's name is {shown(data.name)}; give one that can be printed."
        )
    outputs = elements(network.output_shape)
    if outputs != len(data.classes):
        raise UsageError(
            f"the network has {outputs} outputs and {data.name} has {len(data.classes)} classes; "
            f"end the network with 'dense {len(data.classes)}'."
        )
    size = sum(map(len, data.splits.values())) * elements(network.input_shape)
    memory = machine_memory()
    if network.input_shape != data.image_shape and size > memory / 2:
        raise UsageError(
            f"the network takes {shape_text(network.input_shape)} images, and all of {data.name} "
            f"at that size would fill {size / 1e9:,.1f} GB of this machine's {memory / 1e9:,.1f} "
            "GB of memory; use a network with a smaller input."
        )


def check_recipe(network: Network, recipe: Recipe) -> None:
    """Hold that the optimizer can train the network, and that a recipe that speaks of distances has
    a network that measures some."""
    normalised = any(layer.is_normalised for layer in network.layers)
    if normalised and recipe.optimizer == LEVENBERG_MARQUARDT:
        raise UsageError(
            f"{LEVENBERG_MARQUARDT} cannot train a network with batch normalisation; leave "
            "batchnorm out, or take another optimizer."
        )
    last = network.layers[-1]
    if isinstance(last, Rbf):
        return
    layer = f"rbf {elements(network.output_shape)}"
    for name, value, plain in (("loss", recipe.loss, LOSSES[0]), ("rubbish", recipe.rubbish, 0)):
        if value != plain:
            raise UsageError(
                f"{name} is {shown(value)}, which is for distances, and the network ends in "
                f"{network.names[-1]}; set {name}={plain}, or end the network with {layer!r}."
            )


def preprocessing_options(
    network: Network, recipe: Recipe
) -> tuple[tuple[int, int, int], bool, tuple[float, float], bool]:
    """Return all that decides a new model's preprocessing, besides the data."""
    return network.input_shape, recipe.standardize, recipe.pixel_range, recipe.margin


def new_model(network: Network, data: Dataset, recipe: Recipe, seed: int) -> Model:
    """Return ``network`` with first weights and the preprocessing that the images ask for."""
    shape, standardize, pixel_range, margin = preprocessing_options(network, recipe)
    images, depth = data.train.images, data.depth
    given = standardize, depth, pixel_range, margin, data.fit, data.has_colours
    measured = replace(Preprocessing.measure(images, shape, *given), sizes=data.sizes)
    return Model(network, data.classes, measured).initialize(recipe.init, seed)


def model_to_fine_tune(model: Model, data: Dataset, recipe: Recipe, seed: int) -> Model:
    """Return a copy of ``model`` to train further; its ``training`` says what is new in it.

    Where the data have other classes, the last layer is drawn anew with one output per class, and
    all other layers keep their weights. The copy keeps the model's input and preprocessing.
    """
    network, new_layer = model.network, None
    if model.classes != data.classes:
        network = fitted(network, network.input_shape, len(data.classes))
        new_layer = network.names[-1]
    copy = Model(network, data.classes, model.preprocessing)
    tensors = copy.initialize(recipe.init, seed).state_dict()
    for name, values in model.state_dict().items():
        if name.partition(".")[0] != new_layer:
            tensors[name][...] = values
    before = {name: model.training.get(name) for name in ("dataset", "test_accuracy")}
    copy.training = {"fine_tuning": {"new_layer": new_layer, "model": before}}
    return copy
