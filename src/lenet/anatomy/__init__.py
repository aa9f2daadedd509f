"""What follows from a description: numbers and reports. Standard library only.

- ``counts``: parameters, multiply-adds, activations, connections
- ``receptive``: how much of the input a unit sees
- ``memory``: bytes in training and in use
- ``units``, ``prose``: how numbers and sentences are written
- ``explanation``: all that there is to know about a network, in six formats
- ``versus``: one image into a dense layer and into a convolution
- ``deduction``: the network behind the shapes in a figure
- ``diagnosis``: why a network or its weights do not fit, and what helps
- ``comparison``: networks side by side
- ``balancing``: activations from layer to layer
"""

from lenet.anatomy.counts import LayerCounts, count_layer, count_layers, count_network
from lenet.anatomy.explanation import Report, explain, render, render_text, to_dict
from lenet.anatomy.memory import Memory, measure_memory
from lenet.anatomy.receptive import ReceptiveField, receptive_fields

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
    "render_text",
    "to_dict",
]
