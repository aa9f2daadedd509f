"""What follows from a description: numbers and reports. Standard library only.

- ``counts``: parameters, multiply-adds, activations, connections
- ``receptive``: how much of the input a unit sees
- ``memory``: bytes in training and in use
- ``ratios``: how far apart the sizes of neighbouring layers are
- ``rebuild``, ``align``: a network with layers replaced; which layer of one is which of another
- ``units``, ``prose``: how numbers and sentences are written
- ``explanation``: all that there is to know about a network, in six formats
- ``versus``: one image into a dense layer and into a convolution
- ``deduction``: the network behind the shapes in a figure
- ``diagnosis``: why a network or its weights do not fit, and what helps
- ``comparison``: networks side by side
- ``balancing``: activations from layer to layer
"""

from typing import TYPE_CHECKING, Any

from lenet.analysis.counts import LayerCounts, count_layer, count_layers, count_network
from lenet.analysis.memory import Memory, measure_memory
from lenet.analysis.receptive import ReceptiveField, receptive_fields

if TYPE_CHECKING:
    from lenet.analysis.explanation import Report, explain, render

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
    if name in ("Report", "explain", "render"):
        import lenet.analysis.explanation as explanation

        return getattr(explanation, name)
    raise AttributeError(f"module 'lenet.analysis' has no attribute {name!r}")
