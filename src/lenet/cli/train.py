"""``lenet train``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lenet.cli.material import print_dry_run, print_header
from lenet.cli.output import print_json
from lenet.writing.numbers import percent

if TYPE_CHECKING:
    from lenet.data import Dataset
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
    dry_run: bool = False,
    size: str | None = None,
    gray: bool = False,
    rgb: bool = False,
    skip_bad: bool = False,
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
    tensorboard: bool = False,
    json: bool = False,
    quiet: bool = False,
) -> None:
    """Train a network; with no arguments, on the digits inside the package.

    Parameters
    ----------
    data
        digits (inside the package, the default), mnist or fashion-mnist (downloaded once); or
        pictures of your own: a folder with a folder a class, a .csv of path,label or of pixels, an
        .npz.
    net
        A zoo name, a notation or a .json file; by default the recipe's, or lenet-relu. One of the
        zoo is fitted to pictures of your own.
    recipe
        modern (the default), original (the article's: plain SGD, rate 2.5), best (the network
        compact, long, on augmented images), best-lenet and best-tiny (the same for LeNet's layers
        and for tiny) or a .toml file.
    seed
        Decides first weights and order: same seed, same result, bit for bit; 0 by default.
    threads
        How many to use; all processors by default. The result does not depend on it.
    data_dir
        Folder that has the IDX files already, compressed or not.
    dry_run
        Show the data and the network, and train nothing.

    Pictures of your own
    --------------------
    size
        28, or height x width, 28x32. Theirs by default, 64 at most.
    gray
        Make them grey.
    rgb
        Make them RGB.
    skip_bad
        Leave out files that cannot be read.

    Values of the recipe
    --------------------
    epochs
        Passes over the training images.
    batch_size
        Images per step.
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
        Any other value, NAME=VALUE, such as validation_fraction=0.1; repeat it for more.

    The run
    -------
    run
        Name of the folder under runs/; otherwise the data's with the network's and recipe's, as far
        as they are given, and a number. Never overwritten.
    resume
        Folder of a run that was stopped or killed: go on, to the same final weights.
    checkpoint_seconds
        Of training between two checkpoints within an epoch; 60 by default.
    tensorboard
        Write files for TensorBoard into the run's folder too; needs the package tensorboard.
    json
        Print one JSON object instead.
    quiet
        Print nothing but the last lines.
    """
    import sys

    from lenet.cli.networks import network_of
    from lenet.cli.progress import Display
    from lenet.data import load
    from lenet.net import is_model_file, zoo_name_of
    from lenet.trainer import DEFAULT_NETWORK, run_training
    from lenet.training import CHECKPOINT_SECONDS, Training
    from lenet.training.preparation import fit_network, load_arguments, with_absolute_paths
    from lenet.training.run import check_seconds

    values = {
        "epochs": epochs,
        "batch_size": batch_size,
        "lr": lr,
        "optimizer": optimizer,
        "schedule": schedule,
        "init": init,
        "weight_decay": weight_decay,
        "class_weight": "balanced" if balance else None,
    }
    wishes: dict[str, Any] = {"size": size, "gray": gray, "rgb": rgb, "skip_bad": skip_bad}
    pace = CHECKPOINT_SECONDS if checkpoint_seconds is None else checkpoint_seconds
    source = "digits" if data is None else data
    if resume is not None:
        given = {"net": net, "recipe": recipe, "seed": seed, "run": run, "set": set, **values}
        del given["class_weight"]
        switches = {**wishes, "balance": balance, "dry_run": dry_run, "tensorboard": tensorboard}
        given |= {name: value or None for name, value in switches.items()}
        found = _reopened(resume, given, data, data_dir, threads, pace)
        if found is None:
            _print_finished(resume, json)
            return
        training, folder = found
        named = zoo_name_of(training.model.network)
    else:
        chosen = _recipe("modern" if recipe is None else recipe, source, values, set or [])
        named = net if net is not None else chosen.network or DEFAULT_NETWORK
        _check_name(run)
        check_seconds(pace)
        network = network_of(named)
        if is_model_file(named) and not (json or quiet):
            print(
                f"lenet: {named} gives its layers alone; their weights begin anew.", file=sys.stderr
            )
        arguments = load_arguments(network, source, data_dir, **wishes)
        dataset = load(**arguments)
        fitted = fit_network(network, dataset)
        training = Training(fitted, dataset, chosen, seed or 0, threads)
        if dry_run:
            print_dry_run(training, named, json)
            return
        stem = run or _stem(training, net, named, recipe)
        folder = _folder(stem, not run, with_absolute_paths(arguments), pace, tensorboard)
    display = Display(training.recipe.epochs, lines=not (json or quiet), bar=not quiet)
    try:
        if not (json or quiet):
            print_header(training, named)
            _print_place(training)
        run_training(training, folder, display)
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
    _print_footer(training, folder, data_dir)


def _recipe(name: str, data: str, values: dict[str, Any], settings: list[str]) -> Recipe:
    from lenet.errors import UsageError
    from lenet.training import named_recipe
    from lenet.training.recipe_file import read_settings

    more = read_settings(settings)
    twice = [each for each, value in values.items() if value is not None and each in more]
    if twice:
        option = "balance" if twice[0] == "class_weight" else twice[0].replace("_", "-")
        raise UsageError(f"{twice[0]} is given by --{option} and by --set; give it once.")
    return named_recipe(_current_name(name), data=data, **{**values, **more})


def _current_name(name: str) -> str:
    """The recipe's name of today; says so where that is another."""
    import sys

    from lenet.training.recipe_file import FORMER_RECIPES

    current = FORMER_RECIPES.get(name.strip().lower(), name)
    if current != name:
        print(f"lenet: the recipe {name.strip()} is called {current} now.", file=sys.stderr)
    return current


def _stem(training: Training, net: str | None, named: str, recipe: str | None) -> str:
    """What a run is called: its data, then the network and the recipe that a person named, and if
    none is, the network that is trained by default."""
    from lenet.net import name_of, zoo_name_of
    from lenet.training.recipe_file import FORMER_RECIPES, stem_of

    words = [training.data.name]
    if net is not None or recipe is None:
        words.append(name_of(named) or zoo_name_of(training.model.network) or "custom")
    if recipe is not None:
        words.append(stem_of(FORMER_RECIPES.get(stem_of(recipe), recipe)))
    return "-".join(filter(None, words))


def _folder(
    stem: str, numbered: bool, material: dict[str, Any], pace: float, tensorboard: bool
) -> Run:
    from lenet.run_folder import ROOT
    from lenet.training import Run

    options: dict[str, Any] = {"checkpoint_seconds": pace, "tensorboard": tensorboard}
    if numbered:
        return Run.numbered(ROOT, stem, material, **options)
    return Run(Path(ROOT) / stem, material, **options)


def _reopened(
    folder: Path,
    given: dict[str, Any],
    data: str | None,
    data_dir: Path | None,
    threads: int | None,
    pace: float,
) -> tuple[Training, Run] | None:
    import sys

    from lenet.errors import UsageError
    from lenet.training import resume_run
    from lenet.training.preparation import with_absolute_paths

    if extra := [name for name, value in given.items() if value is not None]:
        option = extra[0].replace("_", "-")
        raise UsageError(
            f"--resume goes on with the run's own network, recipe and seed; leave --{option} out."
        )
    moved = {"source": data, "data_dir": data_dir}
    moved = with_absolute_paths({name: value for name, value in moved.items() if value is not None})
    resumed = resume_run(folder, threads=threads, checkpoint_seconds=pace, load_arguments=moved)
    if resumed is None:
        return None
    for note in resumed.notes:
        print(f"lenet: {note}", file=sys.stderr)
    return resumed.training, resumed.run


def _check_name(name: str | None) -> None:
    from lenet.errors import UsageError

    if name is not None and (name.strip() in ("", ".", "..") or set(name) & set("/\\\0")):
        raise UsageError(
            f"--run is {name!r}; it must be the name of one folder under runs/, without slashes."
        )


def _print_place(training: Training) -> None:
    epochs, steps = training.place
    if epochs or steps:
        print(f"going on after epoch {epochs}" + f", step {steps:,}" * bool(steps), flush=True)


def _print_footer(training: Training, folder: Run, data_dir: Path | None) -> None:
    from lenet.training import best_epoch

    kept, done = training.history[-1], len(training.history)
    if training.stops_early:
        best = best_epoch(training.history)
        print(f"stopped after epoch {done}: no lower validation loss since epoch {best}.")
    if training.recipe.restore_best:
        kept = training.history[(best_epoch(training.history) or done) - 1]
        print(f"kept epoch {kept.epoch}, whose validation loss is the lowest.")
    assert kept.test_accuracy is not None  # data that are loaded have a test part
    print(
        f"{percent(kept.test_accuracy)} of {len(training.data.tested):,} test images in "
        f"{training.seconds:.1f} s of training. Saved {folder.folder}/"
    )
    if _is_guessing(training, kept.test_accuracy):
        print(
            "That is hardly better than guessing: try a smaller --lr, another --init or --recipe."
        )
    model, where = shlex.quote(str(folder.model)), _shell(training.data)
    where += f" --data-dir {shlex.quote(str(data_dir))}" if data_dir else ""
    rows = [
        ("look at it", _page(folder)),
        ("use it", f"lenet predict {model} your-image.png"),
        ("test it", f"lenet evaluate {model} {where}"),
    ]
    if training.data.name == "digits" and not training.data.source:
        rows.append(("the real thing", "lenet train mnist"))
    for what, how in rows:
        print(f"  {what:<15} {how}")


def _page(folder: Run) -> str:
    if folder.no_page:
        return f"no page could be made: {folder.no_page}"
    from lenet.run_folder import PAGE

    return f"open {shlex.quote(str(folder.folder / PAGE))}"


def _is_guessing(training: Training, accuracy: float) -> bool:
    """Is it within a tenth of the way of always naming the most frequent class?"""
    from collections import Counter

    labels = Counter(training.data.tested.labels.tolist())
    chance = max(labels.values()) / labels.total()
    return accuracy < chance + 0.1 * (1 - chance)


def _shell(data: Dataset) -> str:
    """The data as one types them."""
    return shlex.quote(data.source or data.name)


def _print_finished(folder: Path, json: bool) -> None:
    from lenet.run_folder import read_run

    record = read_run(folder)
    info = record.info
    if json:
        print_json({**info, "run": str(folder), "model": str(record.model)})
        return
    accuracy = info.get("test_accuracy")
    reached = f" with {percent(accuracy)} of the test images" if isinstance(accuracy, float) else ""
    print(f"{folder}/ is finished{reached}; there is nothing left to do.")


def _interrupted(training: Training, folder: Run) -> str:
    stopped = f"stopped by Ctrl-C after {len(training.history)} of {training.recipe.epochs} epochs"
    if not folder.model.exists():  # a second Ctrl-C stopped the saving, or nothing was begun
        return f"{stopped}; nothing is saved."
    return f"{stopped}; the weights so far are in {folder.model}; {folder.command} goes on."


def _result(training: Training, folder: Run) -> dict[str, Any]:
    return {
        **training.details("finished", folder.keeps_best),
        "run": str(folder.folder),
        "model": str(folder.model),
    }
