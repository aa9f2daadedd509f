"""``lenet tune``: a search for a network and a recipe within a budget."""

from __future__ import annotations

from typing import Any, Final

from lenet.cli import options
from lenet.cli.options import FLOAT, INT, argument, flag, option, print_json, verb
from lenet.cli.progress import KeptLine, clock
from lenet.errors import path_text, visible

WHAT: Final = "What is searched"


@verb
@argument("data", "As lenet train takes it; digits by default.", required=False)
@option(
    "--budget",
    "The most that a network may cost: parameters=62000, macs=1M (multiply-adds), flash=64kB or "
    "ram=8kB (of the int8 C file); repeat it for more. lenet-relu's parameters by default.",
    section=WHAT,
    multiple=True,
)
@option("--minutes", "How long all of it may take; 10 by default.", FLOAT, section=WHAT)
@option("--trials", "How many candidates, in place of --minutes.", INT, section=WHAT)
@option(
    "--reach",
    "Search for the fewest parameters that reach so many percent, in place of the highest "
    "accuracy.",
    FLOAT,
    section=WHAT,
)
@option(
    "--strategy",
    "best-k trains all for a moment and the best to the end; halving trains one in three of those "
    "that are left three times as long; optuna-tpe, optuna-nsga2 and optuna-random are best-k "
    "with candidates that a sampler of Optuna's proposes.",
    default="best-k",
    section=WHAT,
)
@option("--epochs", "Of a full training.", INT, default=10, section=WHAT)
@option(
    "--recipe",
    "What lenet-relu is trained with, and whose values the candidates change.",
    default="modern",
    section=WHAT,
)
@option(
    "--seeds",
    "Of the final comparison with lenet-relu.",
    INT,
    default=3,
    section=WHAT,
)
@option("--seed", "Decides which candidates are drawn.", INT, default=0, section=WHAT)
@options.jobs()
@options.on()
@option("--run", "Name of the folder under runs/; by default it is made of all of the above.")
@options.data_dir
@flag("--json", "Print one JSON object instead.")
@flag("--quiet", "Print nothing but the results.")
def tune(*, run: str | None, json: bool, quiet: bool, **given: Any) -> None:
    """Search for the most accurate network within a budget, and for its recipe."""
    from lenet.run_folder import PAGE
    from lenet.studies.tune import Search

    options.check_run_name(run)
    given["data"] = "digits" if given["data"] is None else given["data"]
    search = Search(**{**given, "budget": given["budget"] or None})
    # The same search has the same folder, however long it may take.
    about = (search.identity, search.data.fingerprint())
    folder = options.run_path(run, f"{search.data.name}-tune", about)
    if not (json or quiet):
        print(search.data.summary())
        print(f"{search.about}\n", flush=True)
    with _Counter(f"what is done is in {path_text(folder)}", not quiet) as counter:
        found = search.run(folder, counter)
    page = found.save(folder / PAGE)
    if json:
        print_json(found.to_dict())
    else:
        again = visible(found.command(found.winner, final=True))
        print(f"{found}\n\nThe winner again: {again}")
        print(f"Saved {path_text(page)} and the run {path_text(found.run)}")


class _Counter(KeptLine):
    """Shows what is done and how much time is left."""

    def __call__(self, what: str, count: int, total: int, left: float) -> None:
        of = f" of {total:,}" if total else ""
        self.write(f"{what}: {count:,}{of}, {clock(left)} left")
