"""Networks side by side: ``compare`` the numbers, ``align`` the layers, ``text`` to read."""

from lenet.anatomy.comparison.compare import Comparison, compare

__all__ = ["Comparison", "compare"]
