"""What follows from a description: numbers and reports. Standard library only.

- ``counts``: parameters, multiply-adds, activations, connections
- ``findings``: what stands out, as sentences
- ``report``: all of it computed once, and as JSON
- ``text``: the report as plain text
"""

from lenet.anatomy.counts import LayerCounts, count_layer, count_layers, count_network
from lenet.anatomy.report import Report, explain, to_dict
from lenet.anatomy.text import render_text

__all__ = [
    "LayerCounts",
    "Report",
    "count_layer",
    "count_layers",
    "count_network",
    "explain",
    "render_text",
    "to_dict",
]
