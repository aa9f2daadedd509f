"""``lenet train``."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lenet.cli import options
from lenet.cli.material import print_dry_run, print_header
from lenet.cli.options import argument, flag, option, verb
from lenet.cli.output import print_json
from lenet.errors import UsageError
from lenet.net import is_model_file, name_of, read_network, zoo_name_of
from lenet.writing.numbers import percent

if TYPE_CHECKING:
    from lenet.training import Recipe, Run, Training

#: Sections of the help.
OWN: Final = "Pictures of your own"
RECIPE: Final = "Values of the recipe"
RUN: Final = "The run"
#: Values of the recipe that have an option with a value.
RECIPE_OPTIONS: Final = (
    *("epochs", "batch_size", "lr", "optimizer", "schedule", "init", "weight_decay"),
)


@verb
@argument(
    "data",
    "digits (inside the package, the default), mnist or fashion-mnist (downloaded once); or "
    "pictures of your own: a folder with one folder per class, a .csv of path,label or of pixels, "
    "an .npz.",
    required=False,
)
@option(
    "--net",
    "A zoo name, a notation or a .json file; by default the recipe's, or lenet-relu. One of the "
    "zoo is fitted to pictures of your own.",
)
@option(
    "--recipe",
    "modern (the default), original (the article's: plain SGD, rate 2.5), best (the network "
    "compact, long, on augmented images), best-lenet and best-tiny (the same for LeNet's layers "
    "and for tiny) or a .toml file.",
)
@option(
    "--seed",
    "Decides first weights and order: same seed, same result, bit for bit; 0 by default.",
    int,
)
@option(
    "--threads",
    "How many to use; all processors by default. The result does not depend on it.",
    int,
)
@options.data_dir
@flag("--dry-run", "Show the data and the network, and train nothing.")
@option("--size", "28, or height x width, 28x32. Theirs by default, 64 at most.", section=OWN)
@flag("--gray", "Make them grey.", section=OWN)
@flag("--rgb", "Make them RGB.", section=OWN)
@flag("--skip-bad", "Leave out files that cannot be read.", section=OWN)
@option("--epochs", "Passes over the training images.", int, section=RECIPE)
@option("--batch-size", "Images per step.", int, section=RECIPE)
@option("--lr", "Learning rate; where it changes, its peak.", float, section=RECIPE)
@option("--optimizer", "sgd, momentum, nesterov or adamw.", section=RECIPE)
@option("--schedule", "constant, one-cycle, cosine or step.", section=RECIPE)
@option("--init", "First weights: normal:0.2, xavier or kaiming.", section=RECIPE)
@option("--weight-decay", "Pull of the weights towards zero.", float, section=RECIPE)
@flag("--balance", "Let images of rare classes weigh more.", section=RECIPE)
@option(
    "--set",
    "Any other value, NAME=VALUE, such as validation_fraction=0.1; repeat it for more.",
    section=RECIPE,
    multiple=True,
)
@option(
    "--run",
    "Name of the folder under runs/; otherwise the data's with the network's and recipe's, as far "
    "as they are given, and a number. Never overwritten.",
    section=RUN,
)
@option(
    "--resume",
    "Folder of a run that was stopped or killed: go on, to the same final weights.",
    Path,
    section=RUN,
)
@option(
    "--checkpoint-seconds",
    "Of training between two checkpoints within an epoch; 60 by default.",
    float,
    section=RUN,
)
@flag(
    "--tensorboard",
    "Write files for TensorBoard into the run's folder too; needs the package tensorboard.",
    section=RUN,
)
@flag("--json", "Print one JSON object instead.", section=RUN)
@flag("--quiet", "Print nothing but the last lines.", section=RUN)
def train(
    data: str | None,
    data_dir: Path | None,
    threads: int | None,
    dry_run: bool,
    resume: Path | None,
    checkpoint_seconds: float | None,
    json: bool,
    quiet: bool,
    **given: Any,
) -> None:
    """Train a network; with no arguments, on the digits inside the package."""
    from lenet.cli.progress import Display
    from lenet.trainer import run_training
    from lenet.training import CHECKPOINT_SECONDS

    pace = CHECKPOINT_SECONDS if checkpoint_seconds is None else checkpoint_seconds
    is_silent = json or quiet
    if resume is not None:
        _check_alone({**given, "dry_run": dry_run})
        begun = _reopen(resume, data, data_dir, threads, pace)
        if begun is None:
            _print_finished(resume, json)
            return
        training, folder = begun
        named = zoo_name_of(training.model.network)
    else:
        source = "digits" if data is None else data
        training, named, material = _prepare(given, source, data_dir, threads, pace, is_silent)
        if dry_run:
            print_dry_run(training, named, json)
            return
        folder = _make_folder(training, named, given, material, pace)
    display = Display(training.recipe.epochs, lines=not is_silent, bar=not quiet)
    try:
        if not is_silent:
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


def _check_alone(given: dict[str, Any]) -> None:
    """Refuse what --resume takes from the run itself."""
    for name, value in given.items():
        if value is not None and value is not False and value != ():
            option = name.replace("_", "-")
            raise UsageError(
                "--resume goes on with the run's own network, recipe and seed; leave "
                f"--{option} out."
            )


def _reopen(
    folder: Path, data: str | None, data_dir: Path | None, threads: int | None, pace: float
) -> tuple[Training, Run] | None:
    from lenet.training import resume_run

    moved = {"source": data, "data_dir": data_dir}
    moved = {name: value for name, value in moved.items() if value is not None}
    resumed = resume_run(folder, threads=threads, checkpoint_seconds=pace, load_arguments=moved)
    if resumed is None:
        return None
    for note in resumed.notes:
        print(f"lenet: {note}", file=sys.stderr)
    return resumed.training, resumed.run


def _prepare(
    given: dict[str, Any],
    data: str,
    data_dir: Path | None,
    threads: int | None,
    pace: float,
    is_silent: bool,
) -> tuple[Training, str, dict[str, Any]]:
    """Return the training, what its network is named by, and how its data are loaded."""
    from lenet.data import load
    from lenet.trainer import DEFAULT_NETWORK
    from lenet.training import Training
    from lenet.training.preparation import fit_network, load_arguments
    from lenet.training.run import check_seconds

    recipe = _recipe(given, data)
    named = recipe.network or DEFAULT_NETWORK if given["net"] is None else given["net"]
    _check_name(given["run"])
    check_seconds(pace)
    network = read_network(named)
    if is_model_file(named) and not is_silent:
        print(f"lenet: {named} gives its layers alone; their weights begin anew.", file=sys.stderr)
    load_options = {name: given[name] for name in ("size", "gray", "rgb", "skip_bad")}
    arguments = load_arguments(network, data, data_dir, **load_options)
    dataset = load(**arguments)
    fitted = fit_network(network, dataset)
    training = Training(fitted, dataset, recipe, given["seed"] or 0, threads)
    return training, named, arguments


def _recipe(given: dict[str, Any], data: str) -> Recipe:
    from lenet.training import named_recipe
    from lenet.training.recipe import read_settings

    values = {name: given[name] for name in RECIPE_OPTIONS}
    values["class_weight"] = "balanced" if given["balance"] else None
    settings = read_settings(given["set"])
    for name, value in values.items():
        if value is not None and name in settings:
            option = "balance" if name == "class_weight" else name.replace("_", "-")
            raise UsageError(f"{name} is given by --{option} and by --set; give it once.")
    name = "modern" if given["recipe"] is None else _current_name(given["recipe"])
    return named_recipe(name, data=data, **{**values, **settings})


def _current_name(name: str) -> str:
    """Return the name that the recipe has today, and say so where it is another."""
    from lenet.training.recipe import FORMER_RECIPES

    current = FORMER_RECIPES.get(name.strip().lower(), name)
    if current != name:
        print(f"lenet: the recipe {name.strip()} is called {current} now.", file=sys.stderr)
    return current


def _check_name(name: str | None) -> None:
    if name is not None and (name.strip() in ("", ".", "..") or set(name) & set("/\\\0")):
        raise UsageError(
            f"--run is {name!r}; it must be the name of one folder under runs/, without slashes."
        )


def _make_folder(
    training: Training, named: str, given: dict[str, Any], material: dict[str, Any], pace: float
) -> Run:
    """Make the run's folder.

    Without a name of its own it is called by its data, then the network and the recipe that a
    person named, and if none is, the network that is trained by default; and it has a number.
    """
    from lenet.run_folder import ROOT
    from lenet.training import Run
    from lenet.training.recipe import FORMER_RECIPES, stem_of

    how: dict[str, Any] = {"checkpoint_seconds": pace, "tensorboard": given["tensorboard"]}
    if given["run"]:
        return Run(Path(ROOT) / given["run"], material, **how)
    words = [training.data.name]
    if given["net"] is not None or given["recipe"] is None:
        words.append(name_of(named) or zoo_name_of(training.model.network) or "custom")
    if given["recipe"] is not None:
        words.append(stem_of(FORMER_RECIPES.get(stem_of(given["recipe"]), given["recipe"])))
    stem = "-".join(filter(None, words))
    return Run.numbered(ROOT, stem, material, **how)


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
    model, where = (
        shlex.quote(str(folder.model)),
        shlex.quote(training.data.source or training.data.name),
    )
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
