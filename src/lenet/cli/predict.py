"""``lenet predict``."""

from __future__ import annotations

from pathlib import Path

from lenet.cli.output import print_json


def run(
    model: Path,
    /,
    *images: Path,
    json: bool = False,
) -> None:
    """What a saved model sees on pictures.

    Parameters
    ----------
    model
        A .safetensors file that lenet saved.
    images
        PNG, JPEG or BMP pictures of any size, or IDX or npy files of images.
    json
        Print one JSON object instead.
    """
    from lenet.errors import UsageError
    from lenet.inference import predict

    if not images:
        raise UsageError("no image is given; name one or more, as in: lenet predict MODEL 7.png")
    predictions = predict(model, *images)
    if json:
        print_json({"model": str(model), **predictions.to_dict()})
    else:
        print(predictions)
