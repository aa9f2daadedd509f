"""``lenet evaluate``."""

from __future__ import annotations

from pathlib import Path

from lenet.cli.output import print_json


def run(
    model: Path,
    data: str,
    /,
    *,
    data_dir: Path | None = None,
    all: bool = False,
    skip_bad: bool = False,
    json: bool = False,
) -> None:
    """Accuracy, per class, and confusion of a saved model on a data set's test images.

    Parameters
    ----------
    model
        A .safetensors file that lenet saved.
    data
        digits, mnist or fashion-mnist; or a path of pictures, as lenet train takes it.
    data_dir
        Folder that has the IDX files already, compressed or not.
    all
        Of a path take all pictures, not only those to test on.
    skip_bad
        Of a path leave out files that cannot be read.
    json
        Print one JSON object instead.
    """
    from lenet.inference import evaluate

    evaluation = evaluate(model, data, data_dir=data_dir, everything=all, skip_bad=skip_bad)
    if json:
        print_json({"model": str(model), "dataset": data, **evaluation.to_dict()})
    else:
        print(evaluation)
