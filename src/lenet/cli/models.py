"""The verbs on what was trained: ``report``, ``evaluate``, ``predict``, ``export``, ``import``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from lenet.cli import options
from lenet.cli.options import (
    FLOAT,
    INT,
    PATH,
    argument,
    flag,
    option,
    print_json,
    print_path,
    show,
    verb,
)
from lenet.errors import DataError, OutputError, UsageError, path_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lenet.data.pictures import Fault

_NAMED = 20  # files that cannot be read
MODEL = "A .safetensors file that lenet saved, or the folder of a run."

reject = option(
    "--reject",
    "Leave the class open where its probability is below this, such as 0.9.",
    FLOAT,
    default=0.0,
)
coverage = option(
    "--coverage",
    "Leave open what is below the probability that this share of the model's test images reached, "
    "such as 0.95.",
    FLOAT,
)
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
    "coverage, layers or network; it needs --output.",
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
@argument(
    "data",
    "digits, mnist or fashion-mnist; or a path of pictures, as for lenet train; by default what "
    "the model's run was trained on.",
    required=False,
)
@options.data_dir
@flag("--all", "Of a path take all pictures, not only those to test on.")
@flag("--skip-bad", "Of a path leave out files that cannot be read.")
@options.transpose
@options.label_from_name
@options.group
@options.split_seed
@as_it_is
@reject
@coverage
@option(
    "--output", "Write what was predicted for each image into this .csv or .parquet file.", PATH
)
@options.json
def evaluate(
    model: Path, data: str | None, all: bool, output: Path | None, json: bool, **how: Any
) -> None:
    """Accuracy, figures per class, and confusion matrix of a saved model on test images."""
    from lenet.inference.evaluating import evaluate, save_answers
    from lenet.inference.table import check_path
    from lenet.run_folder import data_of

    if output is not None:
        check_path(output, model, data or data_of(model)[0])
    result = evaluate(model, data, everything=all, **how)
    if output is not None:
        save_answers(result, output)
    show(result, json, model=str(model), dataset=data or data_of(model)[0])


@verb
@argument("model", MODEL, PATH)
@argument(
    "images",
    "Pictures, folders of them, lists of files (.csv, .txt), images as numbers (.npy, .npz, IDX or "
    "a table of pixels), or .parquet files of any of these.",
    PATH,
    nargs=-1,
    required=True,
)
@option("--output", "Write the answers into this .csv or .parquet file instead.", PATH)
@flag("--probabilities", "Write a column for the probability of every class, too.")
@reject
@coverage
@option(
    "--top",
    "How many classes to tell of each image, with their probabilities; by default 3 in text, 2 in "
    "a table, and all in JSON.",
    INT,
)
@option(
    "--uncertain",
    "Tell only so many images, those that the model is least certain of, the least certain first: "
    "label these next.",
    INT,
)
@flag("--skip-bad", "Succeed although files cannot be read; they are named all the same.")
@as_it_is
@options.on()
@flag("--json", "Print one JSON object instead; with --output, how many answers there are.")
def predict(
    *,
    model: Path,
    images: tuple[Path, ...],
    output: Path | None,
    probabilities: bool,
    skip_bad: bool,
    on: str | None,
    json: bool,
    **how: Any,
) -> None:
    """What a saved model sees on pictures."""
    from lenet.inference.predicting import predict, refusal

    for name, value in {"probabilities": probabilities, "on": on}.items():
        if value and output is None:
            where = "JSON has all of them" if json and value is True else "name it with --output"
            raise UsageError(f"--{name} is about the file of answers; {where}.")
    if output is not None:
        how |= {"probabilities": probabilities, "on": on}
        count, faults = _write_answers(output, model, images, how, json)
    elif json:
        count, faults = _print_answers(model, images, how)
    else:
        found = predict(model, *images, skip_bad=True, **how)
        count, faults = len(found), found.faults
        tell_faults(faults)
        print(found)
    if faults and not skip_bad:
        sys.stdout.flush()
        raise refusal(faults, count, are_named=True)


def tell_faults(faults: Sequence[Fault]) -> None:
    """Say of some files why they cannot be read."""
    for fault in faults[:_NAMED]:
        print(f"lenet: {fault}", file=sys.stderr)
    if (more := len(faults) - _NAMED) > 0:
        print(f"lenet: and {more:,} more", file=sys.stderr)


def _write_answers(
    output: Path, model: Path, images: Sequence[Path], how: dict[str, Any], json: bool
) -> tuple[int, Sequence[Fault]]:
    """Write a table of answers; what a Ctrl-C or a signal to end leaves, the same command uses."""
    import signal
    import time
    from contextlib import suppress

    from lenet.cli.progress import KeptLine
    from lenet.inference.table import PARTIAL
    from lenet.inference.writing import predict_into

    start = time.monotonic()
    line = KeptLine(f"what is answered is in {path_text(f'{output}{PARTIAL}')}")

    def progress(count: int) -> None:
        line.write(f"{count:,} images, {count / (time.monotonic() - start):,.0f} a second")

    def end(number: int, frame: object) -> None:
        raise SystemExit(128 + number)  # so that whatever is open is closed, and removed

    with suppress(ValueError):  # not the main thread: signals are not ours
        signal.signal(signal.SIGTERM, end)
    try:
        with line:
            written = predict_into(output, model, *images, progress=progress, **how)
    finally:
        with suppress(ValueError):
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
    tell_faults(written.faults)
    if json:
        faults = [fault.to_dict() for fault in written.faults]
        counts = {"images": written.images, "unsure": written.unsure}
        print_json({"model": str(model), "file": str(output), **counts, "faults": faults})
    else:
        print_path(output)
        if how["reject"] or how["coverage"] is not None:
            share = f"{written.unsure:,} of {written.images:,} images"
            print(f"lenet: {share} are left open", file=sys.stderr)
    return written.images, written.faults


def _print_answers(
    model: Path, images: Sequence[Path], how: dict[str, Any]
) -> tuple[int, Sequence[Fault]]:
    """Print one JSON object as answers come, which takes no memory."""
    from lenet.data.pictures import Fault
    from lenet.inference.predicting import predict_each, refusal
    from lenet.writing import json_text

    def inner(values: object) -> str:
        return json_text({"": values}).split(":", 1)[1].rpartition("\n")[0].strip()

    count, faults = 0, list[Fault]()
    head = f'{{\n  "model": {inner(str(model))},\n  "predictions": ['
    for found in predict_each(model, *images, **how):
        if isinstance(found, Fault):
            faults.append(found)
            continue
        before = "," if count else head
        text = inner(found.to_dict()).replace("\n", "\n  ")
        print(f"{before}\n    {text}", end="")
        count += 1
    if not count and faults:
        raise refusal(faults, 0)
    tell_faults(faults)
    told = f',\n  "faults": {inner([fault.to_dict() for fault in faults])}' if faults else ""
    print(f"\n  ]{told}\n}}" if count else f"{head}]{told}\n}}")
    return count, faults


@verb
@argument("model", "A .safetensors file that lenet saved, or a run's folder.", PATH)
@argument(
    "output",
    "The file to write; its ending chooses the format: .html (a page to draw on and look inside), "
    ".onnx, .c (one C99 file), .pt (PyTorch's state dict), .py (code of the network), .params "
    "(MXNet), .safetensors or .json (the network alone).",
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
@option("--prefix", "Of .c: what every name in it begins with.", default="lenet")
@flag(
    "--int8",
    "Of .c and .safetensors: whole numbers alone, and weights of one byte; it needs --calibrate.",
)
@option(
    "--calibrate",
    "With --int8: a data set or the path of pictures, as for lenet train; ranges are measured on "
    "its training images.",
)
@option(
    "--images",
    "Of .html: a data set or the path of pictures, of which some test images are put inside; by "
    "default those it was trained on.",
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
    "The mean, subtracted from pixels from 0 to 1: one number, or one per channel, with commas.",
)
@option("--std", "What they are divided by then, as in torchvision's Normalize.")
@options.json
def import_(*, file: Path, output: Path, json: bool, **how: Any) -> None:
    """Another program's trained network as a model: ONNX, Keras, MXNet, PyTorch."""
    from dataclasses import replace

    from lenet.formats.importing import read_model
    from lenet.run_folder import check_output

    if output.suffix.lower() != ".safetensors":
        raise UsageError(
            f"{path_text(output)} is no name for a model; end it in .safetensors.",
            parameter="output",
        )
    how["input_shape"] = how.pop("input")
    for name in ("classes", "mean", "std"):
        if how[name] is not None:
            how[name] = [word.strip() for word in how[name].split(",")]
    check_output(output, file, how["net"], how["symbol"])
    result = read_model(file, **how)
    show(replace(result, path=result.model.save(output)), json)
