"""The verbs on networks and the machine: ``explain``, ``deduce``, ``diagnose``, ``draw``,
``compare``, ``balance``, ``bench``, ``checks``.

A verb imports what it needs when it runs, so that the others and the help start at once.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Final

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
    verb,
    write,
)
from lenet.errors import UsageError, path_text
from lenet.optimizers import OPTIMIZERS

if TYPE_CHECKING:
    from pathlib import Path

#: Smaller letters than these, in points, are hard to read in print.
_SMALLEST_LETTERS: Final = 6.0


@verb
@argument("net", options.NET_OR_MODULE, options.NET_TYPE, required=False)
@options.formats("csv")
@option("--batch", "Images per training step, for the memory it takes.", INT, default=256)
@option("--optimizer", f"One of {', '.join(OPTIMIZERS)}; for the same.", default="sgd")
@option("--input", "Look at the network on this input instead, such as 3x64x64.")
@option(
    "--dense-versus-conv",
    "No network, but this image, such as 3x1000x1000, into a dense layer and a convolution.",
)
@option("--units", "Units of that dense layer, and channels of that convolution; else 256.", INT)
def explain(net: str | None, form: str, units: int | None, **how: Any) -> None:
    """What a network is made of: one row per layer, totals, memory, and what stands out."""
    from lenet import analysis
    from lenet.analysis.versus import dense_versus_conv as compare_layers
    from lenet.net.sources import is_int8
    from lenet.writing import Result

    image, input_shape = how.pop("dense_versus_conv"), how.pop("input")
    if (net is None) == (image is None):
        raise UsageError(
            "lenet explain needs a network, or --dense-versus-conv with an image, and not both; "
            "see lenet explain --help."
        )
    result: Result
    if net is not None:
        if units is not None:
            raise UsageError("--units is for --dense-versus-conv; leave it out.")
        result = analysis.explain(net, input_shape=input_shape, **how)
        if is_int8(net):
            words = f"{path_text(net)} is in int8; the memory told here is that of floats."
            print(f"lenet: {words}", file=sys.stderr)
    else:
        try:
            result = compare_layers(image, **({} if units is None else {"units": units}))
        except UsageError as error:  # its input shape has an option of its own here
            error.parameter = error.parameter.replace("input_shape", "dense_versus_conv")
            raise
    write(result, form)


@verb
@argument("figure", 'The shapes as a paper prints them: "32x32 -> 6@28x28 -> 6@14x14 -> 120".')
@option(
    "--given",
    'What is known of a layer, in the notation\'s words: "conv1 k5"; may be repeated.',
    multiple=True,
)
@option("--params", "At most so many parameters in all: 60000 or 60k; or exactly: =61706.")
@option(
    "--activation", "Of every convolution and dense layer but the last dense one.", default="relu"
)
@flag("--all", "List every window that fits, not only how many there are.")
@flag("--notation", "Print only the network, ready for any other verb.")
@options.formats()
def deduce(figure: str, all: bool, notation: bool, form: str, **known: Any) -> None:
    """The network behind a figure that shows only shapes: kernels, strides, padding."""
    from lenet.analysis import deduction

    result = deduction.deduce(figure, **known)
    if notation and form == "text":
        print(result.network)
    else:
        write(result, form, everything=all)


@verb
@argument("net", options.NET_OR_MODULE, options.NET_TYPE)
@option("--input", "Another input, channels x height x width, such as 3x64x64.")
@option(
    "--weights",
    "A .safetensors file: do its weights belong to the network, and what makes them agree?",
    PATH,
)
@option("--fix", "Print only the notation of this fix, counted from 1.", INT)
@options.formats()
def diagnose(net: str, input: str | None, weights: Path | None, fix: int | None, form: str) -> None:
    """Whether a network fits; if not, why, and what makes it fit, each tried."""
    from lenet.analysis import diagnosis

    result: diagnosis.Diagnosis | diagnosis.Reconciliation
    if weights is None:
        result = diagnosis.diagnose(net, input_shape=input)
    else:
        result = diagnosis.reconcile(net, weights, input_shape=input)
    if fix is not None and form != "text":
        raise UsageError(f"--fix prints a notation alone; leave out --fix or the format {form}.")
    if fix is None:
        write(result, form)
    elif 1 <= fix <= len(result.fixes):
        print(result.fixes[fix - 1].network)
    else:
        raise UsageError(f"--fix is {fix}, and there are {len(result.fixes)} fixes to choose from.")


@verb
@options.net
@option(
    "--output",
    "The file to write; its ending chooses the format: .svg, .pdf, .png or .tex. Without it the "
    "network's name and .svg; where it is a folder, or an ending alone, the name is added.",
    PATH,
)
@option(
    "--style",
    "figure (stacks of feature maps, as in the paper), graph (one box per layer) or table (the "
    "connection tables of convolutions).",
    default="figure",
)
@option("--theme", "auto (an SVG follows the reader's screen), light or dark.", default="auto")
@option(
    "--width",
    "Of the picture, in px (96 an inch) or with a unit: 85mm is a column of a paper. It is laid "
    "out so that its letters can be read.",
)
@option("--rows", "Of a figure, at most; by default as few as fit. 1 is one row.", INT)
@option(
    "--names",
    'Of the layers, with commas between: "C1,S2,C3,S4,C5,F6"; the last may be left out.',
)
@option("--format", "svg, pdf, png or tex, whatever the ending.")
@options.json
def draw(net: str, output: Path | None, format: str | None, json: bool, **how: Any) -> None:
    """A picture of a network: the paper's figure, the graph of its layers, or connection tables."""
    from lenet import drawing
    from lenet.run_folder import check_output

    path = _picture_path(net, output, format)
    chosen = drawing.format_of(path, format)
    picture = drawing.draw(net, **how)
    check_output(path, net)
    picture.save(path, format=chosen)
    if json:
        values = {"file": str(path), "format": chosen, "style": how["style"], **picture.to_dict()}
        print_json(values)
        return
    print_path(path)
    if picture.letters < _SMALLEST_LETTERS:
        more = "a larger --width or more --rows makes them larger"
        print(f"lenet: letters are {picture.letters:.1f} points high; {more}", file=sys.stderr)


def _picture_path(net: str, output: Path | None, format: str | None) -> Path:
    """Return the file that is meant: ``-o`` may be left out, or be a folder or an ending alone."""
    from pathlib import Path

    from lenet.drawing import FORMATS
    from lenet.net import name_of

    ending = format if format in FORMATS else "svg"
    folder = output or Path()
    if folder.name.lower() in [f".{known}" for known in FORMATS]:
        folder, ending = folder.parent, folder.name[1:].lower()
    elif not os.path.isdir(folder):  # false, too, where a name is no file's
        return folder
    return folder / f"{name_of(net) or 'network'}.{ending}"


@verb
@argument(
    "nets",
    "Two or more: zoo names, notations, saved models, runs, .json, .onnx or .keras files. Where "
    "all are runs, their results are compared.",
    nargs=-1,
)
@option(
    "--output",
    "Of runs, a file for the learning curves (.svg, .pdf, .png, .tex) or for everything (.html).",
    PATH,
)
@option("--data", "Of runs, the data set they were tested on, or a path, if that is another now.")
@options.data_dir
@options.formats("csv")
def compare(nets: tuple[str, ...], output: Path | None, form: str, **images: Any) -> None:
    """Networks or runs side by side: what each costs, and what differs from the first."""
    from lenet.run_folder import check_output, is_run

    if not nets or not all(map(is_run, nets)):
        from lenet.analysis import comparison

        if output or any(images.values()):
            raise UsageError("--output, --data and --data-dir are for runs; name runs alone.")
        write(comparison.compare(*nets), form)
        return
    from lenet.reporting.results import compare_runs

    if output:
        check_output(output)
    result = compare_runs(*nets, **images)
    if output:
        result.save(output)
    write(result, form)
    if output and form == "text":
        print_path(output, "\n")


@verb
@options.net
@option(
    "--budget",
    "The most that proposals may cost: parameters=60000, macs=300k, activations=6000 or "
    "memory=256kB (in use on one image). May be given several times.",
    multiple=True,
)
@options.formats("csv")
def balance(net: str, budget: tuple[str, ...], form: str) -> None:
    """Are neighbouring layers about equally large? With a budget: channels that are."""
    from lenet.analysis import balance

    write(balance.balance(net, budget=budget), form)


@verb
@argument("net", options.NET, default="lenet")
@option("--batch", "Images per training step, and images at a time in inference.", INT, default=256)
@option("--threads", "How many to use, the same for all; all processors by default.", INT)
@option(
    "--against",
    "torch, onnxruntime or both with a comma between, where they are installed; or one of "
    "torch-eager, torch-channels-last and torch-compile.",
    default="",
)
@option("--seconds", "Of measuring for each figure.", FLOAT, default=2.0)
@options.formats()
def bench(net: str, against: str, form: str, **how: Any) -> None:
    """How fast a network is on this machine, here and in other frameworks."""
    from lenet import benchmarking
    from lenet.cli.progress import Line

    line = Line()
    try:
        result = benchmarking.bench(net, against=split_names(against), watch=line.write, **how)
    finally:
        line.wipe()
    write(result, form)


def split_names(text: str) -> list[str]:
    """Read ``torch, onnxruntime`` as a list; of nothing, an empty one."""
    return [name.strip() for name in text.split(",") if name.strip()]


@verb
@options.formats()
def checks(form: str) -> None:
    """Versions, machine, instruction set, threads and folders: for a bug report."""
    from lenet.installation import checks

    write(checks(), form)
