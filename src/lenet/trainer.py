"""``lenet.train`` and ``lenet.resume``: from names to a trained model, its run and its page."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lenet.arguments import plain
from lenet.data import Dataset, is_name
from lenet.errors import DivergenceError, LenetError, OutputError, UsageError, path_text, visible
from lenet.model import Model
from lenet.net import Network, read_network
from lenet.net.sources import Source
from lenet.net.words import listed, shown
from lenet.run_folder import read_run
from lenet.terminal import in_notebook
from lenet.training import (
    CHECKPOINT_SECONDS,
    Callback,
    EpochRecord,
    Recipe,
    Run,
    Training,
    checked_names,
    named_recipe,
)
from lenet.training.choosing import NETWORK, Choice, choose, is_open, quickly
from lenet.training.guards import DelayedInterrupt
from lenet.training.preparation import (
    fit_network,
    load_for,
    model_to_fine_tune,
    notice_of_layers,
)
from lenet.training.recipe import AUTO, NAMED
from lenet.training.run import resume_run

if TYPE_CHECKING:
    from lenet.reporting.notebook import LiveCurve

#: What is trained if neither a person nor the recipe names a network.
DEFAULT_NETWORK: Final = "lenet-relu"
#: The most minutes of a training: a month.
LONGEST: Final = 44_640


def train(
    network: Source | None = None,
    data: Dataset | str | os.PathLike[str] = "digits",
    recipe: Recipe | str | os.PathLike[str] = AUTO,
    *,
    minutes: float | None = None,
    quick: bool = False,
    seed: int = 0,
    threads: int | None = None,
    engine: str | None = None,
    run: str | os.PathLike[str] | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    callback: Callback | None = None,
    tensorboard: bool = False,
    verbose: bool | None = None,
    **values: Any,
) -> Model:
    """Train a network and return the model.

    A network equal to one of the zoo's gets the input and the classes of data that are one's own;
    every other is trained as it is written. A ``Model`` is trained further (fine-tuning), as a
    copy with its own input and preprocessing. Where the data have other classes than the model, its
    last layer is drawn anew and all others keep their weights; the callback is told so, and
    ``training["fine_tuning"]`` says it.

    Args:
        network: a network, zoo name, notation or ``.json`` file; a ``lenet.Model``, to train it
            further; by default the recipe's, or lenet-relu. Of a saved model's file, a run's
            folder or an ONNX file the layers alone are taken, with new weights;
            ``lenet.Model.load(path)`` and ``lenet.import_model(path)`` keep the weights.
        data: a data set, the name of one, or the path of pictures, as ``lenet.load`` takes it.
        recipe: a recipe, the name of one, or a ``.toml`` file. By default it is chosen by looking
            at the images, see :func:`lenet.choose`; for data that have a name it is ``modern``,
            and of Fashion-MNIST some images calibrate the probabilities.
        minutes: as many epochs as this machine trains in about this time, in place of the recipe's.
        quick: a quarter of the recipe's epochs.
        seed: decides the first weights, the order of the images, how they are changed, and
            what is dropped.
        threads: by default one per processor; the result does not depend on it.
        engine: what computes: "native" (the default), "torch" for PyTorch, "torch:cuda" for
            PyTorch on a GPU, or "reference", the readable one.
        run: a folder to make and to write the run into; if the process dies, :func:`resume` goes
            on. Where it holds a run already, as when a notebook's cell is run again, that stays,
            and the new one goes into ``run-2``, ``run-3``, ...; a warning says so. By default
            nothing is written.
        checkpoint_seconds: of training between two checkpoints within an epoch.
        callback: is told how it goes.
        tensorboard: whether to write files for TensorBoard into ``run`` as well.
        verbose: whether to show how it goes: in a notebook as one line and the learning curve,
            both kept up to date in place, elsewhere as a printed line per epoch, and on stderr what
            a person should know. By default it shows in a notebook, and nowhere else.
        values: values of the recipe by name, such as ``epochs=3, lr=0.01``.

    Returns:
        The model; its ``training`` says what was done, epoch by epoch.

    Raises:
        UsageError: an argument that cannot be meant.
        ShapeError: the network does not fit.
        DataError: the data set cannot be read, or does not suit the network.
        DivergenceError: a loss was not a number; ``run`` has the weights of the epoch before.
        OutputError: the run folder cannot be written.
    """
    check_kinds(network, data, recipe)
    _check_callback(callback)
    how = seed, threads, engine
    begun = begin(network, data, recipe, values, *how, minutes=minutes, quick=quick)
    training = begun.training
    options: Any = {"checkpoint_seconds": checkpoint_seconds, "tensorboard": tensorboard}
    folder = None if run is None else Run.again(run, begun.arguments, **options)
    teller = _teller(training.recipe.epochs, callback, verbose)
    for note in begun.notes:
        _notice_of(teller)(note)
    if isinstance(teller, Narrator):
        for line in begun.chosen("minutes=2 for more", "quick=True for less"):
            teller.notice(line)
    if run is not None and folder and folder.folder != Path(run):
        _tell(f"{path_text(run)} holds a run already; this one is in {folder.folder}.", teller)
    return _train_and_tell(training, folder, teller)


@dataclass(frozen=True)
class Begun:
    """A training before its first step, and what led to it.

    Attributes:
        source: what the network is named by.
        arguments: what ``lenet.load`` read the data with; empty of a data set.
        choice: what was chosen by looking at the images; None where nothing was.
        notes: what a person should know, in sentences.
    """

    training: Training
    source: Source
    arguments: Mapping[str, Any] = field(default_factory=dict)
    choice: Choice | None = None
    notes: tuple[str, ...] = ()
    is_quick: bool = False

    def chosen(self, more: str, less: str) -> Iterator[str]:
        """Yield the lines on what was chosen, with how long it takes, and what would be longer or,
        where this is not the quick way already, shorter."""
        if self.choice is not None:
            training = self.training
            others = more if self.is_quick else f"{more}, {less}"
            length = f", about {max(1, round(training.seconds_ahead()))} s; {others}"
            yield from self.choice.lines(training.recipe, length)


def begin(
    network: Source | None,
    data: Dataset | str | os.PathLike[str],
    recipe: Recipe | str | os.PathLike[str],
    values: Mapping[str, Any],
    seed: int = 0,
    threads: int | None = None,
    engine: str | None = None,
    *,
    minutes: float | None = None,
    quick: bool = False,
    **options: Any,
) -> Begun:
    """Read the data, choose what is left to choose, and make all ready to train.

    The arguments are those of :func:`train`, and ``options`` those of ``lenet.load``.
    """
    values, minutes, quick = checked_names(values), plain(minutes), plain(quick)
    _check_length(minutes, quick, values)
    data_name = name_for_recipes(data)
    is_to_choose = is_open(recipe, data)
    made = named_recipe(NAMED if is_to_choose else recipe, data=data_name, **values)
    wish = made.network or (None if is_to_choose else DEFAULT_NETWORK)
    source = wish if network is None else network
    start = (
        source if isinstance(source, Model) else read_network(NETWORK if source is None else source)
    )
    dataset, arguments = (
        (data, {}) if isinstance(data, Dataset) else load_for(start, data, **options)
    )
    choice = None
    if is_to_choose:
        choice = choose(dataset, source, str(recipe), quick=quick, **values)
        start = start if isinstance(start, Model) else choice.network
        source, made = choice.source, choice.recipe
    elif quick:
        made = made.lasting(quickly(made.epochs))
    first: Network | Model
    if isinstance(start, Model):
        first = model_to_fine_tune(start, dataset, made, seed)
    else:
        first = fit_network(start, dataset)
    training = Training(first, dataset, made, seed, threads, engine)
    if minutes is not None:  # once more, for how long it is decides how images change
        timed = dict(values)
        for name in ("epochs", "warmup_epochs"):
            timed[name] = getattr(made.lasting(training.epochs_in(60 * minutes)), name)
        begun = begin(network, dataset, recipe, timed, seed, threads, engine)
        return replace(begun, arguments=arguments)
    assert source is not None  # what chooses names one
    notes = (note,) if (note := notice_of_layers(source)) else ()
    return Begun(training, source, arguments, choice, notes, quick)


def name_for_recipes(data: Dataset | str | os.PathLike[str]) -> str:
    """Return the name by which recipes differ: images of one's own have none, whatever it is."""
    if isinstance(data, Dataset):
        return "" if data.source else data.name
    return os.fsdecode(data)


def _check_length(minutes: float | None, quick: bool, values: Mapping[str, Any]) -> None:
    """Hold that the length of a training is said once."""
    is_time = isinstance(minutes, int | float) and not isinstance(minutes, bool)
    if minutes is not None and not (is_time and 0 < minutes <= LONGEST):
        what = f"minutes is {shown(minutes)}; it must be a number above 0, {LONGEST:,} at most"
        raise UsageError(f"{what}.", parameter="minutes")
    given = {"minutes": minutes, "epochs": values.get("epochs"), "quick": quick or None}
    several = [name for name, value in given.items() if value is not None]
    if len(several) > 1:
        raise UsageError(f"{listed(several)} say how long to train; give one of them.")


def _tell(note: str, teller: Callback | None) -> None:
    """Say what a person must know, also where nothing else is said."""
    if hasattr(teller, "notice"):
        _notice_of(teller)(note)
    else:
        warnings.warn(note, stacklevel=3)


def _teller(
    epochs: int, callback: Callback | None, verbose: bool | None, before: Sequence[EpochRecord] = ()
) -> Callback | None:
    """Return who tells how a training goes, and tells ``callback``, too."""
    if verbose is False or not (verbose or in_notebook()):
        return callback
    if not in_notebook():
        return Narrator(epochs, callback)
    from lenet.reporting.notebook import LiveCurve  # takes time to import, as all pictures do

    return Narrator(epochs, callback, LiveCurve(epochs, before))


class Narrator:
    """Tells how a training goes, and tells a callback all of it.

    In a notebook that is a curve; elsewhere a line per epoch is printed.
    """

    def __init__(
        self, epochs: int, callback: Callback | None, curve: LiveCurve | None = None
    ) -> None:
        self._epochs, self._callback, self._curve = epochs, callback, curve

    def step(self, epoch: int, share: float) -> None:
        """Pass it on."""
        if self._curve:
            self._curve.step(epoch, share)
        if self._callback:
            self._callback.step(epoch, share)

    def epoch(self, record: EpochRecord) -> None:
        """Show the epoch."""
        if self._curve:
            self._curve.epoch(record)
        else:
            print(record.text(self._epochs), flush=True)
        if self._callback:
            self._callback.epoch(record)

    def notice(self, text: str) -> None:
        """Say what a person should know: on stderr, where there is no curve to say it at."""
        if self._curve:
            self._curve.notice(text)
        else:
            print(f"lenet: {visible(text)}", file=sys.stderr)
        _notice_of(self._callback)(text)

    def close(self) -> None:
        """Show how it ended."""
        if self._curve:
            self._curve.close()


def _notice_of(callback: Callback | None) -> Callable[[str], object]:
    return getattr(callback, "notice", lambda text: None)


def _check_callback(callback: object) -> None:
    methods = (getattr(callback, name, None) for name in ("step", "epoch"))
    if callback is not None and not all(map(callable, methods)):
        raise UsageError(
            f"the callback is {shown(callback)}; give an object with the methods "
            "step(epoch, share) and epoch(record)."
        )


def check_kinds(network: object, data: object, recipe: object) -> None:
    """Refuse what is no data set or recipe, and a data set in the place of the network."""
    paths = (str, os.PathLike)
    if isinstance(network, paths) and is_name(network):
        name = os.fsdecode(network)
        raise UsageError(f"{name!r} is a data set, not a network; write lenet.train(data={name!r})")
    if not (isinstance(data, (Dataset, *paths)) and isinstance(recipe, (Recipe, *paths))):
        raise UsageError(
            f"data is a {type(data).__name__} and recipe a {type(recipe).__name__}; give a "
            "lenet.Dataset and a lenet.Recipe, or their names."
        )


def resume(
    folder: str | os.PathLike[str],
    data: Dataset | str | os.PathLike[str] | None = None,
    *,
    threads: int | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    callback: Callback | None = None,
    verbose: bool | None = None,
) -> Model:
    """Go on with a run that was killed or stopped; the result is that of one never stopped.

    Args:
        folder: the run's. A run that is finished is only loaded.
        data: what it trains on, if the run does not know or the data have moved.
        threads, checkpoint_seconds, callback, verbose: as in :func:`train`, and may be others than
            before.

    Returns:
        The model, bit for bit the one that the run would have led to.

    Raises:
        UsageError: the data, the recipe or lenet are others than before, it diverged, or another
            process trains it.
        DataError: the data set cannot be read, or ``run.json`` is damaged.
        DivergenceError, OutputError: as in :func:`train`.
    """
    _check_callback(callback)
    resumed = resume_run(
        folder,
        data if isinstance(data, Dataset) else None,
        threads=threads,
        checkpoint_seconds=checkpoint_seconds,
        load_arguments={} if isinstance(data, Dataset | None) else {"source": data},
    )
    if resumed is None:
        complete(folder, data)
        return Model.load(read_run(folder).model)
    training = resumed.training
    teller = _teller(training.recipe.epochs, callback, verbose, training.history)
    for note in resumed.notes:
        _notice_of(teller)(note)
    return _train_and_tell(training, resumed.run, teller)


def _train_and_tell(training: Training, run: Run | None, teller: Callback | None) -> Model:
    """Train to the end; say there, if anything is said, that it was for nothing."""
    if not isinstance(teller, Narrator):
        return run_training(training, run, teller)
    try:
        model = run_training(training, run, teller)
        if run:
            from lenet.reporting.verdict import sentence

            if words := sentence(read_run(run.folder)):
                teller.notice(words)
        return model
    finally:
        teller.close()


def run_training(training: Training, run: Run | None, callback: Callback | None) -> Model:
    """Train to the end, or to Ctrl-C or any error: that is raised again after the run is saved."""
    notice = _notice_of(callback)
    try:
        if layer := (training.fine_tuning or {}).get("new_layer"):
            notice(f"the classes are others: {layer} begins anew, all other layers go on.")
        if run:
            run.notice = notice
            run.start(training)
        _train(training, run, callback)
        _finish(training, run, "finished")
    except OutputError:  # all that can be written is
        raise
    except BaseException as stop:  # whatever it is, a callback's own too: nothing is lost
        if run and run.is_begun:
            diverged = isinstance(stop, DivergenceError)
            _finish(training, run, "diverged" if diverged else "interrupted")
        raise
    finally:
        if run:
            run.discard()
    return training.model


def _train(training: Training, run: Run | None, callback: Callback | None) -> None:
    with DelayedInterrupt() as interrupt:

        def pause() -> None:
            interrupt.check()
            if run:
                run.pause(training)

        for _ in training.epochs(callback, pause):
            interrupt.check()
            if run and not training.is_done:
                run.record(training)


def _finish(training: Training, run: Run | None, status: str) -> None:
    if run is None:  # finished: what is stopped is thrown away
        training.publish()
        training.conclude(status, training.publish_best())
        return
    run.finish(training, status)
    if training.history:
        run.no_page = _reason_of(partial(_write_page, training, run))


def _write_page(training: Training, run: Run) -> None:
    """Make the picture and the page."""
    from lenet.reporting.predictions import make_predictions  # takes time to import
    from lenet.reporting.results import RunReport

    record = read_run(run.folder)  # as ``lenet report`` reads it: one description of a run
    predictions = make_predictions(training.model, training.data, training.engine.threads)
    RunReport(record, training.model, predictions).save()


def complete(
    folder: str | os.PathLike[str], data: Dataset | str | os.PathLike[str] | None = None
) -> bool:
    """Give a finished run what a kill at its very end has kept it from: its picture and its page;
    and remove what it has only until then. What cannot be done is left. Return whether the run was
    not complete, and is now."""
    if read_run(folder).is_complete:
        return False
    with suppress(LenetError):
        run = Run.reopen(folder)
        try:
            run.checkpoints.remove()
            _reason_of(partial(_make_page, folder, data))
        finally:
            run.close()
    return read_run(folder).is_complete


def _make_page(
    folder: str | os.PathLike[str], data: Dataset | str | os.PathLike[str] | None
) -> None:
    from lenet.reporting.results import report

    report(folder, data=data).save()


def _reason_of(make: Callable[[], None]) -> str:
    """Make a page; if that fails, return why: a run is not lost for it."""
    try:
        make()
    except LenetError as error:
        return str(error)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic of a library, too: the weights are saved, and count
        return f"{type(error).__name__}: {error}"
    return ""
