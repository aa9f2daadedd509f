"""Networks side by side.

- ``columns``: what each costs, and what differs from the first
- ``align``: which layer of one is which of the other
- ``text``: as a person reads it
"""

from lenet.anatomy.comparison.columns import Comparison, compare

__all__ = ["Comparison", "compare"]
