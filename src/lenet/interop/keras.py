"""Models of Keras 3: ``from_keras`` takes one with its weights.

Keras writes it as a file, which is then read as any other: what a file says is all that is read.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from lenet.data.preprocess import Preprocessing
from lenet.errors import ModelFileError, UsageError, about
from lenet.formats.keras_file import read_keras
from lenet.model import Model
from lenet.net.network import read_input
from lenet.net.shapes import shape_text
from lenet.net.sources import is_keras
from lenet.net.words import shown


def from_keras(
    model: Any,
    input_shape: Iterable[int] | str | None = None,
    *,
    classes: Sequence[str] | None = None,
    preprocessing: Preprocessing | None = None,
) -> Model:
    """Return the model that a Keras model is, with its weights.

    Args:
        model: a Sequential or a functional model that is a chain of layers, with the channels last.
            Dropout, augmentation and a softmax at the end are left out; they belong to training.
        input_shape: (C, H, W) of an image, or text such as ``1x28x28``; only of a model that leaves
            it open.
        classes: the names of the classes; by default their numbers.
        preprocessing: what the model's images went through before it, where it does not begin with
            a Rescaling or Normalization; by default bytes divided by 255.

    Raises:
        UsageError: the model does something that no layer of ours does; the error names it.
    """
    if not is_keras(model):
        raise UsageError(f"the model is {shown(model)}; give a keras.Model.")
    shape = None
    if input_shape is not None:
        with about("input_shape"):
            shape = read_input(input_shape)
        if not model.built:
            model.build((None, *shape[1:], shape[0]))
    seen = None if preprocessing is None else preprocessing.to_dict()
    with tempfile.TemporaryDirectory(prefix="lenet-") as folder:
        path = Path(folder, "model.keras")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of what is no part of the network
                model.save(path)
        except Exception as error:  # whatever its layers raise
            raise UsageError(f"Keras cannot save the model ({str(error)[:200]}).") from error
        try:
            made = read_keras(path, shape, "the Keras model", classes, seen)[0]
        except ModelFileError as error:
            raise UsageError(str(error)) from error
    if preprocessing is not None and preprocessing.input_shape != made.network.input_shape:
        shapes = preprocessing.input_shape, made.network.input_shape
        given, own = map(shape_text, shapes)
        what = f"the preprocessing is for {given} and the model takes {own}"
        raise UsageError(f"{what}; give one for its own input.", parameter="preprocessing")
    return made
