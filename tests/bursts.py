"""Photographs in bursts, as a camera takes them: smooth pictures in colour, and frames of each."""

from pathlib import Path

import numpy as np
from PIL import Image


def scene(seed, side=24):
    """One picture (side, side, 3) of soft spots of colour, like no other seed's."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (6, 6, 3), np.uint8))
    return np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC))


def frame(picture, seed):
    """The same scene a moment later: a little lighter or darker, and with noise of its own."""
    rng = np.random.default_rng(seed)
    changed = picture * rng.uniform(0.95, 1.05) + rng.normal(0, 6, picture.shape)
    return changed.clip(0, 255).astype(np.uint8)


def write_bursts(folder, scenes=12, frames=3, classes="ab", first=0):
    """A folder per class of scenes from ``first`` on, each with frames: 3_1.png is of scene 3."""
    for place, label in enumerate(classes):
        (inside := Path(folder) / label).mkdir(parents=True, exist_ok=True)
        for number in range(first, first + scenes):
            picture = scene(1000 * place + number)
            for turn in range(frames):
                image = frame(picture, 100 * number + turn) if frames > 1 else picture
                Image.fromarray(image).save(inside / f"{number}_{turn}.png")
    return Path(folder)
