"""The verbs on what was trained: ``report``, ``evaluate``, ``predict``, ``export``, ``import``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from lenet.cli import options
from lenet.cli.options import INT, PATH, argument, flag, option, print_json, print_path, show, verb
from lenet.errors import DataError, OutputError, UsageError, path_text

if TYPE_CHECKING:
    from pathlib import Path

_NAMED = 20  # files that cannot be read
MODEL = "A .safetensors file that lenet saved, or the folder of a run."

as_it_is = flag(
    "--as-it-is", "Only bring pictures to the network's size: do not invert or centre them."
)


@verb
@argument("run", "A folder that lenet train wrote.", PATH)
@option(
    "--output",
    "The file to write; by default report.html in the run's folder. Of a picture, its ending "
    "chooses the format: .svg, .pdf, .png or .tex.",
    PATH,
)
@option(
    "--data", "The data set it was trained on, or the path of its pictures, if that is another now."
)
@options.data_dir
@option(
    "--picture",
    "Only this one: learning-curve, confusion, mistakes, classes, windows, signals, calibration, "
    "layers or network; it needs --output.",
)
@option(
    "--theme",
    "Of a picture: auto (an SVG follows the reader's screen), light or dark.",
    default="auto",
)
@flag("--json", "Print one JSON object instead, and write nothing but --output.")
def report(
    *, run: Path, output: Path | None, picture: str | None, theme: str, json: bool, **images: Any
) -> None:
    """A run as one page to look at: how good, what it gets wrong, and why; or a picture."""
    from lenet.reporting.results import report
    from lenet.run_folder import PAGE

    _check_output(output, picture, theme)
    result = report(run, **images)
    if picture is not None:
        result.picture(picture, theme=theme).save(output or "")
    elif output is not None or not json:
        page = run / PAGE
        if result.missing and output is None and page.exists():
            raise DataError(
                f"the test images are not at hand ({result.missing.rstrip('.')}), so "
                f"{path_text(page)} is left as it is; --output FILE.html writes a page without "
                "them."
            )
        output = result.save(output)
    if json:
        print_json({**result.to_dict(), "file": None if output is None else str(output)})
    else:
        print_path(output)
        if result.missing and picture is None:
            print(f"without the test images: {result.missing}")


def _check_output(output: Path | None, picture: str | None, theme: str) -> None:
    if picture is None and theme != "auto":
        raise UsageError("--theme is a picture's; the page follows its reader's screen.")
    if picture is None and output and output.suffix.lower() not in (".html", ".htm"):
        raise UsageError(
            f"the page is HTML and {path_text(output)} has another ending; end it in .html, or "
            "name one of its pictures with --picture."
        )
    if picture is not None and output is None:
        raise UsageError("no file is given to draw into; name it with --output FILE.svg.")


@verb
@argument("model", MODEL, PATH)
@argument("data", "digits, mnist or fashion-mnist; or a path of pictures, as for lenet train.")
@options.data_dir
@flag("--all", "Of a path take all pictures, not only those to test on.")
@flag("--skip-bad", "Of a path leave out files that cannot be read.")
@options.transpose
@options.label_from_name
@as_it_is
@option("--output", "Write what was predicted for each image into this .csv file, too.", PATH)
@options.json
def evaluate(
    model: Path, data: str, all: bool, output: Path | None, json: bool, **how: Any
) -> None:
    """Accuracy, figures per class, and confusion matrix of a saved model on test images."""
    from lenet import inference

    if output is not None:
        inference.check_answers_path(output, model, data)
    result = inference.evaluate(model, data, everything=all, **how)
    if output is not None:
        inference.save_answers(result, output)
    show(result, json, model=str(model), dataset=data)


@verb
@argument("model", MODEL, PATH)
@argument(
    "images",
    "Pictures, folders of them, lists of files (.csv, .txt), or images as numbers: .npy, .npz, IDX "
    "or a table of pixels.",
    PATH,
    nargs=-1,
    required=True,
)
@option("--output", "Write the answers into this .csv file instead.", PATH)
@flag("--probabilities", "Write a column for the probability of every class, too.")
@flag("--skip-bad", "Succeed although files cannot be read; they are named all the same.")
@as_it_is
@options.json
def predict(
    model: Path,
    images: tuple[Path, ...],
    output: Path | None,
    probabilities: bool,
    skip_bad: bool,
    json: bool,
    **how: Any,
) -> None:
    """What a saved model sees on pictures."""
    from lenet import inference

    if output is not None:
        inference.check_answers_path(output, model, *images)
    if probabilities and (output is None or json):
        where = "JSON has all of them" if json else "name it with --output"
        raise UsageError(f"--probabilities is about the file of answers; {where}.")
    if output is not None and not json:
        written = inference.predict_into(output, model, *images, probabilities=probabilities, **how)
        count, faults = written.images, written.faults
    else:
        found = inference.predict(model, *images, skip_bad=True, **how)
        count, faults = len(found), found.faults
    for fault in faults[:_NAMED]:
        print(f"lenet: {fault}", file=sys.stderr)
    if (more := len(faults) - _NAMED) > 0:
        print(f"lenet: and {more:,} more", file=sys.stderr)
    if json:
        if output is not None:
            found.save(output)
        print_json({"model": str(model), **found.to_dict()})
    else:
        print(found if output is None else output)
    if faults and not skip_bad:
        sys.stdout.flush()
        raise inference.refusal(faults, count, are_named=True)


@verb
@argument("model", "A .safetensors file that lenet saved, or a run's folder.", PATH)
@argument(
    "output",
    "The file to write; its ending chooses the format: .onnx, .c (one C99 file), .pt (PyTorch's "
    "state dict), .py (code of the network), .params (MXNet), .safetensors "
    "or .json (the network alone).",
    PATH,
)
@option(
    "--check",
    "A data set or the path of pictures: run the exported file on its test images, and say how it "
    "differs from the model.",
)
@option(
    "--input",
    "Of ONNX: uint8 takes bytes, float the same numbers as floats, raw what the network reads.",
    default="uint8",
)
@option("--opset", "Of ONNX, 13 to 17.", INT, default=17)
@option("--as", "Of .py: torch, keras or gluon.", default="torch")
@flag(
    "--int8",
    "Of .c and .safetensors: whole numbers alone, and weights of one byte; it needs --calibrate.",
)
@option(
    "--calibrate",
    "With --int8: a data set or the path of pictures, as for lenet train; ranges are measured on "
    "its training images.",
)
@options.data_dir
@options.json
def export(model: Path, output: Path, json: bool, **how: Any) -> None:
    """A saved model as a file for another program, proven equal on a test set."""
    from lenet.formats.export import export

    result = export(model, output, framework=how.pop("as"), **how)
    show(result, json, model=str(model))
    if result.check is not None and result.check.different:
        other = "the model" if result.check.float_accuracy is None else "its simulation"
        raise OutputError(
            f"{path_text(output)} is written, and names another class than {other} for "
            f"{result.check.different:,} of {result.check.images:,} images; tell us, with the file."
        )


@verb
@argument(
    "file",
    "An .onnx or .keras file, MXNet's .params, or PyTorch's state dict as .safetensors or .pt.",
    PATH,
)
@option("--output", "The model to write, a .safetensors file.", PATH, required=True)
@option(
    "--net",
    "The network that the weights belong to: a zoo name, a notation or a .json file; or a saved "
    "model, for its preprocessing and class names, too.",
)
@option(
    "--symbol", "MXNet's -symbol.json, which tells the network; one beside the file is found.", PATH
)
@option("--input", "What pictures it takes, where the file leaves it open, such as 1x28x28.")
@option(
    "--activation",
    "Of every layer but the last, where neither file nor --net tells it, such as relu.",
)
@option("--classes", "Names of the classes, with commas between.")
@option(
    "--mean",
    "What is taken off pixels from 0 to 1 first: one number, or one for each channel, with commas.",
)
@option("--std", "What they are divided by then, as in torchvision's Normalize.")
@options.json
def import_(*, file: Path, output: Path, json: bool, **how: Any) -> None:
    """Another program's trained network as a model: ONNX, Keras, MXNet, PyTorch."""
    from dataclasses import replace

    from lenet.formats.importing import read_model

    if output.suffix.lower() != ".safetensors":
        raise UsageError(
            f"{path_text(output)} is no name for a model; end it in .safetensors.",
            parameter="output",
        )
    how["input_shape"] = how.pop("input")
    for name in ("classes", "mean", "std"):
        how[name] = how[name] and [word.strip() for word in how[name].split(",")]
    result = read_model(file, **how)
    if output.exists() and output.samefile(file):
        raise UsageError("the model would be written over the file itself; name another --output.")
    show(replace(result, path=result.model.save(output)), json)
