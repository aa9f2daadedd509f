"""``lenet clean``: what in a collection of pictures should be looked at before training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lenet.cli import options
from lenet.cli.options import INT, OWN, PATH, argument, flag, option, print_json, print_path, verb

if TYPE_CHECKING:
    from pathlib import Path


@verb
@argument("data", "digits, mnist or fashion-mnist; or a path of pictures, as for lenet train.")
@option(
    "--output",
    "The file to write: .html is a page with the pictures, .csv a table with a row per finding.",
    PATH,
)
@option("--folds", "Parts of the images; a network is trained for each.", INT, default=5)
@option("--seed", "Decides the parts and the first weights.", INT, default=0)
@option("--threads", "All processors by default. The result does not depend on it.", INT)
@options.data_dir
@option("--size", "28, or height x width, 28x32. Theirs by default, 32 at most.", section=OWN)
@flag("--gray", "Make them grey.", section=OWN)
@flag("--rgb", "Make them RGB.", section=OWN)
@flag("--skip-bad", "Leave out files that cannot be read.", section=OWN)
@options.transpose
@options.label_from_name
@options.group
@flag("--json", "Print one JSON object instead, with all findings.")
def clean(*, data: str, output: Path | None, json: bool, **how: Any) -> None:
    """Likely wrong labels, copies, blank and odd pictures in a data set; nothing is changed."""
    from lenet.cleaning import clean
    from lenet.cleaning.result import check_path
    from lenet.cli.progress import Line, share_bar

    if output is not None:
        check_path(output, data)
    line = Line()
    try:
        result = clean(data, progress=lambda share: line.write(share_bar("labels", share)), **how)
    finally:
        line.wipe()
    if output is not None:
        result.save(output)
    if json:
        print_json({**result.to_dict(), "file": None if output is None else str(output)})
        return
    print(result)
    if output is not None:
        print()
        print_path(output)
