"""``lenet train``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lenet.cli import options
from lenet.cli.choices import LOAD_OPTIONS, recipe_values, say
from lenet.cli.options import FLOAT, INT, PATH, argument, flag, option, print_json, verb
from lenet.errors import UsageError, visible
from lenet.optimizers import OPTIMIZERS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lenet.trainer import Begun
    from lenet.training import Run, Training

#: Sections of the help.
OWN: Final = options.OWN
RECIPE: Final = "Values of the recipe"
RUN: Final = "The run"
VARIANTS: Final = "Many runs"
#: Rows of classes above a training; ``--dry-run`` shows them all.
_ROWS: Final = 20


@verb
@argument(
    "data",
    "digits (inside the package, the default), mnist or fashion-mnist (downloaded once); or "
    "pictures of your own: a folder with one folder per class, a .csv of path,label or of pixels, "
    "an .npz, IDX files.",
    required=False,
)
@option(
    "--net",
    "A zoo name, a notation or a .json file; by default the recipe's, or lenet-relu. One of the "
    "zoo is fitted to pictures of your own. A saved model, a run or an .onnx file gives its layers "
    "alone.",
)
@option(
    "--recipe",
    "auto (the default: chosen by looking at pictures of your own, else modern), modern, original "
    "(the article's: plain SGD, rate 2.5), best (the network compact, long, on augmented images), "
    "best-lenet and best-tiny (the same for LeNet's layers and for tiny), lenet-5, "
    "lenet-5-distorted, lenet-4, lenet-1 (of 1998; for mnist) or a .toml file.",
)
@option("--minutes", "As many epochs as this machine trains in about this time.", FLOAT)
@flag("--quick", "A quarter of the recipe's epochs.")
@option("--seed", "Decides weights and order: the same seed, the same bits; 0 by default.", INT)
@option("--threads", "All processors by default. The result does not depend on it.", INT)
@option("--engine", "What computes: native by default, torch (PyTorch), or reference.")
@option("--device", "Device of --engine torch: cpu by default, cuda for a GPU.")
@options.data_dir
@flag("--dry-run", "Show the data and the network, and train nothing.")
@option(
    "--size",
    "28, or height x width, 28x32. Theirs by default, 32 at most and 28 at least.",
    section=OWN,
)
@flag("--gray", "Make them grey.", section=OWN)
@flag("--rgb", "Make them RGB.", section=OWN)
@flag("--skip-bad", "Leave out files that cannot be read.", section=OWN)
@options.transpose
@options.label_from_name
@options.group
@options.split_seed
@options.fit
@option("--epochs", "Passes over the training images.", INT, section=RECIPE)
@option("--batch-size", "Images per step.", INT, section=RECIPE)
@option("--lr", "Learning rate; where it changes, its peak.", FLOAT, section=RECIPE)
@option("--optimizer", f"One of {', '.join(OPTIMIZERS)}.", section=RECIPE)
@option("--schedule", "constant, one-cycle, cosine, step or listed.", section=RECIPE)
@option("--init", "First weights: normal:0.2, xavier, kaiming or lecun.", section=RECIPE)
@option("--weight-decay", "It pulls the weights towards zero.", FLOAT, section=RECIPE)
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
    "as they are given, and a number. A training never overwrites another. Many runs add to what "
    "their folder has, and its page shows the last command.",
    section=RUN,
)
@option(
    "--resume",
    "Folder of a run that was stopped or killed: go on, to the same final weights.",
    PATH,
    section=RUN,
)
@option(
    "--checkpoint-seconds",
    "Seconds between two checkpoints within an epoch; 60 by default.",
    FLOAT,
    section=RUN,
)
@flag(
    "--tensorboard",
    "Write files for TensorBoard into the run's folder too; needs the package tensorboard.",
    section=RUN,
)
@option(
    "--vary",
    "Compare variants: lr=0.5,1,2.5 or net=lenet,tiny; repeat it for all combinations. The same "
    "command goes on after a kill.",
    section=VARIANTS,
    multiple=True,
)
@option("--seeds", "Seeds that each variant is trained from; 5 by default.", INT, section=VARIANTS)
@option(
    "--folds",
    "Cross-validate: divide all images into so many parts, such as 5, and test each part by a "
    "network that is trained on the others. The same command goes on after a kill.",
    INT,
    section=VARIANTS,
)
@option(
    "--output",
    "With --folds: write all answers into this .csv or .parquet file.",
    PATH,
    section=VARIANTS,
)
@options.jobs(section=VARIANTS)
@options.on(section=VARIANTS)
@flag("--json", "Print one JSON object instead.", section=RUN)
@flag("--quiet", "Print nothing but the last lines.", section=RUN)
def train(*, resume: Path | None, json: bool, quiet: bool, **given: Any) -> None:
    """Train a network; with no arguments, on the digits inside the package."""
    from lenet.trainer import complete
    from lenet.training import CHECKPOINT_SECONDS

    if _are_many(given):
        from lenet.cli.studies import run_many

        run_many({**given, "resume": resume}, json, quiet)
        return
    if given["checkpoint_seconds"] is None:
        given["checkpoint_seconds"] = CHECKPOINT_SECONDS
    if resume is not None:
        reopened = _reopen(resume, given)
        if reopened is None:
            _print_finished(resume, json, complete(resume))
        else:
            _train(*reopened, json, quiet, given["data_dir"])
        return
    begun = _prepare(given)
    for note in () if json or quiet else begun.notes:
        say(note)
    if given["dry_run"]:
        _print_dry_run(begun, json)
    else:
        _train(begun, _make_folder(begun, given), json, quiet, given["data_dir"])


def _train(begun: Begun, folder: Run, json: bool, quiet: bool, data_dir: Path | None) -> None:
    """Train to the end, and say how it went."""
    from lenet.cli.progress import Display
    from lenet.reporting import verdict
    from lenet.run_folder import read_run
    from lenet.trainer import run_training

    training, is_silent = begun.training, json or quiet
    display = Display(training.recipe.epochs, lines=not is_silent, bar=not quiet)
    try:
        if not is_silent:
            print_header(begun)
        run_training(training, folder, display)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(_interrupted(training, folder)) from None
    finally:
        display.close()
        folder.discard()  # a run that never began leaves none
    if json:
        values = training.details("finished", folder.keeps_best)
        found = verdict.to_dict(read_run(folder.folder))
        print_json({**values, **found, "run": str(folder.folder), "model": str(folder.model)})
        return
    if not quiet:
        print()
    _print_footer(training, folder, data_dir)


def _are_many(given: dict[str, Any]) -> bool:
    """Return whether many trainings are asked for."""
    if given["folds"] is None and given["output"] is not None:
        raise UsageError("--output is for the answers of all folds; give --folds with it.")
    named = ("folds", "seeds", "jobs", "on")
    return bool(given["vary"]) or any(given[name] is not None for name in named)


def _reopen(folder: Path, given: dict[str, Any]) -> tuple[Begun, Run] | None:
    """Return the run as far as it came; None if it is finished."""
    from lenet.trainer import Begun
    from lenet.training import resume_run

    how = {name: given.pop(name) for name in ("threads", "checkpoint_seconds")}
    places = {"source": given.pop("data"), "data_dir": given["data_dir"]}
    for name, value in given.items():
        if name != "data_dir" and options.is_given(value):
            option = name.replace("_", "-")
            raise UsageError(
                "--resume goes on with the run's own network, recipe and seed; leave "
                f"--{option} out."
            )
    moved = {name: place for name, place in places.items() if place is not None}
    resumed = resume_run(folder, load_arguments=moved, **how)
    if resumed is None:
        return None
    for note in resumed.notes:
        say(note)
    return Begun(resumed.training, resumed.training.model.network), resumed.run


def _prepare(given: dict[str, Any]) -> Begun:
    """Read the data, and make all ready to train."""
    from lenet.trainer import begin
    from lenet.training.run import check_seconds

    data = "digits" if given["data"] is None else given["data"]
    options.check_run_name(given["run"])
    check_seconds(given["checkpoint_seconds"])
    how = {name: given[name] for name in (*LOAD_OPTIONS, "data_dir", "minutes", "quick")}
    recipe, values = recipe_values(given)
    others = given["seed"] or 0, given["threads"], _engine(given)
    return begin(given["net"], data, recipe, values, *others, **how)


def _engine(given: dict[str, Any]) -> str | None:
    """Return the name of the engine with its device, if one is given."""
    engine, device = given["engine"], given["device"]
    if device is not None and engine != "torch":
        raise UsageError("--device is PyTorch's; give --engine torch with it.")
    return engine if device is None else f"{engine}:{device}"


def _make_folder(begun: Begun, given: dict[str, Any]) -> Run:
    """Make the run's folder.

    Without a name of its own it is called by its data, then the network and the recipe that a
    person named, and if none is, the network that is trained by default; and it has a number.
    """
    from pathlib import Path

    from lenet.net import name_of, zoo_name_of
    from lenet.run_folder import ROOT
    from lenet.training import Run
    from lenet.training.recipe import AUTO, stem_of

    how = {name: given[name] for name in ("checkpoint_seconds", "tensorboard")}
    if given["run"]:
        return Run(Path(ROOT) / given["run"], begun.arguments, **how)
    words = [begun.training.data.name]
    if given["net"] is not None or given["recipe"] in (None, AUTO):
        words.append(name_of(begun.source) or zoo_name_of(begun.training.model.network) or "custom")
    if given["recipe"] not in (None, AUTO):
        words.append(stem_of(given["recipe"]))
    return Run.numbered(ROOT, "-".join(filter(None, words)), begun.arguments, **how)


def print_header(begun: Begun, rows: int | None = _ROWS) -> None:
    """Print the lines above a training; of data by path ``rows`` classes and what was noticed."""
    from lenet.analysis import explain
    from lenet.data import class_table
    from lenet.net import name_of, zoo
    from lenet.writing.numbers import plural

    training, name = begun.training, name_of(begun.source)
    data, network = training.data, training.model.network
    report, engine = explain(network), training.engine
    title = name or str(network)
    if name in zoo.names() and data.source:
        size = "x".join(map(str, network.input_shape))
        title = f"{name} for {len(data.classes)} classes of {size}"
    print(data.summary())
    print(
        f"{title} · {plural(report.layer_count, 'layer')} ({report.count('conv')} conv + "
        f"{report.count('dense')} dense) · {training.model.plan.parameters:,} parameters · "
        f"{engine.name}, {plural(engine.threads, 'thread')}\n",
        flush=True,
    )
    if data.source or rows is None:
        print(class_table(data, rows))
        for note in data.notes:
            print(f"- {note}")
        print(flush=True)
    if begun.choice is not None:
        print("chosen by looking at the images, as --recipe auto does:")
        for line in begun.chosen("--minutes 2 for more", "--quick for less"):
            print(f"  {line}", flush=True)
        print(flush=True)
    epochs, steps = training.place
    if epochs or steps:
        print(f"going on after epoch {epochs}" + f", step {steps:,}" * bool(steps), flush=True)


def _print_dry_run(begun: Begun, json: bool) -> None:
    """Print what a training would work with, and what its network would see."""
    training = begun.training
    data, seen = training.data, training.model.preprocessing
    if json:
        print_json(
            {
                "dataset": data.name,
                "source": data.source or None,
                "image_shape": list(data.image_shape),
                "classes": list(data.classes),
                "counts": data.class_counts,
                "notes": list(data.notes),
                "network": str(training.model.network),
                "parameters": training.model.plan.parameters,
                "preprocessing": seen.to_dict(),
                "recipe": training.recipe.to_dict(),
                "chosen": dict(begun.choice.reasons) if begun.choice else None,
            }
        )
        return
    print_header(begun, rows=None)
    shape = "x".join(map(str, seen.input_shape))
    mean, std = (", ".join(f"{value:.3f}" for value in values) for values in (seen.mean, seen.std))
    ground = f", the background {seen.polarity}" if seen.polarity else ""
    scaled = f"pixels from 0 to 1, standardised with mean {mean} and deviation {std}"
    print(f"The network would see {shape}{ground}; {scaled}.")
    if data.fit:
        print(f"Pictures are {seen.fitting}.")


def _print_footer(training: Training, folder: Run, data_dir: Path | None) -> None:
    from lenet.data.groups import TOO_GOOD
    from lenet.reporting import verdict
    from lenet.run_folder import read_run
    from lenet.writing.numbers import percent, seconds_text

    data, history = training.data, training.history
    kept, done = history[-1], len(history)
    if training.stops_early:
        since = f"since epoch {training.best_epoch}"
        print(f"stopped after epoch {done}: no lower validation loss {since}.")
    if training.recipe.restore_best:
        kept = history[(training.best_epoch or done) - 1]
        print(f"kept epoch {kept.epoch}, whose validation loss is the lowest.")
    assert kept.test_accuracy is not None  # data that are loaded have a test split
    apart = f"; {without.text}," if (without := training.without_copies()) else ""
    print(
        f"{percent(kept.test_accuracy)} of {len(data.tested):,} test images{apart} in "
        f"{seconds_text(training.seconds)} s of training. Saved {folder.folder}/"
    )
    for note in data.notes:
        if TOO_GOOD in note:
            print(f"Careful: {note}.")
    record = read_run(folder.folder)
    for words in filter(None, (verdict.calibration_text(record), verdict.sentence(record))):
        print(words)
    for what, how in _next_steps(folder, data.source or data.name, data_dir):
        print(f"  {what:<15} {visible(how)}")
    if data.name == "digits" and not data.source:
        print("  the real thing  lenet train mnist")


def _next_steps(folder: Run, source: str, data_dir: Path | None) -> Iterator[tuple[str, str]]:
    from shlex import quote

    from lenet.run_folder import PAGE

    model = quote(str(folder.model))
    where = f" --data-dir {quote(str(data_dir))}" if data_dir else ""
    page = quote(str(folder.folder / PAGE))
    yield "look at it", f"no page could be made: {folder.no_page}" if folder.no_page else page
    yield "use it", f"lenet predict {model} your-image.png"
    yield "see inside it", f"lenet look {model} your-image.png"
    yield "show others", f"lenet export {model} page.html"
    yield "test it", f"lenet evaluate {model} {quote(source)}{where}"


def _print_finished(folder: Path, json: bool, is_completed: bool) -> None:
    from lenet.run_folder import read_run
    from lenet.writing.numbers import percent

    record = read_run(folder)
    accuracy = record.info.get("test_accuracy")
    reached = f" with {percent(accuracy)} of the test images" if isinstance(accuracy, float) else ""
    if json:
        print_json({**record.info, "run": str(folder), "model": str(record.model)})
    else:
        left = "what a kill left undone is done" if is_completed else "there is nothing left to do"
        print(f"{folder}/ is finished{reached}; {left}.")


def _interrupted(training: Training, folder: Run) -> str:
    stopped = f"stopped by Ctrl-C after {len(training.history)} of {training.recipe.epochs} epochs"
    if not folder.model.exists():  # a second Ctrl-C stopped the saving, or nothing was begun
        return f"{stopped}; nothing is saved."
    return f"{stopped}; the weights so far are in {folder.model}; {folder.command} goes on."
