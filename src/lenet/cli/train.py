"""``lenet train``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lenet.cli.material import print_dry_run, print_header
from lenet.cli.output import percent, print_json

if TYPE_CHECKING:
    from lenet.data import Dataset
    from lenet.training import Run, Training


def run(
    data: str = "digits",
    /,
    *,
    net: str = "lenet-relu",
    recipe: str = "modern",
    epochs: int | None = None,
    batch_size: int | None = None,
    lr: float | None = None,
    optimizer: str | None = None,
    schedule: str | None = None,
    init: str | None = None,
    weight_decay: float | None = None,
    seed: int = 0,
    threads: int | None = None,
    run: str | None = None,
    data_dir: Path | None = None,
    tensorboard: bool = False,
    json: bool = False,
    quiet: bool = False,
    size: str | None = None,
    gray: bool = False,
    rgb: bool = False,
    skip_bad: bool = False,
    dry_run: bool = False,
) -> None:
    """Train a network; with no arguments, on the digits inside the package.

    Parameters
    ----------
    data
        digits (inside the package), mnist or fashion-mnist (downloaded once); or pictures of your
        own: a folder with a folder a class, a .csv of path,label or of pixels, an .npz.
    net
        A zoo name, a notation or a .json file; one of the zoo is fitted to pictures of your own.
    recipe
        modern (ReLU-era defaults) or seed (the original article's: plain SGD, rate 2.5).
    epochs
        Passes over the training images.
    batch_size
        Images a step.
    lr
        Learning rate; with one-cycle its peak.
    optimizer
        sgd, momentum or adamw.
    schedule
        constant or one-cycle.
    init
        First weights: normal:0.2, xavier or kaiming.
    weight_decay
        Pull of the weights towards zero.
    seed
        Decides first weights and order: same seed, same result, bit for bit.
    threads
        How many to use; all processors by default. The result does not depend on it.
    run
        Name of the folder under runs/; numbered by itself otherwise. Never overwritten.
    data_dir
        Folder that has the IDX files already, compressed or not.
    tensorboard
        Write files for TensorBoard into the run's folder too; needs the package tensorboard.
    json
        Print one JSON object instead.
    quiet
        Print nothing but the last lines.
    size
        Of your own pictures: 28, or height x width, 28x32. Theirs by default, 64 at most.
    gray
        Make your own pictures grey.
    rgb
        Make your own pictures RGB.
    skip_bad
        Leave out files of yours that cannot be read.
    dry_run
        Show the data and the network, and train nothing.
    """
    from lenet.cli.networks import network_of
    from lenet.cli.progress import Display
    from lenet.net import name_of
    from lenet.training import Run, Training, carry_out, named_recipe, pair

    chosen = named_recipe(
        recipe,
        epochs=epochs,
        batch_size=batch_size,
        lr=lr,
        optimizer=optimizer,
        schedule=schedule,
        init=init,
        weight_decay=weight_decay,
    )
    _check_name(run)
    network, dataset = pair(
        network_of(net),
        net,
        data,
        data_dir,
        size=size,
        gray=gray,
        rgb=rgb,
        skip_bad=skip_bad,
    )
    training = Training(network, dataset, chosen, seed, threads)
    if dry_run:
        print_dry_run(training, net, json)
        return
    stem = f"{training.data.name}-{name_of(net) or 'custom'}"
    if run:
        folder = Run(Path("runs") / run, tensorboard)
    else:
        folder = Run.numbered("runs", stem, tensorboard)
    display = Display(chosen.epochs, lines=not (json or quiet), bar=not quiet)
    try:
        if not (json or quiet):
            print_header(training, net)
        carry_out(training, folder, display)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(_interrupted(training, folder)) from None
    finally:
        display.close()
        folder.discard()  # a run that never began leaves none
    if json:
        print_json(_result(training, folder))
        return
    if not quiet:
        print()
    _print_footer(training, folder)


def _check_name(name: str | None) -> None:
    from lenet.errors import UsageError

    if name is not None and (name.strip() in ("", ".", "..") or set(name) & set("/\\\0")):
        raise UsageError(
            f"--run is {name!r}; it must be the name of one folder under runs/, without slashes."
        )


def _print_footer(training: Training, folder: Run) -> None:
    last = training.history[-1]
    print(
        f"{percent(last.test_accuracy)} of {len(training.data.test):,} test images in "
        f"{training.seconds:.1f} s of training. Saved {folder.folder}/"
    )
    rows = [
        ("look at it", _page(folder)),
        ("use it", f"lenet predict {folder.model} your-image.png"),
        ("test it", f"lenet evaluate {folder.model} {_shell(training.data)}"),
    ]
    if training.data.name == "digits" and not training.data.source:
        rows.append(("the real thing", "lenet train mnist"))
    for what, how in rows:
        print(f"  {what:<15} {how}")


def _page(folder: Run) -> str:
    if folder.no_page:
        return f"no page could be made: {folder.no_page}"
    return f"open {folder.folder}/report.html"


def _shell(data: Dataset) -> str:
    """The data as one types them."""
    return shlex.quote(data.source or data.name)


def _interrupted(training: Training, folder: Run) -> str:
    done = len(training.history)
    saved = folder.model.exists()  # not if a second Ctrl-C stopped the saving
    weights = f"the weights so far are in {folder.model}" if saved else "nothing is saved"
    return f"stopped by Ctrl-C after {done} of {training.recipe.epochs} epochs; {weights}."


def _result(training: Training, folder: Run) -> dict[str, Any]:
    from lenet.training.run import summary

    return {
        **summary(training, "finished"),
        "run": str(folder.folder),
        "model": str(folder.model),
    }
