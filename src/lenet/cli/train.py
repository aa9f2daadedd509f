"""``lenet train``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lenet.cli.output import percent, print_json

if TYPE_CHECKING:
    from lenet.cli.progress import Display
    from lenet.net import Network
    from lenet.training import Recipe, Run, Training


def run(
    data: str | None = None,
    /,
    *,
    net: str | None = None,
    recipe: str | None = None,
    seed: int | None = None,
    threads: int | None = None,
    data_dir: Path | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    lr: float | None = None,
    optimizer: str | None = None,
    schedule: str | None = None,
    init: str | None = None,
    weight_decay: float | None = None,
    balance: bool = False,
    set: list[str] | None = None,
    run: str | None = None,
    resume: Path | None = None,
    checkpoint_seconds: float | None = None,
    json: bool = False,
    quiet: bool = False,
) -> None:
    """Train a network; with no arguments, on the digits inside the package.

    Parameters
    ----------
    data
        digits (inside the package), mnist or fashion-mnist (downloaded once); digits by default.
    net
        A zoo name, a notation or a .json file; by default the recipe's, or lenet-relu.
    recipe
        modern (the default), seed (the original article's: plain SGD, rate 2.5) or a .toml file.
    seed
        Decides first weights and order: same seed, same result, bit for bit; 0 by default.
    threads
        How many to use; all processors by default. The result does not depend on it.
    data_dir
        Folder that has the IDX files already, compressed or not.

    Values of the recipe
    --------------------
    epochs
        Passes over the training images.
    batch_size
        Images a step.
    lr
        Learning rate; where it changes, its peak.
    optimizer
        sgd, momentum, nesterov or adamw.
    schedule
        constant, one-cycle, cosine or step.
    init
        First weights: normal:0.2, xavier or kaiming.
    weight_decay
        Pull of the weights towards zero.
    balance
        Let images of rare classes weigh more.
    set
        Any other value, NAME=VALUE, such as validation=0.1; repeat it for more.

    The run
    -------
    run
        Name of the folder under runs/; numbered by itself otherwise. Never overwritten.
    resume
        Folder of a run that was stopped or killed: go on, to the same final weights.
    checkpoint_seconds
        Of training between two checkpoints within an epoch; 60 by default.
    json
        Print one JSON object instead.
    quiet
        Print nothing but the last lines.
    """
    from lenet.cli.progress import Display
    from lenet.training import CHECKPOINT_SECONDS

    values = {
        "epochs": epochs,
        "batch_size": batch_size,
        "lr": lr,
        "optimizer": optimizer,
        "schedule": schedule,
        "init": init,
        "weight_decay": weight_decay,
        "balance": balance or None,
    }
    source = {"source": data, "data_dir": data_dir}
    pace = CHECKPOINT_SECONDS if checkpoint_seconds is None else checkpoint_seconds
    if resume is not None:
        given = {"net": net, "recipe": recipe, "seed": seed, "run": run, "set": set, **values}
        found = _reopened(resume, given, _plain(source), threads, pace)
        if found is None:
            _print_finished(resume, json)
            return
        training, folder = found
    else:
        chosen = _recipe(recipe or "modern", data or "digits", values, set or [])
        training, folder = _begun(net, chosen, seed or 0, threads, run, _plain(source), pace)
    display = Display(training.recipe.epochs, lines=not (json or quiet), bar=not quiet)
    _carry_out(training, folder, display, header=not (json or quiet))
    if json:
        print_json(_result(training, folder))
        return
    if not quiet:
        print()
    _print_footer(training, folder)


def _recipe(name: str, data: str, values: dict[str, Any], settings: list[str]) -> Recipe:
    from lenet.errors import UsageError
    from lenet.training import named_recipe
    from lenet.training.recipe_file import read_settings

    more = read_settings(settings)
    twice = [each for each, value in values.items() if value is not None and each in more]
    if twice:
        option = twice[0].replace("_", "-")
        raise UsageError(f"{twice[0]} is given by --{option} and by --set; give it once.")
    return named_recipe(name, data=data, **{**values, **more})


def _begun(
    net: str | None,
    recipe: Recipe,
    seed: int,
    threads: int | None,
    name: str | None,
    source: dict[str, str],
    pace: float,
) -> tuple[Training, Run]:
    from lenet.cli.networks import network_of
    from lenet.data import load
    from lenet.net import name_of
    from lenet.training import DEFAULT_NET, Run, Training
    from lenet.training.run import check_seconds

    named = net if net is not None else recipe.net or DEFAULT_NET
    network = network_of(named)
    _check_name(name)
    check_seconds(pace)
    source = {"source": "digits", **source}
    training = Training(network, load(**source), recipe, seed, threads)
    if name:
        return training, Run(Path("runs") / name, _from_anywhere(source), pace)
    stem = f"{training.data.name}-{name_of(named) or _zoo_name(network) or 'custom'}"
    return training, Run.numbered("runs", stem, _from_anywhere(source), pace)


def _reopened(
    folder: Path,
    given: dict[str, Any],
    source: dict[str, str],
    threads: int | None,
    pace: float,
) -> tuple[Training, Run] | None:
    import sys

    from lenet.errors import UsageError
    from lenet.training import reopen

    if extra := [name for name, value in given.items() if value is not None]:
        option = extra[0].replace("_", "-")
        raise UsageError(
            f"--resume goes on with the run's own network, recipe and seed; leave --{option} out."
        )
    resumed = reopen(folder, None, threads, pace, _from_anywhere(source))
    if resumed is None:
        return None
    for note in resumed.notes:
        print(f"lenet: {note}", file=sys.stderr)
    return resumed.training, resumed.run


def _carry_out(training: Training, folder: Run, display: Display, header: bool) -> None:
    from lenet.training import carry_out

    try:
        if header:
            _print_header(training)
        carry_out(training, folder, display)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(_interrupted(training, folder)) from None
    finally:
        folder.discard()  # if it never began: nobody read even the first lines
        display.close()


def _from_anywhere(source: dict[str, str]) -> dict[str, str]:
    """The same when the run is resumed in another folder."""
    import os

    return {
        name: os.path.abspath(text) if name == "data_dir" else text for name, text in source.items()
    }


def _zoo_name(network: Network) -> str:
    from lenet.net import zoo

    return next((name for name in zoo.names() if zoo.get(name) == network), "")


def _plain(source: dict[str, Any]) -> dict[str, str]:
    """What is given of it, as text."""
    return {name: str(value) for name, value in source.items() if value is not None}


def _check_name(name: str | None) -> None:
    from lenet.errors import UsageError

    if name is not None and (name.strip() in ("", ".", "..") or set(name) & set("/\\\0")):
        raise UsageError(
            f"--run is {name!r}; it must be the name of one folder under runs/, without slashes."
        )


def _print_header(training: Training) -> None:
    from lenet.anatomy import explain

    network = training.model.network
    name = _zoo_name(network) or str(network)
    report = explain(network)
    layers, threads = report.layer_count, training.engine.threads
    print(training.data.summary())
    print(
        f"{name} · {layers} layer{'s' * (layers != 1)} ({report.count('conv')} conv + "
        f"{report.count('dense')} dense) · {training.model.plan.parameters:,} parameters · "
        f"{training.engine.name}, {threads} thread{'s' * (threads > 1)}"
    )
    epochs, steps = training.place
    if epochs or steps:
        print(f"going on after epoch {epochs}" + f", step {steps:,}" * bool(steps))
    print(flush=True)


def _print_footer(training: Training, folder: Run) -> None:
    from lenet.training.history import best_epoch

    kept, done = training.history[-1], len(training.history)
    if training.stops_early:
        best = best_epoch(training.history)
        print(f"stopped after epoch {done}: no lower validation loss since epoch {best}.")
    if training.recipe.keep == "best":
        kept = training.history[(best_epoch(training.history) or done) - 1]
        print(f"kept epoch {kept.epoch}, whose validation loss is the lowest.")
    print(
        f"{percent(kept.test_accuracy)} of {len(training.data.test):,} test images in "
        f"{training.seconds:.1f} s of training. Saved {folder.folder}/"
    )
    rows = [
        ("look at it", f"{folder.folder}/learning-curve.png"),
        ("use it", f"lenet predict {folder.model} your-image.png"),
        ("test it", f"lenet evaluate {folder.model} {training.data.name}"),
    ]
    if training.data.name == "digits":
        rows.append(("the real thing", "lenet train mnist"))
    for what, how in rows:
        print(f"  {what:<15} {how}")


def _print_finished(folder: Path, json: bool) -> None:
    from lenet.training import kept_model, read_info

    info = read_info(folder)
    if json:
        print_json({**info, "run": str(folder), "model": str(kept_model(folder))})
        return
    accuracy = info.get("test_accuracy")
    reached = f" with {percent(accuracy)} of the test images" if isinstance(accuracy, float) else ""
    print(f"{folder}/ is finished{reached}; there is nothing left to do.")


def _interrupted(training: Training, folder: Run) -> str:
    done = len(training.history)
    saved = folder.model.exists()  # not if a second Ctrl-C stopped the saving
    weights = f"the weights so far are in {folder.model}" if saved else "nothing is saved"
    return (
        f"stopped by Ctrl-C after {done} of {training.recipe.epochs} epochs; {weights}; "
        f"{folder.command} goes on."
    )


def _result(training: Training, folder: Run) -> dict[str, Any]:
    from lenet.training import details

    return {
        **details(training, "finished", folder.model.name),
        "run": str(folder.folder),
        "model": str(folder.model),
    }
