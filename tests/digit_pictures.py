"""The digits inside the package as picture files, to read them back."""

from pathlib import Path

from PIL import Image

import lenet


def write_digits(folder, counts, *, ending="png", start=0, scale=1):
    """A folder a class in ``folder``: so many of each digit in ``counts``, from ``start`` on.

    Returns:
        The paths, class by class.
    """
    part = lenet.load("digits").train
    paths = []
    for digit, count in counts.items():
        (place := Path(folder) / str(digit)).mkdir(parents=True, exist_ok=True)
        images = part.images[part.labels == int(digit)][start : start + count, 0]
        for number, image in enumerate(images, start):
            picture = Image.fromarray(image)
            path = place / f"{number}.{ending}"
            picture.resize((8 * scale, 8 * scale), Image.Resampling.NEAREST).save(path)
            paths.append(path)
    return paths
