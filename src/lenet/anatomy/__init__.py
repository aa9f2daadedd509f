"""What follows from a description: numbers and reports. Standard library only.

- ``counts``: parameters, multiply-adds, activations, connections
- ``receptive``: how much of the input a unit sees
- ``memory``: bytes in training and in use
- ``findings``, ``window_findings``: what stands out, as sentences
- ``report``: all of it computed once, and as JSON
- ``rendering``: the report in any format; ``tables`` is what ``text``, ``markdown``, ``html`` and
  ``latex`` lay out, ``csv_table`` one row a layer, ``units`` how numbers are written
- ``versus``: one image into a dense layer and into a convolution
"""

from lenet.anatomy.counts import LayerCounts, count_layer, count_layers, count_network
from lenet.anatomy.memory import Memory, measure_memory
from lenet.anatomy.receptive import ReceptiveField, receptive_fields
from lenet.anatomy.rendering import render
from lenet.anatomy.report import Report, explain, to_dict
from lenet.anatomy.text import render_text

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
