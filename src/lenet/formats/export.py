"""``lenet.export``: a model as a file for another program, and the proof that it is the same.

Every file that holds a whole classifier carries the class names and the preprocessing of images
beside the network, and can be held against the model on a whole test set: the exported thing
itself is run on every image.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from lenet import files
from lenet.arguments import MODEL_ENDING, plain
from lenet.data import Dataset, Split, is_name, load, load_split
from lenet.data.sources import at_hand
from lenet.engine.plan import Floats
from lenet.errors import LenetError, OutputError, UsageError, needing, path_text
from lenet.formats import runtimes
from lenet.formats.c_int8 import int8_header, int8_source
from lenet.formats.c_source import c_header, c_source
from lenet.formats.c_text import PREFIX, Example, with_prefix
from lenet.formats.code import FRAMEWORKS, network_code
from lenet.formats.int8 import quantise
from lenet.formats.mxnet_arrays import write_params
from lenet.formats.mxnet_symbol import symbol_path, write_symbol
from lenet.formats.page import write_page
from lenet.formats.plain import plain_model
from lenet.metrics import check_finite
from lenet.model import Model, model_file
from lenet.net import to_json
from lenet.net.words import check_choice, listed, shown
from lenet.run_folder import check_output, reading_of
from lenet.writing import Result
from lenet.writing.document import Document, Paragraph, Section
from lenet.writing.numbers import percent

#: What a file takes, of formats that leave a choice; see :mod:`lenet.formats.onnx_file`.
INPUTS: Final = ("uint8", "float", "raw")
OPSETS: Final = range(13, 18)
#: By a file's ending: what may be in whole numbers.
_INT8: Final = (".c", ".safetensors")
_PAGES: Final = (".html", ".htm")
#: By a file's ending: what has every layer that we have.
_OUR_LAYERS: Final = (".safetensors", ".json")
_READ_BACK: Final = "The file was read back by lenet: MXNet is not installed."
#: No keyword of C is one of these with _ behind it.
_PREFIX: Final = re.compile("[a-z][a-z0-9_]{0,40}")
#: Pictures that a C file's self-test knows.
_EXAMPLES: Final = 4


@dataclass(frozen=True)
class Answers:
    """Images to check a file on, and what it has to say of them."""

    split: Split
    data: str  # what the images are called
    classes: runtimes.Classes  # (N,)
    probabilities: Floats  # (N, classes)
    float_accuracy: float | None  # of the model, where these are answers in whole numbers

    @property
    def accuracy(self) -> float:
        """The share of images whose class is the label."""
        return float((self.classes == self.split.labels).mean())


@dataclass(frozen=True)
class Options:
    """What a person chooses about a file."""

    input: str = "uint8"
    opset: int = 17
    framework: str = "torch"
    prefix: str = PREFIX
    answers: Answers | None = None
    images: Split | None = None  # that a page has inside
    name: str = ""  # of the file or run that the model is from


@dataclass(frozen=True)
class Check:
    """How an exported file and the model it came from differ on labelled images.

    A file in whole numbers is held against their simulation in NumPy.
    """

    images: int
    different: int  # images for which they name another class
    largest: float  # difference of a probability
    accuracy: float  # of the exported file
    data: str
    float_accuracy: float | None = None  # of the model, where the file is in whole numbers
    note: str = ""  # how the file was run, where it was not by the program that it is for

    def text(self) -> str:
        """Say it in one sentence."""
        same = f"{self.different:,} of {self.images:,} images get another class"
        gap = f"the largest difference of a probability is {self.largest:.1e}"
        right = f"the accuracy on {self.data} is {percent(self.accuracy)}"
        if self.float_accuracy is None:
            return f"{same}, {gap}; {right}.{self.note and ' '}{self.note}"
        exact = f"the model in floats has {percent(self.float_accuracy)}"
        return f"{same} than in the simulation, {gap}; {right}, {exact}."


@dataclass(frozen=True, repr=False)
class Export(Result):
    """What :func:`export` wrote.

    Attributes:
        path: the file.
        format: its name.
        size: its bytes.
        beside: the other file that belongs to it; None where it stands alone.
        check: how it differs from the model; None where that was not asked.
    """

    path: Path
    format: str
    size: int
    beside: Path | None = None
    check: Check | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the same as values for JSON."""
        found = None if self.check is None else vars(self.check)
        beside = None if self.beside is None else str(self.beside)
        about = {"file": str(self.path), "beside": beside, "format": self.format}
        return {**about, "bytes": self.size, "check": found}

    def page(self, form: str = "text", width: int = 80) -> Document:
        """Return one or two lines."""
        what = f"{path_text(self.path)}: {self.format}, {self.size:,} bytes"
        if self.beside is not None:
            what += f"; beside it {path_text(self.beside)}"
        checked = () if self.check is None else (Section("", (Paragraph(self.check.text()),)),)
        return Document(what, checked)


def export(
    model: Model | str | os.PathLike[str],
    path: str | os.PathLike[str],
    *,
    check: Dataset | Split | str | os.PathLike[str] | None = None,
    input: str = "uint8",
    opset: int = 17,
    framework: str = "torch",
    prefix: str = PREFIX,
    int8: bool = False,
    calibrate: Dataset | Split | str | os.PathLike[str] | None = None,
    images: Dataset | Split | str | os.PathLike[str] | None = None,
    data_dir: str | os.PathLike[str] | None = None,
) -> Export:
    """Write a model as a file for another program; its ending chooses the format.

    ``.html`` as a page to draw on and to look inside, ``.onnx`` for ONNX runtimes, ``.c`` as one
    C99 file (with a ``.h`` beside it), ``.pt`` as PyTorch's state dict, ``.py`` as code of the
    network in PyTorch, Keras or Gluon, ``.params`` as MXNet's parameters (with a ``-symbol.json``
    beside it), ``.safetensors`` as lenet's own model, ``.json`` as the network alone.

    Args:
        model: a model, the file of one, or a run's folder.
        path: the file to write, whole or not at all.
        check: a data set, a split, or what ``lenet.load`` takes: its images to test on are put
            through the exported file itself, and the result says how its answers differ. MXNet runs
            ``.params`` in this Python or in the one that ``LENET_MXNET_PYTHON`` names; without it
            they are read back, and the result says so.
        input: of ONNX: "uint8" takes bytes, "float" the same numbers from 0 to 255 as floats, and
            both scale them; "raw" takes scaled images and gives scores.
        opset: of ONNX, 13 to 17.
        framework: of ``.py``: torch, keras or gluon.
        prefix: of C, what every name begins with, ``lenet_predict`` and others: two networks in one
            program need two.
        int8: of C and of lenet's own model: whole numbers alone from the image to the class, and
            weights of one byte. A model that is in int8 already needs no ``int8``.
        calibrate: with ``int8``, what ``check`` takes: images to train on of what the network will
            see; the ranges of its maps are measured on them.
        images: of a page, what ``check`` takes: some of its images to test on are put inside. By
            default they are those of ``check``, or of the named data set that the model was trained
            on, where it can be loaded.
        data_dir: the folder that holds the IDX files of ``check``, ``calibrate`` and ``images``
            already.

    Raises:
        UsageError: no format has this ending, or an option is out of range.
        ModelFileError, DataError: the model or the images cannot be read, or do not suit each
            other.
        MissingPackageError: the format or its check needs a package that is not installed.
        OutputError: the file cannot be written.
    """
    suffix = _suffix(path)
    options = _options(input, opset, framework, prefix)
    _check_int8(suffix, int8, calibrate)
    _check_place(suffix, {**vars(options), "images": images})
    file = model
    if not isinstance(model, Model):
        name, model = model, Model.load(model)
        check_output(path, model_file(name))
        options = replace(options, name=Path(name).name.removesuffix(MODEL_ENDING))
    split, name = _test_split(model, check, data_dir, file)
    if split is not None and suffix not in _RUNNERS:
        raise UsageError(
            f"a {suffix} file cannot be run to be checked; leave the check out, or export "
            f"{listed(sorted(_RUNNERS), 'or')}."
        )
    origin = model
    if calibrate is not None:
        model = quantise(plain_model(model), _images(model, calibrate, data_dir, file))
    elif suffix not in _OUR_LAYERS:
        model = plain_model(model)
    if split is not None:
        options = replace(options, answers=_answers(model, origin, split, name))
    if suffix in _PAGES:
        options = replace(options, images=_inside(model, images, split, data_dir, file))
    write, kind = _FORMATS[suffix]
    content = write(model, options)
    compared = None
    if options.answers is not None:  # before anything is written: it may lack its runtime
        note = _READ_BACK if suffix == ".params" and runtimes.mxnet_python() is None else ""
        found = _compare(options.answers, _RUNNERS[suffix](model, content, options))
        compared = replace(found, note=note)
    beside = _written_beside(suffix, model, Path(path), options)
    target = files.write_bytes(path, content)
    kind = kind if model.integers is None or suffix not in _INT8 else f"{kind}, int8"
    return Export(target, kind, len(content), beside, compared)


def _suffix(path: str | os.PathLike[str]) -> str:
    if not isinstance(path, str | os.PathLike):
        raise UsageError(f"the file to write is {shown(path)}; give a path such as 'model.onnx'.")
    suffix = Path(path).suffix.lower()
    if suffix not in _FORMATS:
        raise UsageError(
            f"{path_text(path)} does not say its format; end it in {listed(list(_FORMATS), 'or')}."
        )
    return suffix


def _options(input: str, opset: int, framework: str, prefix: str) -> Options:
    check_choice(input, INPUTS, "the input", "input")
    opset = plain(opset)
    if type(opset) is not int or opset not in OPSETS:
        what = f"the opset is {shown(opset)}; it must be from {OPSETS[0]} to {OPSETS[-1]}."
        raise UsageError(what, parameter="opset")
    check_choice(framework, FRAMEWORKS, "the framework", "framework")
    if not isinstance(prefix, str) or not _PREFIX.fullmatch(prefix):
        what = f"the prefix is {shown(prefix)}; give small letters, digits and _, a letter first."
        raise UsageError(what, parameter="prefix")
    return Options(input, opset, framework, prefix)


def _written_beside(suffix: str, model: Model, target: Path, options: Options) -> Path | None:
    """Write the second file of a pair, before the one that a person asks for."""
    if suffix not in _BESIDE:
        return None
    beside, text = _BESIDE[suffix](model, target, options)
    for place in (target, beside):
        if place.is_dir():
            raise OutputError(f"cannot write {path_text(place)}: it is a folder; name another file")
    return files.write_bytes(beside, text)


def _check_place(suffix: str, asked: Mapping[str, Any]) -> None:
    """Refuse an option that a format does not have, if it is not the default."""
    for name, (what, endings) in _PLACES.items():
        if asked[name] != getattr(Options, name) and suffix not in endings:
            why = f"{name} is {what}, and the file ends in {suffix}"
            remedy = f"leave it out, or end the file in {endings[0]}"
            raise UsageError(f"{why}; {remedy}.", parameter=name)


def _check_int8(suffix: str, int8: bool, calibrate: Any) -> None:
    if int8 and suffix not in _INT8:
        what = f"a {suffix} file is not written in int8; end the file in {listed(_INT8, 'or')}"
        raise UsageError(f"{what}, or leave int8 out.", parameter="int8")
    if int8 and calibrate is None:
        what = "int8 needs images to measure the ranges of the maps on; name a data set"
        raise UsageError(f"{what} such as the one the model was trained on.", parameter="calibrate")
    if not int8 and calibrate is not None:
        what = "images to calibrate on are given and int8 is not asked for"
        raise UsageError(f"{what}; ask for it, or leave them out.", parameter="int8")


def _images(model: Model, source: Any, data_dir: Any, file: Any) -> runtimes.Images:
    """Return images to train on, of any size."""
    if isinstance(source, Split):
        return source.images
    if isinstance(source, Dataset):
        return source.train.images
    if is_name(source):
        return load(source, data_dir=data_dir).train.images
    channels, *size = model.network.input_shape
    fit = model.preprocessing.fit or "border"
    how = reading_of(file, source)
    data = load(source, size=size, gray=channels == 1, rgb=channels == 3, fit=fit, **how)
    return data.train.images


def _test_split(model: Model, check: Any, data_dir: Any, file: Any) -> tuple[Split | None, str]:
    """Return the images to check on, brought to the network's size, and what to call them.

    What the run of the model's ``file`` was trained on is divided as it was then.
    """
    if check is None:
        return None, ""
    name = "images"
    if isinstance(check, Split):
        split = check
    elif isinstance(check, Dataset) or is_name(check):
        data = check if isinstance(check, Dataset) else load(check, data_dir=data_dir)
        model.check_classes(data)
        split, name = data.tested, f"the test images of {data.name}"
    else:
        seen = model.preprocessing
        how = reading_of(file, check)
        split = load_split(check, model.classes, seen.input_shape, fit=seen.fit, **how)
        name = f"the test images of {os.fspath(check)}"
    return replace(split, images=model.preprocessing.prepare(split.images)), name


def _inside(
    model: Model, images: Any, checked: Split | None, data_dir: Any, file: Any
) -> Split | None:
    """Return images for a page: those that are given, or that lie near."""
    if images is not None:
        return _test_split(model, images, data_dir, file)[0]
    known = model.training.get("dataset")
    if checked is None and known in at_hand():
        try:
            return _test_split(model, known, data_dir, file)[0]
        except LenetError:  # it does without
            return None
    return checked


def _answers(model: Model, origin: Model, split: Split, name: str) -> Answers:
    accuracy = None if model.integers is origin.integers else origin.evaluate(split).accuracy
    # A file in plain layers is held against the model itself, one in whole numbers against their
    # simulation.
    truth = model if accuracy is not None else origin
    return Answers(split, name, *_our_answer(truth)(split.images), accuracy)


def _our_answer(model: Model) -> runtimes.Answer:
    """Return what the model says of images; two classes may be equally likely in int8."""

    def answer(images: runtimes.Images) -> tuple[runtimes.Classes, Floats]:
        scores = check_finite(model.scores(images))
        return scores.argmax(axis=1), model.probabilities(scores)

    return answer


def _compare(ours: Answers, answer: runtimes.Answer) -> Check:
    classes, probabilities = answer(ours.split.images)
    return Check(
        images=len(classes),
        different=int((classes != ours.classes).sum()),
        largest=float(np.abs(probabilities - ours.probabilities).max()),
        accuracy=float((classes == ours.split.labels).mean()),
        data=ours.data,
        float_accuracy=ours.float_accuracy,
    )


def _onnx(model: Model, options: Options) -> bytes:
    with needing("the package onnx", "to write ONNX", "onnx"):
        from lenet.formats.onnx_file import to_onnx
    return to_onnx(model, options.input, options.opset)  # type: ignore[arg-type]


def _c(model: Model, options: Options) -> bytes:
    about: list[str] = []
    examples: list[Example] = []
    if (found := options.answers) is not None:
        of = f"{_comment(found.data)} ({len(found.split):,})"
        about.append(f"accuracy   {percent(found.accuracy)} of {of}")
        if found.float_accuracy is not None:
            about[0] += f"; {percent(found.float_accuracy)} in floats"
        images, classes = found.split.images[:_EXAMPLES], found.classes.tolist()
        examples = list(map(Example, images, found.probabilities, classes))
    source = c_source if model.integers is None else int8_source
    return with_prefix(source(model, about, examples), options.prefix).encode("ascii")


def _comment(name: str) -> str:
    """Write a name of data so that it cannot end a comment in C."""
    return path_text(name).replace("*/", "* /").encode("ascii", "backslashreplace").decode()


def _pt(model: Model, options: Options) -> bytes:
    with needing("PyTorch", "to write its file", "torch"):
        import io

        import torch

        from lenet.formats.torch_module import named_network
    stream = io.BytesIO()
    torch.save(named_network(model).state_dict(), stream)
    return stream.getvalue()


def _page(model: Model, options: Options) -> bytes:
    return write_page(model, options.images, options.name).encode("utf-8")


def _params(model: Model, options: Options) -> bytes:
    return write_params(write_symbol(model)[1])


def _beside_c(model: Model, target: Path, options: Options) -> tuple[Path, bytes]:
    header = c_header if model.integers is None else int8_header
    text = with_prefix(header(model), options.prefix)
    return target.with_suffix(".h"), text.encode("ascii")


def _beside_params(model: Model, target: Path, options: Options) -> tuple[Path, bytes]:
    return symbol_path(target), write_symbol(model)[0]


_Writer = Callable[[Model, Options], bytes]
#: By a file's ending: what writes it, and what people call it.
_FORMATS: Final[dict[str, tuple[_Writer, str]]] = {
    ".onnx": (_onnx, "ONNX"),
    ".c": (_c, "C99 source"),
    ".pt": (_pt, "PyTorch state dict"),
    ".py": (
        lambda model, options: network_code(model, options.framework).encode("utf-8"),
        "Python code",
    ),
    ".params": (_params, "MXNet parameters"),
    ".safetensors": (lambda model, _: model.to_bytes(), "lenet model"),
    ".json": (lambda model, _: to_json(model.network).encode("utf-8"), "network description"),
    **dict.fromkeys(_PAGES, (_page, "page")),
}
#: By an option's name: what it is of, and the endings of files that have it.
_PLACES: Final = {
    "input": ("of ONNX", (".onnx",)),
    "opset": ("of ONNX", (".onnx",)),
    "framework": ("of code", (".py",)),
    "prefix": ("of C", (".c",)),
    "images": ("put into a page alone", _PAGES),
}
#: By a file's ending: the file that is written beside it.
_BESIDE: Final = {".c": _beside_c, ".params": _beside_params}
#: By a file's ending: what runs it.
_RUNNERS: Final[dict[str, Callable[[Model, bytes, Options], runtimes.Answer]]] = {
    ".onnx": lambda model, content, options: runtimes.run_onnx(model, content, options.input),
    ".c": lambda model, content, options: runtimes.answer_c(model, content, options.prefix),
    ".pt": lambda model, content, _: runtimes.run_torch(model, content),
    ".params": lambda model, content, _: runtimes.run_mxnet(model, content),
    ".safetensors": lambda _, content, __: _our_answer(Model.from_bytes(content)),
    **dict.fromkeys(_PAGES, lambda model, content, _: runtimes.run_page(model, content)),
}
