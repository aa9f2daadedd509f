"""``lenet train``."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lenet.cli import options
from lenet.cli.material import print_dry_run, print_header
from lenet.cli.options import argument, flag, option, verb
from lenet.cli.output import print_json
from lenet.writing.numbers import percent

if TYPE_CHECKING:
    from lenet.data import Dataset
    from lenet.net import Network
    from lenet.training import Recipe, Run, Training

#: Sections of the help.
OWN: Final = "Pictures of your own"
RECIPE: Final = "Values of the recipe"
RUN: Final = "The run"


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
    "modern (the default), seed (the original article's: plain SGD, rate 2.5), best (the network "
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
    "Any other value, NAME=VALUE, such as validation=0.1; repeat it for more.",
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
    net: str | None,
    recipe: str | None,
    seed: int | None,
    threads: int | None,
    data_dir: Path | None,
    dry_run: bool,
    size: str | None,
    gray: bool,
    rgb: bool,
    skip_bad: bool,
    epochs: int | None,
    batch_size: int | None,
    lr: float | None,
    optimizer: str | None,
    schedule: str | None,
    init: str | None,
    weight_decay: float | None,
    balance: bool,
    set: tuple[str, ...],
    run: str | None,
    resume: Path | None,
    checkpoint_seconds: float | None,
    tensorboard: bool,
    json: bool,
    quiet: bool,
) -> None:
    """Train a network; with no arguments, on the digits inside the package."""
    import sys

    from lenet.cli.progress import Display
    from lenet.net import is_model_file, read_network
    from lenet.training import CHECKPOINT_SECONDS, DEFAULT_NET, Training, carry_out, pair
    from lenet.training.pairing import arguments, lasting
    from lenet.training.run import check_seconds

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
    wishes: dict[str, Any] = {"size": size, "gray": gray, "rgb": rgb, "skip_bad": skip_bad}
    pace = CHECKPOINT_SECONDS if checkpoint_seconds is None else checkpoint_seconds
    source = "digits" if data is None else data
    if resume is not None:
        given = {
            "net": net,
            "recipe": recipe,
            "seed": seed,
            "run": run,
            "set": set or None,
            **values,
        }
        switches = {**wishes, "dry_run": dry_run, "tensorboard": tensorboard}
        given |= {name: value or None for name, value in switches.items()}
        found = _reopened(resume, given, data, data_dir, threads, pace)
        if found is None:
            _print_finished(resume, json)
            return
        training, folder = found
        named = _zoo_name(training.model.network)
    else:
        chosen = _recipe("modern" if recipe is None else recipe, source, values, set)
        named = net if net is not None else chosen.net or DEFAULT_NET
        _check_name(run)
        check_seconds(pace)
        network = read_network(named)
        if is_model_file(named) and not (json or quiet):
            print(
                f"lenet: {named} gives its layers alone; their weights begin anew.", file=sys.stderr
            )
        material = arguments(network, named, source, data_dir, **wishes)
        training = Training(
            *pair(network, named, source, data_dir, **wishes), chosen, seed or 0, threads
        )
        if dry_run:
            print_dry_run(training, named, json)
            return
        stem = run or _stem(training, net, named, recipe)
        folder = _folder(stem, not run, lasting(material), pace, tensorboard)
    display = Display(training.recipe.epochs, lines=not (json or quiet), bar=not quiet)
    try:
        if not (json or quiet):
            print_header(training, named)
            _print_place(training)
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
    _print_footer(training, folder, data_dir)


def _recipe(name: str, data: str, values: dict[str, Any], settings: Sequence[str]) -> Recipe:
    from lenet.errors import UsageError
    from lenet.training import named_recipe
    from lenet.training.recipe_file import read_settings

    more = read_settings(settings)
    twice = [each for each, value in values.items() if value is not None and each in more]
    if twice:
        option = twice[0].replace("_", "-")
        raise UsageError(f"{twice[0]} is given by --{option} and by --set; give it once.")
    return named_recipe(name, data=data, **{**values, **more})


def _stem(training: Training, net: str | None, named: str, recipe: str | None) -> str:
    """What a run is called: its data, then the network and the recipe that a person named, and if
    none is, the network that is trained by default."""
    from lenet.net import name_of
    from lenet.training.recipe_file import stem_of

    words = [training.data.name]
    if net is not None or recipe is None:
        words.append(name_of(named) or _zoo_name(training.model.network) or "custom")
    if recipe is not None:
        words.append(stem_of(recipe))
    return "-".join(filter(None, words))


def _folder(
    stem: str, numbered: bool, material: dict[str, Any], pace: float, tensorboard: bool
) -> Run:
    from lenet.training import Run

    if numbered:
        return Run.numbered("runs", stem, material, pace, tensorboard)
    return Run(Path("runs") / stem, material, pace, tensorboard)


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
    from lenet.training import reopen
    from lenet.training.pairing import lasting

    if extra := [name for name, value in given.items() if value is not None]:
        option = extra[0].replace("_", "-")
        raise UsageError(
            f"--resume goes on with the run's own network, recipe and seed; leave --{option} out."
        )
    moved = {"source": data, "data_dir": data_dir}
    moved = lasting({name: value for name, value in moved.items() if value is not None})
    resumed = reopen(folder, None, threads, pace, moved)
    if resumed is None:
        return None
    for note in resumed.notes:
        print(f"lenet: {note}", file=sys.stderr)
    return resumed.training, resumed.run


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


def _print_place(training: Training) -> None:
    epochs, steps = training.place
    if epochs or steps:
        print(f"going on after epoch {epochs}" + f", step {steps:,}" * bool(steps), flush=True)


def _print_footer(training: Training, folder: Run, data_dir: Path | None) -> None:
    from lenet.training.history import best_epoch

    kept, done = training.history[-1], len(training.history)
    if training.stops_early:
        best = best_epoch(training.history)
        print(f"stopped after epoch {done}: no lower validation loss since epoch {best}.")
    if training.recipe.keep == "best":
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
    return f"open {shlex.quote(str(folder.folder / 'report.html'))}"


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
    from lenet.training import kept_model, read_info

    info = read_info(folder)
    if json:
        print_json({**info, "run": str(folder), "model": str(kept_model(folder))})
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
    from lenet.training import details

    return {
        **details(training, "finished", folder.model.name),
        "run": str(folder.folder),
        "model": str(folder.model),
    }
