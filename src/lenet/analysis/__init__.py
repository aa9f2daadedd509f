"""What follows from a description: numbers and reports. Standard library only.

- ``counts``: parameters, multiply-adds, memory, receptive fields
- ``explanation``: all that there is to know about a network (``facts``, and what stands out:
  ``findings``)
- ``comparison``: networks side by side (``differences``)
- ``balance``: activations from layer to layer (``neighbours``), and better widths (``advice``)
- ``versus``: one image into a dense layer and into a convolution
- ``deduction``: the network behind the shapes in a figure
- ``diagnosis``: why a network or its weights do not fit, and what helps
"""

from typing import TYPE_CHECKING, Any

from lenet.analysis.counts import (
    LayerCounts,
    Memory,
    ReceptiveField,
    count_layer,
    count_layers,
    count_network,
    measure_memory,
    receptive_fields,
)
from lenet.writing import render

if TYPE_CHECKING:
    from lenet.analysis.explanation import Report, explain

__all__ = [
    "LayerCounts",
    "Memory",
    "ReceptiveField",
    "Report",
    "count_layer",
    "count_layers",
    "count_network",
    "explain",
    "measure_memory",
    "receptive_fields",
    "render",
]


def __getattr__(name: str) -> Any:
    # Loaded when it is first used: who deduces or compares need not wait for the reports.
    if name in ("Report", "explain"):
        from lenet.analysis import explanation

        return getattr(explanation, name)
    raise AttributeError(f"module 'lenet.analysis' has no attribute {name!r}")
