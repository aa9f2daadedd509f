"""``lenet look``: what every layer of a network makes of pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lenet.cli import options
from lenet.cli.models import MODEL, as_it_is
from lenet.cli.options import PATH, argument, flag, option, print_json, print_path, verb

if TYPE_CHECKING:
    from pathlib import Path


@verb
@argument("model", MODEL, PATH)
@argument(
    "pictures",
    "One to six: picture files; test images of a data set by index or class, such as mnist:12 or "
    "fashion-mnist:coat; or one of a file of numbers, such as images.npy:3.",
    PATH,
    nargs=-1,
    required=True,
)
@option(
    "--output",
    "The file to draw into; its ending chooses the format: .svg, .png, .pdf, .tex or .html. "
    "Without it, the look is printed in short.",
    PATH,
)
@option("--layer", "Enlarge this layer, with its kernels, such as conv0.")
@option("--unit", "Show how one number comes about: conv1[3,5,7] is channel 3, row 5, column 7.")
@flag("--occlusion", "Find out where each picture matters for its answer: parts of it are covered.")
@as_it_is
@options.data_dir
@option("--theme", "auto (an SVG follows the reader's screen), light or dark.", default="auto")
@options.json
def look(
    *,
    model: Path,
    pictures: tuple[Path, ...],
    output: Path | None,
    theme: str,
    json: bool,
    **how: Any,
) -> None:
    """What every layer of a network makes of your pictures: feature maps, units, the answer."""
    from lenet.errors import UsageError, visible
    from lenet.looking import look
    from lenet.looking.result import check_path
    from lenet.writing.numbers import percent

    if output is not None:
        check_path(output, model, *pictures)
    elif theme != "auto":
        raise UsageError("--theme is a picture's; name its file with --output.")
    result = look(model, *pictures, **how)
    if output is not None:
        result.save(output, theme=theme)
    if json:
        file = None if output is None else str(output)
        print_json({"model": str(model), "file": file, **result.to_dict()})
    elif output is None:
        print(result)
    else:
        answers = zip(result.pictures, result.answers, result.probabilities, strict=True)
        for picture, answer, row in answers:
            done = f"; {picture.prepared}" if picture.prepared else ""
            print(visible(f"{picture.name}: {answer} {percent(float(row.max()))}{done}"))
        print_path(output)
