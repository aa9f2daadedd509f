"""``lenet predict``."""

from __future__ import annotations

from pathlib import Path

from lenet.cli.output import print_json
from lenet.writing.numbers import percent


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
    found = predict(model, *images)
    if json:
        print_json({"model": str(model), "predictions": [one.to_dict() for one in found]})
        return
    width = max(len(one.image) for one in found)
    for one in found:
        others = ", ".join(
            f"{name} {percent(share)}"
            for name, share in zip(one.classes[1:3], one.probabilities[1:3], strict=True)
        )
        rest = f"   ({others})" if others else ""
        print(f"{one.image:<{width}}  {one.label}  {percent(one.probability)}{rest}")
