"""``lenet train``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lenet.cli.output import percent, print_json

if TYPE_CHECKING:
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
) -> None:
    """Train a network; with no arguments, on the digits inside the package.

    Parameters
    ----------
    data
        digits (inside the package), mnist or fashion-mnist (downloaded once).
    net
        A zoo name, a notation or a .json file.
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
    """
    from lenet.cli.networks import network_of
    from lenet.cli.progress import Display
    from lenet.data import load
    from lenet.net import name_of
    from lenet.training import Run, Training, carry_out, named_recipe

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
    network = network_of(net)
    _check_name(run)
    training = Training(network, load(data, data_dir), chosen, seed, threads)
    stem = f"{training.data.name}-{name_of(net) or 'custom'}"
    if run:
        folder = Run(Path("runs") / run, tensorboard)
    else:
        folder = Run.numbered("runs", stem, tensorboard)
    display = Display(chosen.epochs, lines=not (json or quiet), bar=not quiet)
    try:
        if not (json or quiet):
            _print_header(training, name_of(net) or str(network))
        carry_out(training, folder, display)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(_interrupted(training, folder)) from None
    except OSError:  # nobody reads the first lines: a run that never began leaves no folder
        folder.discard()
        raise
    finally:
        display.close()
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


def _print_header(training: Training, name: str) -> None:
    from lenet.anatomy import explain

    report = explain(training.model.network)
    layers, threads = report.layer_count, training.engine.threads
    print(training.data.summary())
    print(
        f"{name} · {layers} layer{'s' * (layers != 1)} ({report.count('conv')} conv + "
        f"{report.count('dense')} dense) · {training.model.plan.parameters:,} parameters · "
        f"{training.engine.name}, {threads} thread{'s' * (threads > 1)}\n",
        flush=True,
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
        ("test it", f"lenet evaluate {folder.model} {training.data.name}"),
    ]
    if training.data.name == "digits":
        rows.append(("the real thing", "lenet train mnist"))
    for what, how in rows:
        print(f"  {what:<15} {how}")


def _page(folder: Run) -> str:
    if folder.no_page:
        return f"no page could be made: {folder.no_page}"
    return f"open {folder.folder}/report.html"


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
