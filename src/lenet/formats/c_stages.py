"""A network as the functions of a C file: what each of them does, and where its maps lie.

Two maps live at a time, one at each end of one array; around a map lies the border that the next
convolution pads with. A convolution and the pooling behind it are one function.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from lenet.engine.plan import Step
from lenet.net.shapes import shape_text


@dataclass(frozen=True)
class Place:
    """A map in memory: inside a border of zeros, [channel][row][column] from ``at`` on."""

    shape: tuple[int, int, int]
    at: int = 0
    top: int = 0
    left: int = 0
    rows: int = 0
    pitch: int = 0

    @property
    def channel(self) -> int:
        """How many numbers lie between a channel and the next."""
        return self.rows * self.pitch

    @property
    def size(self) -> int:
        """How many numbers the map and its border take."""
        return self.channel * self.shape[0]

    @property
    def first(self) -> int:
        """Where the map itself begins, from the border's beginning."""
        return self.top * self.pitch + self.left


@dataclass(frozen=True)
class Stage:
    """What one function does: a step, and the pooling behind it if it is done in the same go."""

    step: Step
    pool: Step | None
    input: Place
    output: Place
    reads_bytes: bool = False  # the image itself

    @property
    def name(self) -> str:
        """The function's name."""
        return self.step.name


def make_stages(steps: Sequence[Step]) -> tuple[list[Stage], int]:
    """Return the functions of a network without normalisation, and how many numbers they share."""
    pairs = list(_paired(steps))
    first = pairs[0][0]
    places = [_place(first.input_shape, first)]
    for index, (step, pool) in enumerate(pairs):
        following = pairs[index + 1][0] if index + 1 < len(pairs) else None
        places.append(_place((pool or step).output_shape, following))
    # A pooling of the image itself has it in memory; all others read its bytes.
    sizes = [place.size for place in places]
    reads_bytes = first.kind in ("conv", "dense")
    if reads_bytes:
        sizes[0] = 0
    total = max(map(sum, pairwise(sizes)))
    at = [0 if i % 2 == 0 else total - size for i, size in enumerate(sizes)]
    placed = [replace(place, at=start) for place, start in zip(places, at, strict=True)]
    stages = [
        Stage(step, pool, placed[i], placed[i + 1], i == 0 and reads_bytes)
        for i, (step, pool) in enumerate(pairs)
    ]
    return stages, total


def _paired(steps: Sequence[Step]) -> Iterator[tuple[Step, Step | None]]:
    """Yield each step, a convolution with the pooling behind it where no window is clipped."""
    index = 0
    while index < len(steps):
        step, following = steps[index], [*steps, None][index + 1]
        fused = step.kind == "conv" and following is not None and following.kind.endswith("pool")
        if fused and following is not None and not any(following.padding):
            yield step, following
            index += 2
        else:
            yield step, None
            index += 1


def _place(shape: tuple[int, int, int], reader: Step | None) -> Place:
    """Return a map inside the border that the convolution reading it needs."""
    _, height, width = shape
    if reader is None or reader.kind != "conv":
        return Place(shape, rows=height, pitch=width)
    top, bottom, left, right = reader.padding
    return Place(shape, 0, top, left, height + top + bottom, width + left + right)


def describe(stage: Stage) -> str:
    """Say what a function does, for the comment above it."""
    reads, writes = (shape_text(place.shape) for place in (stage.input, stage.output))
    words = [f"{stage.name}: {reads} to {writes}", *_settings(stage.step)]
    if stage.pool is not None:
        words += [f"then {stage.pool.name}", *_settings(stage.pool)]
    return ", ".join(words)


def _settings(step: Step) -> list[str]:
    if step.kind == "dense":
        return [step.activation]
    height, width = step.kernel_size
    words = [f"{step.kind} {height}x{width}"]
    if step.stride != (1, 1):
        words.append(f"stride {step.stride[0]}x{step.stride[1]}")
    if any(step.padding):
        words.append("padding " + ".".join(map(str, step.padding)))
    if step.groups > 1:
        words.append(f"{step.groups} groups")
    if step.kind == "conv":
        words.append(step.activation)
    return words
