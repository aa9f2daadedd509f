"""Networks side by side.

- ``columns``: what each costs, and what differs from the first
- ``text``, ``document``: as a person reads it, and as JSON
"""

from lenet.analysis.comparison.columns import Comparison, compare

__all__ = ["Comparison", "compare"]
