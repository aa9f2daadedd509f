"""``lenet train --vary``, ``--folds`` and ``lenet study``: many trainings, told as one table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lenet.cli import options
from lenet.cli.choices import LOAD_OPTIONS, recipe_values
from lenet.cli.options import argument, flag, print_json, verb
from lenet.cli.progress import KeptLine, clock
from lenet.errors import UsageError, path_text, visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lenet.data import Dataset
    from lenet.studies.variation import Arm

#: Options that many trainings have no use for, and what to say of them.
_UNUSED: Final = {
    "resume": "the same command goes on with what is missing",
    **dict.fromkeys(("minutes", "quick"), "give --epochs"),
    "threads": "each training has one thread; give --jobs, how many run at a time",
    **dict.fromkeys(
        ("dry_run", "engine", "device", "tensorboard", "checkpoint_seconds"), "leave it out"
    ),
}
#: The same, of variants alone and of folds alone.
_UNUSED_BY_VARIANTS: Final = {"seed": "give --seeds, how many"}
_UNUSED_BY_FOLDS: Final = {
    "vary": "give one variant, and --folds for each in turn",
    "seeds": "give --seed, one for all folds",
    "on": "folds are trained on this machine",
}
_SEEDS: Final = 5
#: The folder of all studies: they share what they have in common.
STUDIES: Final = "studies"


def run_many(given: dict[str, Any], json: bool, quiet: bool) -> None:
    """Train for all folds, or all variants from all seeds, and say what came of them."""
    if given["folds"] is not None:
        run_folds(given, json, quiet)
    else:
        run_variants(given, json, quiet)


def run_variants(given: dict[str, Any], json: bool, quiet: bool) -> None:
    """Train all variants from all seeds, and say what came of them."""
    from lenet.run_folder import PAGE
    from lenet.studies.trials import Record, checked_jobs, engine_of
    from lenet.studies.variation import checked_seeds, run_arms
    from lenet.training.preparation import with_validation
    from lenet.writing.numbers import plural

    _refuse(given, _UNUSED | _UNUSED_BY_VARIANTS, "--vary and --seeds")
    seeds = checked_seeds(_SEEDS if given["seeds"] is None else given["seeds"])
    checked_jobs(given["jobs"])
    arms, data = _prepare(given)
    folder = _folder(given["run"], data, arms)
    _refuse_run(folder)
    record = Record(folder)
    if not (json or quiet):
        parts = {arm.recipe.validation_fraction: arm.recipe for arm in arms}
        print((with_validation(data, *parts.values()) if len(parts) == 1 else data).summary())
        counts = f"{plural(len(arms), 'variant')} · {plural(len(seeds), 'seed')}"
        print(f"{counts} · {engine_of(arms[0], data)}, 1 thread each\n", flush=True)
    with _Counter(folder, not quiet) as counter:
        found = run_arms(
            arms, seeds, data, record, jobs=given["jobs"], on=given["on"], progress=counter
        )
    page = found.save(folder / PAGE)
    if json:
        print_json({**found.to_dict(), "run": str(folder)})
    else:
        print(f"{found}\n\nSaved {path_text(page)}")


def run_folds(given: dict[str, Any], json: bool, quiet: bool) -> None:
    """Train a network for each fold, and say what all of them answer."""
    from lenet.inference.table import check_path
    from lenet.randomness import checked_seed
    from lenet.run_folder import PAGE
    from lenet.studies.folds import check_folds
    from lenet.studies.folds import run_folds as run
    from lenet.studies.trials import Record, Trial, checked_jobs, engine_of
    from lenet.writing.numbers import plural

    _refuse(given, _UNUSED | _UNUSED_BY_FOLDS, "--folds")
    folds, seed, output = given["folds"], checked_seed(given["seed"] or 0), given["output"]
    check_folds(folds)
    checked_jobs(given["jobs"])
    if output is not None:
        check_path(output, given["data"])
    split_seed = checked_seed(given["split_seed"] or 0)
    (arm,), data = _prepare({**given, "split_seed": None})  # folds are drawn of all images
    options.check_run_name(given["run"])
    what = (str(arm.network), arm.recipe.to_dict(), folds, seed, split_seed, data.fingerprint())
    folder = options.run_path(given["run"], f"{data.name}-folds", what)
    _refuse_run(folder)
    record = Record(folder)
    if not (json or quiet):
        about = data.summary().rpartition(" · ")[0]
        print(f"{about} · {plural(folds, 'fold')}")
        print(f"{arm.network_name} · {engine_of(arm, data)}, 1 thread each\n", flush=True)
    trial = Trial(arm.network, arm.recipe, seed)
    how = {"split_seed": split_seed, "jobs": given["jobs"]}
    with _Counter(folder, not quiet) as counter:
        found = run(trial, data, folds, record, progress=counter, **how)
    page = found.save(folder / PAGE)
    if output is not None:
        found.save(output)
    if json:
        told = {"run": str(folder), "output": None if output is None else str(output)}
        print_json({**found.to_dict(), **told})
    else:
        also = "" if output is None else f" and {path_text(output)}"
        print(f"{found}\n\nSaved {path_text(page)}{also}")


def _refuse(given: dict[str, Any], unused: Mapping[str, str], asked: str) -> None:
    """Refuse options that do not go with what is asked."""
    for name, advice in unused.items():
        if options.is_given(given[name]):
            option = name.replace("_", "-")
            raise UsageError(f"--{option} does not go with {asked}; {advice}.")


def _refuse_run(folder: Path) -> None:
    """Refuse the folder of one training for the folder of many."""
    from lenet.run_folder import is_run

    if is_run(folder):
        what = f"{path_text(folder)} is the folder of one training"
        raise UsageError(f"{what}; give another name with --run.")


class _Counter(KeptLine):
    """Shows how many trainings are done, and says at Ctrl-C where they are."""

    def __init__(self, folder: Path, shows: bool, before: str = "") -> None:
        self._where, self._before = f"are in {path_text(folder)}", before
        super().__init__(f"no training {self._where}", shows)

    def __call__(self, count: int, total: int, left: float) -> None:
        from lenet.writing.numbers import plural

        done = f"{count:,} of {plural(total, 'training')}"
        self.kept = f"{done} {self._where}"
        self.write(f"{self._before}{done}, {clock(left)} left")


@verb
@argument(
    "name",
    "One of the package's (lenet study lists them), the number of the article's note, all (but for "
    "those of LeNet-5, which take long), or a .toml file of your own.",
    required=False,
)
@options.jobs()
@options.on()
@options.data_dir
@flag("--json", "Print one JSON object instead.")
@flag("--quiet", "Print nothing but the results.")
def study(name: str | None, data_dir: Path | None, json: bool, quiet: bool, **how: Any) -> None:
    """Test a claim about training, and say whether it holds; without a name, list the claims."""
    from pathlib import Path

    from lenet.run_folder import ROOT
    from lenet.studies.claim import names, read_study
    from lenet.studies.study import page_name
    from lenet.studies.study import study as run_study
    from lenet.studies.trials import checked_jobs

    checked_jobs(how["jobs"])
    if name is None:
        _list_studies(json)
        return
    asked = [read_study(one) for one in (names() if name == "all" else [name])]
    asked = [one for one in asked if name != "all" or not one.only_by_name]
    folder, results = Path(ROOT) / STUDIES, []
    for place, one in enumerate(asked, 1):
        before = f"{one.name} ({place} of {len(asked)}): " if len(asked) > 1 else ""
        with _Counter(folder, not quiet, before) as counter:
            found = run_study(one, folder=folder, data_dir=data_dir, progress=counter, **how)
        page = found.save(folder / f"{page_name(one)}.html")
        results.append(found.to_dict())
        if not json:
            short = visible(f"{one.name}: {one.claim} This {found.verdict}.")
            print(short if before else f"{found}\n\nSaved {path_text(page)}", flush=True)
    if json:
        print_json({"studies": results} if before else results[0])


def _list_studies(json: bool) -> None:
    from lenet.studies.claim import names, read_study
    from lenet.terminal import columns
    from lenet.writing.document import Document, Section, table_of
    from lenet.writing.text import write_text

    claims = {name: read_study(name).claim for name in names()}
    if json:
        print_json({"studies": claims})
        return
    table = table_of(list(claims.items()), prose=True)
    print(write_text(Document("", (Section("", (table,)),)), columns()))


def _prepare(given: dict[str, Any]) -> tuple[list[Arm], Dataset]:
    """Return the variants, and the data that all are trained on."""
    from lenet.studies.variation import NETWORK, read_arms

    data = "digits" if given["data"] is None else given["data"]
    name, values = recipe_values(given)
    values = {choice: [v] if isinstance(v, list | tuple) else v for choice, v in values.items()}
    sources = [given["net"]]
    for choice, texts in map(_read_choices, given["vary"]):
        if choice in values or (choice == NETWORK and given["net"] is not None):
            raise UsageError(f"{choice} is given twice; name it once, with all its values.")
        if choice == NETWORK:
            sources = texts
        else:
            values[choice] = texts
    how = {option: given[option] for option in LOAD_OPTIONS}
    return read_arms(sources, data, name, values, data_dir=given["data_dir"], **how)


def _read_choices(text: str) -> tuple[str, list[Any]]:
    """Read ``lr=0.5,1,2.5`` as the name of a value and what it shall be."""
    from lenet.net.sources import split_sources
    from lenet.net.words import shown
    from lenet.studies.variation import NETWORK
    from lenet.training.recipe import read_settings

    name, equals, rest = text.partition("=")
    name = name.strip().replace("-", "_")
    if not (equals and name and all(map(str.strip, rest.split(",")))):
        what = f"--vary is {shown(text)}"
        raise UsageError(f"{what}; give a name and its values, such as lr=0.5,1,2.5.")
    if name in ("net", NETWORK):
        return NETWORK, split_sources(rest)
    read = [read_settings([f"{name}={value.strip()}"]) for value in rest.split(",")]
    (current,) = read[0]
    return current, [values[current] for values in read]


def _folder(name: str | None, data: Dataset, arms: Sequence[Arm]) -> Path:
    """Return where the trials are kept: the same variants of the same data have the same folder."""
    options.check_run_name(name)
    about = [(str(arm.network), arm.recipe.to_dict()) for arm in arms]
    return options.run_path(name, f"{data.name}-vary", (about, data.fingerprint()))
