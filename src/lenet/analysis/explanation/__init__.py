"""How one comes to know a network: layers, shapes, costs, memory, and what stands out.

- ``report``: all of it computed once; ``document`` is the same for JSON
- ``findings``, ``window_findings``: what stands out, as sentences
- ``rendering``: the report in any format; ``tables`` is what ``text``, ``markdown``, ``html`` and
  ``latex`` lay out, ``csv_table`` one row a layer
"""

from lenet.analysis.explanation.rendering import render
from lenet.analysis.explanation.report import Report, explain

__all__ = ["Report", "explain", "render"]
