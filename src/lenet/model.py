"""A model: a network with weights, the names of its classes, and how its images are prepared.

A model is saved as one ``.safetensors`` file: the tensors ``conv0.weight``, ``conv0.bias``, ...
(of a normalised layer also ``conv0.scale``, ``conv0.mean`` and ``conv0.variance``) and these
metadata, all text: ``network`` (its JSON), ``classes``, ``preprocessing`` and ``training`` (JSON
each). No pickle, ever; a file from anywhere is checked before anything of it is used.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from lenet import files, tensor_files
from lenet.data.dataset import Dataset, Split
from lenet.data.preprocess import Preprocessing
from lenet.engine import operations
from lenet.engine.engine import Engine
from lenet.engine.initialise import aligned_zeros, initialise
from lenet.engine.native import make_engine
from lenet.engine.plan import Plan, Step, make_plan
from lenet.errors import DataError, LenetError, UsageError
from lenet.metrics import Evaluation, evaluate_scores, log_softmax
from lenet.net import Network, from_json, is_model_file, read_network, to_json
from lenet.net.shapes import shape_text
from lenet.tensor_files import damaged

Images = npt.NDArray[np.uint8]
#: Made once: to compare with the class itself, NumPy would make one each time.
_UINT8 = np.dtype(np.uint8)


class ModelLayer:
    """One layer of a model, ready to be called on NumPy arrays, as in Gluon or PyTorch."""

    def __init__(self, model: Model, step: Step) -> None:
        self.name = step.name
        self._model, self._step = model, step

    def __call__(self, x: npt.ArrayLike) -> npt.NDArray[Any]:
        """What the layer makes of ``x``, activation included.

        Args:
            x: (N, C, H, W); a dense layer takes any (N, ...) and flattens it.

        Raises:
            UsageError: another shape, or the model has no weights yet.
        """
        x = np.asarray(x)
        x = x if x.dtype in (np.float32, np.float64) else x.astype(np.float64)
        wanted = self._step.input_shape
        flat = self._step.kind == "dense" and x.ndim >= 1 and prod(x.shape[1:]) == wanted[0]
        if not flat and x.shape[1:] != wanted:
            shape = (wanted[0],) if self._step.kind == "dense" else wanted
            raise UsageError(
                f"{self.name} is given an array of shape {x.shape}; it takes (N, "
                f"{', '.join(map(str, shape))})."
            )
        inputs = operations.read_inputs(self._step, x, self._model.parameters)
        return operations.apply(self._step, inputs)

    def __repr__(self) -> str:
        return f"<layer {self.name}>"


class Model:
    """A network and its weights.

    Iterating yields the layers, each with a ``name`` and callable on an array, so that one sample
    can be followed through the network.
    """

    def __init__(
        self,
        network: Network | str | os.PathLike[str],
        classes: Sequence[str] | None = None,
        preprocessing: Preprocessing | None = None,
    ) -> None:
        """A model without weights yet: :meth:`initialize` draws them, ``lenet.train`` trains them.

        Args:
            network: a network, zoo name, notation or ``.json`` file.
            classes: a name for each output; by default "0", "1", ...
            preprocessing: how images are prepared; by default pixels are scaled to [0, 1].

        Raises:
            UsageError: the network does not fit, or the names are not as many as its outputs.
        """
        self.network = read_network(network)
        self.plan: Plan = make_plan(self.network)
        self.classes = _class_names(classes, self.plan.classes)
        count = self.network.input_shape[0]
        self.preprocessing = preprocessing or Preprocessing(
            self.network.input_shape, (0.0,) * count, (1.0,) * count, None
        )
        if self.preprocessing.input_shape != self.network.input_shape:
            raise UsageError(
                f"the preprocessing makes {shape_text(self.preprocessing.input_shape)} and the "
                f"network takes {shape_text(self.network.input_shape)}; they must be equal."
            )
        self.training: Mapping[str, Any] = {}
        self._parameters: npt.NDArray[np.float32] | None = None
        self._engines: dict[int | None, Engine] = {}

    @property
    def parameters(self) -> npt.NDArray[np.float32]:
        """The flat parameter table (T,), laid out by ``plan``; changing it changes the model.

        Raises:
            UsageError: there are no weights yet.
        """
        if self._parameters is None:
            raise UsageError(
                "the model has no weights yet; call initialize(), train it with lenet.train, or "
                "load one with lenet.Model.load."
            )
        return self._parameters

    def initialize(self, init: str = "xavier", seed: int = 0) -> Self:
        """Draw new weights: ``normal:S``, ``xavier`` or ``kaiming``; biases are zero."""
        self._parameters = initialise(self.plan, init, seed)
        return self

    @property
    def tensors(self) -> dict[str, npt.NDArray[np.float32]]:
        """Every weight and bias by name, as views: ``model.tensors["conv0.weight"]``."""
        return {tensor.name: tensor.view(self.parameters) for tensor in self.plan.tensors}

    def engine(self, threads: int | None = None) -> Engine:
        """The engine that runs this model; made once for each number of threads."""
        if threads not in self._engines:
            self._engines[threads] = make_engine(self.plan, threads)
        return self._engines[threads]

    def __iter__(self) -> Iterator[ModelLayer]:
        return (ModelLayer(self, step) for step in self.plan.steps)

    def __len__(self) -> int:
        return len(self.plan.steps)

    def __repr__(self) -> str:
        return f"<Model {self.network}>"

    def scores(self, images: Images, threads: int | None = None) -> npt.NDArray[np.float32]:
        """Scores (N, classes) before the softmax, of images (N, C, H, W) uint8 of any size.

        Raises:
            DataError: another type or number of dimensions, or channels that cannot be matched.
        """
        if not isinstance(images, np.ndarray) or images.dtype != _UINT8 or images.ndim != 4:
            given = f"{images.dtype} of shape {images.shape}" if hasattr(images, "dtype") else ""
            raise DataError(
                f"the images are {given or type(images).__name__}; give a NumPy array "
                "(N, C, H, W) of uint8, pixels from 0 to 255."
            )
        if not images.size:
            if not len(images):
                return np.empty((0, self.plan.classes), np.float32)
            raise DataError(f"there are no pixels in images of shape {images.shape}.")
        prepared = self.preprocessing.prepare(images)
        scale, shift = self.preprocessing.scale_and_shift()
        scores: npt.NDArray[np.float32] = self.engine(threads).scores(
            self.parameters, prepared, scale, shift
        )
        return scores

    def predict(self, images: Images) -> npt.NDArray[np.int64]:
        """The most likely class of each image (N, C, H, W) uint8: indices (N,)."""
        answers: npt.NDArray[np.int64] = self.scores(images).argmax(axis=1)
        return answers

    def predict_proba(self, images: Images) -> npt.NDArray[np.float32]:
        """Probabilities (N, classes), rows that add up to 1, of images (N, C, H, W) uint8."""
        return np.exp(log_softmax(self.scores(images))).astype(np.float32)

    def evaluate(self, data: Dataset | Split) -> Evaluation:
        """Accuracy, per class, and confusion on labelled images; of a data set, its test part.

        Raises:
            DataError: the data have other classes than the model.
        """
        if not isinstance(data, Dataset | Split):
            raise DataError(
                f"the data are of type {type(data).__name__}; give a data set or one of its parts, "
                'such as lenet.load("mnist"), or call lenet.evaluate(model, "mnist").'
            )
        part = data.tested if isinstance(data, Dataset) else data
        if isinstance(data, Dataset) and data.classes != self.classes:
            raise DataError(
                f"the model tells {_listed(self.classes)} apart and {data.name} has "
                f"{_listed(data.classes)}; evaluate it on data of the same classes."
            )
        lowest, highest = int(part.labels.min()), int(part.labels.max())
        if lowest < 0 or highest >= len(self.classes):
            raise DataError(
                f"label {lowest if lowest < 0 else highest} names no class; the model knows labels "
                f"0 to {len(self.classes) - 1}."
            )
        return evaluate_scores(self.scores(part.images), part.labels, self.classes)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the model to one ``.safetensors`` file, all or nothing.

        Raises:
            UsageError: the name does not end in .safetensors, or there are no weights yet.
            OutputError: the file cannot be written.
        """
        if not is_model_file(path):
            raise UsageError(
                f"{os.fspath(path)!r} is no name for a model; it must end in .safetensors."
            )
        return files.write_bytes(path, self.to_bytes())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a model that :meth:`save` wrote.

        Raises:
            ModelFileError: the file is missing, cut, damaged, hostile or of a newer format.
        """
        return cls._read(path, tensor_files.read(Path(path)))

    def to_bytes(self) -> bytes:
        """What :meth:`save` writes.

        Raises:
            UsageError: there are no weights yet.
        """
        metadata = {
            "network": to_json(self.network),
            "classes": json.dumps(self.classes),
            "preprocessing": json.dumps(self.preprocessing.to_dict()),
            "training": json.dumps(dict(self.training)),
        }
        tensors = {name: np.ascontiguousarray(value) for name, value in self.tensors.items()}
        return tensor_files.compose(tensors, metadata)

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """The inverse of :meth:`to_bytes`.

        Raises:
            ModelFileError: the bytes are cut, damaged, hostile or of a newer format.
        """
        return cls._read("the content", content)

    @classmethod
    def _read(cls, path: object, content: bytes) -> Self:
        """The model in ``content``; ``path`` is what an error calls it."""
        metadata, tensors = tensor_files.parse(path, content)
        try:
            model = cls(
                from_json(metadata["network"]),
                _text_list(metadata["classes"]),
                Preprocessing.from_dict(json.loads(metadata["preprocessing"])),
            )
            training = json.loads(metadata["training"])
        except KeyError as error:
            raise damaged(path, f"its metadata lack {error}") from error
        except (LenetError, ValueError, RecursionError) as error:
            raise damaged(path, str(error) or "its metadata are no JSON") from error
        model.training = training if isinstance(training, dict) else {}
        model._parameters = _fill(path, model.plan, tensors)
        return model


def _listed(classes: Sequence[str]) -> str:
    """``10 classes (0, 1, 2, ...)``."""
    return f"{len(classes)} classes ({', '.join(classes[:3])}{', ...' * (len(classes) > 3)})"


def _class_names(classes: Sequence[str] | None, count: int) -> tuple[str, ...]:
    names = tuple(map(str, range(count))) if classes is None else tuple(map(str, classes))
    if len(names) != count:
        raise UsageError(
            f"the network has {count} outputs and {len(names)} class names are given; "
            "there must be one for each."
        )
    return names


def _text_list(text: str) -> list[str]:
    values = json.loads(text)
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ValueError("its classes are no list of names")
    return values


def _fill(
    path: object, plan: Plan, tensors: Mapping[str, npt.NDArray[Any]]
) -> npt.NDArray[np.float32]:
    """The parameter table, from tensors that must be exactly the plan's."""
    wanted = {tensor.name for tensor in plan.tensors}
    if strange := sorted(set(tensors) ^ wanted):
        lacks = "lacks" if strange[0] in wanted else "has no place for"
        raise damaged(path, f"its network {lacks} the tensor {strange[0][:60]!r}")
    table = aligned_zeros(plan.table_size)
    for tensor in plan.tensors:
        value = tensors[tensor.name]
        if value.shape != tensor.shape or value.dtype != np.float32:
            raise damaged(
                path,
                f"{tensor.name} is {value.dtype} {value.shape} where the network needs float32 "
                f"{tensor.shape}",
            )
        if not np.isfinite(value).all():
            raise damaged(path, f"{tensor.name} holds values that are not finite")
        tensor.view(table)[...] = value
    for norm in (step.norm for step in plan.steps if step.norm):
        if (norm.variance.view(table) < 0).any():
            raise damaged(path, f"{norm.variance.name} holds values below 0")
    return table
