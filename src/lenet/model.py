"""A model: a network with weights, the names of its classes, and how its images are prepared.

A model is saved as one ``.safetensors`` file: the tensors ``conv0.weight``, ``conv0.bias``, ...
(of a normalised layer also ``conv0.scale``, ``conv0.mean`` and ``conv0.variance``) and these
metadata, all text: ``network`` (its JSON), ``classes``, ``preprocessing`` and ``training`` (JSON
each). An int8 model has whole numbers in place of the tensors (:mod:`lenet.engine.integers`), and
its metadata have ``precision``. No file is a pickle, ever; a file from anywhere is checked before
anything of it is used. What a pickle carries of a model, from one process to another, is the bytes
of its file, and they are checked in the same way.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from math import prod
from operator import index
from pathlib import Path
from typing import Any, Final, Self, overload

import numpy as np
import numpy.typing as npt

from lenet import files, tensor_files
from lenet.arguments import MODEL_ENDING
from lenet.data.dataset import Dataset, Split, fault_of_names
from lenet.data.preprocess import (
    Preprocessing,
    channels_first,
    is_raw,
    reaches_one,
    to_bytes,
    unrolled,
)
from lenet.engine import operations
from lenet.engine.engine import Engine
from lenet.engine.initialise import aligned_zeros, initialise
from lenet.engine.integers import IntegerNetwork
from lenet.engine.native import check_threads, chosen_engine, make_engine
from lenet.engine.plan import Plan, Step, make_plan
from lenet.errors import Advice, DataError, LenetError, ModelFileError, UsageError, path_text
from lenet.kinds import conversion
from lenet.metrics import Evaluation, check_finite, evaluate_answers, read_answers, softmax
from lenet.net import Source, from_json, is_model_file, read_network, to_json, zoo
from lenet.net.layers import LAYERS
from lenet.net.shapes import Shape, shape_text
from lenet.net.words import check_key, natural, shown
from lenet.run_folder import INFO, ROOT, is_run, read_run
from lenet.tensor_files import damaged
from lenet.writing import Document, Section, notebook_html, table_of
from lenet.writing.numbers import percent

Floats = npt.NDArray[np.float32]
Images = npt.NDArray[np.uint8]
#: Made once: to compare with the class itself, NumPy would make one each time.
_UINT8: Final = np.dtype(np.uint8)


class ModelLayer:
    """One layer of a model, ready to be called on NumPy arrays, as in Gluon or PyTorch.

    Attributes:
        name: such as ``conv0``.
        kind: the notation's word for it: conv, maxpool, avgpool or dense.
        output_shape: of one image, (channels, height, width) or (units,).
    """

    def __init__(self, model: Model, step: Step, output_shape: Shape) -> None:
        self.name, self.kind, self.output_shape = step.name, step.kind, output_shape
        self._model, self._step = model, step

    @property
    def weight(self) -> Floats | None:
        """The weights, a view: changing it changes the model. None if the layer has none.

        (channels, input channels, kernel height, kernel width) of a convolution, (units, inputs)
        of a dense layer. A UsageError says that the model has no weights yet.
        """
        weight = self._step.weight
        return None if weight is None else weight.view(self._model.table)

    @property
    def bias(self) -> Floats | None:
        """The bias, (channels,) or (units,), a view; otherwise as :attr:`weight`."""
        bias = self._step.bias
        return None if bias is None else bias.view(self._model.table)

    def __call__(self, x: npt.ArrayLike) -> npt.NDArray[Any]:
        """Return what the layer makes of ``x``, activation included.

        Args:
            x: (N, C, H, W); a dense layer takes any (N, ...) and flattens it. The first layer takes
                what :meth:`Model.prepare` returns.

        Raises:
            UsageError: another shape, raw pixels for the first layer, or the model has no weights
                yet.
        """
        x = _numbers(x)
        if x.dtype.kind not in "buif":
            what = f"{self.name} is given values of type {x.dtype}"
            raise UsageError(f"{what}; it takes an array of numbers.")
        is_dense, wanted = LAYERS[self.kind].flattens, self._step.input_shape
        flat = is_dense and x.ndim >= 1 and prod(x.shape[1:]) == wanted[0]
        if not flat and x.shape[1:] != wanted:
            sizes = ", ".join(map(str, wanted[:1] if is_dense else wanted))
            given = f"{self.name} is given an array of shape {x.shape}"
            raise UsageError(f"{given}; it takes (N, {sizes}).")
        if self._step is self._model.plan.steps[0] and is_raw(x):
            what = f"{self.name} is the first layer and is given raw pixels, up to {x.max():g}"
            advice = "give it model.prepare(images), which scales them as in training"
            raise UsageError(f"{what}; {advice}.")
        x = x if x.dtype in (np.float32, np.float64) else x.astype(np.float64)
        inputs = operations.read_inputs(self._step, x, self._model.table)
        return operations.apply(self._step, inputs)

    def __repr__(self) -> str:
        return f"<layer {self.name}: {self.kind}, {shape_text(self.output_shape)}>"


class Model:
    """A network and its weights.

    Iterating yields the layers, each with a ``name`` and callable on an array, so that one sample
    can be followed through the network. ``model[0]`` and ``model["conv0"]`` are layers, too.

    Attributes:
        network: what it is; ``plan`` is the same as the engine runs it.
        classes: a name for each output.
        preprocessing: what is done to an image first.
        training: what ``lenet.train`` did, as values for JSON.
        integers: the whole numbers of an int8 model, which has no other weights; otherwise None.
    """

    def __init__(
        self,
        network: Source,
        classes: Sequence[str] | None = None,
        preprocessing: Preprocessing | None = None,
    ) -> None:
        """Make a model without weights: :meth:`initialize` draws them, ``lenet.train`` trains them.

        Args:
            network: a network, zoo name, notation, ``.json`` file, or another model.
            classes: a name for each output; by default "0", "1", ...
            preprocessing: how images are prepared; by default pixels are scaled to [0, 1].

        Raises:
            UsageError: the network does not fit, the preprocessing is another network's, or the
                names are not as many as its outputs, can't be printed or are twice the same.
        """
        self.network = read_network(network)
        self.plan: Plan = make_plan(self.network)
        count, shape = self.plan.classes, self.network.input_shape
        self.classes = _class_names(range(count) if classes is None else classes)
        if preprocessing is None:
            preprocessing = Preprocessing(shape, (0.0,) * shape[0], (1.0,) * shape[0], None)
        self.preprocessing = preprocessing
        if fault := self._fault():
            raise UsageError(f"{fault}.")
        self.training: Mapping[str, Any] = {}
        self.integers: IntegerNetwork | None = None
        self._table: Floats | None = None
        self._engines: dict[tuple[int | None, str | None], Engine] = {}

    def _fault(self) -> str:
        """Say what of the model, but for its weights, does not go together; nothing if all does."""
        count, shape = self.plan.classes, self.network.input_shape
        if len(self.classes) != count:
            names = f"{len(self.classes)} class names are given"
            return f"the network has {count} outputs and {names}; give one for each"
        if not isinstance(self.preprocessing, Preprocessing):
            what = f"the preprocessing is {shown(self.preprocessing)}"
            return f"{what}; give a lenet.Preprocessing, or leave it out"
        if self.preprocessing.input_shape != shape:
            made = f"the preprocessing makes {shape_text(self.preprocessing.input_shape)}"
            return f"{made} and the network takes {shape_text(shape)}; they must be equal"
        return fault_of_names(self.classes)

    @property
    def table(self) -> Floats:
        """The engines' parameter table (T,), with gaps that are zero: ``plan`` says where.

        :attr:`parameters` and :meth:`state_dict` are views of it. Without weights, a UsageError.
        """
        if self.integers is not None:
            what = "the model is in int8 and has no weights in floats"
            raise UsageError(f"{what}; use the model that it was made of.")
        if self._table is None:
            raise UsageError(
                "the model has no weights yet; call initialize(), train it with lenet.train, or "
                "load one with lenet.Model.load."
            )
        return self._table

    @property
    def parameters(self) -> dict[str, Floats]:
        """What is trained, by name, as views: ``model.parameters["conv0.weight"][...] = 0``."""
        return {t.name: t.view(self.table) for t in self.plan.tensors if t.trained}

    @property
    def parameter_count(self) -> int:
        """How many numbers are trained: the sizes of :attr:`parameters`, added up."""
        return self.plan.parameters

    def state_dict(self) -> dict[str, Floats]:
        """Return :attr:`parameters`, and the running means and variances of normalised layers."""
        return {tensor.name: tensor.view(self.table) for tensor in self.plan.tensors}

    def load_state_dict(self, tensors: Mapping[str, npt.NDArray[np.float32]]) -> Self:
        """Take other weights, named and shaped as :meth:`state_dict` gives them.

        What :attr:`training` said of the former weights is forgotten.

        Raises:
            UsageError: it is no mapping.
            ModelFileError: a tensor is missing, of another shape, not finite or one too many.
        """
        if not isinstance(tensors, Mapping):
            what = f"the state dict is {shown(tensors)}"
            raise UsageError(f"{what}; give arrays by name, as state_dict() returns them.")
        arrays = {str(name): _numbers(value) for name, value in tensors.items()}
        self._renew(_fill("the state dict", self.plan, arrays))
        return self

    def initialize(self, init: str = "xavier", seed: int = 0) -> Self:
        """Draw new weights: ``normal:S``, ``xavier`` or ``kaiming``; biases are zero.

        What :attr:`training` said of the former weights is forgotten.

        Raises:
            UsageError: ``init`` is none of these, or the seed is no whole number from 0 on.
        """
        self._renew(initialise(self.plan, init, seed))
        return self

    def _renew(self, table: Floats) -> None:
        self._table, self.integers, self.training = table, None, {}

    def engine(self, threads: int | None = None, name: str | None = None) -> Engine:
        """Return the engine that runs this model; made once for each number of threads.

        Another than the default is chosen by its ``name``: native, reference, torch, torch:cuda.
        """
        threads = check_threads(threads)
        if name is not None:
            chosen_engine(name)
        if (key := (threads, name)) not in self._engines:
            # Of two threads that come here at once, both get the engine of one.
            self._engines.setdefault(key, make_engine(self.plan, threads, name))
        return self._engines[key]

    @property
    def layers(self) -> tuple[ModelLayer, ...]:
        """The layers in order; ``model[0]`` and ``model["conv0"]`` are short for one of them."""
        placed = zip(self.plan.steps, self.network.placed, strict=True)
        return tuple(ModelLayer(self, step, place.output_shape) for step, place in placed)

    def __iter__(self) -> Iterator[ModelLayer]:
        return iter(self.layers)

    def __len__(self) -> int:
        return len(self.plan.steps)

    @overload
    def __getitem__(self, key: int | str) -> ModelLayer: ...
    @overload
    def __getitem__(self, key: slice) -> tuple[ModelLayer, ...]: ...
    def __getitem__(self, key: int | str | slice) -> ModelLayer | tuple[ModelLayer, ...]:
        """Return a layer by its place or name, or some of them.

        Raises:
            IndexError: there are not so many.
            TypeError: it is no whole number, slice or name.
            UsageError: no layer has this name.
        """
        names = self.network.names
        if not isinstance(key, str | slice):
            if not hasattr(key, "__index__"):
                raise TypeError(
                    f"a layer has an int, a slice or a name for a key, not {shown(key)}"
                )
            if not -len(names) <= index(key) < len(names):
                raise IndexError(f"there is no layer {key}; the model has {len(names)} layers")
        if isinstance(key, str):
            check_key(key, names, "the network")
        return self.layers[names.index(key) if isinstance(key, str) else key]

    def __contains__(self, layer: object) -> bool:
        """Is it the name of a layer, or one of this model's layers?"""
        if isinstance(layer, ModelLayer):
            return layer._model is self
        return layer in self.network.names

    def __call__(self, images: npt.ArrayLike) -> Floats:
        """Return the same as :meth:`scores`."""
        return self.scores(images)

    def summary(self, **options: Any) -> None:
        """Print what :func:`lenet.explain` says; it takes the options."""
        from lenet.analysis import explain

        print(explain(self.network, **options))

    def __repr__(self) -> str:
        return f"<Model {self.network.short}>"

    def _repr_html_(self) -> str:
        has_weights = self._table is not None or self.integers is not None
        facts = _facts(self.training) if has_weights else [("weights", "none yet")]
        page = Document("Model", (Section("", (table_of(facts),)),) if facts else ())
        return f"{notebook_html(page)}\n{self.network._repr_html_()}"

    def __copy__(self) -> Self:
        """Return a model with weights of its own; what else is in it is shared."""
        return self._copied({**vars(self)})

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return a model that shares nothing."""
        own = {name: value for name, value in vars(self).items() if name != "_engines"}
        return self._copied(deepcopy(own, memo))

    def _copied(self, values: dict[str, Any]) -> Self:
        """Return a model of these attributes, whose engines begin anew."""
        model = type(self).__new__(type(self))
        vars(model).update(values, _engines={})
        if self._table is not None:  # a copy lies anywhere; the engines want it on a boundary
            model._table = aligned_zeros(len(self._table))
            model._table[...] = self._table
        return model

    def __getstate__(self) -> dict[str, Any]:
        """Return what another process is sent: texts, and what :meth:`save` would write."""
        if self._table is None and self.integers is None:
            return {"metadata": self._metadata()}
        return {"content": self.to_bytes()}

    def __setstate__(self, state: Any) -> None:
        """Take what :meth:`__getstate__` returned, checked as a file is; else a ModelFileError."""
        values = state if isinstance(state, dict) and len(state) == 1 else {}
        content, metadata = values.get("content"), values.get("metadata")
        if isinstance(content, bytes):
            model = self.from_bytes(content)
        elif isinstance(metadata, dict) and all(isinstance(v, str) for v in metadata.values()):
            model = self._of_metadata("the state", metadata)
        else:
            raise ModelFileError("the state is that of no model; send the model itself.")
        vars(self).update(vars(model))

    def as_bytes(self, images: npt.ArrayLike) -> Images:
        """Return images at the network's size and channels, before they are scaled: (N, C, H, W).

        Args:
            images: as in :meth:`scores`.

        Raises:
            DataError: as in :meth:`scores`.
        """
        read = _read_images(images, self.network.input_shape)
        _require_pixels(read)
        return self.preprocessing.prepare(read)

    def prepare(self, images: npt.ArrayLike) -> Floats:
        """Return what the first layer is given: (N, C, H, W), scaled and shifted as in training.

        Args:
            images: as in :meth:`scores`.

        Raises:
            DataError: as in :meth:`scores`.
        """
        pixels = self.as_bytes(images)
        scale, shift = self.preprocessing.scale_and_shift()
        return pixels * scale[:, np.newaxis, np.newaxis] + shift[:, np.newaxis, np.newaxis]

    def scores(self, images: npt.ArrayLike, threads: int | None = None) -> Floats:
        """Return the scores (N, classes), before the softmax.

        Args:
            images: (N, C, H, W), (N, H, W) of grey images, or one image, (C, H, W) or (H, W); of
                any size; or rows, (N, C * H * W), one per image. An array of three axes is one
                image if the first is as long as the network has input channels, otherwise it is N
                grey images: (3, 28, 28) are three images for a network of one channel, and one for
                a network of three. Bytes go
                from 0 to 255, and so do other whole numbers unless none is above 1. Floats go from
                0 to 1; if the largest is above 32 they are taken to go to 255, and if it is from 1
                to 32 they are refused. The model standardises them itself.
            threads: how many to compute with; None is one per processor.

        Raises:
            DataError: another type, shape or range, or channels that cannot be matched.
        """
        images = _read_images(images, self.network.input_shape)
        _require_pixels(images)
        if not len(images):
            return np.empty((0, self.plan.classes), np.float32)
        prepared = self.preprocessing.prepare(images)
        if self.integers is not None:
            return np.ldexp(self.integers.scores(prepared), -self.integers.bits)
        scale, shift = self.preprocessing.scale_and_shift()
        return self.engine(threads).scores(self.table, prepared, scale, shift)

    def predict(self, images: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Return the predicted class of each image, indices (N,).

        Args:
            images: as in :meth:`scores`: bytes from 0 to 255, or floats from 0 to 1.
        """
        classes: npt.NDArray[np.int64] = check_finite(self.scores(images)).argmax(axis=1)
        return classes

    def predict_proba(self, images: npt.ArrayLike) -> Floats:
        """Return probabilities (N, classes), rows that add up to 1; images as in :meth:`scores`."""
        return self.probabilities(check_finite(self.scores(images)))

    def probabilities(self, scores: npt.NDArray[Any]) -> Floats:
        """Return the probabilities (N, classes) of scores (N, classes)."""
        if self.integers is None or not len(scores):
            return softmax(scores).astype(np.float32)
        whole = np.rint(np.ldexp(scores.astype(np.float64), self.integers.bits))
        return self.integers.probabilities(whole.astype(np.int64))

    def export(self, path: str | os.PathLike[str], **options: Any) -> Any:
        """Write the model as a file for another program: see :func:`lenet.export`, whose options it
        takes and whose result it returns."""
        import lenet  # a row above, through the root's map of public names

        return lenet.export(self, path, **options)

    def evaluate(
        self, data: Dataset | Split | npt.ArrayLike, labels: npt.ArrayLike | None = None
    ) -> Evaluation:
        """Return accuracy, figures per class and confusion matrix on labelled images.

        Args:
            data: a data set, whose images to test on are taken, or a split; with ``labels`` also
                images as in :meth:`scores`.
            labels: (N,) whole numbers, the index of each image's class.

        Raises:
            DataError: the data have other classes than the model, or are none.
        """
        split, name = self._labelled(data, labels)
        lowest, highest = int(split.labels.min()), int(split.labels.max())
        if lowest < 0 or highest >= len(self.classes):
            what = f"label {lowest if lowest < 0 else highest} names no class"
            raise DataError(f"{what}; the model knows labels 0 to {len(self.classes) - 1}.")

        def scores(part: slice) -> Floats:
            return check_finite(self.scores(split.images[part]))

        given = None if self.integers is None else self.probabilities
        answers = read_answers(scores, split.labels, len(self.classes), given)
        found = evaluate_answers(
            answers, split.labels, self.classes, names=split.names, prepared=split.prepared
        )
        return replace(found, data=name, notes=split.notes)

    def _labelled(self, data: Any, labels: npt.ArrayLike | None) -> tuple[Split, str]:
        """Return the split that :meth:`evaluate` is given, and what to call its images."""
        if labels is not None:
            indices = np.asarray(labels)
            whole = indices.astype(np.int64) if indices.dtype.kind in "iu" else indices
            return Split(_read_images(data, self.network.input_shape), whole), "images"
        if isinstance(data, Split):
            return data, "images"
        if not isinstance(data, Dataset):
            raise DataError(
                f"the data are of type {type(data).__name__}; give a data set or one of its "
                'splits, such as lenet.load("mnist"), images with labels, or call '
                'lenet.evaluate(model, "mnist").'
            )
        self.check_classes(data)
        return data.tested, f"test images of {data.name}"

    def check_classes(self, data: Dataset) -> None:
        """Raise a DataError, if a data set has other classes than the model."""
        if data.classes != self.classes:
            both = f"{_listed(self.classes)} apart and {data.name} has {_listed(data.classes)}"
            raise DataError(f"the model tells {both}; give data of the same classes.")

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the model to one ``.safetensors`` file, all or nothing.

        Raises:
            UsageError: the name does not end in .safetensors, there are no weights yet, or what
                :meth:`load` would refuse: weights that are not finite, names of classes twice.
            OutputError: the file cannot be written.
        """
        if not is_model_file(path):
            what = f"{shown(path)} is no name for a model"
            raise UsageError(f"{what}; it must end in {MODEL_ENDING}.")
        return files.write_bytes(path, self.to_bytes())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a model that :meth:`save` wrote, or the one that is kept in the folder of a run.

        Raises:
            ModelFileError: the file is missing, cut, damaged, hostile or of a newer format; or it
                is something else, and the error says what to write instead.
        """
        if not isinstance(path, str | os.PathLike):
            what = f"the model is of type {type(path).__name__}, no path"
            raise UsageError(f"{what}; give a {MODEL_ENDING} file.")
        path = model_file(path)
        if advice := _advice(os.fspath(path)):
            what, remedy, command = advice
            raise ModelFileError(f"{path_text(path)} {what}", remedy=remedy, command=command)
        return cls._read(os.fspath(path), tensor_files.read(path))

    def to_bytes(self) -> bytes:
        """Return what :meth:`save` writes; a UsageError as there."""
        self.classes = _class_names(self.classes)
        fault = self._fault()
        if self.integers is None:
            fault = fault or _fault_of_values(self.plan, self.table)
        if fault:
            raise UsageError(f"the model cannot be saved: {fault}.")
        metadata = self._metadata()
        if self.integers is not None:
            metadata[tensor_files.PRECISION] = tensor_files.INT8
            return tensor_files.compose(self.integers.to_tensors(), metadata)
        tensors = {name: np.ascontiguousarray(value) for name, value in self.state_dict().items()}
        return tensor_files.compose(tensors, metadata)

    def _metadata(self) -> dict[str, str]:
        """Return all but the weights, as texts."""
        return {
            "network": to_json(self.network),
            "classes": json.dumps(self.classes),
            "preprocessing": json.dumps(self.preprocessing.to_dict()),
            "training": _training_text(self.training),
        }

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Read what :meth:`to_bytes` returned; a ModelFileError as in :meth:`load`."""
        if not isinstance(content, bytes | bytearray | memoryview):
            what = f"the content is of type {type(content).__name__}, no bytes"
            raise UsageError(f"{what}; give what to_bytes() returned, or call lenet.Model.load.")
        return cls._read("the content", bytes(content))

    @classmethod
    def _read(cls, path: object, content: bytes) -> Self:
        metadata, tensors = tensor_files.parse(path, content)
        model = cls._of_metadata(path, metadata)
        precision = metadata.get(tensor_files.PRECISION)
        if precision is None:
            model._table = _fill(path, model.plan, tensors)
            return model
        if precision != tensor_files.INT8:
            raise damaged(path, f"its precision is {precision!r:.60}, not {tensor_files.INT8!r}")
        try:
            model.integers = IntegerNetwork.from_tensors(model.plan, tensors)
        except ValueError as error:
            raise damaged(path, str(error)) from error
        return model

    @classmethod
    def _of_metadata(cls, path: object, metadata: Mapping[str, Any]) -> Self:
        """Return a model without weights, of texts that come from ``path``."""
        try:
            model = cls(
                from_json(metadata["network"]),
                _text_list(metadata["classes"]),
                Preprocessing.from_dict(tensor_files.read_json(metadata["preprocessing"])),
            )
            training = tensor_files.read_json(metadata["training"])
        except KeyError as error:
            raise damaged(path, f"its metadata lack {error}") from error
        except (LenetError, ValueError, RecursionError) as error:
            raise damaged(path, str(error) or "its metadata are no JSON") from error
        model.training = training if isinstance(training, dict) else {}
        return model


def _require_pixels(images: Images) -> None:
    if not all(images.shape[1:]):
        raise DataError(f"there are no pixels in images of shape {images.shape}.")


def _read_images(images: Any, input_shape: tuple[int, int, int]) -> Images:
    """Return (N, C, H, W) uint8 of what :meth:`Model.scores` takes."""
    channels, _, width = input_shape
    is_array = isinstance(images, np.ndarray) and images.ndim == 4
    if is_array and images.dtype == _UINT8 and images.shape[1] == channels:
        return np.asarray(images)  # at once, for one image after the other
    array = _numbers(images)
    if array.dtype.kind not in "buif" or not 2 <= array.ndim <= 4:
        is_array = hasattr(images, "dtype")
        given = f"{array.dtype} of shape {array.shape}" if is_array else type(images).__name__
        raise DataError(
            f"the images are {given}; give an array of numbers from 0 to 255: (N, C, H, W), "
            "(N, H, W), (C, H, W) or (H, W)."
        )
    if array.ndim == 2 and (shape := unrolled(array.shape, input_shape, "the images have")):
        array = array.reshape(shape)
    known = {1, 3, channels}
    last = known | {2, 4}  # with their opacity, grey and colour have one more
    if array.ndim > 2 and array.shape[-3] not in known and array.shape[-1] in last - {width}:
        what = f"the images have the shape {array.shape}, with the channels last"
        axes = (0, 3, 1, 2) if array.ndim == 4 else (2, 0, 1)
        raise DataError(f"{what}; move them to the front with images.transpose{axes}.")
    if array.dtype != _UINT8:
        least, greatest = (float(array.min()), float(array.max())) if array.size else (0.0, 0.0)
        is_float = array.dtype.kind == "f"
        array = to_bytes(array, reaches_one(least, greatest, "the images have", is_float))
    is_one = array.ndim == 3 and len(array) == channels
    return channels_first(array[np.newaxis] if is_one else array)


def _numbers(values: Any) -> npt.NDArray[Any]:
    """Return an array, which holds no numbers if ``values`` are none."""
    try:
        return np.asarray(values)
    except (TypeError, ValueError):  # such as lists of different lengths
        return np.asarray(None)


def model_file(path: str | os.PathLike[str]) -> str | os.PathLike[str]:
    """Return the file of the model that a run keeps, where ``path`` is a run's folder."""
    if not is_run(path):
        return path
    if not (model := read_run(path).model).exists():
        what = f"{path_text(path)} is a run without a model: its training is not done"
        command = "train", "--resume", os.fsdecode(path)
        raise ModelFileError(what, remedy="resume it", command=command)
    return model


def _advice(path: str) -> Advice | None:
    """Return what to do with what is no model file though a person may take it for one."""
    if os.path.isdir(path):
        inside = sorted(map(str, Path(path).glob(f"*{MODEL_ENDING}")))
        runs = sorted((str(info.parent) for info in Path(path).glob(f"*/{INFO}")), key=natural)
        what = "a model in it" if inside else "the run that you mean"
        found = inside or runs
        if not found:
            remedy = f"give that of a run, or a {MODEL_ENDING} file"
            return Advice("is a folder, and no run's", remedy)
        return Advice("is a folder", f"give {what}, such as {found[0]!r}")
    if not os.path.exists(path) and is_run(run := Path(ROOT, path)):
        return Advice("is no file", f"give the run of that name, {str(run)!r}")
    remedy, command = "train it, and give the model that is saved", ("train", "--net", path)
    if os.path.splitext(path)[1].lower() == ".json":
        return Advice("is no model: a network's .json file holds no weights", remedy, command)
    if path in zoo.names() and not os.path.exists(path):
        return Advice("is a network without weights", remedy, command)
    return None if is_model_file(path) else conversion(path)


def _class_names(classes: Any) -> tuple[str, ...]:
    if not isinstance(classes, Iterable):
        raise UsageError(f"the classes are {shown(classes)}; give a list of names.")
    return tuple(map(str, classes))


def _facts(training: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Say in short how a model was trained, as far as it is known: a file may say anything."""
    facts = {"trained on": training.get("dataset"), "seed": training.get("seed")}
    epochs, accuracy = training.get("epochs"), training.get("test_accuracy")
    if isinstance(epochs, list):
        facts["epochs"] = len(epochs)
    if isinstance(accuracy, float):
        facts["test accuracy"] = percent(accuracy)
    return [(name, str(value)) for name, value in facts.items() if value is not None]


def _training_text(training: Any) -> str:
    try:
        return json.dumps(dict(training))
    except (TypeError, ValueError) as error:
        what = f"the model cannot be saved: its training is no JSON object ({error})"
        raise UsageError(f"{what}; put text, numbers, lists and dicts into it.") from None


def _listed(classes: Sequence[str]) -> str:
    return f"{len(classes)} classes ({', '.join(classes[:3])}{', ...' * (len(classes) > 3)})"


def _text_list(text: str) -> list[str]:
    values = tensor_files.read_json(text)
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ValueError("its classes are no list of names")
    return values


def _fill(path: object, plan: Plan, tensors: Mapping[str, npt.NDArray[Any]]) -> Floats:
    """Return the parameter table, from tensors that must be exactly the plan's."""
    wanted = {tensor.name for tensor in plan.tensors}
    if strange := sorted(set(tensors) ^ wanted):
        lacks = "lacks" if strange[0] in wanted else "has no place for"
        raise damaged(path, f"its network {lacks} the tensor {strange[0][:60]!r}")
    table = aligned_zeros(plan.table_size)
    for tensor in plan.tensors:
        value = tensors[tensor.name]
        if value.shape != tensor.shape or value.dtype != np.float32:
            what = f"{tensor.name} is {value.dtype} {value.shape}"
            raise damaged(path, f"{what} where the network needs float32 {tensor.shape}")
        tensor.view(table)[...] = value
    if fault := _fault_of_values(plan, table):
        raise damaged(path, fault)
    return table


def _fault_of_values(plan: Plan, table: Floats) -> str:
    """Say which tensor has values that no model has; nothing if none has."""
    for tensor in plan.tensors:
        if not np.isfinite(tensor.view(table)).all():
            return f"{tensor.name} holds values that are not finite"
    for norm in (step.norm for step in plan.steps if step.norm):
        if (norm.variance.view(table) < 0).any():
            return f"{norm.variance.name} holds values below 0"
    for step in plan.steps:
        if step.weight and step.links is not None and step.weight.view(table)[~step.links].any():
            what = f"{step.weight.name} holds values where the table {step.table} connects nothing"
            return f"{what}; set them to 0"
    return ""
