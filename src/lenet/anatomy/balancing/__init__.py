"""Activations from layer to layer.

- ``neighbours``: how far apart they are
- ``advice``: channels that even them out within a budget
- ``text``: as a person reads it
"""

from lenet.anatomy.balancing.advice import Proposal
from lenet.anatomy.balancing.neighbours import Balance, balance

__all__ = ["Balance", "Proposal", "balance"]
