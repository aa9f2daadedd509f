"""``lenet train --vary``: many trainings, told as one table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lenet.cli import options
from lenet.cli.choices import LOAD_OPTIONS, recipe_values
from lenet.cli.options import print_json
from lenet.cli.progress import Line, clock
from lenet.errors import UsageError, path_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lenet.data import Dataset
    from lenet.studies.variation import Arm

#: Options that variants have no use for, and what to say of them.
_UNUSED: Final = {
    "seed": "give --seeds, how many",
    "resume": "the same command goes on with what is missing",
    "threads": "each training has one thread; give --jobs, how many run at a time",
    **dict.fromkeys(
        ("dry_run", "engine", "device", "tensorboard", "checkpoint_seconds"), "leave it out"
    ),
}
_SEEDS: Final = 5


def run_variants(given: dict[str, Any], json: bool, quiet: bool) -> None:
    """Train all variants from all seeds, and say what came of them."""
    from lenet.studies.trials import Record, checked_jobs
    from lenet.studies.variation import PAGE, checked_seeds, run_arms
    from lenet.writing.numbers import plural

    for name, advice in _UNUSED.items():
        if given[name] not in (None, False):
            option = name.replace("_", "-")
            raise UsageError(f"--{option} does not go with --vary and --seeds; {advice}.")
    seeds = checked_seeds(_SEEDS if given["seeds"] is None else given["seeds"])
    checked_jobs(given["jobs"])
    arms, data = _prepare(given)
    folder = _folder(given["run"], data.name, arms)
    record = Record(folder)
    if not (json or quiet):
        print(data.summary())
        print(f"{plural(len(arms), 'variant')}, {plural(len(seeds), 'seed')}\n", flush=True)
    line, done = Line(not quiet), 0

    def progress(count: int, total: int, left: float) -> None:
        nonlocal done
        done = count
        line.write(f"{count:,} of {plural(total, 'training')}, {clock(left)} left")

    try:
        found = run_arms(arms, seeds, data, record, jobs=given["jobs"], progress=progress)
    except KeyboardInterrupt:
        kept = f"{done:,} of {plural(len(arms) * len(seeds), 'training')} are in {folder}"
        raise KeyboardInterrupt(f"stopped by Ctrl-C; {kept}; the same command goes on.") from None
    finally:
        line.wipe()
    page = found.save(folder / PAGE)
    if json:
        print_json({**found.to_dict(), "run": str(folder)})
    else:
        print(f"{found}\n\nSaved {path_text(page)}")


def _prepare(given: dict[str, Any]) -> tuple[list[Arm], Dataset]:
    """Return the variants, and the data that all are trained on."""
    from lenet.data import load
    from lenet.net import read_network
    from lenet.studies.variation import NETWORK, make_arms, named_networks
    from lenet.trainer import DEFAULT_NETWORK
    from lenet.training import named_recipe
    from lenet.training.preparation import load_arguments

    data = "digits" if given["data"] is None else given["data"]
    name, values = recipe_values(given)
    sources = [given["net"] or named_recipe(name, data=data).network or DEFAULT_NETWORK]
    for choice, texts in map(_read_choices, given["vary"]):
        if choice in values or (choice == NETWORK and given["net"] is not None):
            raise UsageError(f"{choice} is given twice; name it once, with all its values.")
        if choice == NETWORK:
            sources = texts
        else:
            values[choice] = texts
    how = {option: given[option] for option in LOAD_OPTIONS}
    arguments = load_arguments(read_network(sources[0]), data, given["data_dir"], **how)
    dataset = load(**arguments)
    return make_arms(named_networks(sources, dataset), name, data, values), dataset


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


def _folder(name: str | None, data: str, arms: Sequence[Arm]) -> Path:
    """Return where the trials are kept: the same variants have the same folder."""
    import hashlib
    from pathlib import Path

    from lenet.run_folder import ROOT

    options.check_run_name(name)
    if name is None:
        about = repr([(str(arm.network), arm.recipe.to_dict()) for arm in arms])
        name = f"{data}-vary-{hashlib.sha256(about.encode()).hexdigest()[:6]}"
    return Path(ROOT) / name
