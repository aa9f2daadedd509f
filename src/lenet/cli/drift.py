"""``lenet drift``: are pictures still like those of the training?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lenet.cli import options
from lenet.cli.models import MODEL, as_it_is, tell_faults
from lenet.cli.options import FLOAT, PATH, argument, flag, option, verb, write

if TYPE_CHECKING:
    from pathlib import Path


@verb
@argument("model", MODEL, PATH)
@argument(
    "images",
    "Pictures, folders or files of numbers, as for lenet predict.",
    PATH,
    nargs=-1,
    required=True,
)
@option(
    "--against",
    "Pictures to compare with instead of those of the training, such as last week's.",
    PATH,
)
@option(
    "--fail-above",
    "End with exit status 3 if anything differs by this much, such as 0.25, and more than by "
    "chance.",
    FLOAT,
)
@flag("--skip-bad", "Leave out files that cannot be read; they are named all the same.")
@as_it_is
@options.formats("csv")
def drift(
    *, model: Path, images: tuple[Path, ...], fail_above: float | None, form: str, **how: Any
) -> None:
    """Whether pictures, and the answers for them, are still like those of the training."""
    from lenet.errors import DriftError, about
    from lenet.inference.drift import checked_level, drift

    if fail_above is not None:
        with about("fail_above"):
            checked_level(fail_above)
    result = drift(model, *images, **how)
    tell_faults(result.faults)
    write(result, form)
    if fail_above is not None and (found := result.above(fail_above)):
        told = ", ".join(f"{shift.name} {shift.drift:.2f}" for shift in found)
        raise DriftError(f"the drift is above {fail_above:g}: {told}.")
