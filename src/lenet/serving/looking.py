"""A run's model, as the page takes it to draw on and to look inside."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from lenet.analysis.counts import count_network
from lenet.data import Dataset, Split, is_name, load_split
from lenet.data import load as load_data
from lenet.data.sources import at_hand
from lenet.errors import LenetError, UsageError
from lenet.formats.page import MOST_PARAMETERS, page_facts
from lenet.model import Model
from lenet.reporting.predictions import read_model
from lenet.run_folder import RunRecord

#: A browser computes every layer anew for each movement of the pen.
_MOST_MULTIPLY_ADDS: Final = 200_000_000


def facts_of(record: RunRecord, load: Callable[[str], Dataset]) -> dict[str, Any]:
    """Return what the page knows of a run's model, with some of its test images if they are here.

    Raises:
        UsageError: the model is larger than a browser can follow, or in int8.
        DataError, ModelFileError: the run has no model, or a damaged one.
    """
    counts = count_network(record.network)
    if counts.parameters > MOST_PARAMETERS or counts.multiply_adds > _MOST_MULTIPLY_ADDS:
        raise UsageError(
            f"{record.name} has {counts.parameters:,} parameters and {counts.multiply_adds:,} "
            f"multiply-adds, and a page follows at most {MOST_PARAMETERS:,} and "
            f"{_MOST_MULTIPLY_ADDS:,}."
        )
    model = read_model(record)
    return page_facts(model, _images(record, model, load), record.name)


def _images(record: RunRecord, model: Model, load: Callable[[str], Dataset]) -> Split | None:
    """Return the images that it was tested on, as the network sees them; None if they are away."""
    source = record.source
    with suppress(LenetError):
        if not is_name(source):
            shape, seen = model.network.input_shape, model.preprocessing
            return load_split(
                source, model.classes, shape, preprocessing=seen, skip_bad=True, **record.reading
            )
        if record.data_dir or source in at_hand():
            where = record.data_dir
            split = (load_data(source, data_dir=where) if where else load(source)).tested
            return replace(split, images=model.preprocessing.prepare(split.images))
    return None
